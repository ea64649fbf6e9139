"""What somebody does with a message that was set aside: why it is there, and what it becomes when it is redriven.

    changes dead-letter queue   the same changes, marked: a request that nobody follows may be in flight for them
    imports dead-letter queue   the same import job, asked for from the start
    rejects queue               its elements, read again; what is still bad is rejected again, with its new reason, and what is
                                of an audience that is no longer exported is dropped

Doing it twice is harmless: changes are merged by event time, and an import job may be followed by many.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, Protocol

from functions.ingest.body import read
from lytics_sendgrid.domain.change import Message
from lytics_sendgrid.domain.configuration import Export
from lytics_sendgrid.lenient_json import parse
from lytics_sendgrid.queues.changes import MAX_HOPS, decode, encode, pack
from lytics_sendgrid.queues.imports import import_body, import_from
from lytics_sendgrid.queues.rejects import reject_bodies

_UNREADABLE: Final = "it cannot be read"


class Exports(Protocol):
    """The exports' configurations."""

    def export(self, name: str) -> Export | None: ...  # noqa: D102


@dataclass(frozen=True, slots=True, kw_only=True)
class Redriven:
    """A message that was set aside.

    Attributes:
        why: it was set aside; for counting, so without what only this message holds.
        changes: bodies for the changes queue.
        imports: bodies for the imports queue.
        rejects: bodies for the rejects queue: of a reject's elements, those that are still bad.
        dropped: why nothing becomes of it any more.
        stays: why it cannot be redriven and stays where it is; None: it can, or is dropped.
    """

    why: str
    changes: tuple[str, ...] = ()
    imports: tuple[str, ...] = ()
    rejects: tuple[str, ...] = ()
    dropped: str | None = None
    stays: str | None = None


def dead_changes(body: str, exports: Exports) -> Redriven:
    """Tell what becomes of a message of the changes dead-letter queue."""
    try:
        message = decode(body)
    except ValueError as error:
        return Redriven(why=_UNREADABLE, stays=str(error))
    about = f"export '{message.export}'"
    if exports.export(message.export) is None:
        return Redriven(why=f"there is no {about}", stays="run the state machine for that export first")
    if message.hops >= MAX_HOPS:
        why = f"{about}: put back {MAX_HOPS} times, for days: SendGrid did not answer, or the export was stopped"
    else:
        why = f"{about}: deliver died of it or ran out of time again and again: its log says of what"
    return Redriven(why=why, changes=(encode(replace(message, uncertain=True, hops=0)),))


def dead_import(body: str) -> Redriven:
    """Tell what becomes of a message of the imports dead-letter queue."""
    try:
        followed = import_from(body)
    except ValueError as error:
        return Redriven(why=_UNREADABLE, stays=str(error))
    parked = json.loads(body).get("parked")
    why = str(parked or "confirm could not ask for it, or died of it, again and again: its log says why")
    return Redriven(
        why=f"authorization '{followed.authorization}': {why}",
        imports=(import_body(replace(followed, polls=0)),),
    )


def reject(body: str, exports: Exports, now_ns: int) -> Redriven:
    """Tell what becomes of a message of the rejects queue, by the code and the configuration of today.

    Args:
        body: what ``reject_body`` wrote.
        exports: their configurations.
        now_ns: our clock.
    """
    try:
        document = json.loads(body)
        source, export, element = document["source"], document["export"], document["element"]
        why = f"{source}, export '{export}', {document['reason']}: {document['detail']}"
    except (KeyError, TypeError, ValueError) as error:
        return Redriven(why=_UNREADABLE, stays=f"not a reject: {type(error).__name__}")
    if "cut_from_chars" in document:
        return Redriven(
            why=why, stays=f"it was cut from {document['cut_from_chars']} characters: the rest is gone"
        )
    if source != "ingest":
        return Redriven(why=why, stays=f"nobody rejects as '{source}'")
    return _reread(why, exports.export(export), element, now_ns)


def _reread(why: str, export: Export | None, element: str, now_ns: int) -> Redriven:
    if export is None:
        return Redriven(why=why, stays="run the state machine for that export first")
    try:
        document = parse(element)
    except ValueError:
        return Redriven(why=why, stays="it is no JSON")
    elements = document if isinstance(document, list) else [document]
    reading = read([_envelope(one) for one in elements], export, now_ns)
    if reading.rejected and not reading.changes:
        reasons = ", ".join(dict.fromkeys(rejected.reason for rejected in reading.rejected))
        return Redriven(why=why, stays=f"it is still bad: {reasons}")
    if not reading.changes:
        return Redriven(why=why, dropped="it is of no audience that is exported now")
    message = Message(export.name, reading.changes, config=export.version, queued_ms=now_ns // 1_000_000)
    return Redriven(
        why=why,
        changes=tuple(packed.body for packed in pack(message)),
        rejects=tuple(reject_bodies(reading.rejected, "ingest", export.name)),
    )


def _envelope(element: Any) -> Any:
    """Put segment events that were rejected without their neighbours back into what was kept of their envelope."""
    match element:
        case {"segment_event": event, "envelope": {"data": Mapping() as data, **about}}:
            return {**about, "data": {**data, "segment_events": [event]}}
        case {"segment_events": events, "envelope": {"data": Mapping() as data, **about}}:
            return {**about, "data": {**data, "segment_events": events}}
    return element
