"""The console behind a small web server: its real routes over the tables in memory, for a real browser."""

import threading
from dataclasses import replace
from urllib.parse import urlsplit

from tests.http_server import Handler, HttpServer
from tests.unit.functions.console.scene import Scene, gateway_event


class ConsoleServer(HttpServer):
    """Serves a scene, one request at a time.

    Attributes:
        base_url: of the console, which the scene's settings have from now on.
    """

    def __init__(self, scene: Scene) -> None:
        lock = threading.Lock()

        class Page(Handler):
            def do_GET(self) -> None:
                self._answer()

            def do_POST(self) -> None:
                self._answer()

            def _answer(self) -> None:
                body = self.body().decode() or None
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
                self.wfile.flush()

        super().__init__(Page)
        self.base_url = f"{self.url}/console"
        scene.settings = replace(scene.settings, console_base_url=self.base_url)
        scene.forget_application()
