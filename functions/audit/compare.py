"""Compare a contact of the ledger with what SendGrid's export has of it."""

from collections.abc import Sequence
from dataclasses import dataclass

from functions.audit.columns import UNREADABLE, Column, digest_of, expected_values
from functions.audit.exported import ExportedContacts
from lytics_sendgrid.domain.audit_findings import AuditFindings
from lytics_sendgrid.domain.contact import Contact
from lytics_sendgrid.sendgrid.row import RowForm


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

    def is_to_send(self, email: str, contact: Contact, findings: AuditFindings) -> bool:
        """Count a contact, and return whether it must be sent again."""
        rejection = contact.rejection
        if contact.row is None or (rejection is not None and rejection.reason != "fields"):
            return False
        if max(contact.sent_ms, contact.latest_ms) >= self.settled_ms:
            findings.recent += 1
            return False
        findings.compared += 1
        present = self.exported.digests(email)
        if present is None:
            findings.deleted += 1
            findings.queued += self.restore_deleted
            return self.restore_deleted
        overwritten = self._overwritten(contact, present, findings)
        if overwritten:
            findings.overwritten += 1
            findings.queued += 1
            findings.fields.update(overwritten)
        return bool(overwritten)

    def _overwritten(self, contact: Contact, present: Sequence[int], findings: AuditFindings) -> list[str]:
        expected = expected_values(contact, self.form)
        names = []
        for column, digest in zip(self.columns, present, strict=True):
            if column.field not in expected:
                continue
            wanted = digest_of(column, expected[column.field])
            if UNREADABLE in {digest, wanted}:
                findings.unread[column.name] += 1
            elif wanted != digest:
                names.append(column.name)
        return names
