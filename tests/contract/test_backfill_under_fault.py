"""The task backfill while Lytics is faulty and Lambda kills it: nobody is missed without a report of it."""

import random
import re
from collections.abc import Callable, Iterator
from typing import Any, Final

import pytest

from functions.backfill import app as backfill_app
from functions.backfill.progress import MAX_IDLE_INVOCATIONS
from functions.backfill.rows import LAG_NS
from lytics_sendgrid.domain.change import Change, Kind
from lytics_sendgrid.errors import RetryLater
from lytics_sendgrid.lytics.api import Lytics
from lytics_sendgrid.queues.changes import decode
from lytics_sendgrid.queues.writer import QueueWriter
from lytics_sendgrid.tables.exports import ExportsTable
from lytics_sendgrid.tables.seen import SeenTable
from tests.clock import TickingClock
from tests.contract.moto_aws import aws
from tests.contract.test_activate_and_backfill import RUN, Deployment
from tests.local.lytics_twin.clock import ManualClock
from tests.local.lytics_twin.twin import LyticsTwin

PEOPLE: Final = 1_000
MAX_INVOCATIONS: Final = 200


class KilledError(BaseException):
    """Lambda ends the process."""


class Scene:
    """A deployment, its audience, and what its scans have queued."""

    def __init__(self, deployment: Deployment, clock: ManualClock) -> None:
        self.deployment = deployment
        self.twin = deployment.twin
        self.clock = clock
        self.audience, *_ = self.twin.populate(PEOPLE, 1, seed=1)
        deployment.put_export(self.audience)
        self.backfill_clock = TickingClock(0.25)

    def scan(self, left_s: int = 900, requests: int = 1) -> dict[str, Any]:
        """Scan to the end, as the state machine does. A killed invocation is retried."""
        for _ in range(MAX_INVOCATIONS):
            try:
                result = self.deployment.backfill(self.audience, left_s, requests=requests)
            except (KilledError, RetryLater):
                continue
            if result["done"]:
                return result
        raise AssertionError("the scan does not end")

    def check(self, result: dict[str, Any]) -> list[Change]:
        """Check that the run waits for messages with everybody, and that no enter beats a real event."""
        messages = [decode(body) for body in self.deployment.messages()]
        changes = [change for message in messages for change in message.changes]
        assert {change.email for change in changes} == self.twin.members(self.audience)
        assert {(change.kind, change.audience) for change in changes} == {(Kind.ENTER, self.audience)}
        assert all((change.fields_time_ns or 0) <= self.clock.wall_ns() - LAG_NS for change in changes)
        checkpoint = self.deployment.exports.scan(RUN, self.audience)
        assert checkpoint is not None
        expected = checkpoint.numbers
        assert expected <= {str(message.number) for message in messages}
        assert {message.run for message in messages} == {RUN}
        awaited = [
            change.email for message in messages if message.number in expected for change in message.changes
        ]
        assert set(awaited) == self.twin.members(self.audience)
        assert len(awaited) >= result["people"]
        return changes


@pytest.fixture
def scene(monkeypatch: pytest.MonkeyPatch) -> Iterator[Scene]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    clock = ManualClock()
    with LyticsTwin(clock=clock) as twin, aws():
        deployment = Deployment(twin, "http://127.0.0.1:1")
        monkeypatch.setenv("EXPORTS_TABLE", "exports")
        monkeypatch.setenv("SECRET_PREFIX", "stack")
        monkeypatch.setenv("LYTICS_URL", twin.url)
        monkeypatch.setenv("CHANGES_QUEUE_URL", deployment.queue_url)
        scene = Scene(deployment, clock)
        monkeypatch.setattr(backfill_app, "SystemClock", lambda: scene.backfill_clock)
        backfill_app._collaborators.cache_clear()
        yield scene
        backfill_app._collaborators.cache_clear()


@pytest.mark.parametrize(
    "faults",
    [
        {"api_429_rate": 0.4},
        {"api_5xx_rate": 0.4},
        {"api_html_rate": 0.4},
        {"api_truncate_rate": 0.4},
        {"api_drop_rate": 0.4},
        {"scan_duplicate_rate": 0.4},
        {"scan_empty_page_every": 2},
        {"scan_next_key": "next"},
        {"scan_numbers_as_strings": True},
        {"scan_total_offset": -3},
        {
            "api_429_rate": 0.2,
            "api_5xx_rate": 0.2,
            "api_truncate_rate": 0.1,
            "api_drop_rate": 0.1,
            "scan_duplicate_rate": 0.3,
            "scan_empty_page_every": 3,
        },
    ],
    ids="+".join,
)
@pytest.mark.parametrize("requests", [1, 5])
def test_everybody_is_queued_whatever_lytics_answers(
    scene: Scene, faults: dict[str, Any], requests: int
) -> None:
    scene.twin.set_faults(**faults)
    result = scene.scan(requests=requests)
    assert result["complete"]
    scene.check(result)
    if any(name.startswith("api_") for name in faults):
        assert scene.backfill_clock.sleeps


