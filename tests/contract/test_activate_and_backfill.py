"""The tasks activate and backfill from their handlers down, on moto's AWS and the Lytics twin."""

import dataclasses
import io
import json
from collections import Counter
from collections.abc import Iterator
from typing import Any, cast

import boto3
import pytest
from aws_lambda_powertools.utilities.typing import LambdaContext

from functions.activate import app as activate_app
from functions.backfill import app as backfill_app
from lytics_sendgrid.domain.change import Kind
from lytics_sendgrid.domain.configuration import (
    Account,
    Audience,
    Export,
    FieldKind,
    MappedField,
    ProvisionedAudience,
)
from lytics_sendgrid.domain.seen import is_seen, seen_hash
from lytics_sendgrid.domain.stop import Stop
from lytics_sendgrid.errors import KeyRefused, StopRun, SubscriptionRefused
from lytics_sendgrid.queues.changes import decode
from lytics_sendgrid.tables.exports import ExportsTable
from lytics_sendgrid.tables.seen import SeenTable
from tests.clock import TickingClock
from tests.contract.moto_aws import aws
from tests.local.lytics_twin.clock import ManualClock
from tests.local.lytics_twin.receiver import Receiver
from tests.local.lytics_twin.twin import DEFAULT_TOKEN, LyticsTwin
from tests.run_state import run_state

RUN = "run-1"
SECRET = "webhook-secret-of-the-test"


@dataclasses.dataclass
class Invocation:
    """A Lambda context."""

    number: int
    left_ms: int

    @property
    def aws_request_id(self) -> str:
        return f"{self.number:08x}-0000-4000-8000-000000000000"

    def get_remaining_time_in_millis(self) -> int:
        return self.left_ms


class Deployment:
    """The stack's table, queue and secret in moto."""

    def __init__(self, twin: LyticsTwin, webhook_base_url: str) -> None:
        self.twin = twin
        self.sqs = boto3.client("sqs")
        self.queue_url = self.sqs.create_queue(QueueName="changes")["QueueUrl"]
        boto3.client("dynamodb").create_table(
            TableName="exports",
            KeySchema=[
                {"AttributeName": "pk", "KeyType": "HASH"},
                {"AttributeName": "sk", "KeyType": "RANGE"},
            ],
            AttributeDefinitions=[
                {"AttributeName": "pk", "AttributeType": "S"},
                {"AttributeName": "sk", "AttributeType": "S"},
            ],
            BillingMode="PAY_PER_REQUEST",
        )
        self.exports = ExportsTable(boto3.client("dynamodb"), "exports")
        self.secrets = boto3.client("secretsmanager")
        self.secret_id = self.secrets.create_secret(Name="stack/default", SecretString="{}")["ARN"]
        self.secrets.create_secret(
            Name="stack/default/webhook", SecretString=json.dumps({"webhook_secrets": [SECRET]})
        )
        self.put_secret()
        self.webhook_base_url = webhook_base_url
        self.invocations = 0

    def put_secret(self, token: str = DEFAULT_TOKEN) -> None:
        secret = {"sendgrid_api_key": "SG.x", "lytics_api_token": token}
        self.secrets.put_secret_value(SecretId=self.secret_id, SecretString=json.dumps(secret))

    def put_account(self, version: int, **exports: str) -> None:
        """Let exports share an account; ``exports`` are their names and audiences."""
        audiences = {
            audience: ProvisionedAudience("lytics_segments", None, None, tuple(exports))
            for audience in exports.values()
        }
        self.exports.put_account(Account("default", version, audiences=audiences), version - 1)

    def put_export(self, *audiences: str) -> None:
        fields = (
            MappedField("first_name", "first_name", "first_name", FieldKind.TEXT, 50),
            MappedField("lifetime_value", "e1_N", "lifetime_value", FieldKind.NUMBER, 0),
        )
        known = tuple(Audience(audience, f"Audience {audience}", audience) for audience in audiences)
        self.exports.put_export(Export("newsletter", "default", "default", 1, "email", fields, known))

    def context(self, left_s: int = 900) -> LambdaContext:
        self.invocations += 1
        return cast("LambdaContext", Invocation(self.invocations, left_s * 1_000))

    def activate(self, *, subscribe: bool = True, before: Any = None) -> dict[str, Any]:
        event = run_state(run=RUN, subscribe=subscribe, activation=before)
        return activate_app.lambda_handler(event, self.context())

    def backfill(
        self, audience: str, left_s: int = 900, *, second: bool = False, **more: Any
    ) -> dict[str, Any]:
        event = {
            "run": RUN,
            "export": "newsletter",
            "authorization": "default",
            "audience": {"id": audience, **more},
            "number": 0,
            "second": second,
        }
        return backfill_app.lambda_handler(event, self.context(left_s))

    def messages(self) -> list[str]:
        bodies: list[str] = []
        while received := self.sqs.receive_message(QueueUrl=self.queue_url, MaxNumberOfMessages=10).get(
            "Messages"
        ):
            bodies += [message["Body"] for message in received]
        return bodies


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def deployment(clock: ManualClock, monkeypatch: pytest.MonkeyPatch) -> Iterator[Deployment]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with LyticsTwin(clock=clock, initializing_s=5) as twin, Receiver() as receiver, aws():
        deployment = Deployment(twin, receiver.url)
        settings = {
            "EXPORTS_TABLE": "exports",
            "SECRET_PREFIX": "stack",
            "LYTICS_URL": twin.url,
            "CHANGES_QUEUE_URL": deployment.queue_url,
            "WEBHOOK_BASE_URL": receiver.url,
        }
        for name, value in settings.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr(backfill_app, "SystemClock", lambda: TickingClock(0.25))
        activate_app._collaborators.cache_clear()
        backfill_app._collaborators.cache_clear()
        yield deployment
        activate_app._collaborators.cache_clear()
        backfill_app._collaborators.cache_clear()


