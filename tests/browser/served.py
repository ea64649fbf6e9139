"""The console behind a small web server: its real routes over the tables in memory, for a real browser."""

import threading
from dataclasses import replace
from urllib.parse import urlsplit

from tests.http_server import Handler, HttpServer
from tests.unit.functions.console.scene import Page, Scene


class ConsoleServer(HttpServer):
    """Serves a scene, one request at a time.

    Attributes:
        base_url: of the console, which the scene's settings have from now on.
        scene: which is served.
        shown: what the browser's window gets instead of the console's answer.
    """

    def __init__(self, scene: Scene) -> None:
        self._lock = threading.Lock()
        self.shown: Page | None = None
        super().__init__(_Page)
        self.base_url = f"{self.url}/console"
        self.serve(scene)

    def serve(self, scene: Scene) -> None:
        """Serve a scene, in place of the former."""
        scene.settings = replace(scene.settings, console_base_url=self.base_url)
        scene.forget_application()
        self.scene = scene

    def answer_to(self, method: str, path: str, headers: dict[str, str], body: str | None) -> Page:
        """Return the answer to a request."""
        if self.shown is not None and headers.get("Sec-Fetch-Dest") == "document":
            return self.shown
        prefix = urlsplit(self.base_url).path
        with self._lock:
            return self.scene.send(method, path.removeprefix(prefix) or "/", headers=headers, body=body)


class _Page(Handler):
    server: ConsoleServer

    def do_GET(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self._answer()

    def _answer(self) -> None:
        body = self.body().decode() or None
        page = self.server.answer_to(self.command, self.path, dict(self.headers.items()), body)
        content = page.html.encode()
        self.send_response(page.status)
        for name, value in page.headers.items():
            if name != "set-cookie":
                self.send_header(name, value)
        for cookie in page.cookies:
            self.send_header("Set-Cookie", cookie)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)
        self.wfile.flush()
