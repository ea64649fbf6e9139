"""A contact in the ledger: what is known about the person, and what SendGrid has accepted."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from lytics_sendgrid.domain.change import Value

_write: Final = json.JSONEncoder(separators=(",", ":")).encode

type ContactKey = str
"""``account#email``: authorizations that share a SendGrid account share its contacts."""

_MAX_STATE_BYTES: Final = 380_000
"""An item of DynamoDB holds 400 KB, key, version and rejection included."""
_NO_MEMBERSHIPS: Final[Mapping[str, int]] = {}
_NO_FIELDS: Final[Mapping[str, tuple[int, Value]]] = {}


def contact_key(account: str, email: str) -> ContactKey:
    """Return the ledger's key of a contact."""
    return f"{account}#{email}"


def account_of(key: ContactKey) -> str:
    """Return the SendGrid account of a contact's key. The name of an account has no ``#``."""
    return key.partition("#")[0]


@dataclass(frozen=True, slots=True)
class Rejection:
    """Why SendGrid refuses a contact's row.

    Attributes:
        reason: a stable word for counting. ``address``: SendGrid refuses the address. ``fields``: it refuses
            the fields, and e-mail and memberships are sent without them. ``row``: an import job refused
            those, too.
        message: SendGrid's message, cut to 300 characters.
        row: the hash of the whole row that was refused.
        at_ms: when, milliseconds since 1970.
    """

    reason: str
    message: str
    row: str
    at_ms: int


@dataclass(frozen=True, slots=True)
class Contact:
    """One contact's state.

    Attributes:
        version: increases by one with every commit; 0: not in the ledger.
        memberships: audience id to the time of its last event in nanoseconds, negative if that was an exit.
        fields: SendGrid field (a reserved name or a custom field's id) to the time and value of its newest
            event.
        lists: the ids of the contact's lists, sorted.
        job: the last import job that carried the contact; the first, if several carried one row. None: none
            yet.
        sent_ms: our clock just before that job's request, milliseconds since 1970; 0: never sent.
        latest_ms: our clock just before the last request, if several jobs carried one row; otherwise 0.
        row: the hash of the row that SendGrid accepted; None: none yet.
        configuration: the version of the account's configuration that the row was made with.
        rejection: why the newest row was refused, until a row is accepted.
    """

    version: int = 0
    memberships: Mapping[str, int] = field(default_factory=lambda: _NO_MEMBERSHIPS)
    fields: Mapping[str, tuple[int, Value]] = field(default_factory=lambda: _NO_FIELDS)
    lists: tuple[str, ...] = ()
    job: str | None = None
    sent_ms: int = 0
    row: str | None = None
    configuration: int = 0
    rejection: Rejection | None = None
    latest_ms: int = 0

    def is_in(self, audience: str) -> bool:
        """Return whether the contact is in an audience, by its last event."""
        return self.memberships.get(audience, 0) > 0


UNKNOWN: Final = Contact()
"""A contact that is not in the ledger."""


@dataclass(frozen=True, slots=True)
class Commit:
    """A state to commit, on condition that the ledger still has the version that it was made from.

    Attributes:
        key: the contact's key.
        contact: the new state, with the version that was loaded.
        first_version: the version of a contact that is not in the ledger yet. After an erasure it is larger
            than any that the erased contact had: a commit that was made from that one must fail.
        removes: take the contact out of the ledger.
    """

    key: ContactKey
    contact: Contact
    first_version: int = 1
    removes: bool = False


def encode(contact: Contact) -> str:
    """Return a contact's state as ASCII JSON, without the version, which is an attribute of the item.

    Fields of one event share their time, so they are written together: ``[[time, {field: value}], …]``.
    Fields that do not fit into an item are left out: SendGrid has them, and only their times are forgotten.
    """
    text = _encoded(contact)
    return text if len(text) <= _MAX_STATE_BYTES else _encoded(replace(contact, fields=_NO_FIELDS))


def _encoded(contact: Contact) -> str:
    by_time: dict[int, dict[str, Value]] = {}
    for name, (time_ns, value) in contact.fields.items():
        by_time.setdefault(time_ns, {})[name] = value
    document: dict[str, Any] = {"memberships": contact.memberships, "fields": list(by_time.items())}
    document["config"] = contact.configuration
    if contact.lists:
        document["lists"] = contact.lists
    if contact.row is not None:
        document |= {"row": contact.row, "job": contact.job, "sent": contact.sent_ms}
        if contact.latest_ms:
            document["latest"] = contact.latest_ms
    rejection = contact.rejection
    if rejection is not None:
        document["sent"] = contact.sent_ms
        document["rejection"] = [rejection.reason, rejection.message, rejection.row, rejection.at_ms]
    return _write(document)


def decode(text: str, version: int) -> Contact:
    """Return the contact that ``encode`` wrote.

    Raises:
        ValueError: the text is not a contact's state.
    """
    document = json.loads(text)
    rejection = document.get("rejection")
    return Contact(
        version,
        document["memberships"],
        {name: (time_ns, value) for time_ns, values in document["fields"] for name, value in values.items()},
        tuple(document.get("lists", ())),
        document.get("job"),
        document.get("sent", 0),
        document.get("row"),
        document["config"],
        None if rejection is None else Rejection(*rejection),
        document.get("latest", 0),
    )


def decode_memberships(text: str, version: int) -> Contact:
    """Return the contact that ``encode`` wrote, with its version and memberships alone.

    Raises:
        ValueError: the text is not a contact's state.
    """
    return Contact(version, json.loads(text)["memberships"])
