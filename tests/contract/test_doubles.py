"""The doubles of SQS and Secrets Manager answer as moto does: each test runs on both."""

import json
from collections.abc import Iterator
from typing import Any

import boto3
import pytest

from lytics_sendgrid.aws.secret import Secrets
from lytics_sendgrid.errors import StopRun
from lytics_sendgrid.queues.writer import QueueWriter
from tests.clock import ManualClock
from tests.contract.moto_aws import aws
from tests.doubles.secrets_manager import SecretsManager
from tests.doubles.sqs import Queue, Sqs


@pytest.fixture(autouse=True)
def moto(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with aws():
        yield


@pytest.fixture(params=["moto", "double"])
def sqs(request: pytest.FixtureRequest) -> tuple[Any, str]:
    """Return a client and the URL of an empty queue."""
    if request.param == "double":
        return Sqs(Queue("changes")), "changes"
    client = boto3.client("sqs", region_name="us-east-1")
    return client, client.create_queue(QueueName="changes")["QueueUrl"]


@pytest.fixture(params=["moto", "double"])
def secrets(request: pytest.FixtureRequest) -> Any:
    """Return a client with one secret."""
    text = json.dumps({"sendgrid_api_key": "SG.key"})
    if request.param == "double":
        return SecretsManager({"default": text})
    client = boto3.client("secretsmanager", region_name="us-east-1")
    client.create_secret(Name="stack/default", SecretString=text)
    return client


def received(sqs: Any, url: str, visibility_s: int = 60) -> list[Any]:
    messages: list[Any] = []
    while True:
        answer = sqs.receive_message(
            QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=0, VisibilityTimeout=visibility_s
        )
        if not answer.get("Messages"):
            return messages
        messages += answer["Messages"]


def test_messages_are_received_once(sqs: tuple[Any, str]) -> None:
    QueueWriter(*sqs).send(str(number) for number in range(21))
    assert sorted(int(message["Body"]) for message in received(*sqs)) == list(range(21))
    assert received(*sqs) == []


def test_delayed_message_is_not_received(sqs: tuple[Any, str]) -> None:
    QueueWriter(*sqs).send(["now"])
    QueueWriter(*sqs).send(["later"], 900)
    assert [message["Body"] for message in received(*sqs)] == ["now"]


def test_message_is_received_again_once_visible(sqs: tuple[Any, str]) -> None:
    client, url = sqs
    QueueWriter(client, url).send(["a", "b"])
    first = received(client, url)
    entries = [
        {"Id": str(number), "ReceiptHandle": message["ReceiptHandle"], "VisibilityTimeout": 0}
        for number, message in enumerate(first)
    ]
    assert not client.change_message_visibility_batch(QueueUrl=url, Entries=entries).get("Failed")
    assert sorted(message["Body"] for message in received(client, url)) == ["a", "b"]


def test_deleted_message_is_gone(sqs: tuple[Any, str]) -> None:
    client, url = sqs
    QueueWriter(client, url).send(["a", "b"])
    by_body = {message["Body"]: message for message in received(client, url)}
    entries = [{"Id": "0", "ReceiptHandle": by_body["a"]["ReceiptHandle"]}]
    assert not client.delete_message_batch(QueueUrl=url, Entries=entries).get("Failed")
    entries = [{"Id": "0", "ReceiptHandle": by_body["b"]["ReceiptHandle"], "VisibilityTimeout": 0}]
    client.change_message_visibility_batch(QueueUrl=url, Entries=entries)
    assert [message["Body"] for message in received(client, url)] == ["b"]


@pytest.mark.parametrize("bodies", [["a"], ["a", "b"]])
def test_missing_queue_stops_the_run(sqs: tuple[Any, str], bodies: list[str]) -> None:
    client, url = sqs
    with pytest.raises(StopRun, match="deploy the template again"):
        QueueWriter(client, f"{url}-elsewhere").send(bodies)


def test_secret_is_read(secrets: Any) -> None:
    assert Secrets(secrets, "stack", ManualClock()).authorization("default").sendgrid_api_key == "SG.key"


def test_missing_secret_stops_the_run(secrets: Any) -> None:
    with pytest.raises(StopRun, match="ResourceNotFoundException"):
        Secrets(secrets, "stack", ManualClock()).authorization("other")
