"""What the rows of a scan's page mean: an ``enter`` for everybody who has an address."""

from dataclasses import dataclass
from typing import Final

from lytics_sendgrid.domain.change import Change, Kind
from lytics_sendgrid.domain.configuration import Export
from lytics_sendgrid.domain.email_address import normalise
from lytics_sendgrid.domain.instants import NANOSECONDS_PER_S
from lytics_sendgrid.domain.profile import MAX_AHEAD_NS, scalar_fields
from lytics_sendgrid.lytics.documents import ScanPage

LAG_NS: Final = 600 * NANOSECONDS_PER_S
"""A scan may lag behind the webhook: a member that it shows may have left some minutes before it began."""


@dataclass(frozen=True, slots=True)
class PageOfChanges:
    """What a page of rows means.

    Attributes:
        changes: one ``enter`` for each row with an address; several profiles may share one.
        without_email: rows with nothing in the e-mail field.
        bad_email: rows with something in it that cannot be an address.
    """

    changes: tuple[Change, ...]
    without_email: int
    bad_email: int


def page_time_ns(page: ScanPage, now_ns: int) -> int:
    """Return when a page was answered, in nanoseconds since 1970.

    Only Lytics' own clock can be compared with its events. Ours stands in where a proxy took the header out, and where
    Lytics' is further ahead than a webhook's event may be: until then everybody's exits would be older, and lose.
    """
    date_ns = page.date_ns
    return now_ns if date_ns is None or not LAG_NS < date_ns <= now_ns + MAX_AHEAD_NS else date_ns


def changes_of(page: ScanPage, export: Export, audience: str, started_ns: int, page_ns: int) -> PageOfChanges:
    """Turn a page's rows into ``enter`` changes.

    Args:
        page: of the scan of the audience.
        export: whose mapping says which fields are needed.
        audience: its id.
        started_ns: when the scan began; the membership's time lies 10 minutes before it, so that a scan that lags
            never beats a real exit.
        page_ns: when the page was answered: its fields are as fresh as that.
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
                    started_ns - LAG_NS,
                    Kind.ENTER,
                    audience,
                    scalar_fields(row, fields)[0],
                    fields_time_ns=page_ns,
                )
            )
        elif address is None or address == "":
            without_email += 1
        else:
            bad_email += 1
    return PageOfChanges(tuple(changes), without_email, bad_email)
