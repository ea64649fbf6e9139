"""The contacts of the account, and how import jobs apply rows to them."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from tests.local.sendgrid_twin.custom_fields import TEXT_LIMIT_CHARS, CustomFields, FieldType, date_value
from tests.local.sendgrid_twin.situation import Situation, iso

IDENTIFIERS = ("email", "phone_number_id", "external_id", "anonymous_id")
TEXTS = [
    "first_name",
    "last_name",
    "address_line_1",
    "address_line_2",
    "city",
    "state_province_region",
    "postal_code",
    "country",
    "phone_number",
    "whatsapp",
    "line",
    "facebook",
    "unique_name",
]

type Row = Mapping[str, Any]
"""One contact of a PUT: validated, not yet applied."""


class RowError(Exception):
    """A row cannot be applied. The errors file shows the message."""


@dataclass(slots=True)
class Contact:
    """One contact.

    Attributes:
        identifiers: Identifiers by type, as in `IDENTIFIERS`; the e-mail in lower case.
        values: Reserved fields that have a value.
        custom: Custom field values by field id.
        writes: The number of rows applied to the contact.
    """

    id: str
    identifiers: dict[str, str]
    values: dict[str, Any]
    custom: dict[str, str | float]
    list_ids: set[str]
    created_s: float
    updated_s: float
    writes: int = 0

    @property
    def email(self) -> str:
        """The e-mail; empty if there is none."""
        return self.identifiers.get("email", "")


class Contacts:
    """All contacts, indexed by id and by each identifier."""

    def __init__(self, situation: Situation, fields: CustomFields) -> None:
        self._situation = situation
        self._fields = fields
        self._by_identifier: dict[tuple[str, str], Contact] = {}
        self._by_alternate: dict[str, Contact] = {}
        self._sorted_emails: list[str] | None = None
        self.by_id: dict[str, Contact] = {}

    def __len__(self) -> int:
        return len(self.by_id)

    def __iter__(self) -> Iterator[Contact]:
        return iter(self.by_id.values())

    def find(self, identifier: str, value: str) -> Contact | None:
        """Find a contact by identifier. An e-mail matches case-insensitively, also alternate addresses."""
        if identifier != "email":
            return self._by_identifier.get((identifier, value))
        return self._by_identifier.get(("email", value.lower())) or self._by_alternate.get(value.lower())

    def emails(self) -> list[str]:
        """Return all e-mails, sorted."""
        if self._sorted_emails is None:
            self._sorted_emails = sorted(value for kind, value in self._by_identifier if kind == "email")
        return self._sorted_emails

    def apply(self, row: Row, list_ids: Iterable[str], now: float) -> bool:
        """Create or update a contact. Fields that the row omits keep their values.

        Returns:
            Whether the contact was created.

        Raises:
            RowError: The row cannot be applied. The contact has not changed.
        """
        given = {kind: value for kind in IDENTIFIERS if (value := row.get(kind))}
        if "email" in given:
            given["email"] = given["email"].lower()
        self._refuse_by_pattern(given.get("email", ""))
        contact = self._matching(given)
        custom = self._custom_values(row.get("custom_fields") or {})
        created = contact is None
        if contact is None:
            contact = Contact(self._situation.new_id(), {}, {}, {}, set(), now, now)
            self.by_id[contact.id] = contact
            self._sorted_emails = None
        for item in given.items():
            self._by_identifier[item] = contact
        contact.identifiers.update(given)
        contact.values.update({name: row[name] for name in TEXTS if name in row})
        if "alternate_emails" in row:
            contact.values["alternate_emails"] = [email.lower() for email in row["alternate_emails"]]
            self._by_alternate.update(dict.fromkeys(contact.values["alternate_emails"], contact))
        contact.custom.update(custom)
        contact.list_ids.update(list_ids)
        contact.updated_s = max(contact.updated_s, now)
        contact.writes += 1
        return created

    def remove(self, contact: Contact) -> None:
        """Remove a contact."""
        del self.by_id[contact.id]
        for item in contact.identifiers.items():
            del self._by_identifier[item]
        for email in contact.values.get("alternate_emails", []):
            self._by_alternate.pop(email, None)
        self._sorted_emails = None

    def forget_field(self, field_id: str) -> None:
        """Delete the values of a custom field from every contact."""
        for contact in self:
            contact.custom.pop(field_id, None)

    def as_json(self, contact: Contact, segment_ids: list[str]) -> dict[str, Any]:
        """Return a contact as the read endpoints do: custom fields by name, unset texts as empty strings."""
        named = self._fields.by_id
        return {
            "id": contact.id,
            **{name: contact.values.get(name, "") for name in TEXTS},
            **{kind: contact.identifiers.get(kind, "") for kind in IDENTIFIERS},
            "alternate_emails": contact.values.get("alternate_emails"),
            "list_ids": sorted(contact.list_ids),
            "segment_ids": segment_ids,
            "custom_fields": {
                named[field_id].name: value for field_id, value in contact.custom.items() if field_id in named
            },
            "created_at": iso(contact.created_s),
            "updated_at": iso(contact.updated_s),
            "_metadata": {"self": f"{self._situation.url}/v3/marketing/contacts/{contact.id}"},
        }

    def _refuse_by_pattern(self, email: str) -> None:
        pattern = self._situation.options.fail_emails
        if pattern and re.search(pattern, email):
            raise RowError("the contact could not be processed")

    def _matching(self, given: Mapping[str, str]) -> Contact | None:
        contacts = {
            contact.id: contact
            for item in given.items()
            if (contact := self._by_identifier.get(item)) is not None
        }
        if len(contacts) > 1:
            raise RowError("the identifiers belong to more than one contact")
        if not contacts:
            return None
        (contact,) = contacts.values()
        if any(given.get(kind) != value for kind, value in contact.identifiers.items()):
            # "In order to update a contact, all of its existing identifiers must be present."
            raise RowError("all existing identifiers of the contact must be present")
        return contact

    def _custom_values(self, given: Mapping[str, Any]) -> dict[str, str | float]:
        values: dict[str, str | float] = {}
        for field_id, value in given.items():
            field = self._fields.by_id.get(field_id)
            if field is None:
                continue  # the field was deleted after the PUT was accepted
            if field.type is FieldType.TEXT:
                if value == "" and not self._situation.options.blank_text_is_stored:
                    continue
                values[field_id] = self._text(str(value))
            elif field.type is FieldType.NUMBER:
                if not isinstance(value, str):
                    values[field_id] = value  # SendGrid accepts a string but does not store it (2019)
            else:
                moment = date_value(value) if isinstance(value, str) else None
                if moment is None:
                    raise RowError(f"the value of {field_id} is not a date")
                values[field_id] = moment
        return values

    def _text(self, value: str) -> str:
        if len(value) > TEXT_LIMIT_CHARS and self._situation.options.long_text == "error":
            raise RowError("a text is longer than 1000 characters")
        return value[:TEXT_LIMIT_CHARS]
