"""The expected end state, computed from the events without the product's code for merging and rows."""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple

from lytics_sendgrid.domain.change import Kind
from tests.simulation.scenario import AUDIENCES, FIELDS, Event
from tests.simulation.sendgrid import ERRORED, INVALID, REFUSED

NOBODY: Final = "none"
FIELD_IDS: Final = {name: f"e{number}_T" for number, name in enumerate(FIELDS, start=1)}


def exported(version: int) -> tuple[str, ...]:
    """Return the audiences that a configuration version exports. Only odd versions export the second."""
    return AUDIENCES if version % 2 else AUDIENCES[:1]


def membership_fields(version: int, *, second_field: bool) -> Mapping[str, str]:
    """Return each audience's membership field id. It is the same in all versions."""
    del version
    return dict(zip(AUDIENCES, ("s1_T", "s2_T" if second_field else "s1_T"), strict=True))


class Happened(NamedTuple):
    """An event that was queued: the export that brought it, and its time in nanoseconds."""

    export: str
    event: Event
    time_ns: int


def last_events(events: Iterable[Happened], since: Mapping[str, int]) -> dict[str, tuple[int, bool]]:
    """Return each audience's last event that counts: its time and whether it is an exit.

    An exit wins a tie.
    """
    last: dict[str, tuple[int, bool]] = {}
    for _, event, time_ns in events:
        if event.audience is not None and time_ns > since[event.audience]:
            mark = (time_ns, event.kind is Kind.EXIT)
            last[event.audience] = max(mark, last.get(event.audience, mark))
    return last


def last_values(events: Iterable[Happened]) -> dict[str, str]:
    """Return each field's newest value. At equal times the alphabetically later value wins."""
    last: dict[str, tuple[int, str]] = {}
    for _, event, _ in events:
        for name, value in event.fields.items():
            last[name] = max((event.fields_time_s, value), last.get(name, (-1, "")))
    return {name: value for name, (_, value) in last.items()}


def expected_row(
    email: str,
    events: Sequence[Happened],
    version: int,
    since: Mapping[str, int],
    known: Iterable[str],
    *,
    second_field: bool,
) -> dict[str, Any]:
    """Return the row that SendGrid must hold for a contact.

    Args:
        email: the contact's address.
        events: all of the contact's.
        version: of the configuration that the row is made with.
        since: of that version: audience to the time before which nothing counts.
        known: the audiences of which the ledger has an event. One that does not count may be known or not.
        second_field: the second audience has its own membership field.
    """
    last = last_events(events, since)
    custom: dict[str, str] = {}
    fields = membership_fields(version, second_field=second_field)
    for field in dict.fromkeys(fields[audience] for audience in sorted(known)):
        inside = [
            a for a, (_, left) in last.items() if fields[a] == field and not left and a in exported(version)
        ]
        custom[field] = ",".join(sorted(inside)) or NOBODY
    custom |= {FIELD_IDS[name]: value for name, value in last_values(events).items()}
    return {"email": email, "custom_fields": custom} if custom else {"email": email}


def rejection_of(row: Mapping[str, Any]) -> str | None:
    """Return why SendGrid rejects a row, or None."""
    if row["email"].startswith(INVALID):
        return "address"
    return None if {REFUSED, ERRORED}.isdisjoint(row.get("custom_fields", {}).values()) else "fields"


def divergence(held: Mapping[str, Any] | None, row: Mapping[str, Any], rejected: str | None) -> str | None:
    """Compare SendGrid's contact with the expected row. Of a rejected row only the memberships must match."""
    if rejected == "address":
        return None if held is None else "SendGrid holds an address that it rejects"
    got = {} if held is None else {name: value for name, value in held.items() if name != "lists"}
    want = {key: value for key, value in row.items() if key != "custom_fields"}
    custom, got_custom = dict(row.get("custom_fields", {})), dict(got.pop("custom_fields", {}))
    if rejected is not None:
        bad = set(FIELD_IDS.values())
        custom = {name: value for name, value in custom.items() if name not in bad}
        got_custom = {name: value for name, value in got_custom.items() if name not in bad}
        if not custom and held is None:
            return None
    if (got, got_custom) == (want, custom):
        return None
    return f"SendGrid holds {json.dumps([got, got_custom])}, the events say {json.dumps([want, custom])}"