def test_activation_creates_the_job_and_ends_when_it_runs(deployment: Deployment, clock: ManualClock) -> None:
    audiences = deployment.twin.populate(20, 2, seed=1)
    deployment.put_export(*audiences)
    deployment.exports.put_stop("newsletter", Stop("a list was gone", 0, 0))

    first = deployment.activate()
    clock.advance(5)
    second = deployment.activate(before=first)

    assert (first["running"], first["state"], first["waited"]) == (False, "initializing", 1)
    assert (second["live"], second["running"], second["state"]) == (True, True, "running")
    assert second["webhook_url"] == f"{deployment.webhook_base_url}/lytics/newsletter"
    assert deployment.exports.stop("newsletter") is None
    (job,) = deployment.twin.jobs()
    export = deployment.exports.export("newsletter")
    assert export is not None
    assert (export.lytics_job, [export.lytics_auth]) == (job.id, job.auth_ids)
    assert job.config["segment_ids"] == list(audiences)


def test_lytics_sends_the_secret_to_the_webhook(deployment: Deployment, clock: ManualClock) -> None:
    audience, *_ = deployment.twin.populate(20, 1, seed=1)
    deployment.put_export(audience)
    deployment.activate()
    clock.advance(5)
    leaving = sorted(deployment.twin.members(audience))[0]
    deployment.twin.exit(leaving, audience)
    clock.advance(2)
    assert deployment.twin.drain(5)
    (authorization,) = deployment.twin.authorizations.all()
    assert authorization.headers == {"X-Lytics-Secret": SECRET}


def test_second_start_creates_no_second_job_or_authorization(
    deployment: Deployment, clock: ManualClock
) -> None:
    deployment.put_export(*deployment.twin.populate(20, 2, seed=1))
    deployment.activate()
    clock.advance(5)
    again = deployment.activate()
    assert again["running"]
    requests = deployment.twin.requests()
    assert requests["POST /v2/job/{workflow}"] == requests["POST /v2/auth/{type}"] == 1
    assert "PUT /v2/job/{workflow}/{id}" not in requests


def test_changed_export_changes_its_job(deployment: Deployment, clock: ManualClock) -> None:
    first, second = deployment.twin.populate(20, 2, seed=1)
    deployment.put_export(first)
    deployment.activate()
    clock.advance(5)
    deployment.put_export(first, second)
    deployment.activate()
    (job,) = deployment.twin.jobs()
    assert job.config["segment_ids"] == [first, second]


def test_refused_job_is_reported_with_what_to_paste(deployment: Deployment) -> None:
    deployment.put_export("0" * 32)
    with pytest.raises(SubscriptionRefused, match=r"no audience has the id(.|\n)*X-Lytics-Secret") as raised:
        deployment.activate()
    assert SECRET not in str(raised.value)


