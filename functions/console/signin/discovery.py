"""What a sign-in provider says about itself, and its keys: read, checked and kept."""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote_plus, urlencode, urlsplit

from lytics_sendgrid.domain.clock import Clock
from lytics_sendgrid.errors import LyticsSendGridError, StopRun

KEPT_S: Final = 86_400
MIN_AGE_OF_KEYS_S: Final = 60
"""Keys are not read again sooner. Otherwise anybody who invents key ids could make us ask without end."""
FAILED_S: Final = 10
"""How long a failure is kept: strangers must not make us wait for a provider that is down again and again."""
_AUTH_METHODS: Final = ("client_secret_basic", "client_secret_post")
_COGNITO: Final = re.compile(r"https://cognito-idp\.[a-z0-9-]+\.amazonaws\.com/")
_LOOPBACK: Final = frozenset({"127.0.0.1", "localhost"})


@dataclass(frozen=True, slots=True)
class Discovered:
    """What is used of a provider's discovery document.

    Attributes:
        issuer: the provider's name.
        authorization_endpoint: where people sign in.
        token_endpoint: where a code becomes a token.
        jwks_uri: of its keys.
        end_session_endpoint: where people sign out, if there is one.
        auth_methods: how a client with a secret may show it.
        scopes: that it names.
        prompts: that it names; empty: it names none.
    """

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    end_session_endpoint: str | None
    auth_methods: tuple[str, ...]
    scopes: frozenset[str]
    prompts: frozenset[str]

    def scope(self, *, uses_groups: bool) -> str:
        """Return the scope to request. Some providers send groups only if the request has that scope."""
        return "openid email groups" if uses_groups and "groups" in self.scopes else "openid email"

    def auth_method(self, secret: str) -> str:
        """Return how to show a client secret, or that there is none."""
        if not secret:
            return "none"
        basic, post = _AUTH_METHODS
        # Providers do not agree on how such a secret is escaped in the header. In a form, all do.
        is_ambiguous = quote_plus(secret) != secret
        if post in self.auth_methods and (is_ambiguous or basic not in self.auth_methods):
            return post
        return basic

    @property
    def prompt_for_another(self) -> str:
        """The value of ``prompt`` that lets somebody sign in as somebody else."""
        return "login" if self.prompts and "select_account" not in self.prompts else "select_account"

    def sign_out_url(self, client_id: str, back: str) -> str | None:
        """Return where somebody signs out at the provider, or None: it names no such address.

        Args:
            client_id: ours.
            back: the address to return to, registered at the provider.
        """
        end, returning = self.end_session_endpoint, "post_logout_redirect_uri"
        if _COGNITO.match(self.issuer):
            # It has a name of its own, and its document may lack the address.
            end, returning = (
                f"{self.authorization_endpoint.removesuffix('/oauth2/authorize')}/logout",
                "logout_uri",
            )
        if end is None:
            return None
        return f"{end}{'&' if '?' in end else '?'}{urlencode({'client_id': client_id, returning: back})}"


def discovery_url(issuer: str) -> str:
    """Return the URL of an issuer's discovery document."""
    return f"{issuer.rstrip('/')}/.well-known/openid-configuration"


def is_local(url: str) -> bool:
    """Return whether a URL is plain http on this machine."""
    parts = urlsplit(url)
    return parts.scheme == "http" and parts.hostname in _LOOPBACK


def discovered_from(issuer: str, body: bytes) -> Discovered:
    """Return what a discovery document says.

    Args:
        issuer: the parameter ``ConsoleIssuer``, or the URL of the user pool.
        body: of the document.

    Raises:
        StopRun: the document is not one, is of another issuer, or names an address that is not https.
    """
    document = _object(body, "discovery document")
    if document.get("issuer") != issuer:
        raise StopRun(
            f"the sign-in provider calls itself {document.get('issuer')!r}, and the console expects "
            f'{issuer!r}: set ConsoleIssuer to what the provider\'s discovery document has under "issuer"'
        )
    optional = document.get("end_session_endpoint")
    return Discovered(
        issuer,
        _address(document.get("authorization_endpoint"), "authorization_endpoint", issuer),
        _address(document.get("token_endpoint"), "token_endpoint", issuer),
        _address(document.get("jwks_uri"), "jwks_uri", issuer),
        _address(optional, "end_session_endpoint", issuer) if optional else None,
        _texts(document.get("token_endpoint_auth_methods_supported")) or ("client_secret_basic",),
        frozenset(_texts(document.get("scopes_supported"))),
        frozenset(_texts(document.get("prompt_values_supported"))),
    )


