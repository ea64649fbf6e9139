"""The console behind a small web server: its real routes over the tables in memory, for a real browser."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

from tests.unit.functions.console.scene import Scene, gateway_event


def server() -> ThreadingHTTPServer:
    """Return a server on a free port, which answers nothing yet."""
    web = ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler)
    web.daemon_threads = True
    return web


@contextmanager
def served(scene: Scene, web: ThreadingHTTPServer) -> Iterator[None]:
    """Serve a scene."""
    lock = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._answer()

        def do_POST(self) -> None:
            self._answer()

        def _answer(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            body = self.rfile.read(length).decode() if length else None
            prefix = urlsplit(scene.settings.console_base_url).path
            path = self.path.removeprefix(prefix) or "/"
            event = gateway_event(self.command, path, dict(self.headers.items()), body)
            with lock:
                answer = scene.application.answer(event, None)
            content = (answer["body"] or "").encode()
            self.send_response(answer["statusCode"])
            for name, values in answer["multiValueHeaders"].items():
                for value in values:
                    self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            """Say nothing."""

    web.RequestHandlerClass = Handler
    threading.Thread(target=web.serve_forever, args=(0.05,), daemon=True).start()
    try:
        yield
    finally:
        web.shutdown()
        web.server_close()
