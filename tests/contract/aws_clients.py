"""AWS as a scripted server on loopback, and the two clients that talk to it: boto3's and ingest's own."""

import http.server
import json
import threading
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Final, Self

import boto3
from botocore.config import Config

from functions.ingest.aws_json import aws_client

REGION: Final = "eu-central-1"
KEY: Final = "AKIDEXAMPLE"
SECRET_KEY: Final = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
TOKEN: Final = "a-session-token"

type Clients = Callable[[str, str], Any]


def own_client(service: str, url: str) -> Any:
    """Make ingest's client; it pauses between attempts for 0.3 s in all."""
    return aws_client(service, environment(url))


def environment(url: str) -> dict[str, str]:
    return {
        "AWS_REGION": REGION,
        "AWS_ACCESS_KEY_ID": KEY,
        "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
        "AWS_SESSION_TOKEN": TOKEN,
        "AWS_ENDPOINT_URL": url,
    }


def boto_client(service: str, url: str) -> Any:
    """Make boto3's client, with as many attempts and the same time-out."""
    make: Any = boto3.client  # its types ask for a service's name that is known beforehand
    return make(
        service,
        endpoint_url=url,
        region_name=REGION,
        aws_access_key_id=KEY,
        aws_secret_access_key=SECRET_KEY,
        aws_session_token=TOKEN,
        config=Config(retries={"total_max_attempts": 3}, read_timeout=0.4, connect_timeout=1),
    )


@dataclass(frozen=True, slots=True)
class Request:
    """What a client asked."""

    operation: str
    content_type: str
    document: Any
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Scripted:
    """An answer; status 0 closes the connection in its place, -1 does not answer at all."""

    status: int = 200
    document: Any = None
    chunked: bool = False
    closes: bool = False
    headers: tuple[tuple[str, str], ...] = ()


class ScriptedAws:
    """Answers in the order that a test gives; the last answer is repeated."""

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
        headers = {name.lower(): value for name, value in self.headers.items()}
        aws.requests.append(Request(operation, self.headers["Content-Type"], json.loads(body), headers, body))
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
        for name, value in answer.headers:
            self.send_header(name, value)
        if answer.closes:
            self.send_header("Connection", "close")
        self.send_header(
            *(("Transfer-Encoding", "chunked") if answer.chunked else ("Content-Length", str(len(text))))
        )
        self.end_headers()
        self.wfile.write(b"%x\r\n%s\r\n0\r\n\r\n" % (len(text), text) if answer.chunked else text)

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002 - the base class's name
        pass
