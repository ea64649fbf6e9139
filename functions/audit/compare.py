"""Compare a contact of the ledger with what SendGrid's export has of it."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Self

from functions.audit.columns import UNREADABLE, Column, digest_of, expected_values
from functions.audit.exported import ExportedContacts
from lytics_sendgrid.domain.audit_findings import AuditFindings
from lytics_sendgrid.domain.contact import Contact
from lytics_sendgrid.sendgrid.row import RowForm


@dataclass(slots=True)
class AuditCounts:
    """The counts of ``AuditFindings`` while they grow."""

    compared: int = 0
    recent: int = 0
    deleted: int = 0
    overwritten: int = 0
    fields: Counter[str] = field(default_factory=Counter)
    unread: Counter[str] = field(default_factory=Counter)
    queued: int = 0

    @classmethod
    def of(cls, findings: AuditFindings) -> Self:
        """Return the counts of findings, to count on."""
        return cls(
            compared=findings.compared,
            recent=findings.recent,
            deleted=findings.deleted,
            overwritten=findings.overwritten,
            fields=Counter(findings.fields),
            unread=Counter(findings.unread),
            queued=findings.queued,
        )


@dataclass(frozen=True, slots=True)
class Comparison:
    """Compares contacts with an export.

    Attributes:
        form: what the account's rows are made with.
        columns: what is compared.
        exported: what SendGrid has.
        settled_ms: a row that was sent before this is in the export, milliseconds since 1970.
        restore_deleted: contacts that were deleted in SendGrid are sent again.
    """

    form: RowForm
    columns: Sequence[Column]
    exported: ExportedContacts
    settled_ms: int
    restore_deleted: bool

    def is_to_send(self, email: str, contact: Contact, counts: AuditCounts) -> bool:
        """Count a contact, and return whether it must be sent again."""
        rejection = contact.rejection
        if contact.row is None or (rejection is not None and rejection.reason != "fields"):
            return False
        if max(contact.sent_ms, contact.latest_ms) >= self.settled_ms:
            counts.recent += 1
            return False
        counts.compared += 1
        present = self.exported.digests(email)
        if present is None:
            counts.deleted += 1
            counts.queued += self.restore_deleted
            return self.restore_deleted
        overwritten = self._overwritten(contact, present, counts)
        if overwritten:
            counts.overwritten += 1
            counts.queued += 1
            counts.fields.update(overwritten)
        return bool(overwritten)

    def _overwritten(self, contact: Contact, present: Sequence[int], counts: AuditCounts) -> list[str]:
        expected = expected_values(contact, self.form)
        names = []
        for column, digest in zip(self.columns, present, strict=True):
            if column.field not in expected:
                continue
            wanted = digest_of(column, expected[column.field])
            if UNREADABLE in {digest, wanted}:
                counts.unread[column.name] += 1
            elif wanted != digest:
                names.append(column.name)
        return names
