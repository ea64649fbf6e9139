"""The handler: what it imports, what it answers API Gateway, what it writes to the log."""

import base64
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from functions.ingest import app
from functions.ingest.export_cache import KeptExports
from functions.ingest.intake import Intake
from lytics_sendgrid.aws.secret import Secrets
from lytics_sendgrid.errors import Throttled
from tests.fakes import HandClock, ListedExports, ListedQueue, ListedSecrets
from tests.newsletter import NEWSLETTER

ROOT = Path(__file__).resolve().parents[4]
EVENTS = ROOT / "events" / "apigw"
SECRET = "local-webhook-secret"
TOO_DEAR = {
    "aws_lambda_powertools",
    "boto3",
    "botocore.client",
    "botocore.session",
    "pydantic",
    "requests",
    "urllib3",
}


class Scene:
    """The handler with everything around it faked, and what it wrote."""

    def __init__(self) -> None:
        clock = HandClock()
        self.changes, self.rejects = ListedQueue(), ListedQueue()
        self.secrets = ListedSecrets(default=json.dumps({"webhook_secrets": SECRET}))
        self.intake = Intake(
            KeptExports(ListedExports(NEWSLETTER), clock.monotonic),
            Secrets(self.secrets, "stack", clock.monotonic),
            self.changes,
            self.rejects,
            clock.time_ns,
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
def test_each_proxy_event_has_its_answer(scene: Scene, name: str, status: int) -> None:
    answer = app.lambda_handler(event(name), None)
    assert answer["statusCode"] == status
    assert answer["headers"] == {"Content-Type": "application/json"}
    assert set(json.loads(answer["body"])) == {"message"}
    assert bool(scene.changes.bodies) is (status == 200)


def test_while_a_queue_fails_the_answer_has_retry_after(scene: Scene) -> None:
    scene.changes.broken = Throttled("SQS: RequestThrottled")
    answer = app.lambda_handler(event("enter"), None)
    assert (answer["statusCode"], answer["headers"]["Retry-After"]) == (503, "30")


@pytest.mark.parametrize("name", ["X-Lytics-Secret", "x-lytics-secret", "X-LYTICS-SECRET"])
@pytest.mark.parametrize("where", ["headers", "multiValueHeaders"])
def test_the_secrets_header_is_found_in_any_case_and_place(scene: Scene, name: str, where: str) -> None:
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
def test_what_is_missing_from_an_event_does_not_crash(
    scene: Scene, changed: dict[str, Any], status: int
) -> None:
    assert app.lambda_handler(event("enter", **changed), None)["statusCode"] == status


def test_each_delivery_leaves_one_json_line_with_counts_and_the_request_id(
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


def test_no_path_shows_an_address_a_field_or_a_secret(
    scene: Scene, capsys: pytest.CaptureFixture[str]
) -> None:
    people = ("mariela", "quispe", "arequipa", "teodor", "ottilie", SECRET, "not-the-secret")
    answers = [app.lambda_handler(event(path.stem), None) for path in sorted(EVENTS.glob("*.json"))]
    bad = '[{"data":{"email":"mariela@","city":"Arequipa","segment_events":[{"id":"quispe"},7]}}]'
    answers.append(app.lambda_handler(event("enter", body=bad), None))
    answers.append(app.lambda_handler(event("enter", pathParameters={"export": "mariela@example.org"}), None))
    scene.changes.broken = ZeroDivisionError("mariela.quispe@example.org")
    answers.append(app.lambda_handler(event("enter"), None))
    assert answers[-1]["statusCode"] == 503
    written = capsys.readouterr()
    assert len(written.out.splitlines()) == len(answers)
    seen = (written.out + written.err + json.dumps(answers)).lower()
    assert [person for person in people if person in seen] == []


def test_it_is_imported_without_an_environment_or_anything_dear() -> None:
    code = "import functions.ingest.app, sys, json; print(json.dumps(sorted(sys.modules)))"
    path = os.pathsep.join([str(ROOT), str(ROOT / "layers" / "lytics_sendgrid")])
    done = subprocess.run(
        [sys.executable, "-c", code], env={"PYTHONPATH": path}, capture_output=True, text=True, check=True
    )
    assert TOO_DEAR & set(json.loads(done.stdout)) == set()


def test_the_first_call_builds_what_is_then_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("CHANGES_QUEUE_URL", "REJECTS_QUEUE_URL", "EXPORTS_TABLE", "SECRET_PREFIX"):
        monkeypatch.setenv(name, "x")
    for name in ("AWS_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "x")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    app.intake.cache_clear()
    try:
        assert app.intake() is app.intake()
    finally:
        app.intake.cache_clear()
