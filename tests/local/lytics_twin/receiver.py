"""A webhook on loopback with scripted answers that records its requests, for tests of the sender."""

import json
import threading
from collections import deque
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple, Self


class Delivery(NamedTuple):
    """One received request: headers by lower-case name, the parsed body, the path with its query."""

    headers: dict[str, str]
    body: Any
    path: str
    status: int


class Receiver:
    """Answers 200, or the next item of `script`: a status, a status with headers, or None to hang up."""

    def __init__(self) -> None:
        self.deliveries: list[Delivery] = []
        self.script: deque[int | tuple[int, dict[str, str]] | None] = deque()
        self.default = 200
        self.before_answer: Callable[[], object] = lambda: None
        self.lock = threading.Lock()
        self._server = _Server(self)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}/lytics/newsletter"

    @property
    def accepted(self) -> list[Any]:
        """The bodies answered with 200, in the order of arrival."""
        return [delivery.body for delivery in self.deliveries if delivery.status == 200]

    @property
    def statuses(self) -> list[int]:
        return [delivery.status for delivery in self.deliveries]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(timeout=5)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 64

    def __init__(self, receiver: Receiver) -> None:
        self.receiver = receiver
        super().__init__(("127.0.0.1", 0), _Handler)


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - named by the base class
        """Keep the terminal clean."""

    def do_POST(self) -> None:  # Named by the base class.
        receiver = self.server.receiver
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        receiver.before_answer()
        with receiver.lock:
            answer = receiver.script.popleft() if receiver.script else receiver.default
            status, headers = answer if isinstance(answer, tuple) else (answer or 0, {})
            names = {name.lower(): value for name, value in self.headers.items()}
            receiver.deliveries.append(Delivery(names, body, self.path, status))
        if status == 0:
            self.close_connection = True
            return
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", "0")
        self.end_headers()
        self.wfile.flush()
