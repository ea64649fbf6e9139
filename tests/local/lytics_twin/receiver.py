"""A webhook on loopback with scripted answers that records its requests, for tests of the sender."""

import json
import threading
from collections import deque
from collections.abc import Callable
from typing import Any, NamedTuple, Self

from tests.http_server import Handler, HttpServer


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

    @property
    def url(self) -> str:
        return f"{self._server.url}/lytics/newsletter"

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
        self._server.close()


class _Server(HttpServer):
    def __init__(self, receiver: Receiver) -> None:
        super().__init__(_Handler)
        self.receiver = receiver


class _Handler(Handler):
    server: _Server

    def do_POST(self) -> None:  # Named by the base class.
        receiver = self.server.receiver
        body = json.loads(self.body())
        receiver.before_answer()
        with receiver.lock:
            answer = receiver.script.popleft() if receiver.script else receiver.default
            status, headers = answer if isinstance(answer, tuple) else (answer or 0, {})
            names = {name.lower(): value for name, value in self.headers.items()}
            receiver.deliveries.append(Delivery(names, body, self.path, status))
        if status == 0:
            self.close_connection = True
            return
        self.answer(status, headers=headers)
