"""Queue contacts to be sent again, with the configuration that no longer has the cleared audiences."""

import math
from typing import Final

from lytics_sendgrid.domain.change import Change, Kind, Message
from lytics_sendgrid.domain.checkpoint import message_number
from lytics_sendgrid.domain.clock import Clock
from lytics_sendgrid.domain.instants import NANOSECONDS_PER_S
from lytics_sendgrid.queues.changes import pack
from lytics_sendgrid.queues.interface import Queue

MAX_BUFFERED: Final = 5_000


class Outgoing:
    """The messages of one invocation.

    Attributes:
        messages: how many were queued.
    """

    def __init__(
        self, queue: Queue, clock: Clock, *, run: str, export: str, version: int, prefix: str
    ) -> None:
        """Keep the collaborators.

        Args:
            queue: the changes queue.
            clock: ours.
            run: the execution's name.
            export: the name of an export of the account.
            version: of the account's configuration: whoever reads a message has at least this one.
            prefix: of the numbers of this invocation's messages, unique in the run.
        """
        self._queue = queue
        self._clock = clock
        self._head = Message(export, (), config=version, run=run)
        self._prefix = prefix
        self._changes: list[Change] = []
        self.messages = 0

    @property
    def is_full(self) -> bool:
        """Whether it is time to flush."""
        return len(self._changes) >= MAX_BUFFERED

    def add(self, email: str) -> None:
        """Add a contact; ``flush`` queues it."""
        self._changes.append(Change(email, round(self._clock.now() * NANOSECONDS_PER_S), Kind.REFRESH))

    def flush(self) -> None:
        """Queue everybody who was added.

        Raises:
            RetryLater: SQS did not accept all of it.
        """
        bodies: list[str] = []
        changes = tuple(self._changes)
        while changes:
            message = Message(
                self._head.export,
                changes,
                config=self._head.config,
                queued_ms=math.floor(self._clock.now() * 1000),
                run=self._head.run,
                number=message_number(self._prefix, self.messages + len(bodies)),
            )
            first = next(pack(message))
            bodies.append(first.body)
            changes = changes[first.changes :]
        if bodies:
            self._queue.send(bodies)
        self.messages += len(bodies)
        self._changes = []
