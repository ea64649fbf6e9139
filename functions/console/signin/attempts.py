"""Sign-ins under way: each is used up by the first answer to it, in the browser that began it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Protocol

from functions.console.signin.sessions import cookie, hashed
from functions.console.signin.way_back import way_back

ATTEMPT_S: Final = 600
COOKIE: Final = "__Host-console-sign-in"
"""Ties attempts to a browser. Several tabs share it, so that each can finish."""


class Store(Protocol):
    """The console's table."""

    def put(self, pk: str, document: Any, expires_s: float) -> bool: ...  # noqa: D102

    def take(self, pk: str, now_s: float) -> dict[str, Any] | None: ...  # noqa: D102


@dataclass(frozen=True, slots=True)
class Attempt:
    """One sign-in.

    Attributes:
        state: goes to the provider and comes back in its answer.
        nonce: goes to the provider and comes back in the ID token.
        verifier: of PKCE; the provider first gets its hash.
        to: the page to return to.
        browser: the value of the cookie.
    """

    state: str
    nonce: str
    verifier: str
    to: str
    browser: str


class Attempts:
    """The sign-ins under way in the console's table."""

    def __init__(self, store: Store, new_token: Callable[[], str]) -> None:
        self._store = store
        self._new_token = new_token

    def begin(self, to: str | None, cookies: str, now_s: float) -> Attempt:
        """Keep a new attempt.

        Args:
            to: the page to return to, as the request has it.
            cookies: the request's header ``Cookie``.
            now_s: the time.
        """
        browser = cookie(cookies, COOKIE) or self._new_token()
        attempt = Attempt(self._new_token(), self._new_token(), self._new_token(), way_back(to), browser)
        document = {
            "nonce": attempt.nonce,
            "verifier": attempt.verifier,
            "to": attempt.to,
            "browser": hashed(browser),
        }
        self._store.put(_key(attempt.state), document, now_s + ATTEMPT_S)
        return attempt

    def take(self, state: str, cookies: str, now_s: float) -> Attempt | None:
        """Use up an attempt, and return it.

        Returns:
            None if it does not exist, is too old, was used, or was begun in another browser.
        """
        document = self._store.take(_key(state), now_s)
        browser = cookie(cookies, COOKIE)
        if document is None or browser is None or hashed(browser) != document["browser"]:
            return None
        return Attempt(state, document["nonce"], document["verifier"], document["to"], browser)


def _key(state: str) -> str:
    return f"attempt#{hashed(state)}"
