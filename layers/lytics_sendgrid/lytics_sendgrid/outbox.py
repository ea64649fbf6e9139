"""What deliver and confirm leave behind: messages on the changes queue and on the imports queue."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

from lytics_sendgrid.change import MESSAGE_BYTES, Change, Kind, Message, pack

NANOSECONDS_PER_MS: Final = 1_000_000


class Queue(Protocol):
    """A queue to write to."""

    def send(self, bodies: Iterable[str], delay_s: int = 0) -> None: ...  # noqa: D102


@dataclass(frozen=True, slots=True)
class Import:
    """An import job to be followed to its end, as it lies on the imports queue.

    Attributes:
        authorization: whose key it was sent with.
        job: SendGrid's id.
        sent_ms: our clock just before its request.
        runs: the runs whose backfill it carries.
        contacts: e-mail to the export that its change came by, and the hash of the row that was sent.
        polls: how often it was asked for.
    """

    authorization: str
    job: str
    sent_ms: int
    runs: tuple[str, ...]
    contacts: Mapping[str, tuple[str, str]]
    polls: int = 0


def import_bodies(followed: Import, max_bytes: int = MESSAGE_BYTES) -> Iterable[str]:
    """Write an import as one or more messages: its contacts are cut into as many as it takes.

    The contacts are written once an export: ``{"newsletter": [["ann@example.org", "0f…"], …]}``.
    """
    head: dict[str, Any] = {"v": 1, "authorization": followed.authorization, "job": followed.job}
    head |= {"sent": followed.sent_ms, "runs": followed.runs, "polls": followed.polls}
    start = json.dumps(head, separators=(",", ":"))[:-1] + ',"contacts":'
    part: dict[str, list[tuple[str, str]]] = {}
    size = len(start)
    for email, (export, row) in followed.contacts.items():
        part.setdefault(export, []).append((email, row))
        size += len(email) + len(row) + 8 if email.isascii() else 6 * len(email) + len(row) + 8
        if size > max_bytes - 1_000:
            yield f"{start}{json.dumps(part, separators=(',', ':'))}}}"
            part, size = {}, len(start)
    if part or not followed.contacts:
        yield f"{start}{json.dumps(part, separators=(',', ':'))}}}"


def import_from(body: str) -> Import:
    """Read what ``import_bodies`` wrote.

    Raises:
        ValueError: it is not such a message.
    """
    try:
        document = json.loads(body)
        if document["v"] != 1:
            raise ValueError(f"version {document['v']!r}")
        contacts = {
            email: (export, row) for export, rows in document["contacts"].items() for email, row in rows
        }
        return Import(
            document["authorization"],
            document["job"],
            document["sent"],
            tuple(document["runs"]),
            contacts,
            document["polls"],
        )
    except (AttributeError, KeyError, TypeError) as error:
        raise ValueError(f"not a message of an import job: {type(error).__name__} {error}") from error


@dataclass(frozen=True, slots=True)
class Outbox:
    """The queues that a consumer of changes writes to.

    Attributes:
        changes: its own queue.
        imports: the jobs to follow.
        refresh_delay_s: after how long no import job of an earlier request is in flight any more.
    """

    changes: Queue
    imports: Queue
    refresh_delay_s: int
    confirm_delay_s: int

    def refresh(
        self, exports: Mapping[str, Sequence[str]], stamp_ms: int, now_ms: int, delay_s: int | None = None
    ) -> None:
        """Have contacts sent once more, unless a request later than the stamp has been made for them by then.

        Args:
            exports: export to the e-mails of its contacts.
            stamp_ms: the ``sent`` of the request after which they are to be sent.
            now_ms: our clock.
            delay_s: in how many seconds; None: when nothing of before is in flight any more.
        """
        stamp_ns = stamp_ms * NANOSECONDS_PER_MS
        bodies = [
            packed.body
            for export, emails in exports.items()
            if emails
            for packed in pack(
                Message(
                    export, tuple(Change(email, stamp_ns, Kind.REFRESH) for email in emails), queued_ms=now_ms
                )
            )
        ]
        self.changes.send(bodies, self.refresh_delay_s if delay_s is None else delay_s)

    def follow(self, followed: Import) -> None:
        """Have an import job followed to its end."""
        self.imports.send(import_bodies(followed), self.confirm_delay_s)

    def requeue(self, messages: Iterable[Message], delay_s: int) -> None:
        """Put changes back as new messages."""
        self.changes.send((packed.body for message in messages for packed in pack(message, _WHOLE)), delay_s)


_WHOLE: Final = 900_000
"""A message that is put back stays one message, so that a run's number stays one: SQS takes 1 MiB."""
