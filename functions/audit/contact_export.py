"""SendGrid's export of all contacts: its job, and the rows of its files."""

import csv
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from functions.audit.columns import Column
from lytics_sendgrid.errors import RequestRefused

_ENDED: Final = frozenset({"ready", "failure"})
_MAX_CELL_CHARS: Final = 1_000_000
_MAX_MESSAGE_CHARS: Final = 300
_EMAIL: Final = "email"


@dataclass(frozen=True, slots=True)
class ContactExport:
    """An export job.

    Attributes:
        status: ``pending``, ``ready`` or ``failure``. An undocumented status counts as ``pending``.
        urls: of its files, once it is ready.
        contacts: how many contacts they hold; None if SendGrid does not say.
        message: SendGrid's words about a failure.
    """

    status: str
    urls: tuple[str, ...] = ()
    contacts: int | None = None
    message: str = ""


def contact_export_from(data: Mapping[str, Any]) -> ContactExport | None:
    """Return an export job, or None if the document is not one. A job without files is not ready."""
    status = data.get("status")
    if not isinstance(status, str):
        return None
    urls, count, message = data.get("urls"), data.get("contact_count"), data.get("message")
    files = tuple(url for url in urls if isinstance(url, str)) if isinstance(urls, list) else ()
    status = status.lower() if status.lower() in _ENDED else "pending"
    if status == "ready" and not files and count != 0:
        status = "pending"
    return ContactExport(
        status,
        files,
        count if isinstance(count, int) and not isinstance(count, bool) else None,
        message[:_MAX_MESSAGE_CHARS] if isinstance(message, str) else "",
    )


def exported_rows(parts: Iterable[str], required: Iterable[Column]) -> Iterator[dict[str, str]]:
    """Yield each row of a CSV file as lower-cased column name to cell.

    Args:
        parts: text cut anywhere.
        required: fields whose columns the file must have.

    Raises:
        RequestRefused: the text is not CSV with a column ``email`` and the required ones.
    """
    csv.field_size_limit(_MAX_CELL_CHARS)
    rows = csv.reader(_lines(parts))
    try:
        header = [name.strip().lower() for name in next(rows, [])]
        if _EMAIL not in header:
            raise RequestRefused(
                "SendGrid's export of contacts is not a CSV file with a column for the e-mail address"
            )
        for column in required:
            if not set(column.headings) & set(header):
                raise RequestRefused(
                    f"it has no column for the custom field '{column.name}': if somebody deleted that field "
                    "in SendGrid, start the export again, which creates and fills it"
                )
        for row in rows:
            if row:
                yield dict(zip(header, row, strict=False))
    except csv.Error as error:
        raise RequestRefused(f"SendGrid's export of contacts cannot be read as CSV: {error}") from error


def _lines(parts: Iterable[str]) -> Iterator[str]:
    """Yield lines with their line breaks: a quoted cell may hold some."""
    rest = ""
    for part in parts:
        *lines, rest = (rest + part).split("\n")
        for line in lines:
            yield line + "\n"
    if rest:
        yield rest
