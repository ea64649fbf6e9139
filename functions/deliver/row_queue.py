"""The rows still to be sent, cut into the bodies of upsert requests."""

import json
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final, assert_never

from lytics_sendgrid.domain.contact import ContactKey

MAX_ROWS: Final = 30_000
MAX_BYTES: Final = 5_500_000
"""SendGrid takes 30,000 contacts or 6 MB. Whether a megabyte is 2**20 bytes is not documented."""


@dataclass(frozen=True, slots=True)
class Row:
    """A row to send.

    Attributes:
        key: the contact's key in the ledger.
        email: the address in the row.
        text: the row as ASCII JSON.
        memberships: writes the row with e-mail and memberships alone, which is rarely needed.
    """

    key: ContactKey
    email: str
    text: str
    memberships: Callable[[], str]


class RowExtent(Enum):
    """How much of a row is sent."""

    WHOLE = auto()
    MEMBERSHIPS = auto()
    BARE = auto()


type Piece = tuple[Sequence[Row], RowExtent]
"""Rows that are sent together, and how much of each."""


class RowQueue:
    """The rows that are still to be sent, and how many of them a request may hold.

    A request whose answer is lost again and again may hold a row that SendGrid cannot process, or more rows
    than it can process in time. That looks the same as an outage, so it must not cost an outage more
    requests: each retry only holds fewer rows. Rows whose answer was lost wait until all others were tried.
    Each answer doubles the limit.
    """

    def __init__(self, rows: Sequence[Row], lists: Sequence[str], chance: Callable[[], float]) -> None:
        """Cut rows into requests.

        Args:
            rows: at most one for a contact.
            lists: the lists that all of them are put on.
            chance: returns a new random number from 0 to 1.
        """
        self._chance = chance
        self._pieces: deque[Piece] = deque((part, RowExtent.WHOLE) for part in batches(rows, lists))
        self._max_rows = MAX_ROWS
        self._lost = 0

    def __len__(self) -> int:
        """Return how many pieces are left."""
        return len(self._pieces)

    def next_bytes(self) -> int:
        """Return the approximate size of the next request."""
        rows, _ = self._pieces[0]
        return sum(len(row.text) for row in rows[: self._max_rows])

    def take(self) -> Piece:
        """Remove and return what the next request is to hold."""
        rows, extent = self._pieces.popleft()
        if len(rows) > self._max_rows:
            self._pieces.appendleft((rows[self._max_rows :], extent))
            rows = rows[: self._max_rows]
        return rows, extent

    def put_first(self, *pieces: Piece) -> None:
        """Put rows back, before all others, in this order."""
        self._pieces.extendleft(reversed(pieces))

    def answered(self) -> None:
        """Record that SendGrid answered."""
        self._lost = 0
        self._max_rows = min(self._max_rows * 2, MAX_ROWS)

    def put_last(self, rows: Sequence[Row]) -> None:
        """Put rows whose answer was lost back, after all others, to be sent whole.

        After the second loss in a row a request holds half as many rows, after the third a quarter of those,
        and so on. The rows are shuffled, because the time may suffice for few requests: the next invocation
        must not try the same rows first.
        """
        self._lost += 1
        if self._lost > 1:
            self._max_rows = max(len(rows) >> (self._lost - 1), 1)
            rows = sorted(rows, key=lambda _: self._chance())
        self._pieces.append((rows, RowExtent.WHOLE))


def batches(rows: Sequence[Row], lists: Sequence[str]) -> Iterator[Sequence[Row]]:
    """Cut rows into batches of at most 30,000 rows and 5.5 MB, in their order; a longer row goes alone."""
    # Each row is counted with a comma; the last one has none.
    room = MAX_BYTES - len(upsert_body((), lists)) + 1
    start = size = 0
    for number, row in enumerate(rows):
        row_bytes = len(row.text) + 1
        if number > start and (number - start == MAX_ROWS or size + row_bytes > room):
            yield rows[start:number]
            start, size = number, 0
        size += row_bytes
    if start < len(rows):
        yield rows[start:]


def request_body(rows: Sequence[Row], extent: RowExtent, lists: Sequence[str]) -> bytes:
    """Write the body of a request; a bare one names no list, so that it tests nothing but the address."""
    match extent:
        case RowExtent.WHOLE:
            return upsert_body([row.text for row in rows], lists)
        case RowExtent.MEMBERSHIPS:
            return upsert_body([row.memberships() for row in rows], lists)
        case RowExtent.BARE:
            return upsert_body([json.dumps({"email": row.email}) for row in rows], ())
        case _ as never:
            assert_never(never)


def upsert_body(rows: Sequence[str], lists: Sequence[str]) -> bytes:
    """Write a request's body from rows that are JSON already, and the lists that all of them are put on."""
    head = json.dumps({"list_ids": list(lists)})[:-1] + "," if lists else "{"
    return f'{head}"contacts":[{",".join(rows)}]}}'.encode()
