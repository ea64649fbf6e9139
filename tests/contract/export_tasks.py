"""The handlers of the state machine's tasks and of inspect, on moto's AWS and both twins."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, cast

import boto3
import pytest
from aws_lambda_powertools.utilities.typing import LambdaContext

from functions.audit import app as audit_app
from functions.clear import app as clear_app
from functions.deactivate import app as deactivate_app
from functions.inspect import app as inspect_app
from functions.plan import app as plan_app
from functions.provision import app as provision_app
from functions.report import app as report_app
from functions.settle import app as settle_app
from functions.sweep import app as sweep_app
from lytics_sendgrid.tables.exports import ExportsTable
from tests.contract.moto_aws import aws
from tests.contract.openapi import OpenApi
from tests.local.lytics_twin.clock import ManualClock
from tests.local.lytics_twin.twin import DEFAULT_TOKEN, LyticsTwin
from tests.local.sendgrid_twin.exchange import Exchange
from tests.local.sendgrid_twin.options import Options
from tests.local.sendgrid_twin.twin import SendGridTwin

RUN = "run-1"
QUEUES = (
    "CHANGES_QUEUE_URL",
    "CHANGES_DEAD_LETTER_QUEUE_URL",
    "IMPORTS_DEAD_LETTER_QUEUE_URL",
    "REJECTS_QUEUE_URL",
)
CACHES = (
    plan_app._collaborators,
    provision_app._collaborators,
    settle_app._exports,
    report_app._collaborators,
    inspect_app._collaborators,
    deactivate_app._collaborators,
    clear_app._collaborators,
    sweep_app._collaborators,
    audit_app._collaborators,
)


class Invocation:
    """A Lambda context."""

    aws_request_id = "00000000-0000-4000-8000-000000000000"

    def get_remaining_time_in_millis(self) -> int:
        return 900_000


class Tasks:
    """A stack whose tasks can be called one by one, and its two accounts."""

    def __init__(self, sendgrid: SendGridTwin, lytics: LyticsTwin) -> None:
        self.sendgrid = sendgrid
        self.lytics = lytics
        dynamodb = boto3.client("dynamodb")
        pk, sk = {"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}
        text = [{"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk")]
        table: Any = {"BillingMode": "PAY_PER_REQUEST"}
        dynamodb.create_table(TableName="exports", KeySchema=[pk, sk], AttributeDefinitions=text, **table)  # type: ignore[list-item, arg-type]
        dynamodb.create_table(TableName="contacts", KeySchema=[pk], AttributeDefinitions=text[:1], **table)  # type: ignore[list-item, arg-type]
        self.exports = ExportsTable(dynamodb, "exports")
        self.secrets = boto3.client("secretsmanager")
        self.secret_id = self.secrets.create_secret(Name="stack/default", SecretString="{}")["ARN"]
        self.webhook_secret_id = self.secrets.create_secret(Name="stack/default/webhook")["ARN"]
        self.put_secret()
        self.put_webhook_secret(["shown"])

    def put_secret(self, **changes: Any) -> None:
        secret = {"sendgrid_api_key": "SG.full", "lytics_api_token": DEFAULT_TOKEN}
        self.secrets.put_secret_value(SecretId=self.secret_id, SecretString=json.dumps(secret | changes))

    def put_webhook_secret(self, webhook_secrets: list[str]) -> None:
        text = json.dumps({"webhook_secrets": webhook_secrets})
        self.secrets.put_secret_value(SecretId=self.webhook_secret_id, SecretString=text)

    def plan(self, *audiences: str, **more: Any) -> dict[str, Any]:
        return self.plan_of({"audiences": list(audiences), **more})

    def plan_of(self, document: Any) -> dict[str, Any]:
        return plan_app.lambda_handler({"run": RUN, "input": document}, context())

    def provision(self, state: dict[str, Any]) -> dict[str, Any]:
        return provision_app.lambda_handler(state, context())

    def settle(self, state: dict[str, Any]) -> dict[str, Any]:
        return settle_app.lambda_handler(state, context())

    def report(self, state: dict[str, Any]) -> dict[str, Any]:
        return report_app.lambda_handler(state, context())

    def deactivate(self, state: dict[str, Any]) -> dict[str, Any]:
        return deactivate_app.lambda_handler(state, context())

    def clear(self, state: dict[str, Any]) -> dict[str, Any]:
        return clear_app.lambda_handler(state, context())

    def sweep(self, state: dict[str, Any]) -> dict[str, Any]:
        return sweep_app.lambda_handler(state, context())

    def audit(self, state: dict[str, Any]) -> dict[str, Any]:
        return audit_app.lambda_handler(state, context())

    def inspect(self, email: str, export: str = "default") -> dict[str, Any]:
        return self.ask({"export": export, "email": email})

    def ask(self, question: dict[str, Any]) -> dict[str, Any]:
        return inspect_app.lambda_handler(question, context())

    def writes(self) -> list[str]:
        """Return the endpoint and status of each write to SendGrid, in order."""
        return [
            f"{exchange.endpoint} {exchange.status}"
            for exchange in self.sendgrid.exchanges()
            if exchange.method != "GET" and "/search/" not in exchange.path
        ]


def _queue(name: str) -> str:
    return boto3.client("sqs").create_queue(QueueName=name)["QueueUrl"]


def context() -> LambdaContext:
    return cast("LambdaContext", Invocation())


@contextmanager
def tasks_of(monkeypatch: pytest.MonkeyPatch, options: Options | None = None) -> Iterator[Tasks]:
    """Deploy the tasks, and check every request to SendGrid against its OpenAPI."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    problems: list[str] = []
    openapi = OpenApi.from_environment()

    def check(exchange: Exchange) -> None:
        if openapi is not None:
            problems.extend(openapi.problems(exchange))

    options = options or Options(field_delay_s=0.0, segment_validation_s=0.0)
    with (
        SendGridTwin(options, recorder=check) as sendgrid,
        LyticsTwin(clock=ManualClock()) as lytics,
        aws(),
    ):
        settings = {
            **{variable: _queue(variable) for variable in QUEUES},
            "CLEAR_DELAY_S": "0",
            "VERIFY_DELAY_S": "0",
            "REFRESH_DELAY_S": "900",
            "EXPORTS_TABLE": "exports",
            "DELIVER_MAPPING": "00000000-0000-4000-8000-000000000000",
            "CONTACTS_TABLE": "contacts",
            "SECRET_PREFIX": "stack",
            "SENDGRID_URL": sendgrid.url,
            "LYTICS_URL": lytics.url,
            "WEBHOOK_BASE_URL": "https://hooks.example.com/v1",
            "NO_AUDIENCE_VALUE": "none",
        }
        for name, value in settings.items():
            monkeypatch.setenv(name, value)
        for cache in CACHES:
            cache.cache_clear()
        yield Tasks(sendgrid, lytics)
        for cache in CACHES:
            cache.cache_clear()
    assert problems == []
