"""Merge changes into a contact's state: the last event by event time wins.

Any permutation, duplication or split of the same events ends in the same state, because each part of the
state is a maximum, per audience by (time, exit before enter), per field by (time, value). Lists are a union.

A *scan's row* is an enter with the least time that counts, so any event wins over it. If its fields equal the
ledger's, it changes nothing: a scan of a million unchanged people must write nothing. So its fields do not
move a time, and a change that arrives later than the scan, but is older, can win until the next scan.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Final

from lytics_sendgrid.domain.change import Change, Kind, Value
from lytics_sendgrid.domain.configuration import Export
from lytics_sendgrid.domain.contact import Contact, Rejection
from lytics_sendgrid.domain.field_values import convert
from lytics_sendgrid.domain.instants import NANOSECONDS_PER_MS

_NOTHING: Final[Mapping[str, int]] = {}
_NO_FIELDS: Final[Mapping[str, tuple[int, Value]]] = {}


def merge(
    contact: Contact,
    changes: Iterable[tuple[Change, Export]],
    since: Mapping[str, int],
    *,
    keeps_old: bool = False,
) -> Contact:
    """Merge changes into a contact's state; job, ``sent`` and row, which SendGrid accepted, stay as they are.

    Args:
        contact: the state in the ledger.
        changes: each with the export that brought it, in any order.
        since: audience id to nanoseconds since 1970: an enter or exit that is not later is ignored.
        keeps_old: keep such an event in the state, too, where no row counts it. A row that the ledger
            does not name may have counted it, with an earlier configuration: the next row must overwrite the
            audience's field.

    Returns:
        The new state; the same object where nothing changes.
    """
    memberships: dict[str, int] = {}
    fields: dict[str, tuple[int, Value]] = {}
    scanned: dict[str, tuple[int, Value]] = {}
    lists = set(contact.lists)
    rejection = contact.rejection
    kept = _NOTHING if keeps_old else since
    for change, export in changes:
        if change.kind is Kind.REFRESH or change.kind is Kind.ERASE:
            continue
        if change.kind is Kind.REJECT:
            rejection = _rejected(contact, change, rejection)
            continue
        if change.audience is not None and change.kind is not Kind.CHANGE:
            _take_later(memberships, contact.memberships, change, kept)
            if change.time_ns <= since.get(change.audience, 0):
                continue
        if change.fields:
            if is_least(change, since):
                _take_newer(scanned, _NO_FIELDS, change, export)
            else:
                _take_newer(fields, contact.fields, change, export)
        if export.list_id is not None:
            lists.add(export.list_id)
    _take_different(fields, contact.fields, scanned)
    if not memberships and not fields and len(lists) == len(contact.lists) and rejection is contact.rejection:
        return contact
    return replace(
        contact,
        memberships={**contact.memberships, **memberships} if memberships else contact.memberships,
        fields={**contact.fields, **fields} if fields else contact.fields,
        lists=tuple(sorted(lists)),
        rejection=rejection,
    )


def is_least(change: Change, since: Mapping[str, int]) -> bool:
    """Return whether a change is an enter with the least time that counts, as a scan writes it."""
    audience = change.audience
    if audience is None or change.kind is not Kind.ENTER:
        return False
    return change.time_ns == since.get(audience, 0) + 1


def has_news(merged: Contact, contact: Contact) -> bool:
    """Return whether ``merge`` learned something about the person, not only about a refused row."""
    return (
        merged.memberships is not contact.memberships
        or merged.fields is not contact.fields
        or merged.lists != contact.lists
    )


def _is_later(signed_ns: int, than_signed_ns: int) -> bool:
    """Return whether an event wins over another one: the later, and at equal times the exit."""
    time_ns, than_ns = abs(signed_ns), abs(than_signed_ns)
    return time_ns > than_ns or (time_ns == than_ns and signed_ns < than_signed_ns)


def _take_later(
    later: dict[str, int], known: Mapping[str, int], change: Change, since: Mapping[str, int]
) -> None:
    audience = change.audience or ""
    if change.time_ns <= since.get(audience, 0):
        return
    signed_ns = change.time_ns if change.kind is Kind.ENTER else -change.time_ns
    if _is_later(signed_ns, later.get(audience) or known.get(audience, 0)):
        later[audience] = signed_ns


def _take_newer(
    newer: dict[str, tuple[int, Value]],
    known: Mapping[str, tuple[int, Value]],
    change: Change,
    export: Export,
) -> None:
    time_ns = change.time_ns if change.fields_time_ns is None else change.fields_time_ns
    for mapped in export.fields:
        value = convert(change.fields.get(mapped.lytics), mapped.kind, mapped.max_chars)
        if value is None:
            continue
        current = newer.get(mapped.sendgrid) or known.get(mapped.sendgrid)
        if current is None or _is_newer((time_ns, value), current):
            newer[mapped.sendgrid] = (time_ns, value)


def _take_different(
    newer: dict[str, tuple[int, Value]],
    known: Mapping[str, tuple[int, Value]],
    scanned: Mapping[str, tuple[int, Value]],
) -> None:
    """Take what a scan shows newer and different."""
    for field, value in scanned.items():
        current = newer.get(field) or known.get(field)
        if current is None or (value[1] != current[1] and _is_newer(value, current)):
            newer[field] = value


def _is_newer(value: tuple[int, Value], than: tuple[int, Value]) -> bool:
    """Return whether a field's value wins over another one: the later, and at equal times the greater."""
    return value[0] > than[0] or (value[0] == than[0] and _order(value[1]) > _order(than[1]))


def _order(value: Value) -> str:
    return json.dumps(value)


def _rejected(contact: Contact, change: Change, rejection: Rejection | None) -> Rejection | None:
    """Return the rejection after a job refused a row, if that row is still the last accepted one.

    The first refusal may be for the fields: then e-mail and memberships are sent alone. If those are refused,
    too, the whole contact is rejected.
    """
    if change.row is None or change.row != contact.row:
        return rejection
    at_ms, refusal = change.time_ns // NANOSECONDS_PER_MS, change.reason or ""
    if contact.rejection is None:
        return Rejection("fields", refusal, change.row, at_ms)
    return replace(contact.rejection, reason="row", message=refusal, at_ms=at_ms)
