"""What a report tells, and what it says where something is missing or wrong."""

from typing import Any

from functions.report.reporting import Counted, report_document
from lytics_sendgrid.domain.configuration import Account, ProvisionedAudience
from lytics_sendgrid.sendgrid.resources import Segment

FIRST = "1" * 32
ACCOUNT = Account(
    "main",
    2,
    {"lytics_segments": "e1_T"},
    {FIRST: ProvisionedAudience("lytics_segments", "s1", None, ("news",))},
)
STATE: dict[str, Any] = {
    "run": "r",
    "export": "news",
    "account": "main",
    "backfill": True,
    "started_at": "2026-11-23T09:00:00Z",
    "audiences": [{"id": FIRST, "name": "First", "slug": "first"}],
    "plan": {"notes": ["a note of the plan"]},
    "provision": {"version": 2, "fields": [], "segments": 1, "adopted": 0},
    "activation": {"live": True, "paste": None},
}
SCAN = {
    "scanned": 9,
    "without_email": 1,
    "bad_email": 0,
    "people": 8,
    "complete": False,
    "misfit": "Lytics counts 10",
}


def counted(**changes: Any) -> Counted:
    segment = Segment("s1", "First", None, None, 7, "VALID", "", "2026-11-23T08:00:00Z")
    everything: dict[str, Any] = {
        "lytics": {FIRST: 10},
        "segments": {"s1": segment},
        "contacts": 100,
        "scans": {FIRST: SCAN},
        "counts": {"accepted": 6, "rejected.address": 2, "lost": 1},
        "jobs": {},
    }
    return Counted(**(everything | changes))


def report(state: dict[str, Any] = STATE, account: Account = ACCOUNT, **changes: Any) -> dict[str, Any]:
    return report_document(state, account, counted(**changes), "2026-11-23T09:05:00Z")


def test_each_side_stands_beside_the_others() -> None:
    (audience,) = report()["audiences"]
    assert audience == {
        "id": FIRST,
        "name": "First",
        "lytics": 10,
        "segment": "First",
        "segment_id": "s1",
        "sendgrid": 7,
        "sendgrid_counted_at": "2026-11-23T08:00:00Z",
        "scanned": 9,
        "without_email": 1,
        "bad_email": 0,
        "complete": False,
        "misfit": "Lytics counts 10",
        "queued": 8,
    }


def test_a_scan_far_below_what_lytics_counts_is_not_complete_whatever_it_says() -> None:
    empty = SCAN | {"scanned": 0, "without_email": 0, "people": 0, "complete": True, "misfit": ""}
    told = report(scans={FIRST: empty})
    (audience,) = told["audiences"]
    words = "Lytics counts 10 people in the audience and its scan returned 0"
    assert (audience["complete"], audience["misfit"]) == (False, words)
    assert f"'First': {words}" in told["notes"]


def test_a_scan_is_not_held_against_a_size_that_is_near_or_not_known() -> None:
    whole = SCAN | {"complete": True, "misfit": ""}
    for sizes in ({FIRST: 10}, {}, None):
        (audience,) = report(scans={FIRST: whole}, lytics=sizes)["audiences"]
        assert (audience["complete"], audience["misfit"]) == (True, "")


def test_a_misfit_that_the_scan_has_told_stays() -> None:
    (audience,) = report(lytics={FIRST: 1_000})["audiences"]
    assert audience["misfit"] == "Lytics counts 10"


def test_report_names_its_run() -> None:
    told = report()
    names = ("run", "export", "account", "started_at", "finished_at", "sendgrid_contacts", "created")
    assert {name: told[name] for name in names} == {
        "run": "r",
        "export": "news",
        "account": "main",
        "started_at": "2026-11-23T09:00:00Z",
        "finished_at": "2026-11-23T09:05:00Z",
        "sendgrid_contacts": 100,
        "created": STATE["provision"],
    }


def test_people_are_counted_by_what_became_of_them() -> None:
    assert report()["people"] == {"accepted": 6, "unchanged": 0, "lost": 1, "rejected": {"address": 2}}
    assert report(counts={})["people"] == {"accepted": 0, "unchanged": 0, "rejected": {}}
    assert any("accepted, rejected and confirmed are of the whole run" in note for note in report()["notes"])


def test_jobs_are_summed_up() -> None:
    jobs = {
        "j1": {
            "status": "completed",
            "requested": 9,
            "created": 3,
            "updated": 2,
            "errored": 0,
            "confirmed": 9,
        },
        "j2": {"status": "errored", "requested": 4, "created": 3, "errored": 1, "confirmed": 3},
        "j3": {"status": "failed", "requested": 7, "created": 6, "errored": 1, "confirmed": 0},
        "j4": {"status": "unknown"},
    }
    totals = report(jobs=jobs)["import_jobs"]
    assert (totals["jobs"], totals["failed"], totals["unknown"]) == (4, 1, 1)
    assert (totals["requested"], totals["confirmed"], totals["errored"]) == (20, 12, 2)
    assert (totals["created"], totals["updated"]) == (12, 2)


def test_what_became_of_failed_jobs_is_told() -> None:
    told = report(
        jobs={
            "j1": {"status": "failed", "parked": 3, "refreshed": 2},
            "j2": {"status": "errored", "unread": 1, "rejected": 4},
        }
    )
    assert [told["import_jobs"][name] for name in ("parked", "refreshed", "rejected")] == [3, 2, 4]
    assert any("3 people's import jobs failed again and again" in note for note in told["notes"])
    assert any("refused rows of 1 import jobs" in note for note in told["notes"])


def test_notes_tell_what_is_odd() -> None:
    notes = report(notes=("Lytics' sizes could not be read",))["notes"]
    assert notes[:3] == ["a note of the plan", "Lytics' sizes could not be read", "'First': Lytics counts 10"]
    assert any("every 1 to 24 hours" in note for note in notes)


def test_an_invalid_segment_is_told_with_what_to_do() -> None:
    invalid = Segment("s1", "First", None, None, 0, "INVALID", "no such column")
    notes = report(segments={"s1": invalid})["notes"]
    assert any(
        "the segment of 'First' is invalid in SendGrid (no such column): delete it" in note for note in notes
    )


def test_what_is_not_known_is_null() -> None:
    (audience,) = report(lytics=None, segments=None, scans={})["audiences"]
    assert (audience["lytics"], audience["sendgrid"], audience["segment_id"]) == (None, None, "s1")
    assert "scanned" not in audience


def test_an_audience_that_lost_its_configuration_has_no_segment() -> None:
    (audience,) = report(account=Account("main"))["audiences"]
    assert (audience["segment_id"], audience["sendgrid"]) == (None, None)


def test_a_run_without_a_backfill_counts_nobody() -> None:
    state = STATE | {"backfill": False}
    assert report(state, scans={})["people"] is None
    assert not any("once a person" in note for note in report(state, scans={})["notes"])


def test_an_export_that_is_not_live_says_so_first() -> None:
    state = STATE | {"activation": {"live": False, "paste": {"webhook_url": "https://hooks.example.com"}}}
    told = report(state)
    assert not told["live"]
    assert told["notes"][0].startswith("NOT LIVE")
    assert told["activation"]["paste"] == {"webhook_url": "https://hooks.example.com"}
