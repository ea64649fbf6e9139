"""The twin's HTTP server, without any logic."""

from collections.abc import Callable

from tests.http_server import Handler, HttpServer
from tests.local.sendgrid_twin.exchange import Answer, Request

type Respond = Callable[[Request], Answer | None]
"""Answers a request; `None` closes the connection without an answer."""


class Server(HttpServer):
    """Serves until it is closed."""

    def __init__(self, respond: Respond, port: int = 0, host: str = "127.0.0.1") -> None:
        super().__init__(_Handler, port, host)
        self.respond = respond


class _Handler(Handler):
    server: Server

    def _serve(self) -> None:
        headers = {name.lower(): value for name, value in self.headers.items()}
        answer = self.server.respond(Request.of(self.command, self.path, headers, self.body()))
        if answer is None:
            self.close_connection = True
            return
        content = answer.encoded()
        named = dict(answer.headers)
        if content:
            named.setdefault("Content-Type", "application/json")
        self.answer(answer.status, content, named)

    do_GET = do_PUT = do_POST = do_PATCH = do_DELETE = _serve  # noqa: N815 - the base class requires them
