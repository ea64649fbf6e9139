"""Turn the rows of a scan's page into ``enter`` changes."""

from dataclasses import dataclass
from typing import Final

from lytics_sendgrid.domain.change import Change, Kind
from lytics_sendgrid.domain.configuration import Export
from lytics_sendgrid.domain.email_address import normalise
from lytics_sendgrid.domain.instants import NANOSECONDS_PER_S
from lytics_sendgrid.domain.invisible import strip_invisible
from lytics_sendgrid.domain.profile import MAX_AHEAD_NS, scalar_fields
from lytics_sendgrid.lytics.documents import ScanPage

LAG_NS: Final = 600 * NANOSECONDS_PER_S
"""A scan may lag behind the webhook: it may return a person who left some minutes before it began."""


@dataclass(frozen=True, slots=True)
class PageOfChanges:
    """The contents of a page.

    Attributes:
        changes: one ``enter`` for each row with an address. Several profiles may share an address.
        without_email: rows whose e-mail field is empty.
        bad_email: rows whose e-mail field holds no valid address.
    """

    changes: tuple[Change, ...]
    without_email: int
    bad_email: int


def page_time_ns(page: ScanPage, now_ns: int) -> int:
    """Return when Lytics sent a page, in nanoseconds since 1970.

    Only Lytics' own clock can be compared with its events. Our clock replaces it if a proxy removed the
    ``Date`` header, or if Lytics' clock is further ahead than an event may be: exits would look older than
    this page, and lose.
    """
    date_ns = page.date_ns
    return now_ns if date_ns is None or not LAG_NS < date_ns <= now_ns + MAX_AHEAD_NS else date_ns


def changes_of(page: ScanPage, export: Export, audience: str, enter_ns: int, page_ns: int) -> PageOfChanges:
    """Turn a page's rows into ``enter`` changes.

    Args:
        page: of the scan.
        export: its mapping names the fields to keep.
        audience: the scanned audience's id.
        enter_ns: the time of the enters.
        page_ns: when Lytics sent the page, which is the time of its fields.
    """
    fields = tuple(dict.fromkeys(mapped.lytics for mapped in export.fields))
    changes = []
    without_email = bad_email = 0
    for row in page.rows:
        address = row.get(export.email_field)
        email = normalise(address)
        if email is not None:
            changes.append(
                Change(
                    email,
                    enter_ns,
                    Kind.ENTER,
                    audience,
                    scalar_fields(row, fields)[0],
                    fields_time_ns=page_ns,
                )
            )
        elif address is None or (isinstance(address, str) and not strip_invisible(address)):
            without_email += 1
        else:
            bad_email += 1
    return PageOfChanges(tuple(changes), without_email, bad_email)
