"""Rejected people as CSV, for a spreadsheet."""

import csv
import io
from collections.abc import Iterable
from typing import Final

from functions.console.rejected.listing import RejectedPerson
from lytics_sendgrid.domain.instants import NANOSECONDS_PER_MS, format_rfc3339

MAX_ROWS: Final = 20_000
MAX_BYTES: Final = 4_500_000
"""A function's answer holds 6 MB as JSON, in which a letter of another script takes up to 6 bytes."""
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n")
"""A spreadsheet takes a cell that begins with one of these for a formula, or acts on it."""
_ALL: Final = "These are all rejected people of the export."
_MORE: Final = (
    "There are more rejected people than this file holds: {rows:,} rows. make rejected lists all of them."
)


def sheet(people: Iterable[RejectedPerson], *, whole: bool) -> str:
    """Return the CSV: a heading, a row for each person, and a last row that says whether these are all.

    Args:
        people: at most ``MAX_ROWS`` are written, and at most ``MAX_BYTES``.
        whole: these are all.
    """
    rows = ["address,reason,since,SendGrid's message\r\n"]
    size = 0
    for person in people:
        rejection = person.rejection
        since = format_rfc3339(rejection.at_ms * NANOSECONDS_PER_MS)
        row = _row(person.email, rejection.reason, since, " ".join(rejection.message.split()))
        size += _json_bytes(row)
        if len(rows) > MAX_ROWS or size > MAX_BYTES:
            whole = False
            break
        rows.append(row)
    rows.append(_row(_ALL if whole else _MORE.format(rows=len(rows) - 1)))
    return "".join(rows)


def _row(*cells: str) -> str:
    written = io.StringIO()
    csv.writer(written).writerow(map(safe_cell, cells))
    return written.getvalue()


def safe_cell(text: str) -> str:
    """Return a cell that no spreadsheet takes for a formula."""
    return f"'{text}" if text.startswith(_FORMULA) else text


def _json_bytes(text: str) -> int:
    """Return the greatest size of a text in JSON."""
    others = len(text) - len(text.encode("ascii", "ignore"))
    return len(text) + text.count('"') + 2 * text.count("\r\n") + 5 * others
