"""What the bench puts on the changes queue, made by the code of backfill and ingest."""

import time
from collections.abc import Iterable, Sequence
from dataclasses import replace

from functions.backfill.outbox import Stores, Work
from functions.backfill.rows import Reading, contents_of
from functions.backfill.scan import scan_audience
from functions.backfill.threads import Threads
from lytics_sendgrid.domain.change import Change, Kind, Message
from lytics_sendgrid.domain.configuration import Export
from lytics_sendgrid.domain.deadline import Deadline
from lytics_sendgrid.queues.changes import pack
from lytics_sendgrid.system_clock import SystemClock
from tests.bench import people

_ENDLESS_S = 900.0
_STEP_NS = 1_000_000


def backfill(export: Export, numbers: range, stores: Stores, run: str) -> None:
    """Scan an audience of these people and queue them, by the backfill's own loop, in one invocation."""
    scan_audience(
        Work(export, people.AUDIENCE.id, run, "0.bench", ((export.name, export.email_field),)),
        people.pages(numbers, now_ns()),
        stores,
        Deadline.after(SystemClock(), _ENDLESS_S),
        Threads,
    )


def backfilled(export: Export, numbers: range, run: str = "run") -> list[str]:
    """Return the messages that a backfill of these people makes."""
    queue = people.Collected()
    forgotten = people.Forgotten()
    backfill(export, numbers, Stores(queue, forgotten, forgotten), run)
    return queue.bodies


def changes(export: Export, numbers: Iterable[int], kind: Kind = Kind.ENTER) -> list[Change]:
    """Return one change of each of these people, now, as the webhook brings them."""
    now = now_ns()
    reading = Reading(people.AUDIENCE.id, (export.email_field,), now, export)
    made = contents_of(people.page(numbers, now), reading, now).changes
    first_ns = now - len(made) * _STEP_NS
    return [
        replace(change, time_ns=first_ns + place * _STEP_NS, fields_time_ns=None, kind=kind)
        for place, change in enumerate(made)
    ]


def alone(export: Export, made: Sequence[Change]) -> list[str]:
    """Return messages of one change each, as ingest queues events that arrive one by one."""
    return [body for change in made for body in together(export, [change])]


def together(export: Export, made: Sequence[Change]) -> list[str]:
    """Return the messages of changes that arrive in one body."""
    message = Message(export.name, tuple(made), config=export.version, queued_ms=now_ns() // 1_000_000)
    return [packed.body for packed in pack(message)]


def now_ns() -> int:
    """Return now in whole seconds, as nanoseconds: Lytics' ``Date`` header tells no more."""
    return int(time.time()) * 1_000_000_000
