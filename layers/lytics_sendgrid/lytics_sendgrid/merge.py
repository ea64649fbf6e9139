"""What a contact's state becomes by its changes: the last event by event time wins.

Any permutation, duplication or split of the same changes ends in the same state, because each part of the state is a
maximum: per audience by (time, exit before enter), per field by (time, value), the lists a union.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace

from lytics_sendgrid.change import Change, Kind, Value
from lytics_sendgrid.configuration import Export
from lytics_sendgrid.contact import Contact, Rejection
from lytics_sendgrid.values import convert


def merge(contact: Contact, changes: Iterable[tuple[Change, Export]]) -> Contact:
    """Merge changes into a contact's state; what SendGrid has accepted (job, sent, row) is left as it is.

    Args:
        contact: the state as the ledger has it.
        changes: each with the export that it came by, in any order.

    Returns:
        The new state; the same object where nothing changes.
    """
    memberships: dict[str, int] | None = None
    fields: dict[str, tuple[int, Value]] | None = None
    lists = contact.lists
    rejection = contact.rejection
    for change, export in changes:
        match change.kind:
            case Kind.REFRESH:
                continue
            case Kind.REJECT:
                rejection = _rejected(contact, change, rejection)
                continue
            case Kind.ENTER | Kind.EXIT if change.audience is not None:
                current = (memberships or contact.memberships).get(change.audience, 0)
                signed = change.time_ns if change.kind is Kind.ENTER else -change.time_ns
                if change.time_ns > abs(current) or (change.time_ns == current and signed < 0):
                    if memberships is None:
                        memberships = dict(contact.memberships)
                    memberships[change.audience] = signed
        if change.fields:
            newer = _newer(change, export, fields or contact.fields)
            if newer:
                fields = (fields or dict(contact.fields)) | newer
        if export.list_id is not None and export.list_id not in lists:
            lists = tuple(sorted((*lists, export.list_id)))
    if memberships is None and fields is None and lists == contact.lists and rejection is contact.rejection:
        return contact
    return replace(
        contact,
        memberships=contact.memberships if memberships is None else memberships,
        fields=contact.fields if fields is None else fields,
        lists=lists,
        rejection=rejection,
    )


def _newer(
    change: Change, export: Export, known: Mapping[str, tuple[int, Value]]
) -> dict[str, tuple[int, Value]]:
    time_ns = change.time_ns if change.fields_time_ns is None else change.fields_time_ns
    newer = {}
    for mapped in export.fields:
        value = convert(change.fields.get(mapped.lytics), mapped.kind, mapped.max_chars)
        if value is None:
            continue
        current = newer.get(mapped.sendgrid) or known.get(mapped.sendgrid)
        if (
            current is None
            or time_ns > current[0]
            or (time_ns == current[0] and _order(value) > _order(current[1]))
        ):
            newer[mapped.sendgrid] = (time_ns, value)
    return newer


def _order(value: Value) -> str:
    return json.dumps(value)


def _rejected(contact: Contact, change: Change, rejection: Rejection | None) -> Rejection | None:
    """Take SendGrid's late refusal of a row, if that row is still the one that it accepted last."""
    if change.row is None or change.row != contact.row:
        return rejection
    refused = Rejection("row", change.reason or "", change.row, change.time_ns // 1_000_000)
    return rejection if rejection is not None and rejection.row == refused.row else refused
