"""A keep-alive connection of the webhook sender."""

import contextlib
import http.client
import socket
import threading
import urllib.parse
from collections.abc import Mapping
from typing import NamedTuple


class Answer(NamedTuple):
    """The answer to a request; no status if the connection failed or timed out."""

    status: int | None
    retry_after: str | None = None


class Post:
    """Sends requests to one server, over one connection while it stays open."""

    def __init__(self, timeout_s: float) -> None:
        self._timeout_s = timeout_s
        self._connection: http.client.HTTPConnection | None = None
        self._origin = ("", "")
        self._lock = threading.Lock()

    def send(self, method: str, url: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        """Send a request once. Reconnects if the server has closed the idle connection."""
        parts = urllib.parse.urlsplit(url)
        target = urllib.parse.urlunsplit(("", "", parts.path or "/", parts.query, ""))
        reused = self._connect(parts.scheme, parts.netloc)
        try:
            return self._exchange(method, target, body, headers)
        except (http.client.RemoteDisconnected, BrokenPipeError, ConnectionResetError):
            self.close()
            if not reused:
                return Answer(None)
        except (OSError, http.client.HTTPException):
            self.close()
            return Answer(None)
        try:
            self._connect(parts.scheme, parts.netloc)
            return self._exchange(method, target, body, headers)
        except (OSError, http.client.HTTPException):
            self.close()
            return Answer(None)

    def close(self) -> None:
        """Close the connection. A request that waits in another thread fails."""
        with self._lock:
            connection, self._connection = self._connection, None
        if connection is not None:
            with contextlib.suppress(OSError):
                if connection.sock is not None:
                    connection.sock.shutdown(socket.SHUT_RDWR)
            connection.close()

    def _connect(self, scheme: str, netloc: str) -> bool:
        """Ensure a connection to this origin. Returns whether it was open before."""
        if self._origin != (scheme, netloc):
            self.close()
        with self._lock:
            if self._connection is not None:
                return True
            kind = http.client.HTTPSConnection if scheme == "https" else http.client.HTTPConnection
            self._connection = kind(netloc, timeout=self._timeout_s)
            self._origin = (scheme, netloc)
            return False

    def _exchange(self, method: str, target: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        connection = self._connection
        if connection is None:
            return Answer(None)
        connection.request(method, target, body, dict(headers))
        if connection.sock is not None:
            connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        response = connection.getresponse()
        response.read()
        if response.will_close:
            self.close()
        return Answer(response.status, response.headers.get("Retry-After"))
