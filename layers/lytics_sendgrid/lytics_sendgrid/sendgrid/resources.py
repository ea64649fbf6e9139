"""SendGrid's custom fields, lists, segments and contacts as its API answers them, and the rules on their names."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

FIELDS_LIMIT: Final = 500
"""Custom fields of an account (OpenAPI mc_custom_fields and the custom-fields page, 2026-01-22)."""
SEGMENTS_LIMIT: Final = 200
"""Segments of an account, whoever made them (page "Segmenting your contacts", read 2026-11-23)."""
SEGMENT_NAME_CHARS: Final = 100

_FIELD_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,99}", re.ASCII)
_AUDIENCE_ID: Final = re.compile(r"[0-9a-f]{32}", re.ASCII)
_QUOTED: Final = re.compile(r"('(?:[^']|'')*')")


@dataclass(frozen=True, slots=True)
class CustomField:
    """A custom field of an account.

    Attributes:
        id: how contacts are written, such as ``e4_T``.
        name: how contacts are read and segments ask; unique whatever its case.
        type: ``Text``, ``Number`` or ``Date``; whatever SendGrid says.
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
        list_id: the list that it is on; None: all contacts.
        query: its SQL; None where the answer was a list of segments, which has no queries.
        contacts: how many it held when SendGrid last counted, 1 to 24 hours ago; None where it was not told.
        validation: ``PENDING``, ``VALID`` or ``INVALID``; empty where it was not told.
        error: SendGrid's words on an invalid query.
        counted_at: when SendGrid last counted, as it wrote it; None: not yet.
    """

    id: str
    name: str
    list_id: str | None
    query: str | None = None
    contacts: int | None = None
    validation: str = ""
    error: str = ""
    counted_at: str | None = None


@dataclass(frozen=True, slots=True)
class SendGridContact:
    """A contact as SendGrid holds it.

    Attributes:
        id: SendGrid's id.
        values: reserved fields by name; unset texts read as ``""``.
        custom_fields: by name, or by id: SendGrid's documents do not say which, so readers accept both.
        list_ids: lists that it is on.
        segment_ids: segments that it was in when each was last counted.
    """

    id: str
    values: Mapping[str, Any]
    custom_fields: Mapping[str, Any]
    list_ids: tuple[str, ...]
    segment_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Found:
    """What a search by addresses found.

    Attributes:
        contacts: by the address that was asked for.
        refused: addresses that SendGrid says are none.
    """

    contacts: Mapping[str, SendGridContact]
    refused: frozenset[str]


def is_audience_id(text: str) -> bool:
    """Tell whether a text is a Lytics audience id: only such a one may enter a query."""
    return _AUDIENCE_ID.fullmatch(text) is not None


def is_field_name(text: str) -> bool:
    """Tell whether SendGrid takes a text as the name of a custom field."""
    return _FIELD_NAME.fullmatch(text) is not None


def segment_query(membership_field: str, audience_id: str) -> str:
    """Write the query of an audience's segment.

    Raises:
        ValueError: the id or the field's name is not of the one form that needs no escaping.
    """
    if not is_audience_id(audience_id) or not is_field_name(membership_field):
        raise ValueError("an audience id is 32 lower-case hex digits, a field's name letters, digits and _")
    return f"SELECT contact_id, updated_at FROM contact_data WHERE {membership_field} LIKE '%{audience_id}%'"  # noqa: S608


def same_query(one: str, other: str) -> bool:
    """Tell whether two queries are the same but for white space and the case of what is not quoted."""
    return _normalised(one) == _normalised(other)


def _normalised(query: str) -> tuple[str, ...]:
    words: list[str] = []
    for number, part in enumerate(_QUOTED.split(query.strip().rstrip(";"))):
        if number % 2:
            words.append(part)
        else:
            words += re.findall(r"\w+|[^\w\s]+", part.lower())
    return tuple(words)


def segment_name(audience_id: str, audience_name: str) -> str:
    """Name an audience's segment like it; a name too long is cut, and ends with the start of the id to stay unique."""
    name = " ".join(audience_name.split()) or audience_id
    if len(name) <= SEGMENT_NAME_CHARS:
        return name
    return f"{name[: SEGMENT_NAME_CHARS - 9].rstrip()} {audience_id[:8]}"


def by_name[T: (CustomField, Segment)](things: Iterable[T]) -> dict[str, T]:
    """Index fields or segments by name, whatever its case; of two alike the first."""
    found: dict[str, T] = {}
    for thing in things:
        found.setdefault(thing.name.casefold(), thing)
    return found
