"""Say what an audit of SendGrid found, and what was done about it."""

from typing import Final, Self

from lytics_sendgrid.counted_text import contacts
from lytics_sendgrid.domain.audit_findings import AuditFindings
from lytics_sendgrid.workflow.state_part import StatePart

_SHOWN_FIELDS: Final = 5


class AuditReport(StatePart):
    """What an audit found.

    Attributes:
        compared: contacts that SendGrid and the ledger both know, or that were deleted in SendGrid.
        recent: contacts that were not compared, because a row was sent to them around the time of the export.
        deleted: contacts that somebody deleted in SendGrid.
        overwritten: contacts of which something else wrote a field.
        fields: a field's name to the contacts in which it was overwritten.
        unread: a field's name to the contacts in which it could not be compared.
        sent_again: contacts that were sent again.
        segments: what is wrong with segments, and what was done about it.
        trouble: why contacts were not compared; empty if they were.
    """

    compared: int
    recent: int
    deleted: int
    overwritten: int
    fields: dict[str, int]
    unread: dict[str, int]
    sent_again: int
    segments: tuple[str, ...]
    trouble: str

    @classmethod
    def of(cls, findings: AuditFindings) -> Self:
        """Return the report of an audit's findings."""
        return cls(
            compared=findings.compared,
            recent=findings.recent,
            deleted=findings.deleted,
            overwritten=findings.overwritten,
            fields=dict(findings.fields),
            unread=dict(findings.unread),
            sent_again=findings.queued,
            segments=tuple(findings.segments),
            trouble=findings.trouble,
        )


def audit_notes(found: AuditReport, *, dry_run: bool) -> list[str]:
    """Return notes for a person, the most important first."""
    notes = [*found.segments]
    if found.trouble:
        notes.append(found.trouble)
    if found.overwritten:
        they = "it" if found.overwritten == 1 else "they"
        fields = ", ".join(sorted(found.fields, key=lambda name: -found.fields[name])[:_SHOWN_FIELDS])
        notes.append(
            f"something else wrote fields of {contacts(found.overwritten)} in SendGrid (most often "
            f"{fields}): {they} {_done(found.overwritten, dry_run=dry_run)} sent again"
        )
    if found.deleted:
        restored = found.sent_again > found.overwritten
        one = found.deleted == 1
        stay = "it stays deleted" if one else "they stay deleted"
        what = (
            f"{'it' if one else 'they'} {_done(found.deleted, dry_run=dry_run)} recreated"
            if restored
            else f'{stay}. "restore_deleted": true recreates {"it" if one else "them"}'
        )
        notes.append(f"{contacts(found.deleted)} {'was' if one else 'were'} deleted in SendGrid: {what}")
    if not found.trouble and not found.overwritten and not found.deleted:
        are = "is" if found.compared == 1 else "are"
        nothing = "nothing else" if found.segments or found.unread else "nothing"
        notes.append(
            f"the audit found {nothing}: {contacts(found.compared)} {are} in SendGrid as the ledger says"
        )
    if found.unread:
        most = sorted(found.unread, key=lambda name: -found.unread[name])[:_SHOWN_FIELDS]
        notes.append(
            "not compared, because SendGrid's export has no column for them or their values cannot be read: "
            + ", ".join(f"{name} ({contacts(found.unread[name])})" for name in most)
        )
    return notes


def _done(number: int, *, dry_run: bool) -> str:
    return "would be" if dry_run else "was" if number == 1 else "were"
