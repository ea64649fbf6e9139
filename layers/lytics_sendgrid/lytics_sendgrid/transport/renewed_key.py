"""HTTP to a vendor whose key may be replaced meanwhile: a refused key is looked up again before it counts."""

from collections.abc import Callable, Mapping
from typing import Final

from lytics_sendgrid.domain.clock import Clock
from lytics_sendgrid.transport.client import TIMEOUT_S, Answer, Http

_UNAUTHORIZED: Final = 401
_MIN_TIMEOUT_S: Final = 1.0


class RenewedKeyHttp:
    """One vendor's API, with the key that is valid now.

    Attributes:
        base_url: of the API.
    """

    def __init__(
        self,
        base_url: str,
        connect: Callable[[str], Http],
        key: Callable[[], str],
        key_after_refusal: Callable[[], str],
        clock: Clock,
    ) -> None:
        """Keep the collaborators.

        Args:
            base_url: of the API.
            connect: returns the HTTP client that sends a key; the same one for the same key.
            key: returns the key, from a cache.
            key_after_refusal: returns the key, read again unless that has just been done.
            clock: measures the time.
        """
        self.base_url = base_url
        self._connect = connect
        self._key = key
        self._key_after_refusal = key_after_refusal
        self._clock = clock

    def request(
        self,
        method: str,
        path: str,
        *,
        body: bytes | None = None,
        query: Mapping[str, str] | None = None,
        timeout_s: float = TIMEOUT_S,
    ) -> Answer:
        """Send one request, and once again with the new key if the key was refused and has been replaced.

        Both together take at most ``timeout_s``. Raises as ``VendorHttp.request``, and as the key's two
        sources.
        """
        until_s = self._clock.now() + timeout_s
        key = self._key()
        answer = self._connect(key).request(method, path, body=body, query=query, timeout_s=timeout_s)
        if answer.status != _UNAUTHORIZED or (new := self._key_after_refusal()) == key:
            return answer
        left_s = max(_MIN_TIMEOUT_S, until_s - self._clock.now())
        return self._connect(new).request(method, path, body=body, query=query, timeout_s=left_s)
