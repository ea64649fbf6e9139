"""Scan an audience and queue everybody in it, over as many invocations as it takes.

Delivery is at least once: the checkpoint is written after the messages are on the queue, so a crash between the two
queues some people again, under numbers that nobody waits for.
"""

import math
import random
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

from functions.backfill.progress import advanced, restarted, rested, with_messages
from functions.backfill.rows import changes_of, page_time_ns
from lytics_sendgrid.domain.backoff import backoff_s
from lytics_sendgrid.domain.change import Change, Message
from lytics_sendgrid.domain.checkpoint import Checkpoint, checkpoint_document, checkpoint_from, message_number
from lytics_sendgrid.domain.configuration import Export
from lytics_sendgrid.domain.instants import NANOSECONDS_PER_S
from lytics_sendgrid.errors import RequestRefused, RetryLater
from lytics_sendgrid.lytics.api import PAGE_ROWS
from lytics_sendgrid.lytics.documents import ScanPage
from lytics_sendgrid.queues.changes import MESSAGE_BYTES, Packed, pack
from lytics_sendgrid.queues.writer import MAX_BATCH_BYTES

MARGIN_S: Final = 60.0
"""What a page that has begun (28 s at worst), the last messages and the checkpoint may take."""
_FLUSH_BYTES: Final = MAX_BATCH_BYTES - MESSAGE_BYTES // 16
"""One request's worth of full messages, less what the estimate may be wrong by: one more would be nearly empty."""
_FIRST_BACKOFF_S: Final = 1.0
_MAX_BACKOFF_S: Final = 60.0


class Scanner(Protocol):
    """Where pages come from."""

    def scan_page(self, audience_id: str, start: str, fields: Sequence[str]) -> ScanPage: ...  # noqa: D102


class Queue(Protocol):
    """Where messages go."""

    def send(self, bodies: Iterable[str]) -> None: ...  # noqa: D102


class Checkpoints(Protocol):
    """Where progress is kept."""

    def scan(self, run: str, audience: str) -> Mapping[str, Any] | None: ...  # noqa: D102

    def put_scan(self, run: str, audience: str, checkpoint: Mapping[str, Any], now_s: int) -> None: ...  # noqa: D102


@dataclass(frozen=True, slots=True)
class Timing:
    """Time as a scan needs it.

    Attributes:
        left_s: seconds until the invocation is cut off.
        margin_s: no page is asked for with less than this left, but for an invocation's first.
        now_s: our clock, seconds since 1970.
        sleep: waits some seconds.
        chance: a number from 0 to 1, anew each time.
    """

    left_s: Callable[[], float]
    margin_s: float = MARGIN_S
    now_s: Callable[[], float] = time.time
    sleep: Callable[[float], None] = time.sleep
    chance: Callable[[], float] = random.random

    def spare_s(self) -> float:
        """Return the seconds that may still be spent on pages."""
        return self.left_s() - self.margin_s


@dataclass(frozen=True, slots=True)
class Work:
    """What to scan.

    Attributes:
        export: with its mapping.
        audience: the id of one of its audiences.
        run: the execution's name.
        prefix: begins the numbers of this invocation's messages; no other of the run has it.
    """

    export: Export
    audience: str
    run: str
    prefix: str


def scan_audience(
    work: Work, scanner: Scanner, queue: Queue, checkpoints: Checkpoints, timing: Timing
) -> Checkpoint:
    """Go on with a scan until it is done or the time is nearly up; at least one page is tried.

    Returns:
        The checkpoint, as it has been kept.

    Raises:
        ScanStuck: its cursor repeats, or is refused again and again, or Lytics does not answer for hours.
        KeyRefused: Lytics refuses the token.
        RequestRefused: Lytics refuses the scan's first page: the audience is gone, for one.
        RetryLater: the queue or the table did not take what it was given: the scan goes on from its checkpoint.
    """
    return _Scan(work, scanner, queue, checkpoints, timing).go_on()


class _Scan:
    def __init__(
        self, work: Work, scanner: Scanner, queue: Queue, checkpoints: Checkpoints, timing: Timing
    ) -> None:
        self._work = work
        self._scanner = scanner
        self._queue = queue
        self._checkpoints = checkpoints
        self._timing = timing
        self._at = checkpoint_from(checkpoints.scan(work.run, work.audience))
        self._changes: list[Change] = []
        self._change_bytes = 0.0
        self._pages = 0
        self._messages = 0

    def go_on(self) -> Checkpoint:
        if self._at.done:
            return self._at
        while not self._at.done and (not self._pages or self._timing.spare_s() > 0):
            page = self._page()
            if page is None:
                break
            self._take(page)
            if (len(self._changes) + PAGE_ROWS) * self._change_bytes > _FLUSH_BYTES:
                self._flush()
        self._flush()
        return self._at

    def _page(self) -> ScanPage | None:
        """Return the next page, or None where it does not come in the time that is left, all of which is waited."""
        failures = 0
        while True:
            try:
                return self._scanner.scan_page(
                    self._work.audience, self._at.cursor, self._work.export.lytics_fields
                )
            except RequestRefused as error:
                if not self._at.cursor:
                    raise
                self._begin_anew(str(error))
            except RetryLater as error:
                failures += 1
                pause_s = backoff_s(failures, _FIRST_BACKOFF_S, _MAX_BACKOFF_S, self._timing.chance())
                wanted_s = max(pause_s, error.retry_after_s or 0.0)
                spare_s = self._timing.spare_s()
                self._timing.sleep(max(0.0, min(wanted_s, spare_s)))
                if wanted_s >= spare_s:
                    if not self._pages:
                        self._at = rested(self._at, str(error))
                    return None

    def _begin_anew(self, refusal: str) -> None:
        self._changes.clear()
        self._at = restarted(self._at, refusal)
        self._flush()

    def _take(self, page: ScanPage) -> None:
        page_ns = page_time_ns(page, math.floor(self._timing.now_s()) * NANOSECONDS_PER_S)
        started_ns = page_ns if self._at.started_ns is None else self._at.started_ns
        meaning = changes_of(page, self._work.export, self._work.audience, started_ns, page_ns)
        self._at = advanced(self._at, page, meaning, page_ns)
        self._pages += 1
        self._changes += meaning.changes
        if not self._change_bytes and self._changes:
            self._change_bytes = _mean_bytes(self._packed(0))

    def _flush(self) -> None:
        """Put what was read on the queue, then write down how far that is."""
        if self._changes:
            packed = self._packed(self._messages)
            self._queue.send([message.body for message in packed])
            self._messages += len(packed)
            self._change_bytes = _mean_bytes(packed)
            self._changes.clear()
        if self._messages:
            self._at = with_messages(self._at, self._work.prefix, self._messages)
        document = checkpoint_document(self._at)
        self._checkpoints.put_scan(
            self._work.run, self._work.audience, document, math.floor(self._timing.now_s())
        )

    def _packed(self, sequence: int) -> list[Packed]:
        """Pack all changes into as few messages as they fit, each with its own number, counted from ``sequence``."""
        messages: list[Packed] = []
        taken = 0
        while taken < len(self._changes):
            message = Message(
                self._work.export.name,
                tuple(self._changes[taken:]),
                config=self._work.export.version,
                queued_ms=math.floor(self._timing.now_s() * 1000),
                run=self._work.run,
                number=message_number(self._work.prefix, sequence + len(messages)),
            )
            messages.append(next(iter(pack(message))))
            taken += messages[-1].changes
        return messages


def _mean_bytes(messages: Sequence[Packed]) -> float:
    return sum(len(message.body) for message in messages) / sum(message.changes for message in messages)
