"""What deliver and confirm leave behind: messages on the changes queue and on the imports queue."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Protocol

from lytics_sendgrid.change import Change, Kind, Message
from lytics_sendgrid.change_codec import MESSAGE_BYTES, pack

NANOSECONDS_PER_MS: Final = 1_000_000


class Queue(Protocol):
    """A queue to write to."""

    def send(self, bodies: Iterable[str], delay_s: int = 0) -> None: ...  # noqa: D102


@dataclass(frozen=True, slots=True)
class Carried:
    """A contact in an import job.

    Attributes:
        export: that its change came by.
        row: hash of the row that was sent.
        attempt: how many import jobs have failed for it in a row before this one.
    """

    export: str
    row: str
    attempt: int = 0


@dataclass(frozen=True, slots=True)
class Import:
    """An import job to be followed to its end, as it lies on the imports queue.

    Attributes:
        authorization: whose key it was sent with.
        job: SendGrid's id.
        sent_ms: our clock just before its request.
        runs: the runs whose backfill it carries.
        contacts: what it carries, by e-mail.
        polls: how often it was asked for.
        part: which of its parts this is, counted from 1.
        parts: into how many it was cut.
        abandoned: it was taken to never end, and what it carries was sent again; it is still asked for, because it may
            end all the same and overwrite that.
    """

    authorization: str
    job: str
    sent_ms: int
    runs: tuple[str, ...]
    contacts: Mapping[str, Carried]
    polls: int = 0
    part: int = 1
    parts: int = 1
    abandoned: bool = False


def parts(followed: Import, max_bytes: int = MESSAGE_BYTES) -> list[Import]:
    """Cut an import into parts whose bodies are of at most ``max_bytes``; each is followed for itself."""
    cut: list[dict[str, Carried]] = [{}]
    size = _HEAD_BYTES
    for email, carried in followed.contacts.items():
        # In ASCII JSON a character takes 12 bytes at most, and the hash, the attempt and the commas around 30.
        size += (len(email) if email.isascii() else 12 * len(email)) + 30
        if size > max_bytes and cut[-1]:
            cut.append({})
            size = _HEAD_BYTES
        cut[-1][email] = carried
    return [replace(followed, contacts=part, part=n, parts=len(cut)) for n, part in enumerate(cut, start=1)]


def import_body(followed: Import, parked: str | None = None) -> str:
    """Write an import, or a part of one, as a message.

    The contacts are written once an export: ``{"newsletter": [["ann@example.org", "0f…"], …]}``, and the attempt after
    the row's hash where it is not the first.

    Args:
        followed: the import.
        parked: why nothing more is done for it until somebody redrives it; a redriven one is tried from the start.
    """
    contacts: dict[str, list[list[str | int]]] = {}
    for email, carried in followed.contacts.items():
        line: list[str | int] = [email, carried.row]
        contacts.setdefault(carried.export, []).append([*line, carried.attempt] if carried.attempt else line)
    document: dict[str, Any] = {"v": 1, "authorization": followed.authorization, "job": followed.job}
    document |= {"sent": followed.sent_ms, "runs": followed.runs, "polls": followed.polls}
    document |= {"part": followed.part, "parts": followed.parts, "contacts": contacts}
    if followed.abandoned:
        document["abandoned"] = True
    if parked is not None:
        document["parked"] = parked
    return json.dumps(document, separators=(",", ":"))


_HEAD_BYTES: Final = 4_096


def import_from(body: str) -> Import:
    """Read what ``import_body`` wrote.

    Raises:
        ValueError: it is not such a message.
    """
    try:
        document = json.loads(body)
        if document["v"] != 1:
            raise ValueError(f"version {document['v']!r}")
        parked = "parked" in document
        contacts = {
            email: Carried(export, row, attempt[0] if attempt and not parked else 0)
            for export, rows in document["contacts"].items()
            for email, row, *attempt in rows
        }
        return Import(
            document["authorization"],
            document["job"],
            document["sent"],
            tuple(document["runs"]),
            contacts,
            document["polls"],
            document["part"],
            document["parts"],
            bool(document.get("abandoned")),
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

    def follow(self, followed: Import) -> None:
        """Have an import job followed to its end."""
        self.imports.send(map(import_body, parts(followed)), self.confirm_delay_s)

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
