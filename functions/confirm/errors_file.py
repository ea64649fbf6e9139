"""Read an import job's errors file: which contacts' rows failed, and why.

SendGrid documents only that it "contains email addresses and error reasons" (support article 1260803037029,
read 2026-11-23). So it is read by its values and not by its columns: a record is about the contact whose
address is one of its cells, or is mentioned in them, and the rest is SendGrid's error message.
"""

import csv
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from functions.confirm.file_pieces import Piece, pieces
from functions.confirm.mentions import mentions
from lytics_sendgrid.errors import RequestRefused
from lytics_sendgrid.sendgrid.file_text import text_parts

_MAX_REASON_CHARS: Final = 300
_DELIMITERS: Final = ",;\t|:^~"
_USUAL: Final = 4
"""The first delimiters also cut a line without one of our addresses. The others are frequent in sentences."""
_AROUND: Final = " \t\"'<>"


@dataclass(frozen=True, slots=True)
class FailedRows:
    """What an errors file says about our contacts.

    Attributes:
        reasons: SendGrid's error messages for bad rows, by the contact's address.
        without_room: contacts that were refused because the account is full. A contact may be in both.
        strangers: how many records are about addresses that are not ours.
        is_complete: False if the file could not be read to its end, or if there is none.
    """

    reasons: Mapping[str, str] = field(default_factory=dict)
    without_room: Collection[str] = ()
    strangers: int = 0
    is_complete: bool = True

    @property
    def named(self) -> frozenset[str]:
        """The contacts that the file names."""
        return frozenset(self.reasons).union(self.without_room)


def failed_rows(chunks: Iterable[bytes], emails: Collection[str]) -> FailedRows:
    """Read an errors file part by part; only what it says about our contacts is kept.

    Args:
        chunks: the file as it is downloaded. If it is refused on the way, what was read until then counts.
        emails: our contacts' addresses, as they were sent.

    Raises:
        RetryLater: the download broke off.
    """
    reasons: dict[str, str] = {}
    without_room: dict[str, None] = {}
    strangers = 0
    is_complete = True
    try:
        for row in bad_rows(text_parts(chunks), emails):
            if row.email is None:
                strangers += 1
            elif is_contact_limit(row.reason):
                without_room[row.email] = None
            else:
                reasons[row.email] = row.reason
    except RequestRefused:
        # The file's address has expired, or it is not a file. The job of the next attempt has another.
        is_complete = False
    return FailedRows(reasons, tuple(without_room), strangers, is_complete)


@dataclass(frozen=True, slots=True)
class BadRow:
    """A record of an errors file.

    Attributes:
        email: the contact's address as we sent it; None if the record holds only addresses that are not ours.
        reason: SendGrid's error message, cut to 300 characters.
    """

    email: str | None
    reason: str


def bad_rows(parts: Iterable[str], emails: Collection[str]) -> Iterator[BadRow]:
    """Yield each record that holds an address, in order.

    A record that mentions several of our contacts in its text is skipped: it may be about any of them.

    Args:
        parts: text cut anywhere: lines of cells, with or without a header, sentences, or JSON.
        emails: our contacts' addresses, as they were sent.
    """
    for piece in pieces(parts):
        for record in _records(piece, emails):
            row = _bad_row(record, emails)
            if row is not None:
                yield row


def is_contact_limit(reason: str) -> bool:
    """Return whether SendGrid refused a row only because the account is full.

    The one known message is "you have hit your contact limit" (sendgrid/sendgrid-go issue 413, read
    2026-11-23).
    """
    return "contact limit" in reason.lower()


def _records(piece: Piece, emails: Collection[str]) -> Iterable[list[str]]:
    if not isinstance(piece, str):
        return _json_records(piece, emails)
    line = piece.strip()
    # Use the delimiter that isolates one of our addresses; otherwise the one that makes the most cells.
    cut = [_cells(line, delimiter) for delimiter in _DELIMITERS]
    ours = (cells for cells in cut if any(_address(cell) in emails for cell in cells))
    return [next(ours, max(cut[:_USUAL], key=len))]


def _cells(line: str, delimiter: str) -> list[str]:
    try:
        return next(csv.reader([line], delimiter=delimiter), [])
    except csv.Error:
        return [line]


def _json_records(document: Any, emails: Collection[str]) -> Iterator[list[str]]:
    """Split a JSON value into records: the largest parts that are about one address each."""
    leaves = [str(leaf) for leaf in _leaves(document)]
    addresses = {_address(leaf) for leaf in leaves if _looks_like_address(leaf)}
    if not addresses:
        addresses = {email for leaf in leaves for email in mentions(leaf, emails)}
        members = _members(document)
    else:
        members = [part for part in _members(document) if isinstance(part, dict | list)]
    if len(addresses) > 1 and members:
        for member in members:
            yield from _json_records(member, emails)
    else:
        yield leaves


def _members(document: Any) -> list[Any]:
    """Return the parts of a JSON value. A key that is an address stays with its value."""
    if isinstance(document, dict):
        return [[key, value] if _looks_like_address(key) else value for key, value in document.items()]
    return document if isinstance(document, list) else []


def _leaves(document: Any) -> Iterator[Any]:
    if isinstance(document, dict | list):
        for part in _members(document):
            yield from _leaves(part)
    elif document is not None:
        yield document


def _address(cell: str) -> str:
    return cell.strip(_AROUND).lower()


def _looks_like_address(cell: str) -> bool:
    return "@" in cell and " " not in _address(cell)


def _bad_row(cells: list[str], emails: Collection[str]) -> BadRow | None:
    for number, cell in enumerate(cells):
        email = _address(cell)
        if email in emails:
            return BadRow(email, _reason(cells[:number] + cells[number + 1 :], email))
    named = {email for cell in cells for email in mentions(cell, emails)}
    ours = [email for email in named if email in emails]
    if len(ours) == 1:
        return BadRow(ours[0], _reason(cells, ours[0]))
    is_strange = not ours and (named or any(map(_looks_like_address, cells)))
    return BadRow(None, "") if is_strange else None


def _reason(cells: Iterable[str], email: str) -> str:
    """Return SendGrid's error message without the contact's address."""
    own = re.compile(re.escape(email), re.IGNORECASE)
    texts = (own.sub("(address)", cell.strip()) for cell in cells)
    return "; ".join(dict.fromkeys(filter(None, texts)))[:_MAX_REASON_CHARS]
