"""The twin's HTTP server, without any logic: loopback only, keep-alive."""

import email.utils
import json
import urllib.parse
from collections.abc import Callable

from tests.http_server import Handler, HttpServer
from tests.local.lytics_twin.answers import Reply
from tests.local.lytics_twin.routes import Request

Answer = Callable[[Request, str | None], Reply | None]
"""Answers a request with its `Authorization`; None closes the connection without an answer."""


class Server(HttpServer):
    """Serves until it is closed."""

    def __init__(self, port: int, answer: Answer, wall_ns: Callable[[], int]) -> None:
        super().__init__(_Handler, port)
        self.answer, self.wall_ns = answer, wall_ns


class _Handler(Handler):
    server: Server
    server_version = "lytics-twin"

    def date_time_string(self, timestamp: float | None = None) -> str:
        moment = self.server.wall_ns() / 1e9 if timestamp is None else timestamp
        return email.utils.formatdate(moment, usegmt=True)

    def _answer(self) -> None:
        parts = urllib.parse.urlsplit(self.path)
        body = self.body()
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
        content_type = {} if reply.status == 204 else {"Content-Type": reply.content_type}
        self.answer(reply.status, reply.body, content_type)

    do_GET = do_POST = do_PUT = do_DELETE = do_PATCH = _answer  # noqa: N815  Named by the base class.
