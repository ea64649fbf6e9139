"""SendGrid's custom fields, lists, segments and contacts, and the rules for their names."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

FIELDS_LIMIT: Final = 500
"""Custom fields in an account (OpenAPI mc_custom_fields and the custom-fields page, 2026-01-22)."""
SEGMENTS_LIMIT: Final = 200
"""Segments in an account, ours and others (page "Segmenting your contacts", read 2026-11-23)."""
MAX_SEGMENT_NAME_CHARS: Final = 100

_NOT_PENDING: Final = frozenset({"draft", "triggered"})
_FIELD_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,99}", re.ASCII)
_AUDIENCE_ID: Final = re.compile(r"[0-9a-f]{32}", re.ASCII)
_CONTACT_ID: Final = re.compile(r"[A-Za-z0-9-]{1,64}", re.ASCII)
_QUOTED: Final = re.compile(r"('(?:[^']|'')*')")


@dataclass(frozen=True, slots=True)
class CustomField:
    """A custom field of an account.

    Attributes:
        id: names the field when contacts are written, such as ``e4_T``.
        name: names the field in queries and when contacts are read; unique regardless of case.
        type: ``Text``, ``Number`` or ``Date``, or whatever else SendGrid returns.
    """

    id: str
    name: str
    type: str


@dataclass(frozen=True, slots=True)
class ContactList:
    """A list of contacts."""

    id: str
    name: str


@dataclass(frozen=True, slots=True)
class Segment:
    """A segment 2.0.

    Attributes:
        id: SendGrid's id.
        name: unique in the account.
        list_id: its parent list; None for all contacts.
        query: its SQL; None if it comes from the list of segments, which has no queries.
        contacts: how many it held when SendGrid last counted, 1 to 24 hours ago; None if unknown.
        validation: ``PENDING``, ``VALID`` or ``INVALID``; empty if unknown.
        error: SendGrid's message about an invalid query.
        counted_at: when SendGrid last counted, in SendGrid's format; None if it has not.
    """

    id: str
    name: str
    list_id: str | None
    query: str | None = None
    contacts: int | None = None
    validation: str = ""
    error: str = ""
    counted_at: str | None = None

    def has_query(self, expected: str) -> bool:
        """Return whether the segment is known to have a query."""
        return self.query is not None and same_query(self.query, expected)

    def has_other_query(self, expected: str) -> bool:
        """Return whether the segment is known to have another query."""
        return self.query is not None and not same_query(self.query, expected)

    def is_as_made(self, query: str, list_id: str | None) -> bool:
        """Return whether the segment is known to have this query, and is on this list."""
        return self.has_query(query) and self.list_id == list_id


@dataclass(frozen=True, slots=True)
class SingleSend:
    """An e-mail that is sent once to lists or segments (SendGrid OpenAPI mc_singlesends, read 2026-11-26).

    Attributes:
        id: SendGrid's id.
        name: what marketers see.
        status: ``draft``, ``scheduled`` or ``triggered``.
        segment_ids: the segments that it goes to.
    """

    id: str
    name: str
    status: str
    segment_ids: frozenset[str]

    @property
    def is_pending(self) -> bool:
        """Whether it is to be sent later."""
        return self.status not in _NOT_PENDING


@dataclass(frozen=True, slots=True)
class SendGridContact:
    """A contact as SendGrid holds it.

    Attributes:
        id: SendGrid's id.
        values: reserved fields by name; unset texts are ``""``.
        custom_fields: by name or by id. SendGrid does not document which, so readers accept both.
        list_ids: the lists that the contact is on.
        segment_ids: the segments that the contact was in when each was last counted.
    """

    id: str
    values: Mapping[str, Any]
    custom_fields: Mapping[str, Any]
    list_ids: tuple[str, ...]
    segment_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ContactSearch:
    """The result of a search by addresses.

    Attributes:
        contacts: by the requested address, in lower case.
        refused: addresses that SendGrid calls invalid.
    """

    contacts: Mapping[str, SendGridContact]
    refused: frozenset[str]


def is_audience_id(text: str) -> bool:
    """Return whether a text is a Lytics audience id. Nothing else may enter a query."""
    return _AUDIENCE_ID.fullmatch(text) is not None


def is_contact_id(text: str) -> bool:
    """Return whether a text has the form of a contact's id."""
    return _CONTACT_ID.fullmatch(text) is not None


def is_field_name(text: str) -> bool:
    """Return whether SendGrid accepts a text as the name of a custom field."""
    return _FIELD_NAME.fullmatch(text) is not None


def segment_query(membership_field: str, audience_id: str) -> str:
    """Return the query of an audience's segment.

    Raises:
        ValueError: the id or the field name has another form than the one that needs no escaping.
    """
    if not is_audience_id(audience_id) or not is_field_name(membership_field):
        raise ValueError(
            "expected an audience id of 32 lower-case hex digits and a field name of letters, digits and _"
        )
    return f"SELECT contact_id, updated_at FROM contact_data WHERE {membership_field} LIKE '%{audience_id}%'"  # noqa: S608


def same_query(query: str, other: str) -> bool:
    """Return whether two queries are equal, apart from white space and the case of unquoted text."""
    return _normalised(query) == _normalised(other)


def _normalised(query: str) -> tuple[str, ...]:
    tokens: list[str] = []
    for number, part in enumerate(_QUOTED.split(query.strip().rstrip(";"))):
        if number % 2:
            tokens.append(part)
        else:
            tokens += re.findall(r"\w+|[^\w\s]+", part.lower())
    return tuple(tokens)


def segment_name(audience_id: str, audience_name: str) -> str:
    """Return the name of an audience's segment.

    The audience's, cut if it is too long and kept unique by its id.
    """
    name = " ".join(audience_name.split()) or audience_id
    if len(name) <= MAX_SEGMENT_NAME_CHARS:
        return name
    return f"{name[: MAX_SEGMENT_NAME_CHARS - 9].rstrip()} {audience_id[:8]}"


def by_name[T: (CustomField, Segment)](things: Iterable[T]) -> dict[str, T]:
    """Index fields or segments by case-folded name. If two are alike, the first counts."""
    index: dict[str, T] = {}
    for thing in things:
        index.setdefault(thing.name.casefold(), thing)
    return index
