"""The SendGrid row that a contact's state implies."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from lytics_sendgrid.domain.configuration import MEMBERSHIP_FIELD, Account
from lytics_sendgrid.domain.contact import Contact
from lytics_sendgrid.domain.erasure import NO_HOLDS, Holds
from lytics_sendgrid.sendgrid.fields import WRITABLE_RESERVED

_write: Final = json.JSONEncoder(separators=(",", ":")).encode


@dataclass(frozen=True, slots=True)
class RowForm:
    """The parts of an account's configuration that its rows are made with.

    Attributes:
        version: the configuration's version.
        audiences: audience id to the id of the SendGrid field that holds it.
        since: the audiences whose ids rows hold, each with its ``since_ns``: an event that is not later
            is ignored.
        lists: the lists that contacts are put on now, each with an export that owns it. Lists of an earlier
            configuration are left out: SendGrid refuses a request for a deleted list, and keeps contacts on
            the others anyway.
        fields: ids of the custom fields that are mapped now; others may have been deleted, too.
        membership_field: id of the first membership field.
        no_audience_value: the value of the field of a person in no audience. SendGrid has no documented way
            to blank a text field (null is refused, empty text is unproven), and a person who left must leave
            the segment.
        holds: the account's erased people.
        written_s: when this version of the configuration was written, Unix seconds.
    """

    version: int
    audiences: Mapping[str, str]
    since: Mapping[str, int]
    lists: Mapping[str, str]
    fields: frozenset[str]
    membership_field: str
    no_audience_value: str
    holds: Holds = NO_HOLDS
    written_s: int = 0


def row_form(account: Account, no_audience_value: str) -> RowForm:
    """Return what an account's rows are made with.

    Raises:
        ValueError: a membership field in use has no id yet.
    """
    ids = {name: field_id for name, field_id in account.membership_fields.items() if field_id is not None}
    if MEMBERSHIP_FIELD not in ids:
        raise ValueError(f"account '{account.name}' has no membership field yet")
    try:
        audiences = {audience: ids[p.membership_field] for audience, p in account.audiences.items()}
    except KeyError as error:
        raise ValueError(f"account '{account.name}' has no membership field {error} yet") from error
    listed = {audience: p for audience, p in account.audiences.items() if p.is_listed}
    lists = {p.list_id: p.exports[0] for p in listed.values() if p.list_id is not None and p.exports}
    return RowForm(
        version=account.version,
        audiences=audiences,
        since={audience: p.since_ns for audience, p in listed.items()},
        lists=lists,
        fields=frozenset(field for fields in account.fields.values() for field in fields),
        membership_field=ids[MEMBERSHIP_FIELD],
        no_audience_value=no_audience_value,
        written_s=account.written_s,
    )


def membership_values(contact: Contact, form: RowForm) -> dict[str, str]:
    """Return each membership field's value: the ids of its audiences, sorted and comma-separated.

    A contact with no known enter or exit, only a changed field, gets no value: the person is in an audience,
    and the no-audience value would remove them from its segment until their enter arrives.
    """
    if not contact.memberships:
        return {}
    values: dict[str, list[str]] = {}
    for audience, signed_ns in contact.memberships.items():
        field = form.audiences.get(audience)
        if field is not None:
            ids = values.setdefault(field, [])
            if audience in form.since and signed_ns > form.since[audience]:
                ids.append(audience)
    values = values or {form.membership_field: []}
    return {field: ",".join(sorted(ids)) or form.no_audience_value for field, ids in values.items()}


def row_of(email: str, contact: Contact, form: RowForm) -> str:
    """Write a contact's row as ASCII JSON: its e-mail, fields and memberships.

    The e-mail is the only identifier that is ever sent: an update must name all of a contact's identifiers.
    """
    document: dict[str, Any] = {"email": email}
    custom: dict[str, Any] = {**membership_values(contact, form)}
    for field in sorted(contact.fields):
        if field in WRITABLE_RESERVED:
            document[field] = contact.fields[field][1]
        elif field in form.fields:
            custom[field] = contact.fields[field][1]
    if custom:
        document["custom_fields"] = dict(sorted(custom.items()))
    return _write(document)


def membership_row(email: str, contact: Contact, form: RowForm) -> str:
    """Write the smallest row that keeps a contact's segments right: its e-mail and memberships."""
    memberships = membership_values(contact, form)
    return _write({"email": email, "custom_fields": memberships} if memberships else {"email": email})


def row_lists(contact: Contact, form: RowForm) -> tuple[str, ...]:
    """Return the lists that a contact's row is sent with, sorted."""
    return tuple([list_id for list_id in contact.lists if list_id in form.lists])


def without_fields(row: str) -> str:
    """Return the hash of a reduced row (e-mail and memberships alone), from the whole row's hash."""
    return f"{row}~"


def row_hash(row: str, lists: tuple[str, ...]) -> str:
    """Return the hash of a row and its lists, 16 characters."""
    return hashlib.blake2b(f"{','.join(lists)} {row}".encode(), digest_size=8).hexdigest()
