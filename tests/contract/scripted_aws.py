"""A server on loopback that answers AWS calls from a script."""

import json
import threading
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

from tests.http_server import Handler, HttpServer


@dataclass(frozen=True, slots=True)
class Request:
    """One call."""

    operation: str
    document: Any


@dataclass(frozen=True, slots=True)
class Scripted:
    """An answer. Status 0 closes the connection instead; -1 leaves the call without an answer."""

    status: int = 200
    document: Any = None


class ScriptedAws:
    """Give each call the next answer of a script, and repeat the last one."""

    def __init__(self, *answers: Scripted) -> None:
        self.answers = list(answers)
        self.requests: list[Request] = []
        self.connections = 0
        self.released = threading.Event()
        self._server = _Server(self)

    @property
    def url(self) -> str:
        return self._server.url

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.released.set()
        self._server.close()


class _Server(HttpServer):
    def __init__(self, aws: ScriptedAws) -> None:
        super().__init__(_Handler)
        self.aws = aws


class _Handler(Handler):
    server: _Server

    def setup(self) -> None:
        super().setup()
        self.server.aws.connections += 1

    def do_POST(self) -> None:
        aws = self.server.aws
        body = self.body()
        operation = self.headers["X-Amz-Target"]
        aws.requests.append(Request(operation, json.loads(body)))
        answer = aws.answers.pop(0) if len(aws.answers) > 1 else aws.answers[0]
        if answer.status <= 0:
            if answer.status < 0:
                aws.released.wait(10)
            self.close_connection = True
            return
        text = answer.document if isinstance(answer.document, bytes) else json.dumps(answer.document).encode()
        self.answer(answer.status, text, {"Content-Type": "application/x-amz-json-1.0"})
