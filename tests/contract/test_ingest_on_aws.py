"""ingest with its real boto3 clients, on an AWS that fails in every way."""

import json
import re
import socket
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore.config import Config

from functions.ingest import app
from lytics_sendgrid.domain.configuration_document import export_document
from tests.contract.scripted_aws import Scripted, ScriptedAws
from tests.newsletter import NEWSLETTER
from tests.template.sources import REPOSITORY

SECRET = "local-webhook-secret"
EXPORT_READ = Scripted(document={"Item": {"doc": {"S": json.dumps(export_document(NEWSLETTER))}}})
SECRET_READ = Scripted(document={"SecretString": json.dumps({"webhook_secrets": [SECRET]})})
QUEUED = Scripted(document={"MessageId": "1"})
EVENT: dict[str, Any] = json.loads((REPOSITORY / "events" / "apigw" / "enter.json").read_text())
REFUSED = Scripted(400, {"__type": "com.amazonaws.sqs#AccessDeniedException", "message": "no"})

type Post = Callable[[str], dict[str, Any]]


@pytest.fixture
def post(monkeypatch: pytest.MonkeyPatch) -> Iterator[Post]:
    """Return what posts one event to a new ingest whose AWS is at a URL."""
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    for name in ("CHANGES_QUEUE_URL", "REJECTS_QUEUE_URL", "EXPORTS_TABLE", "SECRET_PREFIX"):
        monkeypatch.setenv(name, "http://127.0.0.1/0/x")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    monkeypatch.setattr(app, "AWS", app.AWS.merge(Config(read_timeout=0.3)))
    monkeypatch.setattr("botocore.endpoint.time.sleep", lambda _: None)
    app.intake.cache_clear()

    def deliver(url: str) -> dict[str, Any]:
        monkeypatch.setenv("AWS_ENDPOINT_URL", url)
        return app.lambda_handler(EVENT, None)

    yield deliver
    app.intake.cache_clear()


def operations(aws: ScriptedAws) -> list[str]:
    return [request.operation.rpartition(".")[2] for request in aws.requests]


def test_event_reaches_the_changes_queue(post: Post) -> None:
    with ScriptedAws(EXPORT_READ, SECRET_READ, QUEUED) as aws:
        assert [post(aws.url)["statusCode"] for _ in range(2)] == [200, 200]
        assert operations(aws) == ["GetItem", "GetSecretValue", "SendMessage", "SendMessage"]
        assert aws.connections == 3


@pytest.mark.parametrize(
    "failure",
    [
        Scripted(500, {}),
        Scripted(503, b"<html>"),
        Scripted(400, {"__type": "ThrottlingException"}),
        Scripted(0),
    ],
    ids=["500", "not JSON", "throttled", "closed"],
)
@pytest.mark.parametrize("place", range(3), ids=["table", "secret", "queue"])
def test_one_failure_of_aws_does_not_show(post: Post, place: int, failure: Scripted) -> None:
    script = [EXPORT_READ, SECRET_READ, QUEUED]
    script.insert(place, failure)
    with ScriptedAws(*script) as aws:
        assert post(aws.url)["statusCode"] == 200
        assert len(aws.requests) == 4


@pytest.mark.parametrize(
    ("failure", "calls"),
    [
        (Scripted(500, {}), 2),
        (Scripted(400, {"__type": "ThrottlingException"}), 2),
        (Scripted(0), 2),
        (Scripted(-1), 2),
        (REFUSED, 1),
    ],
    ids=["500", "throttled", "closed", "silent", "refused"],
)
@pytest.mark.parametrize("place", range(3), ids=["table", "secret", "queue"])
def test_lasting_failure_of_aws_is_503_with_retry_after(
    post: Post, place: int, failure: Scripted, calls: int
) -> None:
    script = [EXPORT_READ, SECRET_READ, QUEUED][:place]
    with ScriptedAws(*script, failure) as aws:
        answer = post(aws.url)
        assert (answer["statusCode"], answer["headers"]["Retry-After"]) == (503, "30")
        assert len(aws.requests) == place + calls


def test_unreachable_aws_is_503_with_retry_after(post: Post) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        answer = post(f"http://127.0.0.1:{unused.getsockname()[1]}")
    assert (answer["statusCode"], answer["headers"]["Retry-After"]) == (503, "30")


def test_failing_call_ends_before_the_functions_timeout() -> None:
    config: Any = app.AWS
    attempts = config.retries["total_max_attempts"]
    longest_s = attempts * (config.connect_timeout + config.read_timeout) + sum(
        2**retry for retry in range(attempts - 1)
    )
    template = (REPOSITORY / "template.yaml").read_text()
    ingest = template[template.index("IngestFunction:") :]
    [timeout_s, *_] = re.findall(r"Timeout: (\d+)", ingest)
    assert longest_s <= 7
    assert longest_s + 2 < int(timeout_s) < 29
