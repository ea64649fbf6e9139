"""What a report shows, and how it reports what is missing or wrong."""

from dataclasses import replace
from typing import Any

import pytest

from functions.report.counted import Counted
from functions.report.counting import lost_segments
from functions.report.drift import Health
from functions.report.reporting import run_report
from lytics_sendgrid.domain.audit_findings import AuditFindings
from lytics_sendgrid.domain.checkpoint import Checkpoint, ScanPart
from lytics_sendgrid.domain.configuration import Account, AudienceState, ProvisionedAudience
from lytics_sendgrid.domain.sweep_findings import SweepFindings, SweptAudience
from lytics_sendgrid.errors import ServiceUnavailable
from lytics_sendgrid.sendgrid.resources import Segment
from lytics_sendgrid.workflow.export_run import ExportRun
from tests.modules import ROOT
from tests.run_state import run_state

FIRST = "1" * 32
ACCOUNT = Account(
    "main",
    2,
    {"lytics_segments": "e1_T"},
    {FIRST: ProvisionedAudience("lytics_segments", "s1", None, ("news",))},
)
STATE = run_state(
    run="r",
    export="news",
    account="main",
    audiences=[{"id": FIRST, "name": "First", "slug": "first"}],
    plan=run_state()["plan"] | {"notes": ["a note of the plan"]},
)
SCAN = Checkpoint(scanned=9, without_email=1, smallest=10, largest=10, done=True)
WHOLE = replace(SCAN, smallest=9, largest=9)
PASTE = {
    "where": "Lytics",
    "webhook_url": "https://hooks.example.com",
    "http_method": "POST",
    "header": {"name": "X-Lytics-Secret", "value": "in the secret stack/default"},
    "audiences": [{"id": FIRST, "name": "First"}],
    "export_fields": ["email"],
    "fields_to_trigger": ["email"],
    "existing_users": False,
    "batch_requests": True,
    "batch_size": 100,
    "batch_flush_duration_s": 1,
    "do_not_retry": [],
    "cloudevents": False,
}
MISMATCH = "Lytics counts 10 people in the audience but its scan returned 9"


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
    run = ExportRun.read(state)
    return run_report(run, account, counted(**changes), "2026-11-23T09:05:00Z").document()


def test_report_shows_every_side() -> None:
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
        "mismatch": MISMATCH,
        "queued": 8,
    }


def test_scan_far_below_lytics_size_is_not_complete() -> None:
    empty = Checkpoint(largest=0, done=True)
    assert empty.is_complete
    document = report(scans={FIRST: empty})
    (audience,) = document["audiences"]
    mismatch = "Lytics counts 10 people in the audience but its scan returned 0"
    assert (audience["complete"], audience["mismatch"]) == (False, mismatch)
    assert f"'First': {mismatch}" in document["notes"]


def test_scan_near_or_without_a_size_stays_complete() -> None:
    whole = replace(SCAN, smallest=9, largest=9)
    for sizes in ({FIRST: 10}, {}, None):
        (audience,) = report(scans={FIRST: whole}, lytics=sizes)["audiences"]
        assert (audience["complete"], audience["mismatch"]) == (True, "")


def test_audience_in_trouble_fails_the_run_after_its_report() -> None:
    document = report(scans={FIRST: replace(SCAN, done=False, trouble="it is gone. Start without it")})
    (audience,) = document["audiences"]
    assert (audience["trouble"], audience["complete"]) == ("it is gone. Start without it", False)
    assert "- 'First': it is gone. Start without it" in document["failure"]
    assert "'First': it is gone. Start without it" in document["notes"]


def test_segment_that_is_gone_fails_the_run_after_its_report() -> None:
    document = report(segments={}, gone=frozenset({FIRST}), scans={FIRST: WHOLE})
    (audience,) = document["audiences"]
    assert (audience["segment"], audience["segment_id"]) == (None, "s1")
    assert "- 'First': its segment does not exist in SendGrid any more" in document["failure"]
    assert '"repair_segments": true' in document["failure"]


def test_segment_that_shows_other_people_fails_the_run_after_its_report() -> None:
    audit = AuditFindings(compared=1, segments=["the query was changed"])
    wrong = replace(audit, wrong=[("First", "the query was changed")])
    assert "failure" not in report(audit=audit, scans={FIRST: WHOLE})
    assert "- 'First': the query was changed" in report(audit=wrong, scans={FIRST: WHOLE})["failure"]


def test_lost_segment_does_not_hide_another_trouble() -> None:
    scan = replace(SCAN, done=False, trouble="it is gone. Start without it")
    failure = report(gone=frozenset({FIRST}), scans={FIRST: scan})["failure"]
    assert "does not exist in SendGrid any more" in failure
    assert "it is gone. Start without it" in failure


