"""Scan an audience and queue everybody in it, over as many invocations as it takes.

Delivery is at least once: the checkpoint is written after the messages are queued. A crash in between queues
some people twice; the run does not wait for the first messages.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from functions.backfill.progress import advanced, after_idle_invocation, restarted, with_messages
from functions.backfill.rows import LAG_NS, changes_of, page_time_ns
from lytics_sendgrid.domain.backoff import backoff_s
from lytics_sendgrid.domain.change import Change, Message
from lytics_sendgrid.domain.checkpoint import Checkpoint, message_number
from lytics_sendgrid.domain.clock import Clock
from lytics_sendgrid.domain.configuration import Export
from lytics_sendgrid.domain.instants import NANOSECONDS_PER_S
from lytics_sendgrid.errors import RequestRefused, RetryLater
from lytics_sendgrid.lytics.api import PAGE_ROWS
from lytics_sendgrid.lytics.documents import ScanPage
from lytics_sendgrid.queues.changes import MESSAGE_BYTES, Packed, pack
from lytics_sendgrid.queues.interface import Queue
from lytics_sendgrid.queues.writer import MAX_BATCH_BYTES

MARGIN_S: Final = 60.0
"""Time for a page that has been requested (at most 28 s), the last messages and the checkpoint."""
_FLUSH_BYTES: Final = MAX_BATCH_BYTES - MESSAGE_BYTES // 16
"""Full messages for one request, less the error of the estimate. One message more would be nearly empty."""
_FIRST_BACKOFF_S: Final = 1.0
_MAX_BACKOFF_S: Final = 60.0


class Scanner(Protocol):
    """Where pages come from."""

    def scan_page(self, audience_id: str, start: str, fields: Sequence[str]) -> ScanPage: ...  # noqa: D102


class Checkpoints(Protocol):
    """Where checkpoints are kept."""

    def scan(self, run: str, audience: str) -> Checkpoint | None: ...  # noqa: D102

    def put_scan(self, run: str, audience: str, checkpoint: Checkpoint, now_s: int) -> None: ...  # noqa: D102


@dataclass(frozen=True, slots=True)
class Timing:
    """The time of one invocation.

    Attributes:
        clock: ours.
        left_s: seconds until Lambda ends the invocation.
        margin_s: with less time left than this, no page is requested, except the invocation's first.
    """

    clock: Clock
    left_s: Callable[[], float]
    margin_s: float = MARGIN_S

    def spare_s(self) -> float:
        """Return the seconds left for pages."""
        return self.left_s() - self.margin_s


@dataclass(frozen=True, slots=True)
class Work:
    """What to scan.

    Attributes:
        export: with its mapping.
        audience: the id of one of its audiences.
        run: the execution's name.
        prefix: of the numbers of this invocation's messages, unique in the run.
    """

    export: Export
    audience: str
    run: str
    prefix: str


def scan_audience(
    work: Work, scanner: Scanner, queue: Queue, checkpoints: Checkpoints, timing: Timing
) -> Checkpoint:
    """Continue a scan until it is done or the time is nearly up. At least one page is requested.

    Returns:
        The checkpoint, as it was written.

    Raises:
        ScanStuck: Lytics repeats a cursor, refuses cursors again and again, or has not answered for hours.
        KeyRefused: Lytics refuses the token.
        RequestRefused: Lytics refuses the scan's first page, for example because the audience was deleted.
        RetryLater: the queue or the table failed; the next call continues from the checkpoint.
    """
    return _Scan(work, scanner, queue, checkpoints, timing).run()


class _Scan:
    def __init__(
        self, work: Work, scanner: Scanner, queue: Queue, checkpoints: Checkpoints, timing: Timing
    ) -> None:
        self._work = work
        self._scanner = scanner
        self._queue = queue
        self._checkpoints = checkpoints
        self._timing = timing
        self._checkpoint = checkpoints.scan(work.run, work.audience) or Checkpoint()
        self._changes: list[Change] = []
        self._change_bytes = 0.0
        self._pages = 0
        self._messages = 0

    def run(self) -> Checkpoint:
        if self._checkpoint.done:
            return self._checkpoint
        while not self._checkpoint.done and (not self._pages or self._timing.spare_s() > 0):
            page = self._page()
            if page is None:
                break
            self._take(page)
            if (len(self._changes) + PAGE_ROWS) * self._change_bytes > _FLUSH_BYTES:
                self._flush()
        self._flush()
        return self._checkpoint

    def _page(self) -> ScanPage | None:
        """Return the next page, or None after all the time was spent waiting for it."""
        failures = 0
        while True:
            try:
                return self._scanner.scan_page(
                    self._work.audience, self._checkpoint.cursor, self._work.export.lytics_fields
                )
            except RequestRefused as error:
                if not self._checkpoint.cursor:
                    raise
                self._restart(str(error))
            except RetryLater as error:
                failures += 1
                chance = self._timing.clock.random()
                pause_s = backoff_s(failures, _FIRST_BACKOFF_S, _MAX_BACKOFF_S, chance)
                wanted_s = max(pause_s, error.retry_after_s or 0.0)
                spare_s = self._timing.spare_s()
                self._timing.clock.sleep(max(0.0, min(wanted_s, spare_s)))
                if wanted_s >= spare_s:
                    if not self._pages:
                        self._checkpoint = after_idle_invocation(self._checkpoint, str(error))
                    return None

    def _restart(self, refusal: str) -> None:
        self._changes.clear()
        self._checkpoint = restarted(self._checkpoint, refusal)
        self._flush()

    def _take(self, page: ScanPage) -> None:
        page_ns = page_time_ns(page, self._now_s() * NANOSECONDS_PER_S)
        # 10 minutes older than the scan, so that a scan that lags never beats a real exit.
        enter_ns = page_ns - LAG_NS if self._checkpoint.stamp_ns is None else self._checkpoint.stamp_ns
        contents = changes_of(page, self._work.export, self._work.audience, enter_ns, page_ns)
        self._checkpoint = advanced(self._checkpoint, page, contents, page_ns)
        self._pages += 1
        self._changes += contents.changes
        if not self._change_bytes and self._changes:
            self._change_bytes = _mean_bytes(self._packed(0))

    def _flush(self) -> None:
        """Queue the changes, then write the checkpoint."""
        if self._changes:
            packed = self._packed(self._messages)
            self._queue.send([message.body for message in packed])
            self._messages += len(packed)
            self._change_bytes = _mean_bytes(packed)
            self._changes.clear()
        if self._messages:
            self._checkpoint = with_messages(self._checkpoint, self._work.prefix, self._messages)
        self._checkpoints.put_scan(self._work.run, self._work.audience, self._checkpoint, self._now_s())

    def _packed(self, sequence: int) -> list[Packed]:
        """Pack all changes into as few messages as possible, numbered from ``sequence``."""
        messages: list[Packed] = []
        packed_changes = 0
        while packed_changes < len(self._changes):
            message = Message(
                self._work.export.name,
                tuple(self._changes[packed_changes:]),
                config=self._work.export.version,
                queued_ms=math.floor(self._timing.clock.now() * 1000),
                run=self._work.run,
                number=message_number(self._work.prefix, sequence + len(messages)),
            )
            messages.append(next(iter(pack(message))))
            packed_changes += messages[-1].changes
        return messages

    def _now_s(self) -> int:
        return math.floor(self._timing.clock.now())


def _mean_bytes(messages: Sequence[Packed]) -> float:
    return sum(len(message.body) for message in messages) / sum(message.changes for message in messages)
