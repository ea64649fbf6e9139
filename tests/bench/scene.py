"""Where the bench runs: tables and queues on the local cloud, the SendGrid twin, the built functions.

The functions run one process each under AWS's runtime client, outside of the emulator's event sources: the
bench hands them their events itself, so that it knows what is in each.
"""

import json
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import boto3
from botocore.config import Config

from lytics_sendgrid.domain.configuration import Export
from lytics_sendgrid.tables.exports import ExportsTable
from tests.bench import people
from tests.bench.wire import Wire
from tests.local.build import REPOSITORY, build_application
from tests.local.cloud import CREDENTIALS, REGION, LocalCloud, interpreter
from tests.local.runtime_api import FunctionProcess
from tests.local.sendgrid_twin.exchange import Exchange
from tests.local.sendgrid_twin.options import Options
from tests.local.sendgrid_twin.twin import SendGridTwin

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_sqs import SQSClient

WEBHOOK_SECRET: Final = "a-secret-of-the-bench"
_TIMEOUT_S: Final = 600.0
"""Five times the template's. On a busy machine deliver would run late and requeue what is measured."""
MEMORY_MB: Final = {
    "deliver": 1769,
    "confirm": 512,
    "ingest": 1024,
    "backfill": 512,
    "sweep": 512,
    "audit": 512,
    "plan": 512,
    "naive": 1769,
}
"""As in template.yaml."""
PUT: Final = "PUT /v3/marketing/contacts"
JOB: Final = "GET /v3/marketing/contacts/imports/{id}"
TABLES: Final = ("contacts", "exports")
QUEUES: Final = ("changes", "imports", "rejects")


