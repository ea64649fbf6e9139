"""Queue changes of a run, packed into numbered messages, through the queue that all changes take."""

import math
from collections.abc import Mapping
from typing import Final

from lytics_sendgrid.domain.change import Change, Message
from lytics_sendgrid.domain.checkpoint import message_number
from lytics_sendgrid.domain.clock import Clock
from lytics_sendgrid.queues.changes import pack
from lytics_sendgrid.queues.interface import Queue

MAX_BUFFERED: Final = 10_000


class Outgoing:
    """The messages of one invocation of a run's task.

    Attributes:
        messages: how many were queued.
    """

    def __init__(
        self, queue: Queue, clock: Clock, run: str, prefix: str, versions: Mapping[str, int]
    ) -> None:
        """Keep the collaborators.

        Args:
            queue: the changes queue.
            clock: ours.
            run: the execution's name.
            prefix: of the numbers of this invocation's messages, unique in the run.
            versions: export to the version of its configuration.
        """
        self._queue = queue
        self._clock = clock
        self._run = run
        self._prefix = prefix
        self._versions = versions
        self._changes: dict[str, list[Change]] = {}
        self._buffered = 0
        self.messages = 0

    def add(self, export: str, change: Change) -> None:
        """Add a change; it is queued with others, at the latest by ``flush``."""
        self._changes.setdefault(export, []).append(change)
        self._buffered += 1
        if self._buffered >= MAX_BUFFERED:
            self.flush()

    def flush(self) -> None:
        """Queue everything.

        Raises:
            RetryLater: SQS did not accept all of it.
        """
        for export, changes in self._changes.items():
            self._send(export, changes)
        self._changes, self._buffered = {}, 0

    def _send(self, export: str, changes: list[Change]) -> None:
        bodies: list[str] = []
        packed = 0
        while packed < len(changes):
            message = Message(
                export,
                tuple(changes[packed:]),
                config=self._versions.get(export, 0),
                queued_ms=math.floor(self._clock.now() * 1000),
                run=self._run,
                number=message_number(self._prefix, self.messages + len(bodies)),
            )
            first = next(iter(pack(message)))
            bodies.append(first.body)
            packed += first.changes
        self._queue.send(bodies)
        self.messages += len(bodies)
