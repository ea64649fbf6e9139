"""What an audit leaves for the report."""

from collections import Counter
from typing import Any

from lytics_sendgrid.domain.audit_findings import AuditFindings

COUNTS: dict[str, Any] = {"compared": 6, "recent": 5, "deleted": 4, "overwritten": 3, "queued": 2}
DOCUMENT = {
    "counts": COUNTS | {"fields": {"city": 2}, "unread": {"age": 1}},
    "segments": ["a segment was changed"],
    "wrong": [["First", "its query was changed"]],
    "trouble": "no file",
}
FINDINGS = AuditFindings(
    **COUNTS,
    fields=Counter(city=2),
    unread=Counter(age=1),
    segments=["a segment was changed"],
    wrong=[("First", "its query was changed")],
    trouble="no file",
)


def test_findings_are_read_as_they_were_written() -> None:
    assert FINDINGS.document() == DOCUMENT
    assert AuditFindings.read(DOCUMENT) == FINDINGS


def test_findings_are_read_from_a_whole_checkpoint_and_an_older_one() -> None:
    counts = COUNTS | {"fields": {}}
    older = {"step": "done", "counts": counts, "segments": [], "trouble": ""}
    assert AuditFindings.read(older) == AuditFindings(**COUNTS)


def test_keys_of_a_newer_audit_are_ignored() -> None:
    newer = {"counts": COUNTS | {"new": 1}, "segments": [], "trouble": "", "new": 1}
    assert AuditFindings.read(newer) == AuditFindings(**COUNTS)
