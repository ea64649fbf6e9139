"""Read an import job's errors file: which contacts' rows failed, and why.

SendGrid documents only that it "contains email addresses and error reasons" (support article 1260803037029,
read 2026-11-23). So it is read by its values and not by its columns: a record is about the contact whose
address is in one of its cells, and its other cells are SendGrid's error message.
"""

import contextlib
import csv
import itertools
import json
import zlib
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from lytics_sendgrid.errors import RequestRefused

_MAX_REASON_CHARS: Final = 300
_MAX_LINE_BYTES: Final = 100_000
"""A longer line is not a record; it is skipped, so that memory stays bounded."""
_GZIP: Final = b"\x1f\x8b"
_PART_BYTES: Final = 65_536
_DELIMITERS: Final = ",;\t|"
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
        for row in bad_rows(text_lines(chunks), emails):
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


def bad_rows(lines: Iterable[str], emails: Collection[str]) -> Iterator[BadRow]:
    """Yield each record that holds an address, in order.

    Args:
        lines: text with commas, semicolons, tabs or bars, with or without a header; or one JSON value a line.
        emails: our contacts' addresses, as they were sent.
    """
    for line in lines:
        for record in _records(line.strip(), emails):
            row = _bad_row(record, emails)
            if row is not None:
                yield row


def is_contact_limit(reason: str) -> bool:
    """Return whether SendGrid refused a row only because the account is full.

    The one known message is "you have hit your contact limit" (sendgrid/sendgrid-go issue 413, read
    2026-11-23).
    """
    return "contact limit" in reason.lower()


def text_lines(chunks: Iterable[bytes]) -> Iterator[str]:
    """Yield the lines of a file while it downloads, decompressed if it is gzip; overlong lines are skipped.

    Raises:
        RequestRefused: the gzip data is damaged or cut short.
    """
    pending = b""
    for chunk in _unpacked(chunks):
        *whole, pending = (pending + chunk).split(b"\n")
        yield from (line.decode("utf-8", "replace") for line in whole if len(line) <= _MAX_LINE_BYTES)
        if len(pending) > _MAX_LINE_BYTES:
            pending = pending[-_MAX_LINE_BYTES - 1 :]
    if pending and len(pending) <= _MAX_LINE_BYTES:
        yield pending.decode("utf-8", "replace")


def _unpacked(chunks: Iterable[bytes]) -> Iterator[bytes]:
    parts = iter(chunks)
    head = b""
    while len(head) < len(_GZIP) and (part := next(parts, b"")):
        head += part
    whole = itertools.chain([head], parts)
    return _unzipped(whole) if head.startswith(_GZIP) else whole


def _unzipped(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Decompress gzip in parts of 64 KB, however much a few bytes expand to."""
    unpack = zlib.decompressobj(wbits=31)
    try:
        for chunk in chunks:
            left = chunk
            while left and not unpack.eof:
                yield unpack.decompress(left, _PART_BYTES)
                left = unpack.unconsumed_tail
    except zlib.error as error:
        raise RequestRefused(f"cannot decompress the errors file: {error}") from error
    if not unpack.eof:
        raise RequestRefused("the errors file is cut short")


def _records(line: str, emails: Collection[str]) -> list[list[str]]:
    if line[:1] in ("{", "["):
        with contextlib.suppress(ValueError, RecursionError):
            return list(_json_records(json.loads(line.rstrip(","))))
    # Use the delimiter that isolates one of our addresses; otherwise the one that makes the most cells.
    cut = [_cells(line, delimiter) for delimiter in _DELIMITERS]
    ours = (cells for cells in cut if any(_address(cell) in emails for cell in cells))
    return [next(ours, max(cut, key=len))]


def _cells(line: str, delimiter: str) -> list[str]:
    try:
        return next(csv.reader([line], delimiter=delimiter), [])
    except csv.Error:
        return []


def _json_records(document: Any) -> Iterator[list[str]]:
    """Split a JSON value into records: the largest parts that hold one address each."""
    leaves = [str(leaf) for leaf in _leaves(document)]
    if sum(map(_looks_like_address, leaves)) > 1:
        parts = document.values() if isinstance(document, dict) else document
        inner = [part for part in parts if isinstance(part, dict | list)]
        if inner:
            for part in inner:
                yield from _json_records(part)
            return
    yield leaves


def _leaves(document: Any) -> Iterator[Any]:
    if isinstance(document, dict):
        document = list(document.values())
    if isinstance(document, list):
        for value in document:
            yield from _leaves(value)
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
            others = (other.strip() for other in cells[:number] + cells[number + 1 :])
            return BadRow(email, "; ".join(dict.fromkeys(filter(None, others)))[:_MAX_REASON_CHARS])
    return BadRow(None, "") if any(map(_looks_like_address, cells)) else None