@pytest.mark.parametrize("state", [AudienceState.STOPPED, AudienceState.KEPT, AudienceState.CLEARED])
def test_segment_of_an_audience_that_is_not_live_may_be_gone(state: AudienceState) -> None:
    assert lost_segments(account_in(state), [FIRST], {}, not_to_be_called) == (frozenset(), [])


@pytest.mark.parametrize("found", [None, Segment("s1", "First", None, "x")])
def test_segment_that_is_not_listed_is_looked_up(found: Segment | None) -> None:
    lost, _ = lost_segments(account_in(AudienceState.LIVE), [FIRST, "2" * 32], {}, lambda _: found)
    assert lost == (frozenset({FIRST}) if found is None else frozenset())


def test_segment_that_is_listed_is_not_looked_up() -> None:
    listed = {"s1": Segment("s1", "First", None)}
    assert lost_segments(account_in(AudienceState.LIVE), [FIRST], listed, not_to_be_called) == (
        frozenset(),
        [],
    )


def test_segment_that_cannot_be_looked_up_is_not_called_lost() -> None:
    def fails(segment_id: str) -> Segment | None:
        raise ServiceUnavailable("SendGrid answered 503")

    account = account_in(AudienceState.LIVE)
    lost, notes = lost_segments(account, [FIRST], {}, fails)
    assert lost == frozenset()
    assert lost_segments(account, [FIRST], None, not_to_be_called) == (frozenset(), [])
    assert notes == ["the segment s1 could not be read: SendGrid answered 503"]


def account_in(state: AudienceState) -> Account:
    return ACCOUNT.with_audience(FIRST, replace(ACCOUNT.audiences[FIRST], state=state))


def not_to_be_called(segment_id: str) -> Segment | None:
    raise AssertionError(segment_id)


def test_short_scan_fails_the_run_and_a_whole_one_does_not() -> None:
    assert f"- 'First': {MISMATCH}. Start the export again" in report()["failure"]
    assert "failure" not in report(scans={FIRST: replace(SCAN, smallest=9)})
    assert "failure" not in report(scans={FIRST: None})


def test_audience_that_could_not_be_swept_fails_the_run() -> None:
    swept = SweptAudience(trouble="more people left than the guard allows")
    sweep = SweepFindings(7, audiences={FIRST: swept})
    whole = {FIRST: replace(SCAN, smallest=9)}
    document = report(RESYNC, sweep=sweep, scans=whole)
    assert "- 'First': more people left than the guard allows" in document["failure"]
    assert "failure" not in report(RESYNC, sweep=SweepFindings(7), scans=whole)


def test_report_says_why_an_audience_was_scanned_whole() -> None:
    document = report(scans={FIRST: replace(SCAN, smallest=9, whole="no parts")})
    assert document["audiences"][0]["whole"] == "no parts"
    assert "'First' was scanned with one request at a time: no parts" in document["notes"]
    parts = report(scans={FIRST: replace(SCAN, parts=(ScanPart(), ScanPart()))})
    assert parts["audiences"][0]["parts"] == 2


def test_mismatch_found_by_the_scan_is_kept() -> None:
    (audience,) = report(lytics={FIRST: 1_000})["audiences"]
    assert audience["mismatch"] == MISMATCH


def test_report_names_its_run() -> None:
    document = report()
    names = ("run", "export", "account", "started_at", "finished_at", "sendgrid_contacts", "created")
    assert {name: document[name] for name in names} == {
        "run": "r",
        "export": "news",
        "account": "main",
        "started_at": "2026-11-23T09:00:00Z",
        "finished_at": "2026-11-23T09:05:00Z",
        "sendgrid_contacts": 100,
        "created": STATE["provision"],
    }


def test_people_are_counted_by_outcome() -> None:
    assert report()["people"] == {"accepted": 6, "unchanged": 0, "lost": 1, "rejected": {"address": 2}}
    assert report(counts={})["people"] == {"accepted": 0, "unchanged": 0, "rejected": {}}
    assert any("accepted, rejected and confirmed count the whole run" in note for note in report()["notes"])


def test_documents_say_what_the_report_says_of_counting() -> None:
    (note,) = [text for text in report()["notes"] if text.startswith("accepted, rejected and confirmed")]
    documents = " ".join((ROOT / "docs" / "deploy.md").read_text().split())
    for sentence in note.split(". ")[1:]:
        assert sentence in documents


def test_import_jobs_are_added_up() -> None:
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


