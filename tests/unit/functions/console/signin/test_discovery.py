"""What a provider says about itself is checked, and kept for a day."""

import json
from typing import Any

import pytest

from functions.console.signin.discovery import (
    FAILED_S,
    KEPT_S,
    MIN_AGE_OF_KEYS_S,
    Metadata,
    discovered_from,
    discovery_url,
    keys_from,
)
from lytics_sendgrid.errors import ServiceUnavailable, StopRun
from tests.clock import ManualClock

ISSUER = "https://login.example.com"
DOCUMENT = {
    "issuer": ISSUER,
    "authorization_endpoint": f"{ISSUER}/authorize",
    "token_endpoint": f"{ISSUER}/token",
    "jwks_uri": "https://keys.example.com/keys",
}


def body(**changes: Any) -> bytes:
    return json.dumps({k: v for k, v in {**DOCUMENT, **changes}.items() if v is not None}).encode()


def test_document_of_the_issuer_is_taken() -> None:
    found = discovered_from(ISSUER, body())
    assert found.authorization_endpoint == f"{ISSUER}/authorize"
    assert found.end_session_endpoint is None
    assert found.sign_out_url("c", "https://x/y") is None
    assert found.scope(uses_groups=True) == "openid email"
    assert found.prompt_for_another == "select_account"


@pytest.mark.parametrize("issuer", [f"{ISSUER}/", "https://login.example.com.evil.org", None, 7, ""])
def test_document_of_another_issuer_is_refused(issuer: object) -> None:
    with pytest.raises(StopRun, match="set ConsoleIssuer to what"):
        discovered_from(ISSUER, body(issuer=issuer))


@pytest.mark.parametrize(
    "name", ["authorization_endpoint", "token_endpoint", "jwks_uri", "end_session_endpoint"]
)
@pytest.mark.parametrize(
    "address",
    [
        "http://login.example.com/x",
        "http://127.0.0.1/x",
        "ftp://login.example.com/x",
        "https:///x",
        "https://user@evil.example.com/x",
        "https://login.example.com/x#y",
        "https://login.example.com/x y",
        "https://login.example.com/x\r\nA: b",
        "https://lögin.example.com/x",
        "javascript:alert(1)",
        ["https://login.example.com/x"],
        7,
    ],
)
def test_address_that_is_not_https_is_refused(name: str, address: object) -> None:
    with pytest.raises(StopRun, match=f"no https address under '{name}'"):
        discovered_from(ISSUER, body(**{name: address}))


def test_missing_address_is_refused() -> None:
    with pytest.raises(StopRun, match="'token_endpoint'"):
        discovered_from(ISSUER, body(token_endpoint=None))


def test_plain_http_is_for_a_provider_on_this_machine() -> None:
    local = "http://127.0.0.1:9000"
    addresses = dict.fromkeys(DOCUMENT, f"{local}/x")
    assert discovered_from(local, body(**{**addresses, "issuer": local})).token_endpoint == f"{local}/x"
    with pytest.raises(StopRun):
        discovered_from(local, body(**{**addresses, "issuer": local, "jwks_uri": "http://evil.example.com/"}))


@pytest.mark.parametrize("text", [b"", b"<html>", b"[]", b"null", b"\xff", b"[" * 100_000])
def test_answer_that_is_no_object_is_refused(text: bytes) -> None:
    with pytest.raises(StopRun, match="is not a JSON object"):
        discovered_from(ISSUER, text)


@pytest.mark.parametrize(
    ("methods", "secret", "method"),
    [
        (None, "", "none"),
        (None, "s", "client_secret_basic"),
        (["client_secret_post"], "s", "client_secret_post"),
        (["client_secret_post", "client_secret_basic"], "s", "client_secret_basic"),
        (["client_secret_post", "client_secret_basic"], "a+b", "client_secret_post"),
        (["client_secret_basic"], "a+b", "client_secret_basic"),
        (["private_key_jwt"], "s", "client_secret_basic"),
        ("client_secret_post", "s", "client_secret_basic"),
    ],
)
def test_secret_is_shown_as_the_provider_wants_it(methods: object, secret: str, method: str) -> None:
    document = body(token_endpoint_auth_methods_supported=methods)
    assert discovered_from(ISSUER, document).auth_method(secret) == method


def test_groups_are_asked_for_only_where_they_are_used_and_offered() -> None:
    found = discovered_from(ISSUER, body(scopes_supported=["openid", "groups", 7]))
    assert found.scope(uses_groups=True) == "openid email groups"
    assert found.scope(uses_groups=False) == "openid email"


@pytest.mark.parametrize(
    ("prompts", "prompt"),
    [(["login"], "login"), (["login", "select_account"], "select_account"), ([], "select_account")],
)
def test_another_person_is_prompted_as_the_provider_can(prompts: list[str], prompt: str) -> None:
    assert discovered_from(ISSUER, body(prompt_values_supported=prompts)).prompt_for_another == prompt


