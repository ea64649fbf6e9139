"""Turn the rows of a scan's page into ``enter`` changes, and into addresses that were seen."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from lytics_sendgrid.domain.change import Change, Kind
from lytics_sendgrid.domain.configuration import Export
from lytics_sendgrid.domain.email_address import normalise
from lytics_sendgrid.domain.instants import NANOSECONDS_PER_S
from lytics_sendgrid.domain.invisible import strip_invisible
from lytics_sendgrid.domain.profile import MAX_AHEAD_NS, scalar_fields
from lytics_sendgrid.lytics.documents import ScanPage

LAG_NS: Final = 600 * NANOSECONDS_PER_S
"""A scan may lag behind the webhook: a page may be as old as this when Lytics sends it."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What to make of the rows of one audience.

    Attributes:
        audience: its id.
        email_fields: the Lytics fields whose addresses are seen, each once.
        enter_ns: the time of the enters: the least that counts, so that any event wins over them.
        export: its mapping names the fields to keep. None: nobody is queued.
    """

    audience: str
    email_fields: tuple[str, ...]
    enter_ns: int
    export: Export | None = None

    @property
    def lytics_fields(self) -> tuple[str, ...]:
        """Every Lytics field that the rows need, each once."""
        return tuple(dict.fromkeys((*(self.export.lytics_fields if self.export else ()), *self.email_fields)))

    @property
    def own_fields(self) -> tuple[str, ...]:
        """The e-mail fields. A row without an address in any of them counts as ``without_email``."""
        return (self.export.email_field,) if self.export else self.email_fields


@dataclass(frozen=True, slots=True)
class PageContents:
    """The contents of a page.

    Attributes:
        changes: one ``enter`` for each row with an address. Several profiles may share an address.
        seen: each address in any of the e-mail fields, and whether Lytics has it with capitals.
        without_email: rows whose e-mail field is empty.
        bad_email: rows whose e-mail field holds no valid address.
    """

    changes: tuple[Change, ...] = ()
    seen: tuple[tuple[str, bool], ...] = ()
    without_email: int = 0
    bad_email: int = 0


def page_time_ns(page: ScanPage, now_ns: int) -> int:
    """Return when Lytics sent a page, in nanoseconds since 1970.

    Only Lytics' own clock can be compared with its events. Our clock replaces it if a proxy removed the
    ``Date`` header, or if Lytics' clock is further ahead than an event may be: exits would look older than
    this page, and lose.
    """
    date_ns = page.date_ns
    return now_ns if date_ns is None or not LAG_NS < date_ns <= now_ns + MAX_AHEAD_NS else date_ns


def contents_of(page: ScanPage, reading: Reading, page_ns: int) -> PageContents:
    """Read a page's rows.

    Args:
        page: of the scan.
        reading: what to make of them.
        page_ns: when Lytics sent the page. Its fields are 10 minutes older, because a page may lag.
    """
    export = reading.export
    fields = tuple(dict.fromkeys(mapped.lytics for mapped in export.fields)) if export else ()
    changes = []
    seen: dict[str, bool] = {}
    without_email = bad_email = 0
    for row in page.rows:
        found = {name: email for name in reading.email_fields if (email := normalise(row.get(name)))}
        for name, email in found.items():
            seen[email] = seen.get(email, False) or row[name] != row[name].lower()
        if not any(name in found for name in reading.own_fields):
            is_empty = all(_is_empty(row, name) for name in reading.own_fields)
            without_email += is_empty
            bad_email += not is_empty
        elif export is not None:
            changes.append(
                Change(
                    found[export.email_field],
                    reading.enter_ns,
                    Kind.ENTER,
                    reading.audience,
                    scalar_fields(row, fields)[0],
                    fields_time_ns=page_ns - LAG_NS,
                )
            )
    return PageContents(tuple(changes), tuple(seen.items()), without_email, bad_email)


def _is_empty(row: Mapping[str, Any], name: str) -> bool:
    address = row.get(name)
    return address is None or (isinstance(address, str) and not strip_invisible(address))