@dataclass(frozen=True, slots=True)
class Scene:
    """What runs.

    Attributes:
        aws_url: the emulator's own endpoint.
        wire: the counting way to it.
        sendgrid: the twin.
        build: folder of `sam build`'s output.
        queues: name to URL.
        put_bytes: the size of each PUT's body.
        put_rows: how many contacts each of them held.
        export: goes to no list.
        on_list: another export, whose contacts go onto a list.
        logs: folder of the functions' logs.
    """

    aws_url: str
    wire: Wire
    sendgrid: SendGridTwin
    build: Path
    queues: Mapping[str, str]
    put_bytes: list[int]
    put_rows: list[int]
    export: Export
    on_list: Export
    logs: Path

    def forget(self) -> None:
        """Set every count to zero and empty the queues."""
        self.wire.bill.forget()
        self.sendgrid.forget_exchanges()
        self.put_bytes.clear()
        self.put_rows.clear()
        for url in self.queues.values():
            self.sqs().purge_queue(QueueUrl=url)
        for log in self.logs.glob("bench-*.log"):
            log.unlink()

    def log_bytes(self, name: str) -> int:
        """Return how much a function has written to its log."""
        log = self.logs / f"bench-{name}.log"
        return log.stat().st_size if log.exists() else 0

    def metrics(self) -> int:
        """Return how many metrics the functions have made since the counts were set to zero."""
        written = "".join(log.read_text() for log in self.logs.glob("bench-*.log"))
        return len(set(re.findall(r'\{"Name":"([^"]+)"', written)))

    def sqs(self, *, counted: bool = False) -> "SQSClient":
        """Return a client."""
        client: SQSClient = _client("sqs", self.wire.url if counted else self.aws_url)
        return client

    def dynamodb(self, *, counted: bool = False) -> "DynamoDBClient":
        """Return a client."""
        client: DynamoDBClient = _client("dynamodb", self.wire.url if counted else self.aws_url)
        return client

    def function(
        self,
        name: str,
        *,
        counted: bool = False,
        probe: str | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> FunctionProcess:
        """Return a function of the built application.

        Args:
            name: its folder in `functions`.
            counted: its AWS calls go through the counting wire.
            probe: a module of `tests/bench/probes` whose `lambda_handler` runs instead of the function's.
            environment: further variables.
        """
        code = self.build / f"{name.capitalize()}Function"
        layers = [self.build / f"{layer}Layer" for layer in ("Dependencies", "Shared")]
        paths = [code, *(layer / "python" for layer in layers)]
        if probe is not None:
            paths.append(REPOSITORY / "tests" / "bench" / "probes")
        return FunctionProcess(
            f"{probe or f'functions.{name}.app'}.lambda_handler",
            code,
            python=interpreter("RUNTIME_PYTHON", ".venv-runtime"),
            environment={
                **self._environment(self.wire.url if counted else self.aws_url),
                "PYTHONPATH": os.pathsep.join(map(str, paths)),
                **(environment or {}),
            },
            name=name,
            timeout_s=_TIMEOUT_S,
            memory_mb=MEMORY_MB[name],
            log=self.logs / f"bench-{probe or name}.log",
        )

    def _environment(self, aws_url: str) -> dict[str, str]:
        return {
            **CREDENTIALS,
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_ENDPOINT_URL": aws_url,
            **{f"{name.upper()}_QUEUE_URL": url for name, url in self.queues.items()},
            "IMPORTS_DEAD_LETTER_QUEUE_URL": self.queues["rejects"],
            **{f"{name.upper()}_TABLE": name for name in TABLES},
            "SECRET_PREFIX": "bench",
            "SENDGRID_URL": self.sendgrid.url,
            "NO_AUDIENCE_VALUE": "none",
            "REFRESH_DELAY_S": "900",
            "CONFIRM_DELAY_S": "0",  # the bench looks up a job once it has ended
            "STOP_RETRY_S": "60",
            "CONFIGURATION_CACHE_S": "20",
            "REJECTED_PERCENT_LIMIT": "1",
            "POWERTOOLS_SERVICE_NAME": "bench",
            "POWERTOOLS_METRICS_NAMESPACE": "LyticsSendGrid",
            "POWERTOOLS_LOG_LEVEL": "INFO",
        }


@contextmanager
def scene() -> Iterator[Scene]:
    """Build and start everything; end all of it at the end."""
    template = build_application()
    # No rate limit, and nothing of the exchanges is kept: the twin must not be what is measured.
    options = Options(limits={"*": (1_000_000, 60.0)})
    put_bytes: list[int] = []
    put_rows: list[int] = []

    def record(exchange: Exchange) -> None:
        if exchange.endpoint == PUT:
            put_bytes.append(len(exchange.request_body))
            put_rows.append(exchange.request_body.count(b'{"email":'))

    with (
        SendGridTwin(options, recorder=record, keep_bytes=0) as twin,
        LocalCloud() as cloud,
        Wire(cloud.endpoint_url) as wire,
    ):
        membership, text, number = (
            twin.add_field("lytics_segments"),
            twin.add_field("interest"),
            twin.add_field("lifetime_value", "Number"),
        )
        export = people.export(text, number)
        on_list = people.export(text, number, name="on-a-list", list_id=twin.add_list("Newsletter"))
        made = Scene(
            aws_url=cloud.endpoint_url,
            wire=wire,
            sendgrid=twin,
            build=template.parent,
            queues=_resources(cloud.endpoint_url),
            put_bytes=put_bytes,
            put_rows=put_rows,
            export=export,
            on_list=on_list,
            logs=cloud.logs,
        )
        exports = ExportsTable(made.dynamodb(), "exports")
        exports.put_account(people.account(membership, [export, on_list]), 0)
        exports.put_export(export)
        exports.put_export(on_list)
        yield made


def _resources(aws_url: str) -> dict[str, str]:
    dynamodb, sqs = _client("dynamodb", aws_url), _client("sqs", aws_url)
    for table, keys in (("contacts", {"pk": "HASH"}), ("exports", {"pk": "HASH", "sk": "RANGE"})):
        dynamodb.create_table(
            TableName=table,
            KeySchema=[{"AttributeName": name, "KeyType": kind} for name, kind in keys.items()],
            AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in keys],
            BillingMode="PAY_PER_REQUEST",
        )
    secrets = {
        "bench/default": {"sendgrid_api_key": "SG.full", "lytics_api_token": "a-token"},
        "bench/default/webhook": {"webhook_secrets": [WEBHOOK_SECRET]},
    }
    for name, document in secrets.items():
        _client("secretsmanager", aws_url).create_secret(Name=name, SecretString=json.dumps(document))
    return {
        name: sqs.create_queue(QueueName=f"bench-{name}", Attributes={"VisibilityTimeout": "780"})["QueueUrl"]
        for name in QUEUES
    }


def _client(service: Any, url: str) -> Any:
    return boto3.client(
        service,
        region_name=REGION,
        endpoint_url=url,
        aws_access_key_id=CREDENTIALS["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=CREDENTIALS["AWS_SECRET_ACCESS_KEY"],
        config=Config(retries={"total_max_attempts": 1}, max_pool_connections=20, proxies={}),
    )
