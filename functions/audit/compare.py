"""Compare a contact of the ledger with what SendGrid's export has of it."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Self

from functions.audit.columns import UNREADABLE, Column, digest_of, expected_values
from functions.audit.exported import ExportedContacts
from lytics_sendgrid.domain.contact import Contact
from lytics_sendgrid.sendgrid.row import RowForm


@dataclass(slots=True)
class AuditCounts:
    """What an audit has found so far.

    Attributes:
        compared: contacts whose columns were compared.
        recent: contacts that were not compared: a row was sent shortly before or after the export.
        deleted: contacts that SendGrid accepted and does not have any more.
        overwritten: contacts with at least one overwritten field.
        fields: a field's name to the contacts in which it was overwritten.
        unread: a field's name to the contacts in which it was not compared: the file has no column for it, or
            no value that can be read.
        queued: contacts that are sent again.
    """

    compared: int = 0
    recent: int = 0
    deleted: int = 0
    overwritten: int = 0
    fields: Counter[str] = field(default_factory=Counter)
    unread: Counter[str] = field(default_factory=Counter)
    queued: int = 0

    def document(self) -> dict[str, Any]:
        """Return the counts as JSON values."""
        return {
            "compared": self.compared,
            "recent": self.recent,
            "deleted": self.deleted,
            "overwritten": self.overwritten,
            "fields": dict(self.fields),
            "unread": dict(self.unread),
            "queued": self.queued,
        }

    @classmethod
    def read(cls, document: dict[str, Any]) -> Self:
        """Read what ``document`` returned."""
        counters = {name: Counter(document.get(name, {})) for name in ("fields", "unread")}
        return cls(**{**document, **counters})


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
