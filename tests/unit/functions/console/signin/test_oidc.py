"""The person that an ID token names: its signature and every claim."""

import base64
import hmac
import json
from collections.abc import Mapping
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey

from functions.console.signin.oidc import MAX_AGE_S, MAX_TOKEN_CHARS, identity_from
from functions.console.signin.refusal import SignInRefused
from functions.console.signin.roles import Identity

NOW_S = 1_795_000_000
ISSUER = "https://login.example.com"
RSA = RSAKey.generate_key(2048, {"kid": "r1", "use": "sig"})
EC = ECKey.generate_key("P-256", {"kid": "e1", "use": "sig"})
OTHER = RSAKey.generate_key(2048, {"kid": "r1"})
PUBLIC = {("r1", "RSA"): RSA.as_dict(private=False), ("e1", "EC"): EC.as_dict(private=False)}
CLAIMS: dict[str, Any] = {
    "iss": ISSUER,
    "sub": "olga-1",
    "aud": "client-1",
    "iat": NOW_S,
    "exp": NOW_S + 300,
    "nonce": "nonce-1",
    "email": "olga@example.com",
    "email_verified": True,
    "groups": ["a", "b"],
}


def key_of(kid: str | None, key_type: str) -> Mapping[str, Any] | None:
    return PUBLIC.get((kid or "r1", key_type))


def signed(header: dict[str, Any] | None = None, key: Any = RSA, **changes: Any) -> str:
    claims = {name: value for name, value in {**CLAIMS, **changes}.items() if value is not None}
    head = {"alg": "RS256", "kid": "r1"} if header is None else header
    return jwt.encode(head, claims, key, algorithms=[head["alg"]])


def unsigned(header: Any, claims: Any = CLAIMS, signature: str = "") -> str:
    parts = (base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=") for part in (header, claims))
    return ".".join([part.decode() for part in parts] + [signature])


def hs256() -> str:
    """Return a token whose shared secret is the provider's public key, which everybody has."""
    head_and_body = unsigned({"alg": "HS256", "kid": "r1"}).rpartition(".")[0]
    mac = hmac.digest(RSA.as_pem(private=False), head_and_body.encode(), "sha256")
    return f"{head_and_body}.{base64.urlsafe_b64encode(mac).rstrip(b'=').decode()}"


def identity(token: str, now_s: float = NOW_S, access_token: str | None = None) -> Identity:
    return identity_from(
        token,
        key_of,
        issuer=ISSUER,
        client_id="client-1",
        nonce="nonce-1",
        groups_claim="groups",
        now_s=now_s,
        access_token=access_token,
    )


def test_right_token_names_somebody() -> None:
    expected = Identity("olga-1", "olga@example.com", frozenset({"a", "b"}))
    assert identity(signed()) == expected
    assert identity(signed({"alg": "ES256", "kid": "e1"}, EC)) == expected
    assert identity(signed({"alg": "RS256"})) == expected


FORGED = [
    *(unsigned({"alg": "none"}), unsigned({"alg": "none", "kid": "r1"}), unsigned({"alg": "NONE"})),
    unsigned({"kid": "r1"}),
    unsigned({"alg": ["RS256"], "kid": "r1"}),
    unsigned({"alg": "RS256", "kid": 7}),
    unsigned({"alg": "RS256", "kid": "r1"}),
    unsigned({"alg": "RS256", "kid": "r1"}, signature="AAAA"),
    unsigned([]),
    unsigned({"alg": "RS256", "kid": "r1"}, []),
    hs256(),
    signed({"alg": "PS256", "kid": "r1"}),
    signed({"alg": "RS512", "kid": "r1"}),
    signed(key=OTHER),
    signed({"alg": "RS256", "kid": "unknown"}),
    signed({"alg": "ES256", "kid": "r1"}, ECKey.generate_key("P-256")),
    *("", ".", "..", "a.b.c", "a.b.c.d.e", "ü.ü.ü", "x" * (MAX_TOKEN_CHARS + 1)),
]
"""Made again in each process, so a test is named by the number."""


@pytest.mark.parametrize("number", range(len(FORGED)))
def test_token_without_the_providers_signature_is_refused(number: int) -> None:
    with pytest.raises(SignInRefused):
        identity(FORGED[number])


def test_claims_of_one_token_under_the_signature_of_another_are_refused() -> None:
    head, _, signature = signed().split(".")
    body = signed(sub="other").split(".")[1]
    with pytest.raises(SignInRefused, match="bad_signature"):
        identity(f"{head}.{body}.{signature}")


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"nonce": "other"}, "nonce"),
        ({"nonce": None}, "nonce"),
        ({"iss": "https://other.example.com"}, "iss"),
        ({"iss": f"{ISSUER}/"}, "iss"),
        ({"iss": None}, "iss"),
        ({"iss": [ISSUER]}, "iss"),
        ({"aud": "other"}, "aud"),
        ({"aud": None}, "aud"),
        ({"aud": []}, "aud"),
        ({"aud": ["other"]}, "aud"),
        ({"aud": {"client-1": 1}}, "aud"),
        ({"aud": ["client-1", "other"]}, "azp"),
        ({"aud": ["client-1", "other"], "azp": "other"}, "azp"),
        ({"azp": "other"}, "azp"),
        ({"exp": None}, "exp"),
        ({"exp": NOW_S - 60}, "exp"),
        ({"exp": "never"}, "exp"),
        ({"exp": True}, "exp"),
        ({"iat": None}, "iat"),
        ({"iat": "now"}, "iat"),
        ({"iat": NOW_S - MAX_AGE_S - 61}, "issued too long ago"),
        ({"iat": NOW_S + 61}, "iat|issued"),
        ({"nbf": NOW_S + 61}, "nbf|token"),
        ({"sub": None}, "sub"),
        ({"sub": 7}, "sub"),
        ({"sub": ""}, "sub"),
        ({"sub": "x" * 256}, "sub"),
        ({"at_hash": "AAAA"}, "at_hash"),
        ({"auth_time": "x"}, "auth_time"),
        ({"amr": "x"}, "amr"),
    ],
)
def test_token_with_a_wrong_claim_is_refused(changes: dict[str, Any], reason: str) -> None:
    with pytest.raises(SignInRefused, match=reason):
        identity(signed(**changes), access_token="access-1")


