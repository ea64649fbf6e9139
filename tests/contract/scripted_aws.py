"""A server on loopback that answers AWS calls from a script."""

import http.server
import json
import threading
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self


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
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.released.set()
        self._server.shutdown()
        self._server.server_close()


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, aws: ScriptedAws) -> None:
        super().__init__(("127.0.0.1", 0), _Endpoint)
        self.aws = aws


class _Endpoint(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server

    def setup(self) -> None:
        super().setup()
        self.server.aws.connections += 1

    def do_POST(self) -> None:
        aws = self.server.aws
        body = self.rfile.read(int(self.headers["Content-Length"]))
        operation = self.headers["X-Amz-Target"]
        aws.requests.append(Request(operation, json.loads(body)))
        answer = aws.answers.pop(0) if len(aws.answers) > 1 else aws.answers[0]
        if answer.status <= 0:
            if answer.status < 0:
                aws.released.wait(10)
            self.close_connection = True
            return
        self._answer(answer)

    def _answer(self, answer: Scripted) -> None:
        text = answer.document if isinstance(answer.document, bytes) else json.dumps(answer.document).encode()
        self.send_response(answer.status)
        self.send_header("Content-Type", "application/x-amz-json-1.0")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002 - the base class's name
        pass
