"""The twin's HTTP server, without any logic: loopback only, keep-alive."""

import contextlib
import email.utils
import json
import socket
import threading
import urllib.parse
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.local.lytics_twin.answers import Reply
from tests.local.lytics_twin.routes import Request

Answer = Callable[[Request, str | None], Reply | None]
"""Answers a request with its `Authorization`; None closes the connection without an answer."""


class Server(ThreadingHTTPServer):
    """Listens on loopback only. `close` ends open connections, too."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 256

    def __init__(self, port: int, answer: Answer, wall_ns: Callable[[], int]) -> None:
        self.answer, self.wall_ns = answer, wall_ns
        self.open: set[socket.socket] = set()
        super().__init__(("127.0.0.1", port), Handler)
        self._thread = threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def close(self) -> None:
        self.shutdown()
        self.server_close()
        for connection in list(self.open):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        self._thread.join(timeout=5)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Ignore clients that disconnect: the tests do so on purpose."""


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    server: Server
    protocol_version = "HTTP/1.1"
    server_version = "lytics-twin"
    disable_nagle_algorithm = True
    wbufsize = -1

    def setup(self) -> None:
        super().setup()
        self.server.open.add(self.connection)

    def finish(self) -> None:
        self.server.open.discard(self.connection)
        with contextlib.suppress(OSError):
            super().finish()

    def date_time_string(self, timestamp: float | None = None) -> str:
        moment = self.server.wall_ns() / 1e9 if timestamp is None else timestamp
        return email.utils.formatdate(moment, usegmt=True)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - named by the base class
        """Log nothing: `GET /_twin/requests` counts requests."""

    def _answer(self) -> None:
        parts = urllib.parse.urlsplit(self.path)
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        query = dict(urllib.parse.parse_qsl(parts.query, keep_blank_values=True))
        request = Request(self.command, parts.path, query, body)
        try:
            reply = self.server.answer(request, self.headers.get("Authorization"))
        except Exception as error:  # noqa: BLE001 - an error of the twin must show as a 500, not as a hang
            message = f"error in the twin: {error!r}"
            reply = Reply(500, json.dumps({"data": None, "message": message, "status": 500}).encode())
        if reply is None:
            self.close_connection = True
            return
        self.send_response(reply.status)
        if reply.status != 204:
            self.send_header("Content-Type", reply.content_type)
        self.send_header("Content-Length", str(len(reply.body)))
        self.end_headers()
        self.wfile.write(reply.body)
        self.wfile.flush()

    do_GET = do_POST = do_PUT = do_DELETE = do_PATCH = _answer  # noqa: N815  Named by the base class.