def test_sign_out_names_the_client_and_the_way_back() -> None:
    found = discovered_from(ISSUER, body(end_session_endpoint=f"{ISSUER}/out?x=1"))
    url = found.sign_out_url("c 1", "https://x/signed-out")
    returning = "post_logout_redirect_uri=https%3A%2F%2Fx%2Fsigned-out"
    assert url == f"{ISSUER}/out?x=1&client_id=c+1&{returning}"


def test_sign_out_of_cognito_has_its_own_names() -> None:
    issuer = "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_abc"
    domain = "https://a.auth.eu-west-1.amazoncognito.com"
    for end in (None, f"{domain}/logout"):
        document = body(
            issuer=issuer, authorization_endpoint=f"{domain}/oauth2/authorize", end_session_endpoint=end
        )
        url = discovered_from(issuer, document).sign_out_url("c", "https://x/signed-out")
        assert url == f"{domain}/logout?client_id=c&logout_uri=https%3A%2F%2Fx%2Fsigned-out"


@pytest.mark.parametrize("issuer", [ISSUER, f"{ISSUER}/"])
def test_discovery_is_below_the_issuer(issuer: str) -> None:
    assert discovery_url(issuer) == f"{ISSUER}/.well-known/openid-configuration"


def test_only_keys_that_sign_are_kept() -> None:
    keys = [
        {"kty": "RSA", "kid": "1"},
        {"kty": "EC", "kid": "2", "use": "sig"},
        {"kty": "RSA", "kid": "3", "use": "enc"},
        {"kty": "oct", "kid": "4"},
        {"kid": "5"},
        "6",
    ]
    assert [key["kid"] for key in keys_from(json.dumps({"keys": keys}).encode())] == ["1", "2"]


@pytest.mark.parametrize("text", [b"{}", b'{"keys": {}}', b"[]"])
def test_key_set_without_keys_is_refused(text: bytes) -> None:
    with pytest.raises(StopRun):
        keys_from(text)


class Provider:
    """A provider whose documents are read."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.read: list[str] = []
        self.error: Exception | None = None
        self.keys: list[dict[str, str]] = [{"kty": "RSA", "kid": "old"}]
        self.metadata = Metadata(ISSUER, self.fetch, self.clock)

    def fetch(self, url: str) -> bytes:
        self.read.append(url.rpartition("/")[2])
        if self.error:
            raise self.error
        return json.dumps({"keys": self.keys}).encode() if url == DOCUMENT["jwks_uri"] else body()


def test_document_and_keys_are_kept_for_a_day() -> None:
    provider = Provider()
    for _ in range(3):
        assert provider.metadata.key("old", "RSA") == {"kty": "RSA", "kid": "old"}
        provider.metadata.discovered()
    assert sorted(provider.read) == ["keys", "openid-configuration"]
    provider.clock.move(KEPT_S)
    provider.metadata.key("old", "RSA")
    assert len(provider.read) == 4


def test_provider_that_is_down_is_asked_again_after_seconds() -> None:
    provider = Provider()
    provider.error = ServiceUnavailable("down")
    for _ in range(3):
        with pytest.raises(ServiceUnavailable):
            provider.metadata.discovered()
    assert len(provider.read) == 1
    provider.error = None
    provider.clock.move(FAILED_S)
    assert provider.metadata.discovered().issuer == ISSUER
    provider.error = ServiceUnavailable("down")
    assert provider.metadata.discovered().issuer == ISSUER


def test_clock_that_went_back_makes_nothing_young_forever() -> None:
    provider = Provider()
    provider.metadata.discovered()
    provider.clock.move(-10)
    provider.metadata.discovered()
    assert len(provider.read) == 2


def test_rotated_key_is_read_again_once_a_minute_at_most() -> None:
    provider = Provider()
    provider.metadata.key("old", "RSA")
    provider.keys = [{"kty": "RSA", "kid": "new"}]
    for _ in range(5):
        assert provider.metadata.key("new", "RSA") is None
    assert provider.read.count("keys") == 1
    provider.clock.move(MIN_AGE_OF_KEYS_S)
    assert provider.metadata.key("new", "RSA") == {"kty": "RSA", "kid": "new"}
    for _ in range(5):
        assert provider.metadata.key("invented", "RSA") is None
    assert provider.read.count("keys") == 2


def test_key_of_another_type_is_another_key() -> None:
    assert Provider().metadata.key("old", "EC") is None


def test_token_without_a_key_id_means_the_only_key_of_its_type() -> None:
    provider = Provider()
    assert provider.metadata.key(None, "RSA") == {"kty": "RSA", "kid": "old"}
    provider = Provider()
    provider.keys.append({"kty": "RSA", "kid": "second"})
    assert provider.metadata.key(None, "RSA") is None
