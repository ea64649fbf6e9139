"""`/v3/marketing/field_definitions`: custom fields, their naming rules and their valid values."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from tests.local.sendgrid_twin.exchange import Answer, Request, refusal
from tests.local.sendgrid_twin.situation import Situation

PATH = "/v3/marketing/field_definitions"
TEXT_LIMIT_CHARS = 1_000

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,99}")
_MONTH_DAY_YEAR = re.compile(r"(\d{1,2})/(\d{1,2})/(\d{4})")
_WRITABLE = [
    "first_name",
    "last_name",
    "email",
    "alternate_emails",
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
    "phone_number_id",
    "external_id",
    "anonymous_id",
]
_READ_ONLY = [
    "email_domains",
    "last_clicked",
    "last_opened",
    "last_emailed",
    "singlesend_id",
    "automation_id",
    "created_at",
    "updated_at",
    "contact_id",
    "lists",
]
_DATES = frozenset({"last_clicked", "last_opened", "last_emailed", "created_at", "updated_at"})
_RESERVED = frozenset(_WRITABLE + _READ_ONLY)


class FieldType(StrEnum):
    """The types of custom fields."""

    TEXT = "Text"
    NUMBER = "Number"
    DATE = "Date"


@dataclass(slots=True)
class CustomField:
    """One custom field.

    Attributes:
        usable: Whether a PUT of contacts accepts the field yet.
    """

    id: str
    name: str
    type: FieldType
    usable: bool = False


class CustomFields:
    """The custom fields of the account, and their endpoints."""

    def __init__(self, situation: Situation) -> None:
        self._situation = situation
        self._created = 0
        self.by_id: dict[str, CustomField] = {}

    def named(self, name: str) -> CustomField | None:
        """Find a field by name, case-insensitively."""
        return next((field for field in self.by_id.values() if field.name.lower() == name.lower()), None)

    def create(self, request: Request) -> Answer:
        """POST. Contacts can use the field only some seconds later."""
        body = request.json()
        if not isinstance(body, dict):
            return refusal(400, "invalid input")
        name, kind = body.get("name"), body.get("field_type")
        if (refused := self._refused_name(name)) is not None:
            return refused
        if kind not in list(FieldType):
            return refusal(400, "field_type must be one of Text, Number, Date", "field_type")
        if len(self.by_id) >= self._situation.options.max_fields:
            return refusal(400, "the maximum number of custom fields has been reached")
        field = self.add(str(name), FieldType(kind), usable=False)
        return Answer(200, self._as_json(field))

    def add(self, name: str, kind: FieldType, *, usable: bool) -> CustomField:
        """Add a field without a request; usable at once or after `field_delay_s`."""
        self._created += 1
        field = CustomField(f"e{self._created}_{kind[0]}", name, kind, usable)
        self.by_id[field.id] = field
        if not usable:
            due = self._situation.now() + self._situation.options.field_delay_s
            self._situation.later(due, lambda _now: setattr(field, "usable", True))
        return field

    def get_all(self, request: Request) -> Answer:
        """GET. All fields come on one page."""
        reserved: list[dict[str, Any]] = [
            {
                "id": f"_rf{number}_{'D' if name in _DATES else 'T'}",
                "name": name,
                "field_type": "Date" if name in _DATES else "Text",
            }
            | ({"read_only": True} if name in _READ_ONLY else {})
            for number, name in enumerate(_WRITABLE + _READ_ONLY)
        ]
        return Answer(
            200,
            {
                "custom_fields": [self._as_json(field) for field in self.by_id.values()],
                "reserved_fields": reserved,
                "_metadata": {"self": f"{self._situation.url}{PATH}"},
            },
        )

    def rename(self, request: Request, field_id: str) -> Answer:
        """PATCH. Changes the name; a type cannot change."""
        if (field := self.by_id.get(field_id)) is None:
            return refusal(404, "custom field not found", "id")
        body = request.json()
        name = body.get("name") if isinstance(body, dict) else None
        if (refused := self._refused_name(name, besides=field)) is not None:
            return refused
        field.name = str(name)
        return Answer(200, self._as_json(field))

    def _refused_name(self, name: object, besides: CustomField | None = None) -> Answer | None:
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            return refusal(
                400, "name must begin with a letter or underscore and hold no other characters", "name"
            )
        if name.lower() in _RESERVED:
            return refusal(400, f"'{name}' is a reserved field name", "name")
        if (same := self.named(name)) is not None and same is not besides:
            return refusal(400, f"a custom field named '{name}' already exists", "name")
        return None

    def _as_json(self, field: CustomField) -> dict[str, Any]:
        where = {"self": f"{self._situation.url}{PATH}/{field.id}"}
        return {"id": field.id, "name": field.name, "field_type": field.type.value, "_metadata": where}


def date_value(given: str) -> str | None:
    """Parse a date value of a contact.

    Returns:
        The time in UTC as `YYYY-MM-DDTHH:MM:SSZ`, so that the strings sort by time; `None` for a value that
        SendGrid does not parse, such as epoch seconds.
    """
    try:
        if match := _MONTH_DAY_YEAR.fullmatch(given):
            month, day, year = (int(part) for part in match.groups())
            moment = datetime(year, month, day, tzinfo=UTC)
        elif given.isdigit():
            return None
        else:
            moment = datetime.fromisoformat(given)
    except ValueError:
        return None
    moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
