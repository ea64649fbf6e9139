"""How an import job that is to be followed to its end is written on the imports queue."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from lytics_sendgrid.queues.changes import MESSAGE_BYTES


@dataclass(frozen=True, slots=True)
class ImportedContact:
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
class ImportMessage:
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
    contacts: Mapping[str, ImportedContact]
    polls: int = 0
    part: int = 1
    parts: int = 1
    abandoned: bool = False


def split_import(followed: ImportMessage, max_bytes: int = MESSAGE_BYTES) -> list[ImportMessage]:
    """Cut an import into parts whose bodies are of at most ``max_bytes``; each is followed for itself."""
    cut: list[dict[str, ImportedContact]] = [{}]
    size = _HEAD_BYTES
    for email, carried in followed.contacts.items():
        # In ASCII JSON a character takes 12 bytes at most, and the hash, the attempt and the commas around 30.
        size += (len(email) if email.isascii() else 12 * len(email)) + 30
        if size > max_bytes and cut[-1]:
            cut.append({})
            size = _HEAD_BYTES
        cut[-1][email] = carried
    return [replace(followed, contacts=part, part=n, parts=len(cut)) for n, part in enumerate(cut, start=1)]


def import_body(followed: ImportMessage, parked: str | None = None) -> str:
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


def import_from(body: str) -> ImportMessage:
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
            email: ImportedContact(export, row, attempt[0] if attempt and not parked else 0)
            for export, rows in document["contacts"].items()
            for email, row, *attempt in rows
        }
        return ImportMessage(
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