def keys_from(body: bytes) -> tuple[Mapping[str, Any], ...]:
    """Return the keys of a key set that can sign; others are left out.

    Raises:
        StopRun: it is not a key set.
    """
    keys = _object(body, "key set").get("keys")
    if not isinstance(keys, list):
        raise StopRun("the sign-in provider's key set has no keys")
    return tuple(
        key
        for key in keys
        if isinstance(key, dict) and key.get("kty") in {"RSA", "EC"} and key.get("use", "sig") == "sig"
    )


class Metadata:
    """A provider's discovery document and keys, kept for a day."""

    def __init__(self, issuer: str, fetch: Callable[[str], bytes], clock: Clock) -> None:
        """Keep the collaborators.

        Args:
            issuer: of the provider.
            fetch: returns the body at a URL. Raises our errors.
            clock: measures the age.
        """
        self._issuer = issuer
        self._fetch = fetch
        self._clock = clock
        self._discovered: tuple[float, Discovered] | None = None
        self._failed: tuple[float, LyticsSendGridError] | None = None
        self._keys: tuple[float, tuple[Mapping[str, Any], ...]] | None = None

    def discovered(self) -> Discovered:
        """Return what the provider says about itself.

        Raises:
            StopRun: the document cannot be used, now or within the last seconds.
            RetryLater: the provider does not answer, now or within the last seconds.
        """
        kept, failed = self._discovered, self._failed
        if kept is not None and self._is_younger(kept[0], KEPT_S):
            return kept[1]
        if failed is not None and self._is_younger(failed[0], FAILED_S):
            raise failed[1].with_traceback(None)
        try:
            document = discovered_from(self._issuer, self._fetch(discovery_url(self._issuer)))
        except LyticsSendGridError as error:
            self._failed = (self._clock.now(), error)
            raise
        self._discovered = (self._clock.now(), document)
        return document

    def key(self, kid: str | None, key_type: str) -> Mapping[str, Any] | None:
        """Return the key that signed a token, or None: the provider has no such key.

        Args:
            kid: the key's id in the token's header. None: the only key of the type is meant.
            key_type: ``RSA`` or ``EC``.

        Raises:
            StopRun: the key set cannot be used.
            RetryLater: the provider does not answer.
        """
        kept = self._keys
        if kept is None or not self._is_younger(kept[0], KEPT_S):
            kept = self._read_keys()
        found = _chosen(kept[1], kid, key_type)
        if found is None and not self._is_younger(kept[0], MIN_AGE_OF_KEYS_S):
            found = _chosen(self._read_keys()[1], kid, key_type)
        return found

    def _read_keys(self) -> tuple[float, tuple[Mapping[str, Any], ...]]:
        self._keys = (self._clock.now(), keys_from(self._fetch(self.discovered().jwks_uri)))
        return self._keys

    def _is_younger(self, read_s: float, age_s: float) -> bool:
        return 0 <= self._clock.now() - read_s < age_s


def _chosen(keys: tuple[Mapping[str, Any], ...], kid: str | None, key_type: str) -> Mapping[str, Any] | None:
    fitting = [k for k in keys if k["kty"] == key_type and (kid is None or k.get("kid") == kid)]
    return fitting[0] if len(fitting) == 1 else None


def _object(body: bytes, what: str) -> dict[str, Any]:
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict):
        raise StopRun(f"the sign-in provider's {what} is not a JSON object: check ConsoleIssuer")
    return document


def _address(value: Any, name: str, issuer: str) -> str:
    """Return an address of the provider: https, or http if the provider itself is on this machine.

    Raises:
        StopRun: it is something else.
    """
    if isinstance(value, str) and value.isascii() and value.isprintable() and " " not in value:
        parts = urlsplit(value)
        is_https = parts.scheme == "https" and bool(parts.hostname)
        is_allowed = is_https or (is_local(issuer) and is_local(value))
        if is_allowed and "@" not in parts.netloc and not parts.fragment:
            return value
    raise StopRun(f"the sign-in provider's discovery document has no https address under {name!r}")


def _texts(value: Any) -> tuple[str, ...]:
    return tuple(text for text in value if isinstance(text, str)) if isinstance(value, list) else ()
