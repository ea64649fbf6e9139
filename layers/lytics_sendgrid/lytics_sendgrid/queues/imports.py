"""The format of the imports queue: import jobs that ``confirm`` follows to their end."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from lytics_sendgrid.queues.changes import MESSAGE_BYTES

_HEAD_BYTES: Final = 4_096


@dataclass(frozen=True, slots=True)
class ImportedContact:
    """A contact in an import job.

    Attributes:
        export: the export that its change came by.
        row: hash of the row that was sent.
        attempt: how many import jobs in a row have failed for the contact before this one.
    """

    export: str
    row: str
    attempt: int = 0


@dataclass(frozen=True, slots=True)
class ImportMessage:
    """An import job to follow to its end, or a part of one.

    Attributes:
        authorization: the authorization whose key sent the request.
        job: SendGrid's id.
        sent_ms: our clock just before the request, milliseconds since 1970.
        runs: the runs that wait for the job.
        contacts: the job's contacts, by e-mail.
        polls: how often the job has been polled.
        part: the number of this part, from 1.
        parts: the number of parts.
        abandoned: the job did not end in time, so its contacts were resent. It is still polled, because it
            may end and overwrite them.
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


def split_import(message: ImportMessage, max_bytes: int = MESSAGE_BYTES) -> list[ImportMessage]:
    """Split an import into parts whose bodies take at most ``max_bytes``; each is followed by itself."""
    cut: list[dict[str, ImportedContact]] = [{}]
    size = _HEAD_BYTES
    for email, contact in message.contacts.items():
        # A character takes at most 12 bytes in ASCII JSON; hash, attempt and commas take about 30.
        size += (len(email) if email.isascii() else 12 * len(email)) + 30
        if size > max_bytes and cut[-1]:
            cut.append({})
            size = _HEAD_BYTES
        cut[-1][email] = contact
    return [replace(message, contacts=part, part=n, parts=len(cut)) for n, part in enumerate(cut, start=1)]


def import_body(message: ImportMessage, parked: str | None = None) -> str:
    """Return the body of an import message.

    Contacts are grouped by export: ``{"newsletter": [["ann@example.org", "0f…"], …]}``. The attempt follows
    the row's hash, unless it is the first.

    Args:
        message: the import.
        parked: why its contacts are parked until an operator redrives them, from the first attempt.
    """
    contacts: dict[str, list[list[str | int]]] = {}
    for email, contact in message.contacts.items():
        line: list[str | int] = [email, contact.row]
        contacts.setdefault(contact.export, []).append([*line, contact.attempt] if contact.attempt else line)
    document: dict[str, Any] = {"v": 1, "authorization": message.authorization, "job": message.job}
    document |= {"sent": message.sent_ms, "runs": message.runs, "polls": message.polls}
    document |= {"part": message.part, "parts": message.parts, "contacts": contacts}
    if message.abandoned:
        document["abandoned"] = True
    if parked is not None:
        document["parked"] = parked
    return json.dumps(document, separators=(",", ":"))


def import_from(body: str) -> ImportMessage:
    """Read an import message.

    Raises:
        ValueError: the body is not an import message.
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
        raise ValueError(f"not an import message: {type(error).__name__} {error}") from error