@pytest.mark.parametrize(
    "changes",
    [
        {"aud": ["client-1"]},
        {"aud": ["client-1", "other"], "azp": "client-1"},
        {"azp": "client-1"},
        {"iat": NOW_S - MAX_AGE_S},
        {"iat": NOW_S + 60},
        {"exp": NOW_S - 59},
        {"at_hash": None},
    ],
)
def test_token_that_a_provider_may_send_is_taken(changes: dict[str, Any]) -> None:
    assert identity(signed(**changes), access_token="access-1").subject == "olga-1"


@pytest.mark.parametrize(
    "changes",
    [
        {"email_verified": False},
        {"email_verified": None},
        {"email_verified": "true"},
        {"email_verified": 1},
        {"email": None},
        {"email": ["olga@example.com"]},
        {"email": ""},
        {"email": "olga@example.com\r\n"},
        {"email": "x" * 321},
    ],
)
def test_address_counts_only_if_the_provider_has_verified_it(changes: dict[str, Any]) -> None:
    assert identity(signed(**changes)).email is None


@pytest.mark.parametrize(
    ("claim", "groups"),
    [
        (None, set()),
        ("one", {"one"}),
        (["a", 7, None, "b"], {"a", "b"}),
        ({"a": 1}, set()),
        (7, set()),
    ],
)
def test_groups_are_the_texts_of_the_claim(claim: object, groups: set[str]) -> None:
    assert identity(signed(groups=claim)).groups == groups


def test_reason_holds_no_value_of_the_token() -> None:
    with pytest.raises(SignInRefused) as refused:
        identity(signed(aud="secret-audience"))
    assert str(refused.value) == "the ID token is refused: invalid_claim aud"


def test_key_that_cannot_be_read_refuses_the_token() -> None:
    with pytest.raises(SignInRefused):
        identity_from(
            signed(),
            lambda *_: {"kty": "RSA", "n": "?", "e": "AQAB"},
            issuer=ISSUER,
            client_id="client-1",
            nonce="nonce-1",
            groups_claim="groups",
            now_s=NOW_S,
        )
