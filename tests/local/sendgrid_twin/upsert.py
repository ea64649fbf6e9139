"""`PUT /v3/marketing/contacts`: the checks before the 202. One bad row refuses the whole request."""

import re
from collections.abc import Callable, Container, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from tests.local.sendgrid_twin.contacts import IDENTIFIERS, Row
from tests.local.sendgrid_twin.custom_fields import TEXT_LIMIT_CHARS, CustomFields, FieldType
from tests.local.sendgrid_twin.exchange import Answer, NotJsonError, Request, refusal
from tests.local.sendgrid_twin.options import Options

MAX_CHARS: Mapping[str, int] = {
    "address_line_1": 100,
    "address_line_2": 100,
    "city": 60,
    "country": 50,
    "external_id": 254,
    "anonymous_id": 254,
    "facebook": 254,
    "first_name": 50,
    "last_name": 50,
    "line": 254,
    "phone_number": 24,
    "phone_number_id": 254,
    "postal_code": 60,
    "state_province_region": 50,
    "unique_name": 254,
    "whatsapp": 254,
}
_EMAIL_CHARS = 254
_EMAIL = re.compile(
    r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*"
    r"@(?:[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?\.)+[A-Za-z][A-Za-z0-9-]*[A-Za-z0-9]"
)
_PHONE = re.compile(r"\+?[1-9]\d{6,14}")

type _Check = Callable[[], list[dict[str, str]]]


@dataclass(frozen=True, slots=True)
class Upsert:
    """An accepted request."""

    rows: list[Row]
    list_ids: list[str]


def is_email(value: str) -> bool:
    """Return whether SendGrid accepts an address. It refuses surrounding blanks."""
    return len(value) <= _EMAIL_CHARS and _EMAIL.fullmatch(value) is not None


def read_upsert(
    request: Request, fields: CustomFields, lists: Container[str], options: Options
) -> Upsert | Answer:
    """Validate a PUT.

    Returns:
        The accepted upsert, or the answer that refuses it.
    """
    if len(request.body) > options.max_body_bytes:
        return refusal(options.oversize_status, "request body is too large")
    body = _object_with_contacts(request)
    if body is None:
        return refusal(400, "invalid JSON")
    rows, list_ids = body["contacts"], body.get("list_ids", [])
    if not isinstance(rows, list) or not isinstance(list_ids, list):
        return refusal(400, "invalid input", "")
    if not rows:
        return refusal(400, "at least one contact is required", "contacts")
    if len(rows) > options.max_rows:
        return refusal(400, f"no more than {options.max_rows} contacts are allowed", "contacts")
    if (refused := _refused_lists(list_ids, lists)) is not None:
        return refused
    if not all(map(_is_well_formed, rows)):
        return refusal(400, "invalid input", "")
    checks: tuple[_Check, ...] = (
        lambda: _unknown_fields(rows, fields),
        lambda: _null_fields(rows),
        lambda: _bad_identifiers(rows, options),
        lambda: list(_too_long(rows, fields, options)),
        lambda: _duplicates(rows, options),
    )
    for check in checks:
        if errors := check():
            return Answer(400, {"status": 400, "errors": errors})
    return Upsert(_without_duplicates(rows, options), list_ids)


def _object_with_contacts(request: Request) -> dict[str, Any] | None:
    try:
        body = request.json()
    except NotJsonError:
        return None
    return body if isinstance(body, dict) and "contacts" in body else None


def _refused_lists(list_ids: list[Any], lists: Container[str]) -> Answer | None:
    for list_id in list_ids:
        try:
            UUID(list_id)
        except (ValueError, AttributeError, TypeError):
            return refusal(400, "invalid list id", "list_ids")
        if list_id not in lists:
            return refusal(404, "list not found", "list_ids")
    return None


