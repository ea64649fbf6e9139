"""A sign-in provider on loopback: OpenID Connect with the code flow, as strict as a provider, with faults.

    twin = OidcTwin([Person("olga", "olga@example.com")])
    twin.register(Client("console", redirect_uris=["http://127.0.0.1:4566/.../sign-in/answer"]))
    twin.url  # the issuer

A browser that comes to `/authorize` chooses a person there. A test sets `signs_in` instead, and is sent back
at once. It checks the client, the redirect URI, PKCE, and that a code is used once and by who got it.
"""

import base64
import hashlib
import hmac
import html
import json
import secrets
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from http.cookies import SimpleCookie
from typing import Any, Final
from urllib.parse import parse_qs, unquote_plus, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey

from tests.http_server import Handler, HttpServer

CODE_S: Final = 60
TOKEN_S: Final = 300
_COOKIE: Final = "oidc_twin"


class Fault(StrEnum):
    """What the twin does wrong while it is among `faults`."""

    ALG_NONE = "the token is not signed"
    AT_HASH = "the token's at_hash is of another access token"
    AZP = "the token is for several audiences, and authorizes another client"
    AUDIENCE = "the token is for another client"
    BAD_SIGNATURE = "the signature is of another token"
    DENIED = "the person is refused"
    DISCOVERY_ISSUER = "the discovery document names another issuer"
    DISCOVERY_LARGE = "the discovery document is larger than 64 KB"
    DISCOVERY_REDIRECT = "the discovery document is elsewhere"
    DISCOVERY_TEXT = "the discovery document is not JSON"
    DOWN = "every answer is 500"
    EXPIRED = "the token has expired"
    FUTURE = "the token is from the future"
    HS256 = "the token is signed with the public key as a shared secret"
    ISSUER = "the token is of another issuer"
    NONCE = "the token has another nonce"
    NO_AZP = "the token is for several audiences, and authorizes nobody"
    NO_EXPIRY = "the token never expires"
    NO_NONCE = "the token has no nonce"
    NO_TOKEN = "the token endpoint sends no ID token"
    OLD = "the token was issued an hour ago, and has not expired"
    SUBJECT = "the token's subject is a number"
    TOKEN_LARGE = "the answer of the token endpoint is larger than 64 KB"
    TOKEN_REFUSED = "the token endpoint refuses the client"
    TOKEN_TEXT = "the answer of the token endpoint is not JSON"
    UNKNOWN_KEY = "the token is signed with a key that is not among the keys"
    UNVERIFIED = "no address is verified"
    VERIFIED_TEXT = "email_verified is a text"


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who can sign in."""

    subject: str
    email: str
    groups: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Client:
    """A registered client; without a secret, a public one."""

    client_id: str
    secret: str = ""
    redirect_uris: Iterable[str] = ()
    sign_out_uris: Iterable[str] = ()


@dataclass(frozen=True, slots=True)
class _Code:
    person: Person
    query: Mapping[str, str]
    expires_s: float


@dataclass
class OidcTwin:
    """The provider, running until `close`.

    Attributes:
        people: who can sign in.
        signs_in: who signs in without being asked; None: the browser asks.
        faults: what is wrong now.
        algorithm: of the signatures.
        requests: the paths of all requests, in order.
        clock: returns the time, Unix seconds.
    """

    people: list[Person]
    signs_in: Person | None = None
    faults: set[Fault] = field(default_factory=set)
    algorithm: str = "RS256"
    requests: list[str] = field(default_factory=list)
    clock: Callable[[], float] = time.time

    def __post_init__(self) -> None:
        self._clients: dict[str, Client] = {}
        self._codes: dict[str, _Code] = {}
        self._lock = threading.Lock()
        self.rotate()
        self._server = _Server(self)

    @property
    def url(self) -> str:
        """The issuer."""
        return self._server.url

    def register(self, client: Client) -> None:
        """Let a client use the twin."""
        self._clients[client.client_id] = client

    def rotate(self) -> None:
        """Replace the keys."""
        number = secrets.token_hex(4)
        self._rsa = RSAKey.generate_key(2048, {"kid": f"rsa-{number}", "use": "sig"})
        self._ec = ECKey.generate_key("P-256", {"kid": f"ec-{number}", "use": "sig"})

    def close(self) -> None:
        """Stop the twin."""
        self._server.close()

    def __enter__(self) -> "OidcTwin":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def discovery(self) -> dict[str, Any]:
        """Return the discovery document."""
        issuer = "https://other.example.com" if Fault.DISCOVERY_ISSUER in self.faults else self.url
        return {
            "issuer": issuer,
            "authorization_endpoint": f"{self.url}/authorize",
            "token_endpoint": f"{self.url}/token",
            "jwks_uri": f"{self.url}/keys",
            "end_session_endpoint": f"{self.url}/logout",
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256", "ES256"],
            "scopes_supported": ["openid", "email", "groups"],
            "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post", "none"],
            "code_challenge_methods_supported": ["S256"],
        }

    def keys(self) -> dict[str, Any]:
        """Return the public keys."""
        return {"keys": [key.as_dict(private=False) for key in (self._rsa, self._ec)]}

    def fault_of_request(self, query: Mapping[str, str]) -> str | None:
        """Return why a request to sign in cannot be answered at the client's address, or None."""
        client = self._clients.get(query.get("client_id", ""))
        if client is None:
            return "unknown client"
        if query.get("redirect_uri") not in set(client.redirect_uris):
            return f"redirect_uri is not registered: {query.get('redirect_uri')}"
        if query.get("response_type") != "code" or "openid" not in query.get("scope", "").split():
            return "not a request for a code with the scope openid"
        if query.get("code_challenge_method") != "S256" or len(query.get("code_challenge", "")) != 43:
            return "no PKCE"
        if not query.get("state") or not query.get("nonce"):
            return "no state or no nonce"
        return None

    def code_for(self, person: Person, query: Mapping[str, str]) -> str:
        """Return a code for somebody who has signed in."""
        code = secrets.token_urlsafe(24)
        with self._lock:
            self._codes[code] = _Code(person, query, self.clock() + CODE_S)
        return code

    def token_answer(self, form: Mapping[str, str], authorization: str) -> tuple[int, Any]:
        """Return status and document of the token endpoint."""
        client = self._client_of(form, authorization)
        if client is None or Fault.TOKEN_REFUSED in self.faults:
            return 401, {"error": "invalid_client"}
        with self._lock:
            code = self._codes.pop(form.get("code", ""), None)
        if form.get("grant_type") != "authorization_code" or code is None or code.expires_s < self.clock():
            return 400, {"error": "invalid_grant", "error_description": "unknown, used or expired code"}
        challenge = _base64(hashlib.sha256(form.get("code_verifier", "").encode()).digest())
        if code.query["code_challenge"] != challenge or code.query["client_id"] != client.client_id:
            return 400, {"error": "invalid_grant", "error_description": "PKCE or client"}
        if code.query["redirect_uri"] != form.get("redirect_uri"):
            return 400, {"error": "invalid_grant", "error_description": "redirect_uri"}
        access_token = secrets.token_urlsafe(32)
        answer = {"access_token": access_token, "token_type": "Bearer", "expires_in": TOKEN_S}
        if Fault.NO_TOKEN not in self.faults:
            answer["id_token"] = self.id_token(
                code.person, client.client_id, code.query["nonce"], access_token
            )
        return 200, answer

    def id_token(self, person: Person, client_id: str, nonce: str, access_token: str) -> str:
        """Return an ID token, wrong as `faults` says."""
        now_s = int(self.clock())
        half = hashlib.sha256(access_token.encode()).digest()[:16]
        claims: dict[str, Any] = {
            "iss": self.url,
            "sub": person.subject,
            "aud": client_id,
            "iat": now_s,
            "exp": now_s + TOKEN_S,
            "nonce": nonce,
            "at_hash": _base64(half),
            "email": person.email,
            "email_verified": True,
            "groups": list(person.groups),
        }
        wrong: dict[Fault, dict[str, Any]] = {
            Fault.AT_HASH: {"at_hash": _base64(half[::-1])},
            Fault.AZP: {"aud": [client_id, "other"], "azp": "other"},
            Fault.AUDIENCE: {"aud": "other"},
            Fault.EXPIRED: {"iat": now_s - 500, "exp": now_s - 120},
            Fault.FUTURE: {"iat": now_s + 300, "exp": now_s + 600},
            Fault.ISSUER: {"iss": "https://other.example.com"},
            Fault.NONCE: {"nonce": "other"},
            Fault.NO_AZP: {"aud": [client_id, "other"]},
            Fault.NO_EXPIRY: {"exp": None},
            Fault.NO_NONCE: {"nonce": None},
            Fault.OLD: {"iat": now_s - 3_600},
            Fault.SUBJECT: {"sub": 7},
            Fault.UNVERIFIED: {"email_verified": False},
            Fault.VERIFIED_TEXT: {"email_verified": "true"},
        }
        for fault in self.faults & wrong.keys():
            claims |= wrong[fault]
        return self.signed({name: value for name, value in claims.items() if value is not None})

    def signed(self, claims: Mapping[str, Any]) -> str:
        """Return claims as a token, signed as `faults` says."""
        key: Any = self._rsa if self.algorithm == "RS256" else self._ec
        header = {"alg": self.algorithm, "kid": key.kid}
        if Fault.UNKNOWN_KEY in self.faults:
            key = RSAKey.generate_key(2048)
            header = {"alg": "RS256", "kid": "unknown"}
        body = _base64(json.dumps(claims).encode())
        if Fault.HS256 in self.faults:
            head = _base64(json.dumps({"alg": "HS256", "kid": self._rsa.kid}).encode())
            public = self._rsa.as_pem(private=False)
            return f"{head}.{body}.{_base64(hmac.digest(public, f'{head}.{body}'.encode(), 'sha256'))}"
        if Fault.ALG_NONE in self.faults:
            return f"{_base64(json.dumps({'alg': 'none'}).encode())}.{body}."
        token = str(jwt.encode(header, dict(claims), key, algorithms=[header["alg"]]))
        if Fault.BAD_SIGNATURE in self.faults:
            head, _, signature = token.split(".")
            return f"{head}.{_base64(json.dumps({**claims, 'sub': 'other'}).encode())}.{signature}"
        return token

    def _client_of(self, form: Mapping[str, str], authorization: str) -> Client | None:
        """Return the client that sends a code, if it is one and shows its secret."""
        client_id, secret = form.get("client_id", ""), form.get("client_secret", "")
        if authorization.startswith("Basic "):
            pair = base64.b64decode(authorization.removeprefix("Basic ")).decode().partition(":")
            client_id, secret = unquote_plus(pair[0]), unquote_plus(pair[2])
        client = self._clients.get(client_id)
        return client if client is not None and secret == client.secret else None

    def may_return_to(self, query: Mapping[str, str]) -> bool:
        """Return whether a sign-out may lead back to the address that it names."""
        client = self._clients.get(query.get("client_id", ""))
        return client is not None and query.get("post_logout_redirect_uri") in set(client.sign_out_uris)


