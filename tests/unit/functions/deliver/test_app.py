"""deliver's handler: which messages fail, what it logs and counts, and what it must never log."""

import importlib
import json
from types import ModuleType, SimpleNamespace
from typing import Any, cast

import pytest
from mypy_boto3_dynamodb import DynamoDBClient

import functions.deliver.app
from functions.deliver.days import Days
from functions.deliver.heard import Heard
from lytics_sendgrid.queues.changes import encode
from lytics_sendgrid.sendgrid.upsert_answer import RequestFault, Unanswered
from lytics_sendgrid.tables.days import DaysTable
from lytics_sendgrid.tables.heard import HeardTable
from tests.unit.functions.deliver.deliver_scene import Scene
from tests.unit.functions.deliver.example_changes import entering

ANN, BOB = "ann@example.org", "bob@example.com"


@pytest.fixture
def app(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """Import the handler as Lambda does, with only Powertools' variables in the environment."""
    monkeypatch.setenv("POWERTOOLS_METRICS_NAMESPACE", "LyticsSendGrid")
    monkeypatch.setenv("POWERTOOLS_SERVICE_NAME", "stack")
    return importlib.reload(functions.deliver.app)


def record(number: int, body: str, receives: int = 1) -> dict[str, Any]:
    attributes = {"ApproximateReceiveCount": str(receives)}
    return {"messageId": f"m{number}", "body": body, "attributes": attributes}


def invoke(app: ModuleType, scene: Scene, *bodies: str, receives: int = 1) -> dict[str, Any]:
    client = cast(DynamoDBClient, scene.dynamodb)
    heard = Heard(HeardTable(client, "exports"))
    collaborators = (scene.deliverer, heard, Days(DaysTable(client, "exports"), scene.clock))
    app._collaborators = lambda: collaborators  # type: ignore[attr-defined]
    app.clock = scene.clock  # type: ignore[attr-defined]
    context = SimpleNamespace(aws_request_id="r1", get_remaining_time_in_millis=lambda: 120_000)
    records = [record(n, body, receives) for n, body in enumerate(bodies)]
    answer: dict[str, Any] = app.lambda_handler({"Records": records}, context)
    return answer


def lines(capfd: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capfd.readouterr().out.splitlines() if line.startswith("{")]


def test_failed_messages_are_named(app: ModuleType) -> None:
    scene = Scene()
    answer = invoke(app, scene, encode(entering([ANN])), '{"v":2}', encode(entering([BOB], export="nobody")))
    assert answer == {"batchItemFailures": [{"itemIdentifier": "m1"}, {"itemIdentifier": "m2"}]}
    assert scene.has(ANN)


def test_receive_count_reaches_the_deliverer(app: ModuleType) -> None:
    scene = Scene()
    assert invoke(app, scene, encode(entering([ANN])), receives=2) == {"batchItemFailures": []}
    assert len(scene.refreshes()) == 1


def test_outcomes_are_logged_and_counted(app: ModuleType, capfd: pytest.CaptureFixture[str]) -> None:
    invoke(app, Scene(), encode(entering([ANN, BOB])))
    (metrics,) = [line for line in lines(capfd) if "_aws" in line]
    assert (metrics["accepted"], metrics["requests"], metrics["service"]) == ([2.0], [1.0], "stack")


def test_one_write_an_invocation_counts_the_day_of_an_export(app: ModuleType) -> None:
    scene = Scene()
    invoke(app, scene, encode(entering([ANN])), encode(entering([BOB])))
    invoke(app, scene, encode(entering([ANN])))
    invoke(app, scene, '{"v":2}')
    export = entering([ANN]).export
    days = DaysTable(cast(DynamoDBClient, scene.dynamodb), "exports").days(export, "2000-01-01", "2999-12-31")
    assert list(days.values()) == [{"accepted": 2, "unchanged": 1, "rejected": 0}]
    assert len(scene.dynamodb.calls.of("UpdateItem")) == 2


def test_log_links_webhook_request_to_import_job(app: ModuleType, caplog: pytest.LogCaptureFixture) -> None:
    app.logger.addHandler(caplog.handler)
    known, other = entering([ANN], request="r-1"), entering([BOB], request="r-2")
    invoke(app, Scene(), encode(known), encode(other), encode(entering(["cy@example.org"])))
    line = next(vars(one) for one in caplog.records if one.getMessage() == "delivered")
    assert (line["requests"], line["jobs"]) == (["r-1", "r-2"], ["job1"])


def test_stop_is_an_error_and_a_metric_of_its_own(app: ModuleType, capfd: pytest.CaptureFixture[str]) -> None:
    scene = Scene()
    scene.sendgrid.script = [RequestFault("404 not found")] * 20
    invoke(app, scene, encode(entering([ANN])))
    (metrics,) = [line for line in lines(capfd) if "_aws" in line]
    assert metrics["ExportStopped"] == [1.0]


def test_longest_wait_of_unfinished_changes_is_a_metric(
    app: ModuleType, capfd: pytest.CaptureFixture[str]
) -> None:
    scene = Scene()
    now_ms = scene.now_ms()
    scene.sendgrid.script = [Unanswered("lost")] * 99
    old, older = entering([ANN], queued_ms=now_ms - 60_000), entering([BOB], queued_ms=now_ms - 90_000)
    invoke(app, scene, encode(old), encode(older), encode(entering(["cy@example.org"])))
    (metrics,) = [line for line in lines(capfd) if "_aws" in line]
    assert metrics["LongestWait"] == [pytest.approx(90 + (scene.now_ms() - now_ms) / 1000)]


def test_finished_changes_report_no_wait(app: ModuleType, capfd: pytest.CaptureFixture[str]) -> None:
    invoke(app, Scene(), encode(entering([ANN], queued_ms=1)))
    (metrics,) = [line for line in lines(capfd) if "_aws" in line]
    assert "LongestWait" not in metrics


def test_no_address_is_ever_logged(
    app: ModuleType, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    """Accepted, refused by name, refused alone, faults, lost answers, garbage, unknown exports, stops."""
    app.logger.addHandler(caplog.handler)
    known = "known.person@example.org"
    bodies = [encode(entering([known])), f"garbage {known}", encode(entering([known], export="nobody"))]
    for script in ([], [Unanswered("lost")] * 99, [RequestFault("400 bad")] * 99):
        for bad in (set(), {known}):
            scene = Scene()
            scene.sendgrid.script, scene.sendgrid.bad_addresses = list(script), bad
            invoke(app, scene, *bodies)
            scene.sendgrid.names_addresses = False
            invoke(app, scene, *bodies, receives=3)
    written = capfd.readouterr()
    logged = written.out + written.err + "".join(json.dumps(vars(one), default=str) for one in caplog.records)
    assert "delivered" in logged
    assert "export_stopped" in logged
    assert known not in logged
    assert "known.person" not in logged
