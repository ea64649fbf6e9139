"""The handler of ingest: its imports, its responses to API Gateway, its log line."""

import base64
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from functions.ingest import app
from functions.ingest.export_cache import ExportCache
from functions.ingest.intake import WebhookIntake
from lytics_sendgrid.aws.secret import Secrets
from tests.clock import ManualClock
from tests.doubles.adapters import exports_table, queue_writer
from tests.doubles.calls import refusal
from tests.doubles.dynamodb import DynamoDb
from tests.doubles.secrets_manager import SecretsManager
from tests.doubles.sqs import Queue
from tests.newsletter import NEWSLETTER

ROOT = Path(__file__).resolve().parents[4]
EVENTS = ROOT / "events" / "apigw"
SECRET = "local-webhook-secret"
TOO_SLOW = {"aws_lambda_powertools", "pydantic", "requests"}
ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "x",
    "AWS_SECRET_ACCESS_KEY": "x",
    "AWS_DEFAULT_REGION": "eu-central-1",
    "CHANGES_QUEUE_URL": "x",
    "REJECTS_QUEUE_URL": "x",
    "EXPORTS_TABLE": "x",
    "SECRET_PREFIX": "x",
}


class Scene:
    """The handler between doubles."""

    def __init__(self) -> None:
        clock = ManualClock()
        self.changes, self.rejects = Queue("changes"), Queue("rejects")
        changes, self.sqs = queue_writer(self.changes)
        rejects, _ = queue_writer(self.rejects)
        self.secrets = SecretsManager({"default/webhook": json.dumps({"webhook_secrets": SECRET})})
        self.intake = WebhookIntake(
            ExportCache(exports_table(DynamoDb(), NEWSLETTER), clock),
            Secrets(self.secrets, "stack", clock),
            changes,
            rejects,
            clock,
        )


@pytest.fixture
def scene(monkeypatch: pytest.MonkeyPatch) -> Scene:
    scene = Scene()
    monkeypatch.setattr(app, "intake", lambda: scene.intake)
    monkeypatch.setenv("POWERTOOLS_SERVICE_NAME", "a-stack")
    return scene


def event(name: str, **changed: Any) -> dict[str, Any]:
    document: dict[str, Any] = json.loads((EVENTS / f"{name}.json").read_text())
    return {**document, **changed}


@pytest.mark.parametrize(
    ("name", "status"),
    [
        ("enter", 200),
        ("array", 200),
        ("cloudevents", 200),
        ("wrong-secret", 401),
        ("unknown-export", 503),
        ("not-json", 400),
    ],
)
def test_each_proxy_event_has_its_response(scene: Scene, name: str, status: int) -> None:
    answer = app.lambda_handler(event(name), None)
    assert answer["statusCode"] == status
    assert answer["headers"] == {"Content-Type": "application/json"}
    assert set(json.loads(answer["body"])) == {"message"}
    assert bool(scene.changes.bodies) is (status == 200)


def test_failing_queue_is_503_with_retry_after(scene: Scene) -> None:
    scene.sqs.calls.broken = refusal("RequestThrottled", "SendMessage")
    answer = app.lambda_handler(event("enter"), None)
    assert (answer["statusCode"], answer["headers"]["Retry-After"]) == (503, "30")


@pytest.mark.parametrize("name", ["X-Lytics-Secret", "x-lytics-secret", "X-LYTICS-SECRET"])
@pytest.mark.parametrize("where", ["headers", "multiValueHeaders"])
def test_secret_header_is_found_in_any_case_and_place(scene: Scene, name: str, where: str) -> None:
    headers = {"headers": {name: SECRET}, "multiValueHeaders": {name: [SECRET]}}
    changed = {"headers": None, "multiValueHeaders": None, where: headers[where]}
    assert app.lambda_handler(event("enter", **changed), None)["statusCode"] == 200


@pytest.mark.parametrize(
    ("changed", "status"),
    [
        ({"body": None}, 400),
        ({"headers": None, "multiValueHeaders": None}, 401),
        ({"multiValueHeaders": {"X-Lytics-Secret": [None]}}, 401),
        ({"pathParameters": None}, 503),
        ({"requestContext": None}, 200),
        ({"body": base64.b64encode(b"[]").decode(), "isBase64Encoded": True}, 200),
    ],
)
def test_incomplete_proxy_event_does_not_crash(scene: Scene, changed: dict[str, Any], status: int) -> None:
    assert app.lambda_handler(event("enter", **changed), None)["statusCode"] == status


def test_delivery_logs_one_json_line_with_counts_and_request_id(
    scene: Scene, capsys: pytest.CaptureFixture[str]
) -> None:
    app.lambda_handler(event("array"), None)
    line = json.loads(capsys.readouterr().out)
    assert line["request_id"] == event("array")["requestContext"]["requestId"]
    assert (line["level"], line["status"], line["export"], line["service"]) == (
        "INFO",
        200,
        "newsletter",
        "a-stack",
    )
    assert (line["Accepted"], line["Ignored"], line["Rejected"]) == (3, 0, 0)
    [metrics] = line["_aws"]["CloudWatchMetrics"]
    assert metrics["Namespace"] == "LyticsSendGrid"
    assert metrics["Dimensions"] == [["service"]]
    assert {metric["Name"] for metric in metrics["Metrics"]} == {"Accepted", "Ignored", "Rejected"}


def test_log_and_response_hold_no_address_field_or_secret(
    scene: Scene, capsys: pytest.CaptureFixture[str]
) -> None:
    people = ("mariela", "quispe", "arequipa", "teodor", "ottilie", SECRET, "not-the-secret")
    answers = [app.lambda_handler(event(path.stem), None) for path in sorted(EVENTS.glob("*.json"))]
    bad = '[{"data":{"email":"mariela@","city":"Arequipa","segment_events":[{"id":"quispe"},7]}}]'
    answers.append(app.lambda_handler(event("enter", body=bad), None))
    answers.append(app.lambda_handler(event("enter", pathParameters={"export": "mariela@example.org"}), None))
    scene.sqs.calls.broken = ZeroDivisionError("mariela.quispe@example.org")
    answers.append(app.lambda_handler(event("enter"), None))
    assert answers[-1]["statusCode"] == 503
    written = capsys.readouterr()
    assert len(written.out.splitlines()) == len(answers)
    seen = (written.out + written.err + json.dumps(answers)).lower()
    assert [person for person in people if person in seen] == []


def imported(**environment: str) -> dict[str, Any]:
    """Import the handler in a new process, and return what is loaded and built then."""
    code = (
        "import functions.ingest.app as app, sys, json; "
        "print(json.dumps({'modules': list(sys.modules), 'built': app.intake.cache_info().currsize}))"
    )
    path = os.pathsep.join([str(ROOT), str(ROOT / "layers" / "lytics_sendgrid")])
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={"PYTHONPATH": path, **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    result: dict[str, Any] = json.loads(done.stdout)
    return result


def test_import_needs_no_environment_and_nothing_slow() -> None:
    result = imported()
    assert TOO_SLOW & set(result["modules"]) == set()
    assert result["built"] == 0


def test_clients_are_made_in_lambdas_init_phase() -> None:
    assert imported(AWS_LAMBDA_RUNTIME_API="127.0.0.1:9", **ENVIRONMENT)["built"] == 1


def test_first_call_builds_the_intake_once(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    app.intake.cache_clear()
    try:
        assert app.intake() is app.intake()
    finally:
        app.intake.cache_clear()
