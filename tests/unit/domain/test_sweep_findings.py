"""What a sweep leaves for the report."""

from lytics_sendgrid.domain.sweep_findings import SweepFindings, SweptAudience

SWEPT = SweptAudience(90, 9, 2, 3, 1, 5, 4, 3, {"member": 4}, "a trouble", "a note")
TALLY = {
    "members": 90,
    "suspects": 9,
    "returners": 2,
    "young": 3,
    "confirmed": 1,
    "candidates": 5,
    "leavers": 4,
    "returned": 3,
    "stayed": {"member": 4},
    "trouble": "a trouble",
    "note": "a note",
}
FINDINGS = SweepFindings(1_234, "no_sample", {"a": SWEPT})
DOCUMENT = {"contacts": 1_234, "doubt": "no_sample", "tallies": {"a": TALLY}}


def test_findings_are_read_as_they_were_written() -> None:
    assert FINDINGS.document() == DOCUMENT
    assert SweepFindings.read(DOCUMENT) == FINDINGS


def test_findings_are_read_from_a_whole_checkpoint_and_an_older_one() -> None:
    older = {"step": "done", "contacts": 7, "tallies": {"a": {"leavers": 2}}}
    assert SweepFindings.read(older) == SweepFindings(7, audiences={"a": SweptAudience(leavers=2)})


def test_keys_of_a_newer_sweep_are_ignored() -> None:
    newer = {"contacts": 7, "new": 1, "tallies": {"a": {"leavers": 2, "new": 1}}}
    assert SweepFindings.read(newer) == SweepFindings(7, audiences={"a": SweptAudience(leavers=2)})


def test_audience_that_was_not_swept_has_nothing() -> None:
    assert FINDINGS.of("b") == SweptAudience()


def test_young_returners_wait_unless_a_look_up_confirmed_them() -> None:
    assert SWEPT.waiting == 2
    assert SweptAudience(young=1, confirmed=2).waiting == 0


def test_audience_that_was_not_swept_says_nothing() -> None:
    assert SweptAudience() == SweptAudience(members=0, suspects=0, stayed={}, trouble="", note="")


def test_reason_without_people_is_not_counted() -> None:
    swept = SweptAudience()
    swept.stay("guard", 0)
    swept.stay("member", 2)
    swept.stay("member", 1)
    assert swept.stayed == {"member": 3}
