"""AWS as far as ingest calls it, answering at once: what is measured against it is ingest's own.

The answers' forms are those of SQS, DynamoDB and Secrets Manager; `tests/contract` holds ingest's client against moto.
"""

import http.server
import json
import threading
from types import TracebackType
from typing import Any, Self

from lytics_sendgrid.domain.configuration import Export, export_document


class AwsStub:
    """Serves one export, its secret and queues that swallow everything, on loopback."""

    def __init__(self, export: Export, secret: str) -> None:
        self._server = _Server(export, secret)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    @property
    def calls(self) -> dict[str, int]:
        """How often each operation was called."""
        return dict(self._server.calls)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, export: Export, secret: str) -> None:
        super().__init__(("127.0.0.1", 0), _Endpoint)
        item = {"doc": {"S": json.dumps(export_document(export))}}
        self.calls: dict[str, int] = {}
        self.answers: dict[str, dict[str, Any]] = {
            "GetItem": {"Item": item},
            "GetSecretValue": {"SecretString": json.dumps({"webhook_secrets": [secret]})},
            "SendMessage": {"MessageId": "1", "MD5OfMessageBody": "0"},
            "SendMessageBatch": {"Successful": [], "Failed": []},
        }


class _Endpoint(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1
    server: _Server

    def do_POST(self) -> None:
        operation = self.headers["X-Amz-Target"].rpartition(".")[2]
        self.rfile.read(int(self.headers["Content-Length"]))
        self.server.calls[operation] = self.server.calls.get(operation, 0) + 1
        body = json.dumps(self.server.answers[operation]).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/x-amz-json-1.0")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002 - the base class's name
        pass
