"""One look at all live exports: what is found, what cannot be seen, and what is left alone."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import cast

import pytest
from mypy_boto3_dynamodb import DynamoDBClient

from functions.watch.findings import Finding, Trouble, Watched
from functions.watch.rhythm import DAY_S
from functions.watch.watching import Vendors, WatchTools, watch
from lytics_sendgrid.domain.configuration import Export
from lytics_sendgrid.domain.execution import Execution
from lytics_sendgrid.errors import KeyRefused, LyticsSendGridError, ServiceUnavailable, StopRun
from lytics_sendgrid.lytics.documents import LyticsJob
from lytics_sendgrid.tables.heard import HeardTable
from tests.clock import START_S
from tests.doubles.adapters import exports_table
from tests.doubles.dynamodb import DynamoDb
from tests.newsletter import NEWSLETTER

NO_RIGHT = KeyRefused("the key lacks the right", lacks_permission=True)
DOWN = ServiceUnavailable("down")


class Account:
    """Both vendors for one authorization; an error is raised instead of an answer."""

    def __init__(self) -> None:
        self.sendgrid: LyticsSendGridError | None = None
        self.listing: LyticsSendGridError | None = None
        self.reading: LyticsSendGridError | None = None
        self.commanding: LyticsSendGridError | None = None
        self.there = True
        self.status = {"j-a": "running", "j-b": "running"}
        self.commands: list[tuple[str, str]] = []

    def contacts_count(self) -> int:
        if self.sendgrid:
            raise self.sendgrid
        return 5

    def jobs(self, workflow: str | None = None) -> Sequence[LyticsJob]:
        assert workflow == "webhook_triggers"
        if self.listing:
            raise self.listing
        return [LyticsJob(i, i, "webhook_triggers", status, {}, (), {}) for i, status in self.status.items()]

    def sizes(self, audience_ids: Sequence[str]) -> Mapping[str, int]:
        assert len(audience_ids) == 1
        if self.reading:
            raise self.reading
        return {}

    def resume_job(self, job_id: str) -> bool:
        return self._command("resume", job_id)

    def restart_job(self, job_id: str) -> bool:
        return self._command("bounce", job_id)

    def _command(self, command: str, job_id: str) -> bool:
        if self.commanding:
            raise self.commanding
        self.commands.append((command, job_id))
        return self.there


class Scene:
    def __init__(self) -> None:
        self.dynamodb = DynamoDb()
        self.exports = exports_table(self.dynamodb, named("a"), named("b"), named("old", stopped_s=5))
        self.heard = HeardTable(cast(DynamoDBClient, self.dynamodb), "exports")
        self.account = Account()
        self.secret: LyticsSendGridError | None = None
        self.token_expires = ""
        self.restarts = False
        self.executions: dict[str, Execution] = {}
        self.execution_error: LyticsSendGridError | None = None

    def vendors(self, authorization: str) -> Vendors:
        assert authorization == "default"
        if self.secret:
            raise self.secret
        return Vendors(self.account, self.account, "stack/default", self.token_expires)

    def arn(self, name: str) -> str:
        return name

    def describe(self, name: str) -> Execution | None:
        if self.execution_error and "-a-" in name:
            raise self.execution_error
        return self.executions.get(name)

    def look(self, now_s: float = START_S) -> Watched:
        tools = WatchTools(self.exports, self.heard, self, self.vendors, "https://w.example", self.restarts)
        return watch(tools, now_s)


def named(name: str, **changes: object) -> Export:
    job = {"lytics_job": f"j-{name}"}
    return dataclasses.replace(NEWSLETTER, name=name, **(job | changes))  # type: ignore[arg-type]


@pytest.fixture
def scene() -> Scene:
    return Scene()


def found(watched: Watched) -> list[tuple[Trouble, tuple[str, ...]]]:
    return [(finding.trouble, finding.exports) for finding in watched.findings]


def test_exports_without_trouble_are_only_counted(scene: Scene) -> None:
    watched = scene.look()
    assert (watched.exports, watched.findings, watched.unseen) == (["a", "b"], [], [])
    assert [watched.count(trouble) for trouble in Trouble] == [0, 0, 0, 0]
    assert scene.account.commands == []


@pytest.mark.parametrize("status", ["failed", "paused"])
def test_job_that_does_not_run_is_found_and_left_alone(scene: Scene, status: str) -> None:
    scene.account.status["j-b"] = status
    watched = scene.look()
    assert found(watched) == [(Trouble.JOB, ("b",))]
    assert watched.count(Trouble.JOB) == 1
    assert (scene.account.commands, watched.restarted) == ([], [])


@pytest.mark.parametrize(("status", "command"), [("failed", "bounce"), ("paused", "resume")])
def test_job_is_set_going_again_only_if_it_may_be(scene: Scene, status: str, command: str) -> None:
    scene.restarts = True
    scene.account.status["j-b"] = status
    watched = scene.look()
    assert found(watched) == [(Trouble.JOB, ("b",))]
    assert (scene.account.commands, watched.restarted) == ([(command, "j-b")], ["b"])
    scene.account.there = False
    assert scene.look().restarted == []
    scene.account.commanding = NO_RIGHT
    watched = scene.look()
    assert (watched.restarted, watched.count(Trouble.JOB)) == ([], 1)
    assert "could not be restarted: the key lacks the right" in watched.unseen[0]


def test_nothing_is_restarted_that_runs_pauses_or_is_gone(scene: Scene) -> None:
    scene.restarts = True
    scene.account.status = {"j-a": "pausing"}
    watched = scene.look()
    assert found(watched) == [(Trouble.JOB, ("a",)), (Trouble.JOB, ("b",))]
    assert (scene.account.commands, watched.restarted) == ([], [])


def test_refused_keys_are_found_once_for_all_exports(scene: Scene) -> None:
    scene.account.sendgrid = KeyRefused("SendGrid answered 401")
    scene.account.listing = KeyRefused("Lytics answered 401")
    watched = scene.look()
    assert watched.findings == [
        Finding(Trouble.KEY, ("a", "b"), "SendGrid answered 401"),
        Finding(Trouble.KEY, ("a", "b"), "Lytics answered 401"),
    ]
    assert watched.count(Trouble.KEY) == 2


def test_token_that_may_not_list_jobs_is_trouble_only_with_a_job(scene: Scene) -> None:
    scene.account.listing = NO_RIGHT
    assert found(scene.look()) == [(Trouble.KEY, ("a", "b"))]
    for name in "ab":
        scene.exports.put_export(named(name, lytics_job=None))
    assert found(scene.look()) == []
    scene.account.reading = KeyRefused("Lytics answered 401")
    assert found(scene.look()) == [(Trouble.KEY, ("a", "b"))]


def test_missing_answers_prove_nothing(scene: Scene) -> None:
    scene.account.sendgrid = scene.account.listing = DOWN
    watched = scene.look()
    assert watched.findings == []
    assert watched.unseen == ["authorization 'default': down"] * 2
    scene.secret = DOWN
    assert scene.look().unseen == ["authorization 'default': down"]


def test_secret_that_cannot_be_read_is_trouble(scene: Scene) -> None:
    scene.secret = StopRun("the secret 'stack/default' is not JSON")
    assert found(scene.look()) == [(Trouble.KEY, ("a", "b"))]


def test_token_about_to_expire_is_trouble(scene: Scene) -> None:
    scene.token_expires = "2026-11-20"
    assert found(scene.look()) == [(Trouble.KEY, ("a", "b"))]
    scene.token_expires = "2027-11-20"
    assert found(scene.look()) == []


def test_silence_is_found_after_two_weeks_of_events(scene: Scene) -> None:
    for hour in range(24 * 15):
        now_s = START_S + hour * 3600
        scene.heard.put_heard("a", int(now_s * 1000) - 5_000)
        assert found(scene.look(now_s)) == []
    for hour in range(24):
        assert found(scene.look(now_s + 3600 * (hour + 1) - 60)) == []
    assert found(scene.look(now_s + DAY_S + 3600)) == [(Trouble.SILENT, ("a",))]


def test_skipped_nights_are_found(scene: Scene) -> None:
    skipped = Execution("arn", "r", "SUCCEEDED", 1, output={"skipped": "another run"})
    scene.executions = {f"resync-b-202611{day}": skipped for day in (16, 17, 18)}
    assert found(scene.look()) == [(Trouble.SKIPPED, ("b",))]


def test_fault_of_one_export_does_not_hide_another(scene: Scene) -> None:
    scene.execution_error = DOWN
    scene.exports.put_export(named("c"))
    broken = {"pk": {"S": "export#c"}, "sk": {"S": "config"}, "doc": {"S": "{}"}}
    scene.dynamodb.exports.write(broken)
    scene.account.status["j-b"] = "failed"
    watched = scene.look()
    assert (found(watched), watched.unseen) == ([(Trouble.JOB, ("b",))], ["export 'a': down"])
    assert watched.broken == {"c": "KeyError"}


def test_configuration_that_cannot_be_fetched_is_named(scene: Scene) -> None:
    scene.dynamodb.calls.errors["GetItem"] = ServiceUnavailable("down")
    assert scene.look().broken == {"a": "down", "b": "down", "old": "down"}


def test_name_without_a_configuration_is_left_out(scene: Scene) -> None:
    scene.dynamodb.exports.write({"pk": {"S": "exports"}, "sk": {"S": "half"}, "doc": {"S": "{}"}})
    assert scene.look().exports == ["a", "b"]
