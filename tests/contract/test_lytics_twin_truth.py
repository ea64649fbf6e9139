"""The Lytics twin's people and their truth: made up alike for a seed, and equal to what the webhooks told."""

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


def told_ns(text: str) -> int:
    """Read a time of the webhook to the nanosecond (the standard library keeps microseconds)."""
    fraction = re.search(r"\.(\d{9})(Z|[+-]\d\d:\d\d)$", text)
    assert fraction, text
    return int(dt.datetime.fromisoformat(text).timestamp()) * 10**9 + int(fraction[1])


def test_same_seed_makes_the_same_people() -> None:
    with LyticsTwin() as one, LyticsTwin() as two, LyticsTwin() as other:
        for twin, seed in ((one, 4), (two, 4), (other, 5)):
            twin.populate(300, 3, seed=seed, without_email=0.1)
            twin.make_events(100, seed=seed)
        assert {name: entry["audiences"] for name, entry in one.truth().items()} == {
            name: entry["audiences"] for name, entry in two.truth().items()
        }
        assert [found.fields for found in one.profiles()] == [found.fields for found in two.profiles()]
        assert one.truth() != other.truth()


def test_events_without_people_or_audiences_are_refused() -> None:
    with LyticsTwin() as twin:
        with pytest.raises(ValueError, match="populate the twin first"):
            twin.make_events(1)
        (audience,) = twin.populate(5, 1)
        with pytest.raises(ValueError, match="populate the twin first"):
            twin.make_events(1, audiences=[])
        assert twin.make_events(3, audiences=[audience]).keys() == {"enter", "exit", "change"}


def test_people_are_spread_as_asked() -> None:
    with LyticsTwin() as twin:
        ids = twin.populate(2000, 3, seed=1, overlap=0.5, outside=0.25, without_email=0.05)
        people = twin.profiles()
        assert [found.slug for found in twin.audiences()] == [
            "high_value_users",
            "newsletter_readers",
            "lapsed_customers",
        ]
        assert 50 < sum(found.email is None for found in people) < 150
        assert 400 < sum(not found.audiences for found in people) < 600
        assert sum(len(found.audiences) > 1 for found in people) > 500
        assert len(twin.truth()) == sum(found.email is not None for found in people)
        assert any(found.fields.get("email") != found.email for found in people)
        assert twin.populate(10, 3, seed=2) == ids
        assert {name.split("@")[1] for name in twin.truth()} == {"example.com", "example.org"}


def test_people_who_share_an_email_are_one_in_the_truth() -> None:
    with LyticsTwin() as twin:
        first, second = twin.add_audience("First"), twin.add_audience("Second")
        twin.add_profile({"email": "Ada@example.com"}, [first])
        twin.add_profile({"email": "ada@example.com"}, [second])
        assert twin.truth()["ada@example.com"]["audiences"] == sorted([first, second])


def test_deleted_or_renamed_person_leaves_no_trace_under_the_old_address() -> None:
    with LyticsTwin() as twin:
        audience = twin.add_audience("Any")
        twin.add_profile({"email": "ada@example.com"}, [audience])
        twin.add_profile({"email": "bruno@example.com"}, [audience])
        twin.change("ada@example.com", {"email": "grace@example.com"})
        assert twin.members(audience) == {"grace@example.com", "bruno@example.com"}
        twin.delete_profile("grace@example.com")
        assert twin.truth().keys() == twin.members(audience) == {"bruno@example.com"}


@pytest.mark.parametrize("batched", [False, True])
def test_events_shuffled_and_doubled_tell_the_whole_truth_by_their_times(batched: bool) -> None:
    with Receiver() as receiver, LyticsTwin(time_scale=0.001, seed=7) as twin:
        ids = twin.populate(200, 3, seed=1)
        before = {found.id: (set(found.audiences), dict(found.fields)) for found in twin.profiles()}
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

        by_time = sorted(sent, key=lambda body: told_ns(body["meta"]["timestamp"]))
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
        after = {found.id: (found.audiences, found.fields) for found in twin.profiles()}
        assert after == before


def test_times_of_one_person_strictly_increase() -> None:
    with Receiver() as receiver, LyticsTwin(time_scale=0.001) as twin:
        (audience,) = twin.populate(1, 1, seed=1)
        subscribe(twin, receiver, audience, field_changes=list(FIELDS))
        twin.make_events(300, seed=2)
        assert twin.drain(20)
        times = [told_ns(body["meta"]["timestamp"]) for body in receiver.accepted]
        assert len(times) == 300
        assert all(earlier < later for earlier, later in itertools.pairwise(times))


def test_truth_says_in_which_audiences_a_job_was_told_of_a_person() -> None:
    with Receiver() as receiver, LyticsTwin(time_scale=0.001) as twin:
        told, untold = twin.add_audience("Told"), twin.add_audience("Untold")
        twin.add_profile({"email": "ada@example.com"})
        subscribe(twin, receiver, told)
        for audience in (told, untold):
            twin.enter("ada@example.com", audience)
            twin.exit("ada@example.com", audience)
        assert twin.drain(5)
        entry = twin.truth()["ada@example.com"]
        assert (entry["audiences"], entry["announced"]) == ([], [told])
