"""What deliver leaves behind: messages on the changes queue and on the imports queue."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from lytics_sendgrid.domain.change import Change, Kind, Message
from lytics_sendgrid.domain.instants import NANOSECONDS_PER_MS
from lytics_sendgrid.queues.changes import MESSAGE_BYTES, pack
from lytics_sendgrid.queues.imports import ImportMessage, import_body, split_import
from lytics_sendgrid.queues.interface import Queue


@dataclass(frozen=True, slots=True)
class Outbox:
    """The queues that a consumer of changes writes to.

    Attributes:
        changes: its own queue.
        imports: the jobs to follow.
        refresh_delay_s: after how long no import job of an earlier request is in flight any more.
        confirm_delay_s: after how long a job is asked for.
    """

    changes: Queue
    imports: Queue
    refresh_delay_s: int
    confirm_delay_s: int

    def refresh(self, exports: Mapping[str, Sequence[tuple[str, int]]], stamp_ms: int, now_ms: int) -> None:
        """Have contacts sent once more when nothing of before is in flight any more, as ``refreshes`` says.

        Args:
            exports: export to its contacts: the e-mail, and how many jobs have failed for it in a row. A refresh that
                did not say so would begin to count anew, and what fails for ever would be sent for ever.
            stamp_ms: the ``sent`` of the request after which they are to be sent.
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

    def follow(self, followed: ImportMessage) -> None:
        """Have an import job followed to its end."""
        self.imports.send(map(import_body, split_import(followed)), self.confirm_delay_s)

    def requeue(self, messages: Iterable[Message], delay_s: int) -> None:
        """Put changes back as new messages."""
        self.changes.send(bodies(messages, _WHOLE), delay_s)


def bodies(messages: Iterable[Message], max_bytes: int = MESSAGE_BYTES) -> Iterator[str]:
    """Write messages as bodies for the changes queue."""
    for message in messages:
        for packed in pack(message, max_bytes):
            yield packed.body


_WHOLE: Final = 900_000
"""A message that is put back stays one message, so that a run's number stays one: SQS takes 1 MiB."""
