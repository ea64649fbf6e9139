"""The drift report: what was out of date, what the sweep did about it, and why."""

from dataclasses import replace

import pytest

from functions.report.drift import (
    REASONS,
    AudienceDrift,
    Drift,
    GivenUp,
    Health,
    audience_drift,
    drift_notes,
    whole_drift,
)
from lytics_sendgrid.domain.sweep_findings import SweepFindings, SweptAudience
from tests.newsletter import NEWSLETTER

VIPS, READERS, _ = NEWSLETTER.audiences
SWEPT = SweptAudience(
    members=90,
    suspects=9,
    returners=2,
    young=3,
    confirmed=1,
    leavers=4,
    returned=3,
    stayed={"member": 4, "unclear": 1},
)
SWEEP = SweepFindings(1_234, audiences={VIPS.id: SWEPT, READERS.id: SweptAudience(note="changed")})
COUNTS = {f"missing.{VIPS.id}": 5, f"stale.{READERS.id}": 6, "accepted": 9}
HEALTHY = Health("running", 0)


def gave_up(**messages: int) -> Health:
    return replace(HEALTHY, given_up=GivenUp(**messages))


def drifts() -> list[AudienceDrift]:
    return [audience_drift(audience.id, SWEEP, COUNTS) for audience in (VIPS, READERS)]


def test_each_audience_has_the_numbers_that_are_not_0() -> None:
    vips, readers = drifts()
    assert vips.document() == {
        "missing": 5,
        "extra": 4,
        "returned": 3,
        "waiting": 2,
        "suspects": 9,
        "stayed": {"member": 4, "unclear": 1},
    }
    assert readers.document() == {"stale": 6, "note": "changed"}


def test_audience_that_was_not_swept_has_only_what_deliver_counted() -> None:
    assert audience_drift(VIPS.id, SweepFindings(), COUNTS).document() == {"missing": 5}


def test_sums_are_over_all_audiences() -> None:
    total = whole_drift([*drifts(), *drifts()], SWEEP, HEALTHY)
    assert (total.missing, total.stale, total.extra, total.returned) == (10, 12, 8, 6)
    assert (total.waiting, total.suspects, total.compared) == (4, 18, 1_234)
    assert total.stayed == {"member": 8, "unclear": 2}


@pytest.mark.parametrize(
    ("health", "cause"),
    [
        (HEALTHY, "none is known"),
        (Health(None, 0), "none is known"),
        (Health("", 0), "the export has no webhook job"),
        (Health("paused", 0), "the webhook job is 'paused' in Lytics"),
        (Health("running", 7), "SendGrid refused 7 contacts"),
        (Health("running", 1), "SendGrid refused 1 contact:"),
        (gave_up(changes=3), "3 messages wait in the dead-letter queue of changes"),
        (gave_up(imports=1), "1 message waits in the dead-letter queue of import jobs"),
        (gave_up(rejects=2), "2 messages wait in the rejects queue"),
    ],
)
def test_likely_cause_is_named(health: Health, cause: str) -> None:
    (found,) = whole_drift(drifts(), SWEEP, health).likely_causes
    assert found.startswith(cause)


@pytest.mark.parametrize(
    ("changed", "heard", "since"),
    [
        ("", "", "'failed' in Lytics, so events"),
        ("", "T2", "'failed' in Lytics (its last event came at about T2), so events"),
        ("T1", "T2", "(last changed there at T1, its last event came at about T2), so events"),
    ],
)
def test_cause_says_since_when_the_job_may_not_run(changed: str, heard: str, since: str) -> None:
    health = Health("failed", 0, changed, heard)
    (found,) = whole_drift(drifts(), SWEEP, health).likely_causes
    assert since in found


def test_every_likely_cause_is_named() -> None:
    health = Health("paused", 1, given_up=GivenUp(1, 1, 1))
    assert len(whole_drift(drifts(), SWEEP, health).likely_causes) == 5


def test_no_drift_has_no_cause() -> None:
    total = whole_drift([AudienceDrift()], SweepFindings(7), Health("failed", 9))
    assert total.likely_causes == ()
    assert drift_notes([VIPS], [AudienceDrift()], total, dry_run=False) == [
        "no drift: 7 contacts were compared with Lytics"
    ]


def test_notes_say_what_was_done_why_and_who_stayed() -> None:
    found = drifts()
    total = whole_drift(found, SWEEP, HEALTHY)
    first, cause, member, unclear, wait, note = drift_notes([VIPS, READERS], found, total, dry_run=False)
    assert wait.startswith("'High value users', not put back yet: 2 people. They may be in it again, but")
    assert first.startswith("drift of 1,234 contacts: 5 missing people were put in, 6 with stale fields")
    assert cause.startswith("likely cause of the drift: none is known")
    assert member == f"'High value users': 4 people stay in the segment: {REASONS['member']}"
    assert unclear.startswith("'High value users': 1 person stays in the segment: Lytics gave no clear")
    assert note == "'Newsletter readers': changed"


def test_dry_run_says_what_would_be_done() -> None:
    found = drifts()
    first, *_ = drift_notes([VIPS, READERS], found, Drift(extra=1, suspects=1), dry_run=True)
    assert "1 who has left would be taken out" in first


@pytest.mark.parametrize(
    ("doubt", "why", "what_to_do"),
    [
        ("not_found", "did not find a person that a scan had just shown", "ask Lytics' support"),
        ("no_identity", "the e-mail field does not identify people", "make it an identity field in Lytics"),
        ("no_sample", "no scan has shown anybody to try them with", "resync again"),
    ],
)
def test_look_ups_that_are_not_believed_are_named(doubt: str, why: str, what_to_do: str) -> None:
    total = whole_drift(drifts(), replace(SWEEP, doubt=doubt), HEALTHY)
    assert total.document()["doubt"] == doubt
    (note,) = [note for note in drift_notes([], [], total, dry_run=False) if "look-ups" in note]
    assert note.startswith("Lytics' look-ups decided nothing in this run")
    assert why in note
    assert what_to_do in note


def test_look_ups_that_are_believed_need_no_note() -> None:
    assert "doubt" not in whole_drift(drifts(), replace(SWEEP, doubt=""), HEALTHY).document()


@pytest.mark.parametrize("reason", sorted(REASONS.keys() - {"member", "seen_again"}))
def test_reason_to_stay_says_what_to_do(reason: str) -> None:
    assert ". " in REASONS[reason]


def test_single_people_are_not_many() -> None:
    total = Drift(missing=1, stale=1, extra=1, returned=1, suspects=1, compared=1)
    assert drift_notes([], [], total, dry_run=False) == [
        (
            "drift of 1 contact: 1 missing person was put in, 1 with stale fields was sent again, 1 who has "
            "left was taken out, 1 who is back was put back"
        )
    ]
    assert drift_notes([], [], Drift(compared=1), dry_run=False) == [
        "no drift: 1 contact was compared with Lytics"
    ]