def test_without_subscribe_nothing_is_created_and_no_secret_shown(
    deployment: Deployment,
) -> None:
    deployment.put_export(*deployment.twin.populate(20, 1, seed=1))
    result = deployment.activate(subscribe=False)
    assert (result["live"], result["running"]) == (False, True)
    assert result["paste"]["header"]["value"].endswith(
        "the secret stack/default/webhook of AWS Secrets Manager"
    )
    assert SECRET not in json.dumps(result)
    assert deployment.twin.jobs() == []


def test_job_created_by_hand_counts_as_live(deployment: Deployment, clock: ManualClock) -> None:
    deployment.put_export(*deployment.twin.populate(20, 1, seed=1))
    deployment.activate()
    clock.advance(5)
    deployment.put_export(*deployment.twin.account.audiences)
    assert deployment.activate(subscribe=False)["live"]


def test_corrected_token_counts_at_once(deployment: Deployment) -> None:
    audience, *_ = deployment.twin.populate(20, 1, seed=1)
    deployment.put_export(audience)
    deployment.put_secret(token="expired")
    with pytest.raises(KeyRefused):
        deployment.activate()
    with pytest.raises(KeyRefused):
        deployment.backfill(audience)
    deployment.put_secret()
    assert deployment.backfill(audience)["done"]


@pytest.mark.parametrize(
    "faults",
    [
        {},
        {"scan_next_key": "next"},
        {"scan_empty_page_every": 2},
        {"scan_duplicate_rate": 0.2},
        {"scan_numbers_as_strings": True},
    ],
)
def test_everybody_is_queued_over_several_invocations(
    deployment: Deployment, clock: ManualClock, faults: dict[str, Any]
) -> None:
    audience, *_ = deployment.twin.populate(2_000, 2, seed=1)
    deployment.put_export(audience)
    deployment.twin.set_faults(**faults)

    results = [deployment.backfill(audience, left_s=6)]
    while not results[-1]["done"]:
        results.append(deployment.backfill(audience, left_s=6))

    assert len(results) > 2
    assert results[-1]["complete"]
    messages = [decode(body) for body in deployment.messages()]
    changes = [change for message in messages for change in message.changes]
    assert {change.email for change in changes} == deployment.twin.members(audience)
    assert {(change.kind, change.audience) for change in changes} == {(Kind.ENTER, audience)}
    assert {change.time_ns for change in changes} == {1}
    assert {change.fields_time_ns for change in changes} == {clock.wall_ns() - 600_000_000_000}
    numbers = Counter(message.number for message in messages)
    checkpoint = deployment.exports.scan(RUN, audience)
    assert checkpoint is not None
    assert set(numbers) == checkpoint.numbers
    assert max(numbers.values()) == 1
    assert results[-1]["messages"] == len(messages)


def test_cursor_gone_stale_between_invocations_restarts_the_scan(
    deployment: Deployment, clock: ManualClock
) -> None:
    audience, *_ = deployment.twin.populate(500, 1, seed=1)
    deployment.put_export(audience)
    assert not deployment.backfill(audience, left_s=1)["done"]
    clock.advance(3_600)

    result = deployment.backfill(audience)

    assert (result["done"], result["complete"], result["restarts"]) == (True, True, 1)
    changes = [change for body in deployment.messages() for change in decode(body).changes]
    assert {change.email for change in changes} == deployment.twin.members(audience)


@pytest.mark.parametrize(
    ("faults", "key", "words"),
    [
        ({"scan_repeat_cursor": True}, "trouble", "repeats its cursor"),
        ({"scan_next_key": "other"}, "mismatch", "returned 100"),
    ],
)
def test_undocumented_paging_never_counts_as_complete(
    deployment: Deployment, faults: dict[str, Any], key: str, words: str
) -> None:
    audience, *_ = deployment.twin.populate(500, 1, seed=1)
    deployment.put_export(audience)
    deployment.twin.set_faults(**faults)
    result = deployment.backfill(audience)
    assert (result["done"], result["complete"]) == (True, False)
    assert words in result[key]


