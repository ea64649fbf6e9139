"""A stub of the AWS calls that ingest makes. It answers at once, so only ingest's own time is measured.

The answers have the form of SQS, DynamoDB and Secrets Manager.
"""

import json
from typing import Any

from lytics_sendgrid.domain.configuration import Export
from lytics_sendgrid.domain.configuration_document import export_document
from tests.http_server import Handler, HttpServer


class AwsStub(HttpServer):
    """Serves one export, its secret, and queues that accept every message and keep none.

    Attributes:
        calls: how often each operation was called.
        answers: the answer to every call of an operation, by operation.
    """

    def __init__(self, export: Export, secret: str) -> None:
        super().__init__(_Handler)
        item = {"doc": {"S": json.dumps(export_document(export))}}
        self.calls: dict[str, int] = {}
        self.answers: dict[str, dict[str, Any]] = {
            "GetItem": {"Item": item},
            "GetSecretValue": {"SecretString": json.dumps({"webhook_secrets": [secret]})},
            "SendMessage": {"MessageId": "1", "MD5OfMessageBody": "0"},
            "SendMessageBatch": {"Successful": [], "Failed": []},
        }


class _Handler(Handler):
    server: AwsStub

    def do_POST(self) -> None:
        operation = self.headers["X-Amz-Target"].rpartition(".")[2]
        self.body()
        self.server.calls[operation] = self.server.calls.get(operation, 0) + 1
        answer = json.dumps(self.server.answers[operation]).encode()
        self.answer(200, answer, {"Content-Type": "application/x-amz-json-1.0"})
