"""What SendGrid should hold of a contact, column by column, in a form that can be compared.

SendGrid does not document how its exports write numbers and dates. So numbers are compared by their value,
dates by their day in UTC, and a cell that cannot be read decides nothing.
"""

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from lytics_sendgrid.domain.change import Value
from lytics_sendgrid.domain.configuration import Account, Export, FieldKind
from lytics_sendgrid.domain.contact import Contact
from lytics_sendgrid.domain.numbers import parse_decimal
from lytics_sendgrid.sendgrid.row import RowForm, membership_values

UNREADABLE: Final = 0xFFFF_FFFF
"""The digest of a cell that decides nothing."""
_DAY: Final = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_AMERICAN_DAY: Final = "%m/%d/%Y"


@dataclass(frozen=True, slots=True)
class Column:
    """A field that this product writes.

    Attributes:
        field: as requests write it: a reserved field's name or a custom field's id.
        name: as responses and exports have it.
        kind: the type of its values.
    """

    field: str
    name: str
    kind: FieldKind

    @property
    def headings(self) -> tuple[str, str]:
        """What may stand above it in a file, in lower case."""
        return self.name.lower(), self.field.lower()


def membership_columns(account: Account) -> tuple[Column, ...]:
    """Return the membership fields. Without them, a file shows nothing about who is in which audience."""
    return tuple(
        Column(identity, name, FieldKind.TEXT)
        for name, identity in account.membership_fields.items()
        if identity is not None
    )


def columns_of(account: Account, exports: Iterable[Export]) -> tuple[Column, ...]:
    """Return every field that an account's rows may hold, each once, the membership fields first."""
    mapped = (Column(f.sendgrid, f.name, f.kind) for export in exports for f in export.fields)
    return tuple({column.field: column for column in (*membership_columns(account), *mapped)}.values())


def expected_values(contact: Contact, form: RowForm) -> dict[str, Value]:
    """Return what SendGrid should hold of a contact: field to value.

    A contact whose fields SendGrid refused has its memberships alone.
    """
    values: dict[str, Value] = dict(membership_values(contact, form))
    if contact.rejection is None:
        values |= {field: value for field, (_, value) in contact.fields.items()}
    return values


def digest_of(column: Column, value: Value | None) -> int:
    """Return 32 bits that are equal for equal values; 0 if there is none, ``UNREADABLE`` if it is unclear.

    Args:
        column: the value's field.
        value: as the ledger has it, or the cell of an export.
    """
    text = _canonical(column.kind, value)
    if text is None:
        return UNREADABLE
    return (
        int.from_bytes(hashlib.blake2b(text.encode(errors="replace"), digest_size=4).digest()) if text else 0
    )


def _canonical(kind: FieldKind, value: Value | None) -> str | None:
    text = "" if value is None else str(value).replace("\r\n", "\n").strip()
    if not text or kind is FieldKind.TEXT:
        return text
    return _number(text) if kind is FieldKind.NUMBER else _day(text)


def _number(text: str) -> str | None:
    try:
        return repr(float(parse_decimal(text)))
    except (ValueError, OverflowError):
        return None


def _day(text: str) -> str | None:
    if _DAY.fullmatch(text):
        return text
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        try:
            moment = datetime.strptime(text, _AMERICAN_DAY).replace(tzinfo=UTC)
        except ValueError:
            return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC).date().isoformat()


def cells(row: Mapping[str, str], columns: Iterable[Column]) -> list[int]:
    """Return the digests of a row of an export. A column that the file does not have is ``UNREADABLE``."""
    digests = []
    for column in columns:
        name, field = column.headings
        cell = row.get(name, row.get(field))
        digests.append(UNREADABLE if cell is None else digest_of(column, cell))
    return digests