def test_only_people_without_address_are_missed_and_counted(scene: Scene) -> None:
    scene.twin.set_faults(scan_no_email_rate=0.2, scan_duplicate_rate=0.3)
    result = scene.scan()
    changes = [change for body in scene.deployment.messages() for change in decode(body).changes]
    missing = scene.twin.members(scene.audience) - {change.email for change in changes}
    assert 0 < len(missing) <= result["without_email"]
    assert result["people"] == len(changes)
    assert result["scanned"] >= PEOPLE / 2


@pytest.mark.parametrize("offset", [1, 700])
def test_total_larger_than_the_scan_is_never_complete(scene: Scene, offset: int) -> None:
    scene.twin.set_faults(scan_total_offset=offset)
    result = scene.scan()
    scene.check(result)
    members = len(scene.twin.members(scene.audience))
    assert not result["complete"]
    assert result["mismatch"] == (
        f"Lytics counts {members + offset:,} people in the audience but its scan returned {members:,}"
    )


def test_outage_of_hours_ends_the_scan_in_trouble(scene: Scene) -> None:
    assert not scene.deployment.backfill(scene.audience, left_s=4)["done"]
    scene.twin.set_faults(api_5xx_rate=1.0)
    result = scene.scan(left_s=60)
    assert f"not answered the scan for {MAX_IDLE_INVOCATIONS} invocations" in result["trouble"]
    assert result["scanned"] > 0


def test_scan_stale_after_every_invocation_is_given_up(scene: Scene) -> None:
    result: dict[str, Any] = {"done": False}
    while not result["done"]:
        result = scene.deployment.backfill(scene.audience, left_s=4)
        scene.clock.advance(3_600)
    assert re.match(r"Lytics refused the scan's cursor 4 times.*not recent", result["trouble"])


def test_exit_during_the_scan_wins(scene: Scene) -> None:
    """The scan still returns them as members, so their enters must be older than their exits."""
    before = scene.twin.members(scene.audience)
    assert not scene.deployment.backfill(scene.audience, left_s=4)["done"]
    left_ns = scene.clock.wall_ns()
    leavers = sorted(before)[::7]
    for person in leavers:
        assert scene.twin.exit(person, scene.audience)
    result = scene.scan()
    changes = [change for body in scene.deployment.messages() for change in decode(body).changes]
    assert scene.twin.members(scene.audience) <= {change.email for change in changes}
    assert {change.time_ns for change in changes} == {1}
    assert left_ns > 1
    assert result["done"]


def dying(rng: random.Random, rate: float, call: Callable[..., Any]) -> Callable[..., Any]:
    """Return a call that Lambda sometimes kills, before it or after it."""

    def called(*arguments: Any, **named: Any) -> Any:
        if rng.random() < rate:
            raise KilledError
        result = call(*arguments, **named)
        if rng.random() < rate:
            raise KilledError
        return result

    return called


@pytest.mark.parametrize("seed", range(12))
def test_killed_lambda_misses_nobody(scene: Scene, monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    rng = random.Random(seed)
    requests = 1 + 3 * (seed % 2)
    # Each request may kill the invocation, whichever part it is of.
    rate, stale = rng.choice((0.06, 0.15)) if requests == 1 else 0.06, rng.randrange(4)
    faults = {
        "api_429_rate": 0.1,
        "api_truncate_rate": 0.1,
        "scan_duplicate_rate": 0.2,
        "scan_empty_page_every": 3,
    }
    scene.twin.set_faults(**{name: value for name, value in faults.items() if rng.random() < 0.5})
    result: dict[str, Any] = {"done": False}
    killed = 0
    with monkeypatch.context() as patch:
        for where, name in EFFECTS:
            patch.setattr(where, name, dying(rng, rate, getattr(where, name)))
        for number in range(MAX_INVOCATIONS):
            try:
                result = scene.deployment.backfill(
                    scene.audience, left_s=rng.choice((2, 5, 9, 200)), requests=requests
                )
            except KilledError:
                killed += 1
            if result["done"]:
                break
            if number < 3 * stale and number % 3 == 0:
                scene.clock.advance(400)
    assert killed
    assert result["done"]
    assert result["complete"]
    scene.check(result)


EFFECTS: Final[tuple[tuple[type, str], ...]] = (
    (Lytics, "scan_page"),
    (QueueWriter, "send"),
    (SeenTable, "put"),
    (ExportsTable, "put_scan"),
    (ExportsTable, "scan"),
)
