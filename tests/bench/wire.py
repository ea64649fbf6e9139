"""A counting way to the emulator: every AWS call that passes it is on the bill, retries too.

It stands between the functions and the emulator as an HTTP proxy stands before a server, so it counts what is really
sent, whatever library sends it.
"""

import http.client
import http.server
import threading
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

from tests.bench.billing import Bill

_HEADERS = ("Content-Type", "X-Amz-Target", "Authorization", "X-Amz-Date", "X-Amz-Security-Token")


class Wire:
    """Listens on loopback.

    Attributes:
        bill: what has passed; read it only while nobody calls.
        url: in the place of the emulator's endpoint.
    """

    def __init__(self, upstream_url: str) -> None:
        self.bill = Bill()
        self._server = _Server(upstream_url, self)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._lock = threading.Lock()

    def take(self, target: str, request: bytes, response: bytes) -> None:
        """Put a call on the bill."""
        with self._lock:
            self.bill.take(target, request, response)

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 64

    def __init__(self, upstream_url: str, wire: Wire) -> None:
        super().__init__(("127.0.0.1", 0), _Endpoint)
        self.upstream = urlsplit(upstream_url).netloc
        self.wire = wire


class _Endpoint(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1
    server: _Server

    def setup(self) -> None:
        super().setup()
        self._upstream = http.client.HTTPConnection(self.server.upstream, timeout=300)

    def finish(self) -> None:
        self._upstream.close()
        super().finish()

    def do_POST(self) -> None:
        request = self.rfile.read(int(self.headers["Content-Length"]))
        headers = {name: self.headers[name] for name in _HEADERS if name in self.headers}
        self._upstream.request("POST", self.path, request, headers)
        answer = self._upstream.getresponse()
        response = answer.read()
        if answer.status == 200:
            self.server.wire.take(self.headers["X-Amz-Target"], request, response)
        self.send_response(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in {"content-length", "transfer-encoding", "connection", "date", "server"}:
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(response)))
        self.end_headers()
        self.wfile.write(response)
        self.wfile.flush()

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002 - the base class's name
        pass
