"""confirm's handler reads SQS records, puts jobs off if time runs out, and logs nothing personal."""

import importlib
import json
from dataclasses import dataclass, field
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

import functions.confirm.app
from functions.confirm.follow import JobOutcome
from lytics_sendgrid.errors import KeyRefused, StopRun
from lytics_sendgrid.queues.imports import ImportedContact, ImportMessage, import_body

EMAIL = "known.person@example.org"


@dataclass
class Follower:
    """Answers for each job as a test says, and records which were followed or put off."""

    answer: JobOutcome | StopRun
    followed: list[str] = field(default_factory=list)
    off: list[str] = field(default_factory=list)

    def follow(self, job: ImportMessage) -> JobOutcome:
        self.followed.append(job.job)
        if isinstance(self.answer, StopRun):
            raise self.answer
        return self.answer

    def put_off(self, job: ImportMessage, fault: str) -> JobOutcome:
        self.off.append(job.job)
        return JobOutcome("put_off", fault=fault)


@pytest.fixture
def app(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """Import the handler as Lambda does, with only what Powertools needs in its environment."""
    monkeypatch.setenv("POWERTOOLS_METRICS_NAMESPACE", "LyticsSendGrid")
    monkeypatch.setenv("POWERTOOLS_SERVICE_NAME", "stack")
    return importlib.reload(functions.confirm.app)


def body(job: str) -> str:
    return import_body(
        ImportMessage("default", job, 1_795_000_000_000, (), {EMAIL: ImportedContact("newsletter", "0a")})
    )


def invoke(app: ModuleType, follower: Follower, *bodies: str, left_ms: int = 120_000) -> list[str]:
    """Invoke the handler; each record takes 15 seconds. Returns the ids of the failed messages."""
    app._follower = lambda: follower  # type: ignore[attr-defined]
    left = iter(range(left_ms, -1_000_000, -15_000))
    context = SimpleNamespace(aws_request_id="r1", get_remaining_time_in_millis=lambda: next(left))
    records = [{"messageId": f"m{n}", "body": text} for n, text in enumerate(bodies)]
    answer: dict[str, Any] = app.lambda_handler({"Records": records}, context)
    return [failure["itemIdentifier"] for failure in answer["batchItemFailures"]]


def lines_of(capfd: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capfd.readouterr().out.splitlines() if line.startswith("{")]


def metrics_of(capfd: pytest.CaptureFixture[str]) -> dict[str, Any]:
    return next(line for line in lines_of(capfd) if "_aws" in line)


def test_ended_jobs_are_counted_and_acknowledged(app: ModuleType, capfd: pytest.CaptureFixture[str]) -> None:
    follower = Follower(JobOutcome("completed", counts={"updated": 3}))
    assert invoke(app, follower, body("j1"), body("j2")) == []
    counted = metrics_of(capfd)
    assert (counted["jobs.completed"], counted["job_contacts.updated"]) == ([2.0], [6.0])


def test_log_names_the_outcome_of_each_job(app: ModuleType, caplog: pytest.LogCaptureFixture) -> None:
    app.logger.addHandler(caplog.handler)
    invoke(app, Follower(JobOutcome("completed")), body("j1"), body("j2"))
    line = next(vars(one) for one in caplog.records if one.getMessage() == "confirmed")
    assert line["jobs"] == {"j1": "completed", "j2": "completed"}


def test_undocumented_status_is_logged(app: ModuleType, caplog: pytest.LogCaptureFixture) -> None:
    app.logger.addHandler(caplog.handler)
    invoke(app, Follower(JobOutcome("pending", undocumented="in_progress")), body("j1"))
    line = next(vars(one) for one in caplog.records if one.getMessage() == "undocumented_status")
    assert (line["job"], line["status"]) == ("j1", "in_progress")


def test_jobs_without_time_left_are_put_off(app: ModuleType) -> None:
    follower = Follower(JobOutcome("pending"))
    assert invoke(app, follower, *(body(f"j{n}") for n in range(4))) == []
    assert (follower.followed, follower.off) == (["j0", "j1"], ["j2", "j3"])


def test_unfollowable_and_unreadable_messages_are_reported_as_failed(
    app: ModuleType,
) -> None:
    assert invoke(app, Follower(KeyRefused("401")), body("j1"), "noise") == ["m0", "m1"]


def test_no_address_is_ever_logged(app: ModuleType, capfd: pytest.CaptureFixture[str]) -> None:
    for answer in (JobOutcome("completed"), JobOutcome("put_off", fault="away"), KeyRefused("401")):
        invoke(app, Follower(answer), body("j1"), f"noise {EMAIL}", left_ms=300_000)
        invoke(app, Follower(answer), body("j1"), left_ms=1_000)
    captured = capfd.readouterr()
    assert EMAIL not in captured.out + captured.err
    assert "job" in captured.out
