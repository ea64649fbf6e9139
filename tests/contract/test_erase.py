"""The function erase, from its handler down, on moto's AWS and SendGrid's twin."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from urllib.parse import parse_qs, urlsplit

import boto3
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from functions.erase import app as erase_app
from lytics_sendgrid.errors import InputInvalid, KeyRefused, LyticsSendGridError
from lytics_sendgrid.sendgrid.api import DELETED_IDS, SendGrid, sendgrid_at
from lytics_sendgrid.tables.exports import ExportsTable
from lytics_sendgrid.transport.client import Answer
from tests.clock import ManualClock
from tests.contract.export_tasks import context
from tests.contract.moto_aws import aws
from tests.contract.sendgrid_scene import Scene, scene_of
from tests.modules import PATHS
from tests.unit.functions.deliver.example_export import EXPORT

ANN, BOB, EVE = "ann@example.org", "bob@example.org", "eve@example.org"


@pytest.fixture
def scene() -> Iterator[Scene]:
    with scene_of() as scene:
        yield scene


@contextmanager
def stack_of(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Make what the function needs, and yield its changes queue's client and URL."""
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    with aws():
        dynamodb, sqs = boto3.client("dynamodb"), boto3.client("sqs")
        pk, sk = {"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}
        text = [{"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk")]
        table: Any = {"BillingMode": "PAY_PER_REQUEST"}
        dynamodb.create_table(TableName="exports", KeySchema=[pk, sk], AttributeDefinitions=text, **table)  # type: ignore[list-item, arg-type]
        dynamodb.create_table(TableName="contacts", KeySchema=[pk], AttributeDefinitions=text[:1], **table)  # type: ignore[list-item, arg-type]
        keys = {"sendgrid_api_key": "SG.full", "lytics_api_token": "x"}
        boto3.client("secretsmanager").create_secret(Name="stack/default", SecretString=json.dumps(keys))
        url = sqs.create_queue(QueueName="changes")["QueueUrl"]
        ExportsTable(dynamodb, "exports").put_export(EXPORT)
        variables = {
            "CONTACTS_TABLE": "contacts",
            "EXPORTS_TABLE": "exports",
            "CHANGES_QUEUE_URL": url,
            "SECRET_PREFIX": "stack",
            "SENDGRID_URL": scene.twin.url,
            "ERASURE_HOLD_DAYS": "30",
            "CLEAR_DELAY_S": "0",
            "REFRESH_DELAY_S": "0",
        }
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        erase_app._sides.cache_clear()
        yield sqs, url
        erase_app._sides.cache_clear()


def erase(*emails: str) -> dict[str, Any]:
    return erase_app.lambda_handler({"export": "newsletter", "emails": list(emails)}, context())


def test_people_are_erased_in_sendgrid(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    scene.applied({"email": ANN}, {"email": BOB}, {"email": EVE, "alternate_emails": ["eve2@example.org"]})
    with stack_of(scene, monkeypatch) as (sqs, url):
        first = erase(ANN, "eve2@example.org", "nobody@example.org", "no address")
        statuses = {one["email"]: one["status"] for one in first["people"]}
        assert statuses.pop(ANN) == "under_way"
        assert statuses.pop("nobody@example.org") in {"under_way", "not_found"}
        assert statuses == {"eve2@example.org": "refused", "no address": "invalid"}
        scene.twin.settle()
        assert scene.emails() == [BOB, EVE]
        bodies = [message["Body"] for message in sqs.receive_message(QueueUrl=url)["Messages"]]
        assert any('"kind":"refresh"' in body for body in bodies)


def test_neither_request_nor_answer_is_logged(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    scene.applied({"email": ANN})
    with stack_of(scene, monkeypatch):
        erase(ANN, BOB)
        for wrong in ({"emails": [ANN, 5]}, {"emails": [ANN], "export": "other"}, {ANN: 1}):
            with pytest.raises(InputInvalid) as caught:
                erase_app.lambda_handler(wrong, context())
            assert "example.org" not in str(caught.value)
    logged = [str(vars(record)) for record in caplog.records]
    assert any("people_erased" in line for line in logged)
    assert not any("example.org" in line for line in logged)


def test_many_contacts_are_deleted_a_hundred_at_a_time(scene: Scene) -> None:
    emails = [f"p{n:03}@example.org" for n in range(DELETED_IDS + 1)]
    scene.applied(*({"email": email} for email in [*emails, BOB]))
    sendgrid = sendgrid_at(scene.twin.url, "SG.full")
    found = sendgrid.contacts(emails).contacts
    sendgrid.delete_contacts([found[email].id for email in emails])
    scene.twin.settle()
    assert scene.emails() == [BOB]
    assert len([one for one in scene.twin.exchanges() if one.method == "DELETE"]) == 2


def test_contact_that_is_gone_is_no_fault(scene: Scene) -> None:
    sendgrid_at(scene.twin.url, "SG.full").delete_contacts(["00000000-0000-4000-8000-000000000000"])


def test_key_that_may_not_write_deletes_no_contact(scene: Scene) -> None:
    scene.applied({"email": ANN})
    found = sendgrid_at(scene.twin.url, "SG.full").contacts([ANN]).contacts[ANN]
    with pytest.raises(KeyRefused):
        sendgrid_at(scene.twin.url, "SG.read-only").delete_contacts([found.id])
    scene.twin.settle()
    assert scene.emails() == [ANN]


class Recorded:
    """Records the queries of requests."""

    base_url = "https://api.sendgrid.com"

    def __init__(self, status: int = 202) -> None:
        self.queries: list[tuple[str, dict[str, str]]] = []
        self._status = status

    def request(self, method: str, path: str, *, query: Any = None, **_: Any) -> Answer:
        assert "delete_all" not in path
        self.queries.append((method, dict(query or {})))
        return Answer(self._status, {}, b'{"job_id":"j"}')


@settings(max_examples=300, deadline=None)
@given(
    st.lists(
        st.text(max_size=30)
        | st.from_regex(r"[A-Za-z0-9-]{1,40}", fullmatch=True)
        | st.sampled_from(["a&delete_all_contacts=true", "true", "", "a,b", "a b", "%26delete_all_contacts"]),
        max_size=250,
    )
)
def test_no_ids_whatever_can_delete_all_contacts(ids: Sequence[str]) -> None:
    http = Recorded()
    try:
        SendGrid(http, ManualClock()).delete_contacts(ids)
    except LyticsSendGridError:
        assert http.queries == []
    for method, query in http.queries:
        assert method == "DELETE"
        assert query.keys() == {"ids"}
        assert 1 <= len(query["ids"].split(",")) <= DELETED_IDS
        assert all(query["ids"].split(","))


def test_nobody_to_delete_is_no_request() -> None:
    http = Recorded()
    SendGrid(http, ManualClock()).delete_contacts([])
    assert http.queries == []


def test_unknown_ids_that_sendgrid_refuses_are_no_fault() -> None:
    SendGrid(Recorded(404), ManualClock()).delete_contacts(["abc"])


def test_no_source_of_the_product_names_the_parameter() -> None:
    sources = [path for module, path in PATHS.items() if not module.startswith("tests")]
    assert len(sources) > 100
    assert [path for path in sources if "delete_all" in path.read_text()] == []


def test_deletion_reaches_sendgrid_with_nothing_but_ids(scene: Scene) -> None:
    scene.applied({"email": ANN}, {"email": BOB})
    sendgrid = sendgrid_at(scene.twin.url, "SG.full")
    sendgrid.delete_contacts([sendgrid.contacts([ANN]).contacts[ANN].id])
    (deletion,) = [one for one in scene.twin.exchanges() if one.method == "DELETE"]
    assert parse_qs(urlsplit(deletion.path).query).keys() <= {"ids"}
    scene.twin.settle()
    assert scene.emails() == [BOB]
