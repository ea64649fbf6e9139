"""What the report says of an audit."""

from collections.abc import Sequence
from typing import Any

import pytest

from functions.report.audited import AuditReport, audit_notes
from lytics_sendgrid.domain.audit_findings import AuditFindings


def findings(segments: Sequence[str] = (), trouble: str = "", **changes: Any) -> AuditReport:
    counts = {"compared": 1200, "recent": 3} | changes
    return AuditReport.of(AuditFindings(**counts, segments=list(segments), trouble=trouble))


WRITTEN = (
    "something else wrote fields of 2 contacts in SendGrid (most often lytics_segments, city): "
    "they were sent again"
)
UNREAD = (
    "not compared, because SendGrid's export has no column for them or their values cannot be read: city "
    "(1,200 contacts), last_purchase (2 contacts)"
)
IN_ORDER = "the audit found nothing else: 1,200 contacts are in SendGrid as the ledger says"
DELETED = '5 contacts were deleted in SendGrid: they stay deleted. "restore_deleted": true recreates them'


@pytest.mark.parametrize(
    ("found", "notes"),
    [
        (findings(), ["the audit found nothing: 1,200 contacts are in SendGrid as the ledger says"]),
        (findings(overwritten=2, queued=2, fields={"city": 1, "lytics_segments": 2}), [WRITTEN]),
        (findings(deleted=5), [DELETED]),
        (findings(deleted=5, queued=5), ["5 contacts were deleted in SendGrid: they were recreated"]),
        (
            findings(unread={"last_purchase": 2, "city": 1200}),
            [
                "the audit found nothing else: 1,200 contacts are in SendGrid as the ledger says",
                UNREAD,
            ],
        ),
        (findings(["a segment"]), ["a segment", IN_ORDER]),
        (findings(["a segment"], "no file"), ["a segment", "no file"]),
        (
            findings((), "no file", overwritten=2, queued=2, fields={"city": 1, "lytics_segments": 2}),
            ["no file", WRITTEN],
        ),
    ],
)
def test_report_says_what_an_audit_found(found: AuditReport, notes: list[str]) -> None:
    assert audit_notes(found, dry_run=False) == notes


def test_dry_run_says_what_would_be_done() -> None:
    (note,) = audit_notes(findings(overwritten=1, queued=1, fields={"city": 1}), dry_run=True)
    assert note.endswith(" 1 contact in SendGrid (most often city): it would be sent again")


def test_single_contact_is_not_many() -> None:
    deleted, restored = findings(deleted=1), findings(deleted=1, queued=1)
    assert audit_notes(deleted, dry_run=False) == [
        '1 contact was deleted in SendGrid: it stays deleted. "restore_deleted": true recreates it'
    ]
    assert audit_notes(restored, dry_run=False) == ["1 contact was deleted in SendGrid: it was recreated"]
    assert audit_notes(findings(compared=1), dry_run=False) == [
        "the audit found nothing: 1 contact is in SendGrid as the ledger says"
    ]
