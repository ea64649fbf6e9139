"""Connections on which a request's body has a time-out of its own, and an answer one for the whole of it.

urllib3 leaves the connect time-out on the socket while it sends, and Python takes a time-out for the whole of what is
sent: of a few seconds, 5.5 MB would be lost again and again on a line that needs more. Of what is received, Python takes
it for each wait: an answer that drips would have no end.
"""

import http.client
import io
import socket
import time
from collections.abc import Callable
from typing import Any, Final

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

_LEAST_S: Final = 0.001
"""A socket takes a time-out of 0 for something else."""


class Body:
    """A request's body, which is not copied, and until when it has to be sent.

    Any other session than ours takes it as the bytes that it holds.
    """

    def __init__(
        self, content: bytes, timeout_s: float, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        """Begin to count.

        Args:
            content: what is sent.
            timeout_s: how long that may take from now.
            monotonic: tells the time.
        """
        self.content = content
        self._monotonic = monotonic
        self._until_s = monotonic() + timeout_s

    def __len__(self) -> int:
        return len(self.content)

    def __buffer__(self, _flags: int, /) -> memoryview:
        return memoryview(self.content)

    def left_s(self) -> float:
        """Return how long sending it may still take, seconds."""
        return max(self._until_s - self._monotonic(), _LEAST_S)


def vendor_session() -> requests.Session:
    """Make a session that minds the time-out of a `Body`."""
    session = _Session()
    adapter = _Adapter()
    session.mount("https://", adapter)
    session.mount("http://", adapter)
    return session


def _content(data: Any, sock: socket.socket) -> Any:
    """Return the bytes to send, with their time-out set on the socket; it is there by then: the head was sent on it."""
    if not isinstance(data, Body):
        return data
    sock.settimeout(data.left_s())
    return data.content


class _Session(requests.Session):
    """A session that looks at no redirect's target: one that cannot be read would be an error, though nobody goes there."""

    def get_redirect_target(self, resp: requests.Response) -> None:  # noqa: ARG002
        return None


class _Timed(io.RawIOBase):
    """What a socket receives, in the time that it has from now for one wait."""

    def __init__(self, received: io.RawIOBase, sock: socket.socket, timeout_s: float) -> None:
        self._received = received
        self._sock = sock
        self._until_s = time.monotonic() + timeout_s

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        left_s = self._until_s - time.monotonic()
        if left_s <= 0:
            raise TimeoutError("the answer did not come whole in its time")
        self._sock.settimeout(max(left_s, _LEAST_S))
        return self._received.readinto(buffer)

    def close(self) -> None:
        self._received.close()
        super().close()


class _Response(http.client.HTTPResponse):
    """An answer, from its first byte to its last in the time that the socket has for one wait when it begins."""

    def __init__(self, sock: socket.socket, *args: Any, **more: Any) -> None:
        super().__init__(sock, *args, **more)
        timeout_s = sock.gettimeout()
        if timeout_s is not None:
            self.fp = io.BufferedReader(_Timed(self.fp.detach(), sock, timeout_s))


class _Http(HTTPConnection):
    response_class = _Response

    def send(self, data: Any) -> None:
        super().send(_content(data, self.sock))


class _Https(HTTPSConnection):
    response_class = _Response

    def send(self, data: Any) -> None:
        super().send(_content(data, self.sock))


class _HttpPool(HTTPConnectionPool):
    ConnectionCls = _Http


class _HttpsPool(HTTPSConnectionPool):
    ConnectionCls = _Https


class _Adapter(HTTPAdapter):
    def init_poolmanager(self, *args: Any, **more: Any) -> None:
        super().init_poolmanager(*args, **more)
        self.poolmanager.pool_classes_by_scheme = {"http": _HttpPool, "https": _HttpsPool}