@pytest.mark.parametrize("faults", [{}, {"scan_no_split_rate": 0.05}, {"scan_refuse_splits": True}])
def test_audience_read_in_parts_is_read_whole_if_it_must_be(
    deployment: Deployment, faults: dict[str, Any]
) -> None:
    audience, *_ = deployment.twin.populate(3_000, 1, seed=1)
    deployment.put_export(audience)
    deployment.twin.set_faults(**faults)
    result = deployment.backfill(audience, requests=4)
    assert (result["done"], result["complete"]) == (True, True)
    assert ("whole" in result, "parts" in result) == (bool(faults), not faults)
    changes = [change for body in deployment.messages() for change in decode(body).changes]
    assert {change.email for change in changes} == deployment.twin.members(audience)


def test_people_of_every_export_of_the_audience_are_seen(deployment: Deployment) -> None:
    audience, *_ = deployment.twin.populate(30, 1, seed=1)
    for number, person in enumerate(sorted(deployment.twin.members(audience))):
        deployment.twin.change(person, {"work_email": f"Work{number}@example.org"}, silently=True)
    deployment.put_export(audience)
    export = deployment.exports.export("newsletter")
    assert export is not None
    deployment.exports.put_export(dataclasses.replace(export, name="offers", email_field="work_email"))
    deployment.put_account(1, newsletter=audience, offers=audience)

    first, second = deployment.backfill(audience), deployment.backfill(audience, second=True)

    members = len(deployment.twin.members(audience))
    assert (first["seen"], second["seen"]) == (2 * members, 2 * members)
    assert (first["people"], second["messages"]) == (members, 0)
    checkpoint = deployment.exports.scan(RUN, audience)
    assert checkpoint is not None
    assert checkpoint.email_fields == (("newsletter", "email"), ("offers", "work_email"))
    hashes = SeenTable(boto3.client("dynamodb"), "exports").read_seen(RUN, audience, 1, 1, 2 * members)
    assert all(is_seen(hashes, seen_hash(RUN, f"work{number}@example.org")) for number in range(members))
    assert checkpoint.sample[0][1], "addresses with capitals come first"


def test_audience_of_other_exports_only_is_scanned_but_not_queued(deployment: Deployment) -> None:
    audience, *_ = deployment.twin.populate(30, 1, seed=1)
    deployment.put_export()
    with pytest.raises(StopRun, match="no such audience"):
        deployment.backfill(audience)
    result = deployment.backfill(audience, queues=False)
    assert (result["complete"], result["seen"], result["messages"]) == (
        True,
        len(deployment.twin.members(audience)),
        0,
    )
    assert deployment.messages() == []


def test_rows_without_address_are_counted(deployment: Deployment) -> None:
    audience, *_ = deployment.twin.populate(300, 1, seed=1)
    deployment.put_export(audience)
    deployment.twin.set_faults(scan_no_email_rate=0.5)
    result = deployment.backfill(audience)
    assert result["complete"]
    assert 0 < result["without_email"] < result["scanned"]
    assert result["people"] == result["scanned"] - result["without_email"]


def test_deleted_audience_is_in_trouble(deployment: Deployment) -> None:
    deployment.put_export("0" * 32)
    result = deployment.backfill("0" * 32)
    assert (result["done"], result["complete"]) == (True, False)
    assert "Segment not found. If somebody deleted the audience" in result["trouble"]


def test_foreign_audience_stops_the_run(deployment: Deployment) -> None:
    deployment.put_export("0" * 32)
    with pytest.raises(StopRun, match="no such audience"):
        deployment.backfill("1" * 32)


def test_unprovisioned_export_is_not_activated(deployment: Deployment) -> None:
    with pytest.raises(StopRun, match="no configuration"):
        deployment.activate()


def test_no_address_and_no_secret_is_logged(deployment: Deployment, monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.StringIO()
    for app in (activate_app, backfill_app):
        monkeypatch.setattr(app.logger.registered_handler, "stream", stream)
    audience, *_ = deployment.twin.populate(50, 1, seed=1)
    deployment.put_export(audience)
    deployment.activate()
    deployment.backfill(audience)
    logged = stream.getvalue()
    assert "audience_scanned" in logged
    assert "export_activated" in logged
    for hidden in (*deployment.twin.members(audience), SECRET, DEFAULT_TOKEN):
        assert hidden not in logged
