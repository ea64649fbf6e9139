"""The people of the bench: made up, each other's equal in size to what the assignment measures.

Their SendGrid rows hold an e-mail, two names, the membership, one text and one number, 250 bytes on average.
"""

import itertools
from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from lytics_sendgrid.domain.checkpoint import Checkpoint
from lytics_sendgrid.domain.configuration import (
    MEMBERSHIP_FIELD,
    Account,
    Audience,
    Export,
    FieldKind,
    MappedField,
    ProvisionedAudience,
)
from lytics_sendgrid.lytics.api import PAGE_ROWS
from lytics_sendgrid.lytics.documents import ScanPage
from tests.local.lytics_twin.twin import LyticsTwin

AUDIENCE: Final = Audience("42976a269a5e6b9d06c681b1c27292df", "High value users", "high_value_users")
_FIRST: Final = ("Ottilie", "Bo", "Maximiliane", "Ines", "Thorvald", "Kim", "Philippa", "Jun")
_LAST: Final = ("Aldermann", "Ng", "Fotheringay", "Okafor", "Vandenberg", "Silva", "Bergstrom", "Li")
_WORDS: Final = (
    "a reader of the weekly letter who came by the spring catalogue and stayed for garden tools and seeds "
)
_TEXT_CHARS: Final = 78
"""How long the text is on average, so that rows are 250 bytes."""


def export(
    text_field: str, number_field: str, name: str = "newsletter", list_id: str | None = None
) -> Export:
    """Return an export with two names, one text and one number.

    Args:
        text_field: id of the SendGrid field of the text.
        number_field: id of that of the number.
        name: of the export.
        list_id: of the list that its contacts are put on.
    """
    return Export(
        name=name,
        authorization="default",
        account="default",
        version=1,
        email_field="email",
        fields=(
            MappedField("first_name", "first_name", "first_name", FieldKind.TEXT, 50),
            MappedField("last_name", "last_name", "last_name", FieldKind.TEXT, 50),
            MappedField("interest", text_field, "interest", FieldKind.TEXT, 1000),
            MappedField("lifetime_value", number_field, "lifetime_value", FieldKind.NUMBER, 1000),
        ),
        audiences=(AUDIENCE,),
        list_id=list_id,
    )


def account(membership_field: str, exports: Sequence[Export]) -> Account:
    """Return the account that the exports write to."""
    names = tuple(export.name for export in exports)
    return Account(
        name="default",
        version=1,
        membership_fields={MEMBERSHIP_FIELD: membership_field},
        audiences={AUDIENCE.id: ProvisionedAudience(MEMBERSHIP_FIELD, "segment", None, names)},
        fields={
            export.name: tuple(mapped.sendgrid for mapped in export.fields if mapped.is_custom)
            for export in exports
        },
    )


def person(number: int) -> dict[str, Any]:
    """Return a Lytics row; the same number is the same person."""
    first, last = _FIRST[number % 8], _LAST[number // 8 % 8]
    start, length = number * 7 % 50, _TEXT_CHARS - 20 + number * 13 % 41
    return {
        "email": f"{first}.{last}.{number}@example.com".lower(),
        "first_name": first,
        "last_name": last,
        "interest": (_WORDS * 2)[start : start + length],
        "lifetime_value": round(number * 7.31 % 10_000, 2),
    }


def in_lytics(lytics: LyticsTwin, count: int) -> str:
    """Put people into the audience at the Lytics twin, and return its id."""
    audience = lytics.add_audience(AUDIENCE.name, slug=AUDIENCE.slug, audience_id=AUDIENCE.id)
    for number in range(count):
        lytics.add_profile(person(number), [audience])
    return audience


@dataclass(slots=True)
class Pages:
    """Lytics as the backfill scans it: pages of 100 rows, answered at once."""

    people: Iterator[Mapping[str, Any]]
    total: int
    date_ns: int
    read: int = 0

    def audience(self, reference: str) -> None:
        return None

    def scan_page(
        self, audience_id: str, start: str, fields: Sequence[str], *, splits: str = "", rows: int = PAGE_ROWS
    ) -> ScanPage:
        """Return the next page, whatever the cursor: the bench's scan is never restarted."""
        page = tuple(itertools.islice(self.people, PAGE_ROWS))
        self.read += len(page)
        cursor = f"page-{self.read}" if self.read < self.total else ""
        return ScanPage(page, cursor, self.total, self.date_ns)


def pages(numbers: range, date_ns: int) -> Pages:
    """Return the pages of a scan over some people."""
    return Pages(map(person, numbers), len(numbers), date_ns)


def page(numbers: Iterable[int], date_ns: int) -> ScanPage:
    """Return one page with some people."""
    return ScanPage(tuple(map(person, numbers)), "", None, date_ns)


class Collected:
    """A queue that keeps what is sent to it, for events that the bench makes without SQS."""

    def __init__(self) -> None:
        self.bodies: list[str] = []

    def send(self, bodies: Iterable[str], delay_s: int = 0) -> None:
        self.bodies += bodies


class Forgotten:
    """Checkpoints and hashes that are not kept: a scan of the bench ends in one invocation."""

    def scan(self, run: str, audience: str, scan: int = 0) -> None:
        return None

    def put_scan(self, run: str, audience: str, checkpoint: Checkpoint, now_s: int, scan: int = 0) -> None:
        return None

    def put(  # the hashes
        self, run: str, audience: str, scan: int, chunk: int, hashes: "array[int]", *, now_s: int
    ) -> None:
        return None