class _Server(HttpServer):
    def __init__(self, twin: OidcTwin) -> None:
        self.twin = twin
        super().__init__(_Endpoint)


class _Endpoint(Handler):
    server: _Server

    def do_GET(self) -> None:
        twin = self.server.twin
        parts = urlsplit(self.path)
        twin.requests.append(parts.path)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        if Fault.DOWN in twin.faults:
            self.answer(500)
        elif parts.path == "/.well-known/openid-configuration":
            self._discovery(twin)
        elif parts.path == "/keys":
            self._json(200, twin.keys())
        elif parts.path == "/elsewhere":
            self._json(200, twin.discovery())
        elif parts.path == "/authorize":
            self._authorize(twin, query)
        elif parts.path == "/logout" and twin.may_return_to(query):
            self._redirect(query["post_logout_redirect_uri"], f"{_COOKIE}=; Max-Age=0")
        else:
            self._page(404, "Not found", "")

    def do_POST(self) -> None:
        twin = self.server.twin
        twin.requests.append(self.path)
        form = {name: values[0] for name, values in parse_qs(self.body().decode()).items()}
        if Fault.DOWN in twin.faults:
            self.answer(500)
        elif Fault.TOKEN_TEXT in twin.faults:
            self.answer(200, b"<html>busy</html>")
        elif Fault.TOKEN_LARGE in twin.faults:
            self._json(200, {"id_token": "x" * 100_000})
        elif self.path == "/token":
            self._json(*twin.token_answer(form, self.headers.get("Authorization", "")))
        else:
            self._page(404, "Not found", "")

    def _discovery(self, twin: OidcTwin) -> None:
        if Fault.DISCOVERY_REDIRECT in twin.faults:
            self._redirect(f"{twin.url}/elsewhere")
        elif Fault.DISCOVERY_TEXT in twin.faults:
            self.answer(200, b"<html></html>")
        elif Fault.DISCOVERY_LARGE in twin.faults:
            self._json(200, twin.discovery() | {"more": "x" * 70_000})
        else:
            self._json(200, twin.discovery())

    def _authorize(self, twin: OidcTwin, query: dict[str, str]) -> None:
        fault = twin.fault_of_request(query)
        if fault is not None:
            self._page(400, "Request refused", f"<p>{html.escape(fault)}</p>")
            return
        person = self._person(twin, query)
        if person is None:
            self._page(200, "Sign in", self._choices(twin, query))
            return
        answer = {"state": query["state"], "iss": twin.url}
        if Fault.DENIED in twin.faults:
            answer["error"] = "access_denied"
        else:
            answer["code"] = twin.code_for(person, query)
        self._redirect(
            f"{query['redirect_uri']}?{urlencode(answer)}", f"{_COOKIE}={person.subject}; HttpOnly"
        )

    def _person(self, twin: OidcTwin, query: Mapping[str, str]) -> Person | None:
        if twin.signs_in is not None:
            return twin.signs_in
        cookie = SimpleCookie(self.headers.get("Cookie", "")).get(_COOKIE)
        known = cookie.value if cookie is not None and "prompt" not in query else None
        chosen = query.get("person", known)
        return next((person for person in twin.people if person.subject == chosen), None)

    def _choices(self, twin: OidcTwin, query: Mapping[str, str]) -> str:
        links = (
            f'<li><a href="/authorize?{html.escape(urlencode({**query, "person": person.subject}))}">'
            f"{html.escape(person.email)}</a></li>"
            for person in twin.people
        )
        return f"<p>A made-up sign-in provider. Who are you?</p><ul>{''.join(links)}</ul>"

    def _page(self, status: int, title: str, body: str) -> None:
        page = (
            f"<!doctype html><html lang=en><meta charset=utf-8><title>{title}</title><h1>{title}</h1>{body}"
        )
        self.answer(status, page.encode(), {"Content-Type": "text/html; charset=utf-8"})

    def _json(self, status: int, document: Any) -> None:
        self.answer(status, json.dumps(document).encode(), {"Content-Type": "application/json"})

    def _redirect(self, location: str, cookie: str = "") -> None:
        headers = {"Location": location, **({"Set-Cookie": cookie} if cookie else {})}
        self.answer(302, b"", headers)


def _base64(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()
