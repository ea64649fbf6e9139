"""When the Lytics twin's webhook sender retries, omits, sleeps and fails."""

import datetime as dt
import itertools
import threading
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from tests.contract.subscription import counts, status, subscribe
from tests.local.lytics_twin.clock import ManualClock
from tests.local.lytics_twin.receiver import Receiver
from tests.local.lytics_twin.retry import Backoff, Outcome, judge, retry_after_s
from tests.local.lytics_twin.timestamps import rfc3339_ns
from tests.local.lytics_twin.twin import DEFAULT_TOKEN, LyticsTwin

Json = dict[str, Any]
PERSON = "beth.izzi@example.com"


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as running:
        yield running


@pytest.fixture
def twin(clock: ManualClock) -> Iterator[LyticsTwin]:
    with LyticsTwin(clock=clock, initializing_s=0, retry_pause_s=0, request_timeout_s=5) as running:
        yield running


@pytest.fixture
def audience(twin: LyticsTwin) -> str:
    twin.add_profile({"email": PERSON, "first_name": "Beth", "city": "Oslo", "visit_count": 3})
    return twin.add_audience("High Value Users")


@pytest.mark.parametrize("refusal", [201, 204, 401, 403, 429, 500, 503, None])
def test_anything_but_200_is_retried(
    twin: LyticsTwin, receiver: Receiver, audience: str, refusal: int | None
) -> None:
    subscribe(twin, receiver, audience)
    receiver.script.append(refusal)
    twin.enter(PERSON, audience)
    assert twin.drain(5)
    assert receiver.statuses == [refusal or 0, 200]
    assert receiver.deliveries[0].body == receiver.deliveries[1].body
    assert counts(twin)["failed_requests"] == 1


@pytest.mark.parametrize("refusal", [400, 404, 413, 418])
def test_statuses_that_are_not_retried_omit_the_event(
    twin: LyticsTwin, receiver: Receiver, audience: str, refusal: int
) -> None:
    job = subscribe(twin, receiver, audience, do_not_retry=[418])
    receiver.script.append(refusal)
    twin.enter(PERSON, audience)
    twin.exit(PERSON, audience)
    assert twin.drain(5)
    assert receiver.statuses == [refusal, 200]
    assert (counts(twin)["omitted"], counts(twin)["added"], status(twin)) == (1, 1, "running")
    headers = {"Authorization": DEFAULT_TOKEN}
    log = requests.get(f"{twin.url}/v2/job/{job}/logs", headers=headers, timeout=5).json()["data"]
    assert [entry["context"] for entry in log if entry["level"] == "warn"] == [
        {"status": refusal, "omitted": 1}
    ]
    assert log[-1]["context"] == {"added": 1, "omitted": 1, "removed": 0}


def test_request_that_times_out_is_retried(receiver: Receiver) -> None:
    released = threading.Event()
    calls = itertools.count()
    receiver.before_answer = lambda: next(calls) or released.wait(5)
    with LyticsTwin(initializing_s=0, retry_pause_s=0, request_timeout_s=0.1) as twin:
        audience = twin.add_audience("Any")
        twin.add_profile({"email": PERSON})
        subscribe(twin, receiver, audience)
        twin.enter(PERSON, audience)
        assert twin.drain(5)
        released.set()
        assert (counts(twin)["added"], counts(twin)["failed_requests"]) == (1, 1)


def test_job_sleeps_after_ten_failures_and_fails_after_two_hours(
    twin: LyticsTwin, receiver: Receiver, audience: str, clock: ManualClock
) -> None:
    job = subscribe(twin, receiver, audience)
    receiver.default = 503
    twin.enter(PERSON, audience)
    for number, seconds in enumerate((60, 120, 240, 480, 960, 1920, 3840), start=1):
        assert twin.wait_until(lambda: status(twin).startswith("fault-"), 5)
        assert (status(twin), len(receiver.deliveries)) == (f"fault-{number}", 10 * number)
        clock.advance(seconds - 1)
        assert status(twin) == f"fault-{number}"
        clock.advance(1)
    assert twin.wait_until(lambda: status(twin) == "failed", 5)
    receiver.default = 200
    twin.exit(PERSON, audience)
    assert receiver.accepted == []
    headers = {"Authorization": DEFAULT_TOKEN}
    requests.post(f"{twin.url}/v2/job/{job}/bounce", headers=headers, timeout=5)
    assert twin.drain(5)
    assert [sent["data"]["segment_events"][0]["event"] for sent in receiver.accepted] == ["enter", "exit"]
    assert status(twin) == "running"


@pytest.mark.parametrize("as_date", [False, True])
def test_retry_after_makes_the_job_sleep_without_failing(
    twin: LyticsTwin, receiver: Receiver, audience: str, clock: ManualClock, as_date: bool
) -> None:
    subscribe(twin, receiver, audience)
    start = dt.datetime.fromtimestamp(clock.wall_ns() // 1_000_000_000, dt.UTC)
    for number in range(1, 13):
        until = start + dt.timedelta(seconds=900 * number)
        value = f"{until:%a, %d %b %Y %H:%M:%S GMT}" if as_date else "900"
        receiver.script.append((503, {"Retry-After": value}))
    twin.enter(PERSON, audience)
    for number in range(1, 13):
        assert twin.wait_until(lambda: status(twin) == "sleeping", 5)
        assert len(receiver.deliveries) == number
        clock.advance(899)
        assert status(twin) == "sleeping"
        clock.advance(1)
    assert twin.drain(5)
    assert counts(twin)["failed_requests"] == 12
    assert (receiver.statuses[-1], status(twin)) == (200, "running")


def test_events_of_a_paused_job_wait_or_are_lost(twin: LyticsTwin, receiver: Receiver, audience: str) -> None:
    subscribe(twin, receiver, audience)
    twin.jobs()[0].stop("paused")
    twin.enter(PERSON, audience)
    twin.set_faults(lose_when_stopped=True)
    twin.exit(PERSON, audience)
    twin.jobs()[0].start(0)
    assert twin.drain(5)
    assert [sent["data"]["segment_events"][0]["event"] for sent in receiver.accepted] == ["enter"]
    assert counts(twin)["lost"] == 1


def test_statuses_have_the_documented_outcome() -> None:
    assert judge(200, ()) is Outcome.DELIVERED
    assert {judge(status, {401}) for status in (400, 404, 413, 401)} == {Outcome.OMITTED}
    assert {judge(status, ()) for status in (201, 302, 401, 500, None)} == {Outcome.RETRIED}


def test_a_success_ends_the_streak_of_failures() -> None:
    backoff = Backoff()
    assert [backoff.fail(0) for _ in range(9)] == [None] * 9
    backoff.succeed()
    assert [backoff.fail(7300) for _ in range(10)] == [None] * 9 + [60.0]


@pytest.mark.parametrize(
    ("value", "seconds"),
    [("120", 120.0), ("Wed, 21 Oct 2015 07:28:00 GMT", 30.0), ("soon", None), (None, None)],
)
def test_retry_after_is_seconds_or_a_date(value: str | None, seconds: float | None) -> None:
    assert retry_after_s(value, 1_445_412_450.0) == seconds


def test_times_have_nine_digits_and_an_offset_or_z() -> None:
    assert rfc3339_ns(1_602_707_613_916_374_949, -420) == "2020-10-14T13:33:33.916374949-07:00"
    assert rfc3339_ns(1_602_707_613_000_000_001) == "2020-10-14T20:33:33.000000001Z"
