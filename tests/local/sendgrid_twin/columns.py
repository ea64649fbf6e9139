"""The columns of `contact_data`: the reserved fields, and each custom field by name."""

from collections.abc import Callable

from tests.local.sendgrid_twin.contacts import IDENTIFIERS, TEXTS, Contact
from tests.local.sendgrid_twin.custom_fields import CustomField, CustomFields, FieldType
from tests.local.sendgrid_twin.situation import iso
from tests.local.sendgrid_twin.terms import Kind, Read, Term

_KINDS = {FieldType.TEXT: Kind.TEXT, FieldType.NUMBER: Kind.NUMBER, FieldType.DATE: Kind.TIMESTAMP}


def columns_of(fields: CustomFields) -> dict[str, Term]:
    """Return the columns by lower-cased name. A value that a contact lacks reads as NULL."""
    columns = {name: Term(Kind.TEXT, _value(name)) for name in TEXTS}
    columns |= {name: Term(Kind.TEXT, _identifier(name)) for name in IDENTIFIERS}
    columns |= {
        "contact_id": Term(Kind.TEXT, lambda contact: contact.id),
        "created_at": Term(Kind.TIMESTAMP, lambda contact: iso(contact.created_s)),
        "updated_at": Term(Kind.TIMESTAMP, lambda contact: iso(contact.updated_s)),
        "list_ids": Term(Kind.ARRAY, lambda contact: contact.list_ids),
        "alternate_emails": Term(Kind.ARRAY, lambda contact: contact.values.get("alternate_emails") or ()),
    }
    for field in fields.by_id.values():
        columns[field.name.lower()] = Term(_KINDS[field.type], _custom(field))
    return columns


def _value(name: str) -> Read:
    return lambda contact: contact.values.get(name)


def _identifier(name: str) -> Read:
    return lambda contact: contact.identifiers.get(name)


def _custom(field: CustomField) -> Callable[[Contact], object]:
    field_id = field.id
    return lambda contact: contact.custom.get(field_id)