def test_failed_import_jobs_are_reported() -> None:
    document = report(
        jobs={
            "j1": {"status": "failed", "parked": 3, "refreshed": 2},
            "j2": {"status": "errored", "unread": 1, "rejected": 4},
        }
    )
    assert [document["import_jobs"][name] for name in ("parked", "refreshed", "rejected")] == [3, 2, 4]
    assert any("import jobs of 3 people failed again and again" in note for note in document["notes"])
    assert any("refused rows of 1 import job," in note for note in document["notes"])


def test_notes_are_in_order() -> None:
    notes = report(notes=("Lytics' sizes could not be read",))["notes"]
    assert notes[:3] == ["a note of the plan", "Lytics' sizes could not be read", f"'First': {MISMATCH}"]
    assert any("every 1 to 24 hours" in note for note in notes)


def test_invalid_segment_is_noted() -> None:
    invalid = Segment("s1", "First", None, None, 0, "INVALID", "no such column")
    notes = report(segments={"s1": invalid})["notes"]
    assert any(
        "SendGrid calls the segment of 'First' invalid (no such column): delete it" in note for note in notes
    )


def test_unknown_numbers_are_null() -> None:
    (audience,) = report(lytics=None, segments=None, scans={})["audiences"]
    assert (audience["lytics"], audience["sendgrid"], audience["segment_id"]) == (None, None, "s1")
    assert "scanned" not in audience


def test_unprovisioned_audience_has_no_segment() -> None:
    (audience,) = report(account=Account("main"))["audiences"]
    assert (audience["segment_id"], audience["sendgrid"]) == (None, None)


def test_run_without_backfill_counts_nobody() -> None:
    state = STATE | {"backfill": False}
    assert report(state, scans={})["people"] is None
    assert not any("once a person" in note for note in report(state, scans={})["notes"])


def test_notes_of_provision_are_shown() -> None:
    state = STATE | {"provision": STATE["provision"] | {"notes": ["could not be renamed"], "renamed": 1}}
    assert "could not be renamed" in report(state)["notes"]


def test_export_that_is_not_live_says_so_first() -> None:
    state = STATE | {"activation": STATE["activation"] | {"live": False, "paste": PASTE}}
    document = report(state)
    assert not document["live"]
    assert document["notes"][0].startswith("NOT LIVE")
    assert document["notes"][1].startswith("activation.running is true although live is false")
    assert not any("activation.running" in note for note in report()["notes"])
    assert document["activation"]["paste"] == PASTE


SWEPT = SweptAudience(suspects=3, leavers=2, stayed={"member": 1})
SWEEP = SweepFindings(50, audiences={FIRST: SWEPT})
RESYNC = {name: part for name, part in STATE.items() if name not in {"provision", "activation"}} | {
    "action": "resync"
}


def test_resync_reports_its_drift_and_creates_nothing() -> None:
    document = report(
        RESYNC,
        counts={f"missing.{FIRST}": 4, f"stale.{FIRST}": 5, "accepted": 9},
        sweep=SWEEP,
        health=Health("failed", 0),
        has_job=True,
    )
    assert (document["live"], document["created"], document["activation"]) == (True, None, None)
    drift = {"missing": 4, "stale": 5, "extra": 2, "suspects": 3, "stayed": {"member": 1}}
    assert document["audiences"][0]["drift"] == drift
    assert drift.items() <= document["drift"].items()
    assert document["drift"]["compared"] == 50
    first, second, third, *_ = document["notes"]
    assert first.startswith("drift of 50 contacts: 4 missing people were put in")
    assert "the webhook job is 'failed'" in second
    assert third.startswith("'First': 1 person stays")


def test_audience_without_drift_has_none_in_the_report() -> None:
    document = report(RESYNC, sweep=SweepFindings(7))
    assert "drift" not in document["audiences"][0]
    assert document["notes"][0] == "no drift: 7 contacts were compared with Lytics"
    assert document["drift"]["missing"] == 0
    assert document["live"] is False


def test_audiences_that_only_others_have_are_reported_if_swept() -> None:
    other = {"id": "2" * 32, "name": "Given up", "slug": "given_up"}
    document = report({**RESYNC, "swept_only": [other]}, sweep=SWEEP)
    assert [audience["name"] for audience in document["audiences"]] == ["First", "Given up"]


def test_run_that_was_not_swept_reports_no_drift() -> None:
    document = report()
    assert "drift" not in document
    assert "drift" not in document["audiences"][0]


def test_audit_that_could_not_compare_fails_the_run() -> None:
    audit = AuditFindings(trouble="SendGrid's export failed")
    report = run_report(ExportRun.read(STATE), ACCOUNT, counted(audit=audit, scans={}), "now")
    assert report.failure == "SendGrid's export failed"
    assert report.audit is not None
