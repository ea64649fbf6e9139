"""Read an import job's errors file: which contacts' rows failed, and why.

Its format is not documented beyond "contains email addresses and error reasons" (support article 1260803037029, read
2026-11-23), so it is read by what it holds and not by its columns: a record is about the contact whose address stands
in one of its cells, and whatever else stands in it are SendGrid's words.
"""

import contextlib
import csv
import itertools
import json
import zlib
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from lytics_sendgrid.errors import RequestRefused

_WORDS: Final = 300
_LINE_CHARS: Final = 100_000
"""A longer line is no record; it is passed over so that memory stays bounded."""
_GZIP: Final = b"\x1f\x8b"
_PART_BYTES: Final = 65_536
_DELIMITERS: Final = ",;\t|"
_AROUND: Final = " \t\"'<>"


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row that failed in the job.

    Attributes:
        email: of its contact, as we sent it; None where the record holds an address that is none of those asked for.
        words: what SendGrid says, cut to 300 characters.
    """

    email: str | None
    words: str


def bad_rows(lines: Iterable[str], emails: Collection[str]) -> Iterator[BadRow]:
    """Find the records that are about one of our contacts.

    Args:
        lines: of text with commas, semicolons, tabs or bars, with or without a header, or of one JSON value each.
        emails: the addresses that the job carried, as they were sent.

    Yields:
        One for each record that holds an address, in their order; a record that holds none is passed over.
    """
    for line in lines:
        for record in _records(line.strip(), emails):
            row = _bad_row(record, emails)
            if row is not None:
                yield row


def names_the_contact_limit(words: str) -> bool:
    """Tell whether SendGrid took a row for one too many: nothing is wrong with it.

    "you have hit your contact limit" (sendgrid/sendgrid-go issue 413, read 2026-11-23) is all that is known of its words.
    """
    return "contact limit" in words.lower()


def text_lines(chunks: Iterable[bytes]) -> Iterator[str]:
    """Cut a downloaded file into lines as it comes, unpacked if it is gzip; lines that are too long are left out.

    Raises:
        RequestRefused: it is gzip, and damaged or not whole.
    """
    pending = b""
    for chunk in _unpacked(chunks):
        *whole, pending = (pending + chunk).split(b"\n")
        yield from (line.decode("utf-8", "replace") for line in whole if len(line) <= _LINE_CHARS)
        if len(pending) > _LINE_CHARS:
            pending = pending[-_LINE_CHARS - 1 :]
    if pending and len(pending) <= _LINE_CHARS:
        yield pending.decode("utf-8", "replace")


def _unpacked(chunks: Iterable[bytes]) -> Iterator[bytes]:
    parts = iter(chunks)
    head = b""
    while len(head) < len(_GZIP) and (part := next(parts, b"")):
        head += part
    whole = itertools.chain([head], parts)
    return _unzipped(whole) if head.startswith(_GZIP) else whole


def _unzipped(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Unpack gzip in parts of 64 KB, however much a few bytes of it become."""
    unpack = zlib.decompressobj(wbits=31)
    try:
        for chunk in chunks:
            left = chunk
            while left and not unpack.eof:
                yield unpack.decompress(left, _PART_BYTES)
                left = unpack.unconsumed_tail
    except zlib.error as error:
        raise RequestRefused(f"an errors file cannot be unpacked: {error}") from error
    if not unpack.eof:
        raise RequestRefused("an errors file is cut short")


def _records(line: str, emails: Collection[str]) -> list[list[str]]:
    if line[:1] in ("{", "["):
        with contextlib.suppress(ValueError, RecursionError):
            return list(_json_records(json.loads(line.rstrip(","))))
    # The first delimiter that sets one of our addresses free, else the first that parts the line at all.
    cut = [_cells(line, delimiter) for delimiter in _DELIMITERS]
    ours = (cells for cells in cut if any(_address(cell) in emails for cell in cells))
    return [next(ours, max(cut, key=len))]


def _cells(line: str, delimiter: str) -> list[str]:
    try:
        return next(csv.reader([line], delimiter=delimiter), [])
    except csv.Error:
        return []


def _json_records(document: Any) -> Iterator[list[str]]:
    """Cut a JSON value into records: the largest parts that hold one address each."""
    leaves = [str(leaf) for leaf in _leaves(document)]
    if sum(map(_looks_like_an_address, leaves)) > 1:
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


def _looks_like_an_address(cell: str) -> bool:
    return "@" in cell and " " not in _address(cell)


def _bad_row(cells: list[str], emails: Collection[str]) -> BadRow | None:
    for number, cell in enumerate(cells):
        email = _address(cell)
        if email in emails:
            others = [words for other in cells[:number] + cells[number + 1 :] if (words := other.strip())]
            return BadRow(email, "; ".join(dict.fromkeys(others))[:_WORDS])
    return BadRow(None, "") if any(map(_looks_like_an_address, cells)) else None
