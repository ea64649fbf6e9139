"""The requests of the Lytics twin's webhook jobs: envelopes, fields, batches, headers, backfill."""

import datetime as dt
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from tests.contract.subscription import subscribe
from tests.local.lytics_twin.clock import ManualClock
from tests.local.lytics_twin.receiver import Receiver
from tests.local.lytics_twin.twin import LyticsTwin

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


def test_enter_has_all_fields_and_its_time_under_the_event_name(
    twin: LyticsTwin, receiver: Receiver, audience: str, clock: ManualClock
) -> None:
    job = subscribe(twin, receiver, audience)
    twin.enter(PERSON, audience)
    assert twin.drain(5)
    (sent,) = receiver.accepted
    (event,) = sent["data"].pop("segment_events")
    time = dt.datetime.fromisoformat(event.pop("enter"))
    assert event == {"id": audience, "event": "enter", "slug": "high_value_users"}
    assert int(time.timestamp()) == clock.wall_ns() // 1_000_000_000
    assert sent["data"].items() >= {"email": PERSON, "first_name": "Beth", "visit_count": 3}.items()
    assert sent["id"].isdigit()
    assert (sent["meta"]["object"], sent["meta"]["subscription_id"]) == ("user", job)
    assert receiver.deliveries[0].headers["content-type"] == "application/json"


def test_exit_contains_only_the_selected_fields(twin: LyticsTwin, receiver: Receiver, audience: str) -> None:
    subscribe(twin, receiver, audience, user_fields=["first_name", "_id"])
    twin.enter(PERSON, audience, silently=True)
    twin.exit(PERSON, audience)
    assert twin.drain(5)
    data = receiver.accepted[0]["data"]
    assert data.keys() == {"first_name", "_id", "segment_events"}
    assert data["segment_events"][0]["event"] == "exit"
    assert "exit" in data["segment_events"][0]


def test_change_is_sent_for_chosen_fields_of_members_without_a_time(
    twin: LyticsTwin, receiver: Receiver, audience: str
) -> None:
    subscribe(twin, receiver, audience, field_changes=["city"])
    twin.change(PERSON, {"city": "Kyoto"})
    twin.enter(PERSON, audience)
    twin.change(PERSON, {"first_name": "Bet"})
    twin.change(PERSON, {"city": "Lagos"})
    assert twin.drain(5)
    events = [sent["data"]["segment_events"][0] for sent in receiver.accepted]
    assert [event["event"] for event in events] == ["enter", "change"]
    assert events[1] == {"id": audience, "event": "change", "slug": "high_value_users"}
    assert receiver.accepted[1]["data"]["city"] == "Lagos"


def test_repeated_and_unsubscribed_events_are_not_sent(
    twin: LyticsTwin, receiver: Receiver, audience: str
) -> None:
    subscribe(twin, receiver, audience, audience_events="exits_only")
    other = twin.add_audience("Other")
    assert twin.enter(PERSON, audience)
    assert not twin.enter(PERSON, audience)
    assert twin.enter(PERSON, other)
    assert twin.exit(PERSON, audience)
    assert not twin.exit(PERSON, audience)
    assert twin.drain(5)
    assert [sent["data"]["segment_events"][0]["event"] for sent in receiver.accepted] == ["exit"]


def test_cloudevents_have_their_own_envelope(twin: LyticsTwin, receiver: Receiver, audience: str) -> None:
    subscribe(twin, receiver, audience, cloudevents=True)
    twin.enter(PERSON, audience)
    assert twin.drain(5)
    (sent,) = receiver.accepted
    assert (sent["specversion"], sent["datacontenttype"]) == ("1.0", "application/json")
    assert sent["data"]["segment_events"][0]["event"] == "enter"
    assert "meta" not in sent


def test_include_segs_adds_the_membership_after_the_event(
    twin: LyticsTwin, receiver: Receiver, audience: str
) -> None:
    subscribe(twin, receiver, audience, include_segs=True)
    twin.enter(PERSON, audience)
    twin.exit(PERSON, audience)
    assert twin.drain(5)
    assert [sent["data"]["segments_all"] for sent in receiver.accepted] == [[audience], []]


def test_one_envelope_may_contain_several_events(twin: LyticsTwin, receiver: Receiver, audience: str) -> None:
    other = twin.add_audience("Other")
    subscribe(twin, receiver, audience, other, field_changes=["city"])
    for name in (audience, other):
        twin.enter(PERSON, name, silently=True)
    twin.set_faults(group_elements=True)
    twin.change(PERSON, {"city": "Kyoto"})
    assert twin.drain(5)
    (sent,) = receiver.accepted
    assert {event["id"] for event in sent["data"]["segment_events"]} == {audience, other}


def test_batches_are_arrays_flushed_when_full_or_due(
    twin: LyticsTwin, receiver: Receiver, clock: ManualClock
) -> None:
    audience = twin.add_audience("Any")
    people = [twin.add_profile({"email": f"person.{number}@example.com"}) for number in range(7)]
    subscribe(twin, receiver, audience, batch_requests=True, batch_size=3, batch_flush_duration=5)
    for person in people:
        twin.enter(person, audience)
    assert twin.wait_until(lambda: len(receiver.accepted) == 2, 5)
    assert not twin.jobs()[0].sender.idle  # type: ignore[union-attr]
    clock.advance(5)
    assert twin.drain(5)
    assert [len(batch) for batch in receiver.accepted] == [3, 3, 1]
    assert [sent["data"]["email"] for batch in receiver.accepted for sent in batch] == [
        f"person.{number}@example.com" for number in range(7)
    ]


def test_headers_and_parameters_come_from_the_authorization(
    twin: LyticsTwin, receiver: Receiver, audience: str
) -> None:
    config = {"webhook_request_headers": "X-Lytics-Secret: s3cret", "webhook_request_params": "a=b"}
    auth = twin.authorizations.create({"label": "SendGrid", "config": config}, 0).id
    subscribe(twin, receiver, audience, auth_ids=[auth])
    twin.enter(PERSON, audience)
    assert twin.drain(5)
    assert receiver.deliveries[0].headers["x-lytics-secret"] == "s3cret"
    assert receiver.deliveries[0].path.endswith("/lytics/newsletter?a=b")


def test_withbackfill_sends_existing_members_as_enters(twin: LyticsTwin, receiver: Receiver) -> None:
    audience = twin.add_audience("Any")
    for number in range(5):
        twin.add_profile({"email": f"person.{number}@example.com"}, [audience])
    subscribe(twin, receiver, audience, withbackfill=True)
    assert twin.drain(5)
    assert {sent["data"]["email"] for sent in receiver.accepted} == twin.members(audience)
    assert {sent["data"]["segment_events"][0]["event"] for sent in receiver.accepted} == {"enter"}


def test_workers_send_in_parallel(twin: LyticsTwin, receiver: Receiver) -> None:
    audience = twin.add_audience("Any")
    people = [twin.add_profile({"email": f"person.{number}@example.com"}) for number in range(8)]
    together = threading.Barrier(4, timeout=5)
    receiver.before_answer = together.wait
    subscribe(twin, receiver, audience, worker_count=4)
    for person in people:
        twin.enter(person, audience)
    assert twin.drain(10)
    assert len(receiver.accepted) == 8
    assert not together.broken
