"""Keep what a scan has read until there is enough of it: then queue it, and write the checkpoint.

Everybody is queued at least once: the checkpoint is written last. A crash in between queues some people
twice; the run does not wait for the first messages.
"""

import math
from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from functions.backfill.progress import sampled, with_chunk, with_messages
from functions.backfill.rows import PageContents
from lytics_sendgrid.domain.change import Change, Message
from lytics_sendgrid.domain.checkpoint import Checkpoint, message_number
from lytics_sendgrid.domain.clock import Clock
from lytics_sendgrid.domain.configuration import Export
from lytics_sendgrid.domain.seen import seen_hash
from lytics_sendgrid.lytics.api import PAGE_ROWS
from lytics_sendgrid.queues.changes import MESSAGE_BYTES, Packed, pack
from lytics_sendgrid.queues.interface import Queue
from lytics_sendgrid.queues.writer import MAX_REQUEST_BYTES

_FLUSH_BYTES: Final = MAX_REQUEST_BYTES - MESSAGE_BYTES // 16
"""Full messages for one request, less the error of the estimate. One message more would be nearly empty."""
FLUSH_HASHES: Final = 16_000
"""Hashes that fill 128 KB. One page more always fits a chunk."""


class Checkpoints(Protocol):
    """Where checkpoints are kept."""

    def scan(self, run: str, audience: str, scan: int = 0) -> Checkpoint | None: ...  # noqa: D102

    def put_scan(  # noqa: D102
        self, run: str, audience: str, checkpoint: Checkpoint, now_s: int, scan: int = 0
    ) -> None: ...


class Seen(Protocol):
    """Where hashes of the people seen are kept."""

    def put(  # noqa: D102
        self, run: str, audience: str, scan: int, chunk: int, hashes: array[int], *, now_s: int
    ) -> None: ...


@dataclass(frozen=True, slots=True)
class Stores:
    """Where a scan writes to.

    Attributes:
        queue: of changes.
        checkpoints: in the exports table.
        seen: hashes of the people seen.
    """

    queue: Queue
    checkpoints: Checkpoints
    seen: Seen


@dataclass(frozen=True, slots=True)
class Work:
    """What to scan.

    Attributes:
        export: with its mapping.
        audience: the audience's id.
        name: its name; empty if the export does not have it.
        run: the execution's name.
        prefix: of the numbers of this invocation's messages, unique in the run.
        email_fields: each export of the account that has the audience, and its e-mail field.
        enter_ns: the time of the enters.
        requests: how many pages may be requested at the same time.
        queues: False: only hashes of the people seen are kept.
        question: the messages ask what would be sent, and change nothing.
        scan: 0 for the run's first scan of the audience, 1 for its second.
    """

    export: Export
    audience: str
    run: str
    prefix: str
    email_fields: tuple[tuple[str, str], ...]
    enter_ns: int = 1
    requests: int = 1
    queues: bool = True
    question: bool = False
    scan: int = 0
    name: str = ""


class Outbox:
    """What one invocation has read since its last checkpoint."""

    def __init__(self, work: Work, stores: Stores, clock: Clock) -> None:
        self._work = work
        self._stores = stores
        self._clock = clock
        self._changes: list[Change] = []
        self._change_bytes = 0.0
        self._hashes = array("Q")
        self._sample: dict[str, bool] = {}
        self._messages = 0

    def add(self, contents: PageContents) -> None:
        """Keep a page's contents."""
        self._changes += contents.changes
        self._hashes.extend(seen_hash(self._work.run, email) for email, _ in contents.seen)
        if not self._work.scan:
            # A sweep asks Lytics about people of first scans.
            self._sample |= contents.seen
        if not self._change_bytes and self._changes:
            self._change_bytes = _mean_bytes(self._packed(0))

    def is_full(self) -> bool:
        """Return whether one page more would be too much for one flush."""
        size = (len(self._changes) + PAGE_ROWS) * self._change_bytes
        return size > _FLUSH_BYTES or len(self._hashes) > FLUSH_HASHES

    def forget(self) -> None:
        """Drop everything: the scan restarts."""
        self._changes.clear()
        self._sample.clear()
        del self._hashes[:]

    def flush(self, checkpoint: Checkpoint) -> Checkpoint:
        """Queue the changes, keep the hashes, then write the checkpoint that covers both, and return it."""
        work, now_s = self._work, math.floor(self._clock.now())
        if self._changes:
            packed = self._packed(self._messages)
            self._stores.queue.send([message.body for message in packed])
            self._messages += len(packed)
            self._change_bytes = _mean_bytes(packed)
        if self._hashes:
            self._stores.seen.put(
                work.run, work.audience, work.scan, checkpoint.chunks, self._hashes, now_s=now_s
            )
            checkpoint = with_chunk(checkpoint, len(self._hashes))
        checkpoint = sampled(checkpoint, self._sample.items())
        if self._messages:
            checkpoint = with_messages(checkpoint, work.prefix, self._messages)
        self.forget()
        self._stores.checkpoints.put_scan(work.run, work.audience, checkpoint, now_s, work.scan)
        return checkpoint

    def _packed(self, sequence: int) -> list[Packed]:
        """Pack all changes into as few messages as possible, numbered from ``sequence``."""
        messages: list[Packed] = []
        packed_changes = 0
        while packed_changes < len(self._changes):
            message = Message(
                self._work.export.name,
                tuple(self._changes[packed_changes:]),
                config=self._work.export.version,
                queued_ms=math.floor(self._clock.now() * 1000),
                run=self._work.run,
                number=message_number(self._work.prefix, sequence + len(messages)),
                question=self._work.question,
            )
            messages.append(next(iter(pack(message))))
            packed_changes += messages[-1].changes
        return messages


def _mean_bytes(messages: Sequence[Packed]) -> float:
    return sum(len(message.body) for message in messages) / sum(message.changes for message in messages)
