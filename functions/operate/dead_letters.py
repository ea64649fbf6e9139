"""Decide what to redrive: why a message was set aside, and what it becomes.

    changes dead-letter queue   the same changes, marked as uncertain: a request may be in flight for them
    imports dead-letter queue   the same import job, polled from the start
    rejects queue               its elements, read again: bad ones are rejected again with their new reason,
                                those of an audience that is no longer exported are dropped

Redriving twice is harmless: changes are merged by event time, and an import job may be followed twice.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, Protocol

from functions.ingest.body import read
from lytics_sendgrid.domain.change import Message
from lytics_sendgrid.domain.configuration import Export
from lytics_sendgrid.domain.instants import NANOSECONDS_PER_MS
from lytics_sendgrid.lenient_json import parse
from lytics_sendgrid.queues.changes import MAX_HOPS, decode, encode, pack
from lytics_sendgrid.queues.imports import import_body, import_from
from lytics_sendgrid.queues.rejects import NOT_JSON, reject_bodies

_UNREADABLE: Final = "unreadable"


class Exports(Protocol):
    """The exports' configurations."""

    def export(self, name: str) -> Export | None: ...  # noqa: D102


@dataclass(frozen=True, slots=True, kw_only=True)
class RedrivePlan:
    """What to do with a message that was set aside.

    Attributes:
        why: why the message was set aside. Equal reasons are counted, so nothing specific to one message is
            in it.
        changes: bodies for the changes queue.
        imports: bodies for the imports queue.
        rejects: bodies for the rejects queue: a reject's elements that are still bad.
        dropped: why the message is deleted without a replacement.
        stays: why the message cannot be redriven and stays on its queue.
    """

    why: str
    changes: tuple[str, ...] = ()
    imports: tuple[str, ...] = ()
    rejects: tuple[str, ...] = ()
    dropped: str | None = None
    stays: str | None = None


def dead_changes(body: str, exports: Exports) -> RedrivePlan:
    """Plan the redrive of a message from the changes dead-letter queue."""
    try:
        message = decode(body)
    except ValueError as error:
        return RedrivePlan(why=_UNREADABLE, stays=str(error))
    about = f"export '{message.export}'"
    if exports.export(message.export) is None:
        return RedrivePlan(why=f"{about} does not exist", stays="run the state machine for that export first")
    if message.hops >= MAX_HOPS:
        why = (
            f"{about}: requeued {MAX_HOPS} times over days: "
            f"SendGrid did not answer, or the export was stopped"
        )
    else:
        why = f"{about}: deliver crashed or timed out on it again and again: see its log"
    return RedrivePlan(why=why, changes=(encode(replace(message, uncertain=True, hops=0)),))


def dead_import(body: str) -> RedrivePlan:
    """Plan the redrive of a message from the imports dead-letter queue."""
    try:
        message = import_from(body)
    except ValueError as error:
        return RedrivePlan(why=_UNREADABLE, stays=str(error))
    parked = json.loads(body).get("parked")
    why = str(parked or "confirm could not poll the job, or crashed on it, again and again: see its log")
    return RedrivePlan(
        why=f"authorization '{message.authorization}': {why}",
        imports=(import_body(replace(message, polls=0)),),
    )


def reject(body: str, exports: Exports, now_ns: int) -> RedrivePlan:
    """Plan the redrive of a message from the rejects queue, with today's code and configuration.

    Args:
        body: what ``reject_body`` wrote.
        exports: the exports' configurations.
        now_ns: our clock, nanoseconds since 1970.
    """
    try:
        document = json.loads(body)
        source, export, element = document["source"], document["export"], document["element"]
        why = f"{source}, export '{export}', {document['reason']}: {document['detail']}"
    except (KeyError, TypeError, ValueError) as error:
        return RedrivePlan(why=_UNREADABLE, stays=f"not a reject: {type(error).__name__}")
    if document["reason"] == NOT_JSON:
        return RedrivePlan(
            why=why, stays="nothing can be read from it: see the runbook, then empty the queue"
        )
    if "cut_from_chars" in document:
        return RedrivePlan(
            why=why, stays=f"it was cut from {document['cut_from_chars']} characters: the rest is lost"
        )
    if source != "ingest":
        return RedrivePlan(why=why, stays=f"unknown source '{source}'")
    return _reread(why, exports.export(export), element, now_ns)


def _reread(why: str, export: Export | None, element: str, now_ns: int) -> RedrivePlan:
    if export is None:
        return RedrivePlan(why=why, stays="run the state machine for that export first")
    try:
        document = parse(element)
    except ValueError:
        return RedrivePlan(why=why, stays="not JSON")
    elements = document if isinstance(document, list) else [document]
    reading = read([_envelope(element) for element in elements], export, now_ns)
    if reading.rejected and not reading.changes:
        reasons = ", ".join(dict.fromkeys(rejected.reason for rejected in reading.rejected))
        return RedrivePlan(why=why, stays=f"still bad: {reasons}")
    if not reading.changes:
        return RedrivePlan(why=why, dropped="none of its audiences is exported now")
    message = Message(
        export.name, reading.changes, config=export.version, queued_ms=now_ns // NANOSECONDS_PER_MS
    )
    return RedrivePlan(
        why=why,
        changes=tuple(packed.body for packed in pack(message)),
        rejects=tuple(reject_bodies(reading.rejected, "ingest", export.name)),
    )


def _envelope(element: Any) -> Any:
    """Put segment events that were rejected apart back into their envelope."""
    match element:
        case {"segment_event": event, "envelope": {"data": Mapping() as data, **about}}:
            return {**about, "data": {**data, "segment_events": [event]}}
        case {"segment_events": events, "envelope": {"data": Mapping() as data, **about}}:
            return {**about, "data": {**data, "segment_events": events}}
    return element
