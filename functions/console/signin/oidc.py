"""Who somebody is, by an ID token: its signature and every claim are checked here.

Imported only while somebody signs in, because both libraries take long to import.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

from authlib.oidc.core import CodeIDToken
from joserfc import jws, jwt
from joserfc.errors import ClaimError, JoseError
from joserfc.jwk import ECKey, RSAKey

from functions.console.signin.refusal import SignInRefused
from functions.console.signin.roles import Identity

LEEWAY_S: Final = 60
"""The provider's clock and ours may differ by this much."""
MAX_AGE_S: Final = 600
MAX_TOKEN_CHARS: Final = 64_000
MAX_GROUPS: Final = 2_000
_KEY_TYPES: Final = {"RS256": "RSA", "ES256": "EC"}
"""The only signatures that are taken, each with its type of key."""

type KeyOf = Callable[[str | None, str], Mapping[str, Any] | None]


def identity_from(
    id_token: str,
    key_of: KeyOf,
    *,
    issuer: str,
    client_id: str,
    nonce: str,
    groups_claim: str,
    now_s: float,
    access_token: str | None = None,
) -> Identity:
    """Return the person that an ID token names.

    Args:
        id_token: as the provider sent it.
        key_of: returns the provider's key of an id and a type, or None.
        issuer: of the provider.
        client_id: ours.
        nonce: of the attempt.
        groups_claim: the claim with the groups.
        now_s: the time.
        access_token: that came with it, for its hash.

    Returns:
        The address only if the provider has verified it.

    Raises:
        SignInRefused: something is wrong with the token.
        StopRun: the provider's keys cannot be used.
        RetryLater: the provider does not answer.
    """
    header, claims = _verified(id_token, key_of)
    token = CodeIDToken(
        claims,
        header,
        options={"iss": {"essential": True, "value": issuer}, "aud": {"essential": True, "value": client_id}},
        params={"nonce": nonce, "client_id": client_id, "access_token": access_token},
    )
    try:
        token.validate(now=int(now_s), leeway=LEEWAY_S)
    except (JoseError, ValueError, TypeError, AttributeError) as error:
        raise SignInRefused(_reason(error)) from error
    issued_s = claims["iat"]
    if not now_s - MAX_AGE_S - LEEWAY_S <= issued_s <= now_s + LEEWAY_S:
        raise SignInRefused("the ID token was issued too long ago, or in the future: compare the clocks")
    subject = claims["sub"]
    if not isinstance(subject, str) or not 0 < len(subject) <= 255:
        raise SignInRefused("the ID token has no usable claim sub")
    return Identity(subject, _verified_address(claims), _groups(claims.get(groups_claim)))


def _verified(id_token: str, key_of: KeyOf) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the header and the claims of a token whose signature is right."""
    if len(id_token) > MAX_TOKEN_CHARS:
        raise SignInRefused("the ID token is too long")
    try:
        header = jws.extract_compact(id_token.encode()).headers()
        algorithm, kid = header.get("alg"), header.get("kid")
        key_type = _KEY_TYPES.get(algorithm) if isinstance(algorithm, str) else None
        if key_type is None or not isinstance(kid, str | None):
            raise SignInRefused("the ID token is not signed with RS256 or ES256")
        jwk = key_of(kid, key_type)
        if jwk is None:
            raise SignInRefused("the ID token is signed with a key that the provider does not have")
        key = RSAKey.import_key(dict(jwk)) if key_type == "RSA" else ECKey.import_key(dict(jwk))
        token = jwt.decode(id_token, key, algorithms=[str(algorithm)])
    except (JoseError, ValueError, TypeError, KeyError) as error:
        raise SignInRefused(_reason(error)) from error
    return dict(header), token.claims


def _reason(error: Exception) -> str:
    """Return what is wrong: the library's name of the error and of the claim, and no value."""
    claim = f" {error.claim}" if isinstance(error, ClaimError) else ""
    name = error.error if isinstance(error, JoseError) else type(error).__name__
    return f"the ID token is refused: {name}{claim}"


def _verified_address(claims: Mapping[str, Any]) -> str | None:
    address = claims.get("email")
    if claims.get("email_verified") is not True or not isinstance(address, str):
        return None
    return address if 0 < len(address) <= 320 and address.isprintable() else None


def _groups(claim: Any) -> frozenset[str]:
    listed = [claim] if isinstance(claim, str) else claim
    if not isinstance(listed, list):
        return frozenset()
    return frozenset(group for group in listed[:MAX_GROUPS] if isinstance(group, str))
