"""POST over one kept HTTP/1.1 connection, with as little work as that takes.

http.client writes head and body apart and reads an answer's head with the parser for e-mail, which takes 100 µs more
than all of this. Connecting, TLS and answers of unusual form are left to it.
"""

import functools
import http.client
import io
import re
import ssl
import time
from collections.abc import Callable, Mapping
from typing import IO, Any, Final, Protocol
from urllib.parse import urlsplit

MAX_IDLE_S: Final = 20.0
"""Somebody on the way may forget a connection without a word: one that was idle for longer is not used again."""
_READ_BYTES: Final = 65_536
_LENGTH: Final = re.compile(rb"\r\ncontent-length:[ \t]*(\d+)", re.IGNORECASE)
_CLOSE: Final = re.compile(rb"\r\nconnection:[ \t]*close", re.IGNORECASE)
_STALE: Final = (BrokenPipeError, ConnectionResetError, http.client.RemoteDisconnected)
"""What a connection gives that the other side closed while Lambda had frozen us."""


class _Socket(Protocol):
    def recv(self, size: int, /) -> bytes: ...


class KeptConnection:
    """A connection to one host. Not for several threads."""

    def __init__(self, url: str, timeout_s: float, monotonic: Callable[[], float] = time.monotonic) -> None:
        """Describe the host; nothing is connected yet.

        Args:
            url: scheme, host and port; a path is not used.
            timeout_s: how long connecting, and each wait for data, may take.
            monotonic: tells how long the connection has been idle.
        """
        parts = urlsplit(url)
        self.host = parts.netloc
        self._connection: http.client.HTTPConnection
        if parts.scheme == "https":
            self._connection = http.client.HTTPSConnection(parts.netloc, timeout=timeout_s, context=_tls())
        else:
            self._connection = http.client.HTTPConnection(parts.netloc, timeout=timeout_s)
        self._monotonic = monotonic
        self._used_s = monotonic()

    def post(self, headers: Mapping[str, str], body: bytes) -> tuple[int, bytes]:
        """POST to ``/`` and return the answer's status and body.

        A connection that turns out to have been closed is made anew, once; the request may then have been sent twice.

        Args:
            headers: ASCII, ``host`` among them; the content's length is added.
            body: the request's.

        Raises:
            OSError: ``TimeoutError`` where nothing came in time, ``ConnectionError`` where the connection broke, others
                where there is none to be had.
            http.client.HTTPException: the answer is not HTTP.
        """
        lines = "".join([f"{name}: {value}\r\n" for name, value in headers.items()])
        request = f"POST / HTTP/1.1\r\n{lines}content-length: {len(body)}\r\n\r\n".encode("ascii") + body
        idle_s, self._used_s = self._monotonic() - self._used_s, self._monotonic()
        if idle_s > MAX_IDLE_S:
            self._connection.close()
        is_new = self._connection.sock is None
        try:
            try:
                return self._exchange(request)
            except _STALE:
                if is_new:
                    raise
                self._connection.close()
                return self._exchange(request)
        except BaseException:
            # Half an answer may be left on it.
            self._connection.close()
            raise

    def _exchange(self, request: bytes) -> tuple[int, bytes]:
        self._connection.send(request)
        sock = self._connection.sock
        received = sock.recv(_READ_BYTES)
        while b"\r\n\r\n" not in received:
            more = sock.recv(_READ_BYTES)
            if not more:
                raise http.client.RemoteDisconnected("closed before the answer")
            received += more
        head, _, body = received.partition(b"\r\n\r\n")
        length = _LENGTH.search(head)
        if length is None or not head.startswith(b"HTTP/1.1 "):
            response = http.client.HTTPResponse(_Again(received, sock), method="POST")  # type: ignore[arg-type]
            response.begin()
            answer, closes = response.read(), response.will_close
            status = response.status
        else:
            parts, missing = [body], int(length[1]) - len(body)
            while missing > 0:
                part = sock.recv(_READ_BYTES)
                if not part:
                    raise http.client.IncompleteRead(b"".join(parts), missing)
                parts.append(part)
                missing -= len(part)
            answer, closes, status = b"".join(parts), _CLOSE.search(head) is not None, int(head[9:12])
        if closes:
            self._connection.close()
        return status, answer


class _Again(io.RawIOBase):
    """A socket as http.client reads it, with what has been received from it put back."""

    def __init__(self, received: bytes, sock: _Socket) -> None:
        super().__init__()
        self._received = received
        self._sock = sock

    def makefile(self, _mode: str) -> IO[bytes]:
        return io.BufferedReader(self)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int:
        view = memoryview(buffer)
        part = self._received[: len(view)] or self._sock.recv(len(view))
        self._received = self._received[len(part) :]
        view[: len(part)] = part
        return len(part)


@functools.cache
def _tls() -> ssl.SSLContext:
    """Make the one TLS context: reading the certificates takes longer than all else here."""
    return ssl.create_default_context()
