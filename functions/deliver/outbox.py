"""What deliver leaves behind: messages on the changes queue and on the imports queue."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from lytics_sendgrid.domain.change import Change, Kind, Message
from lytics_sendgrid.domain.instants import NANOSECONDS_PER_MS
from lytics_sendgrid.queues.changes import MESSAGE_BYTES, pack
from lytics_sendgrid.queues.imports import ImportMessage, import_body, split_import
from lytics_sendgrid.queues.interface import Queue

_MAX_REQUEUED_BYTES: Final = 900_000
"""A requeued message stays one message, so that a run's number stays one: SQS takes 1 MiB."""


@dataclass(frozen=True, slots=True)
class Outbox:
    """The queues that deliver writes to.

    Attributes:
        changes: its own queue.
        imports: the import jobs to follow.
        refresh_delay_s: after this time no import job of an earlier request is in flight any more.
        confirm_delay_s: after this time a job is polled first.
    """

    changes: Queue
    imports: Queue
    refresh_delay_s: int
    confirm_delay_s: int

    def queue_refreshes(
        self, exports: Mapping[str, Sequence[tuple[str, int]]], stamp_ms: int, now_ms: int
    ) -> None:
        """Queue refreshes, to be received when no earlier request is in flight any more.

        Args:
            exports: export to its contacts: the e-mail, and how many jobs in a row have failed for it.
                Refreshes carry the failure count; starting at zero would let a contact fail forever without
                being parked.
            stamp_ms: the ``sent`` of the request that the refreshes follow.
            now_ms: our clock.
        """
        stamp_ns = stamp_ms * NANOSECONDS_PER_MS
        messages = [
            Message(
                export,
                tuple(
                    Change(email, stamp_ns, Kind.REFRESH, attempt=attempt or None)
                    for email, attempt in contacts
                ),
                queued_ms=now_ms,
            )
            for export, contacts in exports.items()
        ]
        self.changes.send(bodies(messages), self.refresh_delay_s)

    def queue_import(self, job: ImportMessage) -> None:
        """Queue an import job for confirm, which follows it to its end."""
        self.imports.send(map(import_body, split_import(job)), self.confirm_delay_s)

    def requeue(self, messages: Iterable[Message], delay_s: int) -> None:
        """Queue changes again, as new messages."""
        self.changes.send(bodies(messages, _MAX_REQUEUED_BYTES), delay_s)


def bodies(messages: Iterable[Message], max_bytes: int = MESSAGE_BYTES) -> Iterator[str]:
    """Write messages as bodies for the changes queue."""
    for message in messages:
        for packed in pack(message, max_bytes):
            yield packed.body
