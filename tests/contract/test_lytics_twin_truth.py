"""The Lytics twin's people: reproducible by seed, and with webhook events that match the ground truth."""

import datetime as dt
import itertools
import re
from typing import Any

import pytest

from tests.contract.subscription import subscribe
from tests.local.lytics_twin.receiver import Receiver
from tests.local.lytics_twin.twin import LyticsTwin

Json = dict[str, Any]
FIELDS = ("first_name", "city", "lifetime_value")


def time_ns(text: str) -> int:
    """Parse a webhook's time to the nanosecond (the standard library only keeps microseconds)."""
    fraction = re.search(r"\.(\d{9})(Z|[+-]\d\d:\d\d)$", text)
    assert fraction, text
    return int(dt.datetime.fromisoformat(text).timestamp()) * 10**9 + int(fraction[1])


def test_same_seed_makes_the_same_people() -> None:
    with LyticsTwin() as first, LyticsTwin() as second, LyticsTwin() as other:
        for twin, seed in ((first, 4), (second, 4), (other, 5)):
            twin.populate(300, 3, seed=seed, without_email=0.1)
            twin.make_events(100, seed=seed)
        assert {name: entry["audiences"] for name, entry in first.truth().items()} == {
            name: entry["audiences"] for name, entry in second.truth().items()
        }
        assert [person.fields for person in first.profiles()] == [
            person.fields for person in second.profiles()
        ]
        assert first.truth() != other.truth()


def test_events_without_people_or_audiences_are_refused() -> None:
    with LyticsTwin() as twin:
        with pytest.raises(ValueError, match="populate the twin first"):
            twin.make_events(1)
        (audience,) = twin.populate(5, 1)
        with pytest.raises(ValueError, match="populate the twin first"):
            twin.make_events(1, audiences=[])
        assert twin.make_events(3, audiences=[audience]).keys() == {"enter", "exit", "change"}


def test_people_are_distributed_over_audiences_as_requested() -> None:
    with LyticsTwin() as twin:
        ids = twin.populate(2000, 3, seed=1, overlap=0.5, outside=0.25, without_email=0.05)
        people = twin.profiles()
        assert [audience.slug for audience in twin.audiences()] == [
            "high_value_users",
            "newsletter_readers",
            "lapsed_customers",
        ]
        assert 50 < sum(person.email is None for person in people) < 150
        assert 400 < sum(not person.audiences for person in people) < 600
        assert sum(len(person.audiences) > 1 for person in people) > 500
        assert len(twin.truth()) == sum(person.email is not None for person in people)
        assert any(person.fields.get("email") != person.email for person in people)
        assert twin.populate(10, 3, seed=2) == ids
        assert {name.split("@")[1] for name in twin.truth()} == {"example.com", "example.org"}


def test_people_who_share_an_email_are_merged_in_the_truth() -> None:
    with LyticsTwin() as twin:
        first, second = twin.add_audience("First"), twin.add_audience("Second")
        twin.add_profile({"email": "Ada@example.com"}, [first])
        twin.add_profile({"email": "ada@example.com"}, [second])
        assert twin.truth()["ada@example.com"]["audiences"] == sorted([first, second])


def test_deleted_or_changed_address_leaves_the_truth() -> None:
    with LyticsTwin() as twin:
        audience = twin.add_audience("Any")
        twin.add_profile({"email": "ada@example.com"}, [audience])
        twin.add_profile({"email": "bruno@example.com"}, [audience])
        twin.change("ada@example.com", {"email": "grace@example.com"})
        assert twin.members(audience) == {"grace@example.com", "bruno@example.com"}
        twin.delete_profile("grace@example.com")
        assert twin.truth().keys() == twin.members(audience) == {"bruno@example.com"}


def test_merged_profile_is_found_by_its_former_address() -> None:
    with LyticsTwin() as twin:
        first, second = twin.add_audience("First"), twin.add_audience("Second")
        twin.add_profile({"email": "ada@example.com"}, [first])
        into = twin.add_profile({"email": "grace@example.com"}, [second])
        twin.merge("ada@example.com", into)
        assert twin.truth().keys() == {"grace@example.com"}
        assert twin.members(first) == twin.members(second) == {"grace@example.com"}
        assert twin.account.profile("ADA@example.com").id == into


