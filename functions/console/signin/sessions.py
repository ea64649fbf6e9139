"""Sessions: a random cookie, and its hash in the console's table with who it is and until when."""

import hashlib
import re
from collections.abc import Callable
from typing import Any, Final, Protocol

from functions.console.signin.roles import Identity

SESSION_S: Final = 8 * 3_600
COOKIE: Final = "__Host-console"
"""With this prefix, browsers take the cookie only from this very host, over https, for every path."""
PREFIX: Final = "session#"
_TOKEN: Final = re.compile(r"[A-Za-z0-9_-]{43}")
_ATTRIBUTES: Final = "Path=/; Secure; HttpOnly; SameSite=Lax"


class Store(Protocol):
    """The console's table."""

    def get(self, pk: str, now_s: float) -> dict[str, Any] | None: ...  # noqa: D102

    def put(self, pk: str, document: Any, expires_s: float) -> bool: ...  # noqa: D102

    def delete(self, pk: str) -> None: ...  # noqa: D102


class Sessions:
    """The sessions in the console's table."""

    def __init__(self, store: Store, new_token: Callable[[], str]) -> None:
        self._store = store
        self._new_token = new_token

    def begin(self, identity: Identity, now_s: float) -> str:
        """Keep a new session, and return the value of its cookie."""
        token = self._new_token()
        document = {
            "subject": identity.subject,
            "email": identity.email,
            "groups": sorted(identity.groups),
            "ends_s": int(now_s) + SESSION_S,
        }
        self._store.put(_key(token), document, now_s + SESSION_S)
        return token

    def of(self, cookies: str, now_s: float) -> Identity | None:
        """Return who sent a header ``Cookie``, or None: no session, or an ended one."""
        token = cookie(cookies, COOKIE)
        if token is None:
            return None
        document = self._store.get(_key(token), now_s)
        if document is None or document["ends_s"] <= now_s:
            return None
        return Identity(document["subject"], document["email"], frozenset(document["groups"]))

    def end(self, cookies: str) -> None:
        """Delete the session of a header ``Cookie``, if there is one."""
        token = cookie(cookies, COOKIE)
        if token is not None:
            self._store.delete(_key(token))


def cookie(cookies: str, name: str) -> str | None:
    """Return a token in a header ``Cookie``; None if it is missing, or not one of ours."""
    for pair in cookies.split(";"):
        found, _, value = pair.strip().partition("=")
        if found == name and _TOKEN.fullmatch(value):
            return value
    return None


def set_cookie(name: str, value: str, max_age_s: int) -> str:
    """Return a header ``Set-Cookie``."""
    return f"{name}={value}; Max-Age={max_age_s}; {_ATTRIBUTES}"


def drop_cookie(name: str) -> str:
    """Return a header ``Set-Cookie`` that deletes a cookie."""
    return set_cookie(name, "", 0)


def hashed(token: str) -> str:
    """Return what is kept of a token. A reader of the table cannot sign in with it."""
    return hashlib.sha256(token.encode()).hexdigest()


def _key(token: str) -> str:
    return f"{PREFIX}{hashed(token)}"