def _is_well_formed(row: object) -> bool:
    """Return whether each value has a valid type. A later check refuses null in custom fields."""
    if not isinstance(row, dict):
        return False
    for name, value in row.items():
        if name == "custom_fields":
            if not isinstance(value, dict):
                return False
            for item in value.values():
                if isinstance(item, bool) or not (item is None or isinstance(item, str | int | float)):
                    return False
        elif name == "alternate_emails":
            if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
                return False
        elif not isinstance(value, str) and (name in MAX_CHARS or name == "email"):
            return False
    return True


def _unknown_fields(rows: list[Row], fields: CustomFields) -> list[dict[str, str]]:
    usable = {field.id for field in fields.by_id.values() if field.usable}
    unknown: dict[str, None] = {}
    for row in rows:
        given = row.get("custom_fields")
        if given and not given.keys() <= usable:
            unknown.update(dict.fromkeys(field_id for field_id in given if field_id not in usable))
    if not unknown:
        return []
    return [{"message": f"invalid custom field ids supplied - {','.join(unknown)}"}]


def _null_fields(rows: list[Row]) -> list[dict[str, str]]:
    nulls: dict[str, None] = {}
    for row in rows:
        given = row.get("custom_fields")
        if given and None in given.values():
            nulls.update(dict.fromkeys(field_id for field_id, value in given.items() if value is None))
    return [{"message": f'custom field "{field_id}" cannot be null'} for field_id in nulls]


def _bad_identifiers(rows: list[Row], options: Options) -> list[dict[str, str]]:
    refused = re.compile(options.refuse_emails) if options.refuse_emails else None
    messages: dict[str, None] = {}
    for row in rows:
        email = row.get("email")
        if email:
            if not is_email(email) or (refused is not None and refused.search(email)):
                messages[f"email '{email}' is not valid"] = None
        elif not any(row.get(identifier) for identifier in IDENTIFIERS):
            messages["at least one identifier is required"] = None
        if (phone := row.get("phone_number_id")) and not _PHONE.fullmatch(phone):
            messages[f"phone_number_id '{phone}' is not valid"] = None
        for alternate in row.get("alternate_emails", ()):
            if not is_email(alternate):
                messages[f"alternate email '{alternate}' is not valid"] = None
    # The only recorded answer says [0] for a contact that was not the first: the index is unreliable.
    named = list(messages)[: options.named_bad_emails]
    return [{"field": "contacts[0].identifier", "message": message} for message in named]


def _too_long(rows: list[Row], fields: CustomFields, options: Options) -> Iterator[dict[str, str]]:
    texts = {field.id for field in fields.by_id.values() if field.type is FieldType.TEXT}
    exceeded: dict[tuple[str, int], None] = {}
    for row in rows:
        for name, value in row.items():
            limit = MAX_CHARS.get(name)
            if limit is not None and len(value) > limit:
                exceeded[f"contacts[0].{name}", limit] = None
        if len(row.get("alternate_emails", ())) > 5:
            exceeded["contacts[0].alternate_emails", 5] = None
        if options.long_text == "refuse":
            for field_id, value in row.get("custom_fields", {}).items():
                if isinstance(value, str) and len(value) > TEXT_LIMIT_CHARS and field_id in texts:
                    exceeded[f"contacts[0].custom_fields.{field_id}", TEXT_LIMIT_CHARS] = None
    return ({"field": name, "message": f"length should be at most {limit}"} for name, limit in exceeded)


def _duplicates(rows: list[Row], options: Options) -> list[dict[str, str]]:
    if options.duplicates != "refuse":
        return []
    emails = [row["email"].lower() for row in rows if row.get("email")]
    if len(set(emails)) == len(emails):
        return []
    return [{"field": "contacts", "message": "duplicate contacts in one request"}]


def _without_duplicates(rows: list[Row], options: Options) -> list[Row]:
    by_email: dict[str, Row] = {}
    others: list[Row] = []
    for row in rows:
        if not row.get("email"):
            others.append(row)
        elif options.duplicates == "last" or row["email"].lower() not in by_email:
            by_email[row["email"].lower()] = row
    return [*by_email.values(), *others]