def test_deleted_profile_id_is_never_used_again() -> None:
    with LyticsTwin() as twin:
        audience = twin.add_audience("Any")
        first = twin.add_profile({"email": "ada@example.com"}, [audience])
        last = twin.add_profile({"email": "bruno@example.com"}, [audience])
        twin.delete_profile(first)
        added = twin.add_profile({"email": "grace@example.com"}, [audience])
        assert len({first, last, added}) == 3
        assert twin.members(audience) == {"bruno@example.com", "grace@example.com"}


def test_people_added_after_a_deletion_have_new_addresses() -> None:
    with LyticsTwin() as twin:
        twin.populate(50, 2, seed=3, outside=0)
        twin.delete_profile(twin.profiles()[0].id)
        twin.populate(50, 2, seed=3, outside=0)
        assert len(twin.profiles()) == len({str(person.email) for person in twin.profiles()}) == 99


@pytest.mark.parametrize("batched", [False, True])
def test_shuffled_and_duplicated_events_sorted_by_time_match_the_truth(batched: bool) -> None:
    with Receiver() as receiver, LyticsTwin(time_scale=0.001, seed=7) as twin:
        ids = twin.populate(200, 3, seed=1)
        before = {person.id: (set(person.audiences), dict(person.fields)) for person in twin.profiles()}
        config = {"field_changes": list(FIELDS), "worker_count": 5, "user_fields": ["_id", "email", *FIELDS]}
        subscribe(twin, receiver, *ids, batch_requests=batched, batch_size=20, **config)
        twin.set_faults(shuffle=True, duplicate_rate=0.2)
        made = twin.make_events(600, seed=2)
        assert sum(made.values()) == 600
        assert min(made.values()) > 50
        assert twin.drain(20)
        sent = [body for bodies in receiver.accepted for body in (bodies if batched else [bodies])]
        counts = twin.state()["jobs"][0]["counts"]
        assert counts["added"] == counts["queued"]
        assert counts["duplicated"] > 50
        assert len(sent) == counts["added"] + counts["duplicated"]

        by_time = sorted(sent, key=lambda body: time_ns(body["meta"]["timestamp"]))
        assert by_time != sent
        for body in by_time:
            audiences, fields = before[body["id"]]
            fields |= {name: body["data"][name] for name in FIELDS}
            for event in body["data"]["segment_events"]:
                match event["event"]:
                    case "enter":
                        audiences.add(event["id"])
                    case "exit":
                        audiences.discard(event["id"])
        after = {person.id: (person.audiences, person.fields) for person in twin.profiles()}
        assert after == before


def test_times_of_one_person_strictly_increase() -> None:
    with Receiver() as receiver, LyticsTwin(time_scale=0.001) as twin:
        (audience,) = twin.populate(1, 1, seed=1)
        subscribe(twin, receiver, audience, field_changes=list(FIELDS))
        twin.make_events(300, seed=2)
        assert twin.drain(20)
        times = [time_ns(body["meta"]["timestamp"]) for body in receiver.accepted]
        assert len(times) == 300
        assert all(earlier < later for earlier, later in itertools.pairwise(times))


def test_truth_contains_the_audiences_announced_to_a_job() -> None:
    with Receiver() as receiver, LyticsTwin(time_scale=0.001) as twin:
        subscribed, other = twin.add_audience("Subscribed"), twin.add_audience("Other")
        twin.add_profile({"email": "ada@example.com"})
        subscribe(twin, receiver, subscribed)
        for audience in (subscribed, other):
            twin.enter("ada@example.com", audience)
            twin.exit("ada@example.com", audience)
        assert twin.drain(5)
        entry = twin.truth()["ada@example.com"]
        assert (entry["audiences"], entry["announced"]) == ([], [subscribed])
