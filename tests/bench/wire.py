"""A counting proxy in front of the emulator. Every AWS call that passes it is on the bill, also a retry.

It counts requests on the wire, so it does not matter which library sends them.
"""

import http.client
import threading
from typing import Final
from urllib.parse import urlsplit

from tests.bench.billing import Bill
from tests.http_server import Handler, HttpServer

_HEADERS: Final = ("Content-Type", "X-Amz-Target", "Authorization", "X-Amz-Date", "X-Amz-Security-Token")
_OWN_HEADERS: Final = {"content-length", "transfer-encoding", "connection", "date", "server"}


class Wire(HttpServer):
    """Forwards calls to an endpoint.

    Attributes:
        bill: the calls so far. Read it only while no call is in progress.
        upstream: host and port of the endpoint.
    """

    def __init__(self, upstream_url: str) -> None:
        super().__init__(_Handler)
        self.bill = Bill()
        self.upstream = urlsplit(upstream_url).netloc
        self._lock = threading.Lock()

    def take(self, target: str, request: bytes, response: bytes) -> None:
        """Put a call on the bill."""
        with self._lock:
            self.bill.take(target, request, response)


class _Handler(Handler):
    server: Wire

    def setup(self) -> None:
        super().setup()
        self._upstream = http.client.HTTPConnection(self.server.upstream, timeout=300)

    def finish(self) -> None:
        self._upstream.close()
        super().finish()

    def do_POST(self) -> None:
        request = self.body()
        headers = {name: self.headers[name] for name in _HEADERS if name in self.headers}
        self._upstream.request("POST", self.path, request, headers)
        answer = self._upstream.getresponse()
        response = answer.read()
        if answer.status == 200:
            self.server.take(self.headers["X-Amz-Target"], request, response)
        named = {name: value for name, value in answer.getheaders() if name.lower() not in _OWN_HEADERS}
        self.answer(answer.status, response, named)
