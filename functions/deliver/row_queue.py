"""Rows on their way to SendGrid, and the requests that they are cut into."""

import json
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final, assert_never

from lytics_sendgrid.domain.contact import ContactKey

MAX_ROWS: Final = 30_000
MAX_BYTES: Final = 5_500_000
"""SendGrid takes 30,000 contacts or 6 MB; whether its megabyte is 2**20 and what it counts is not documented."""


@dataclass(frozen=True, slots=True)
class Row:
    """A row to send.

    Attributes:
        key: whose.
        email: the address in it.
        text: as ASCII JSON.
        memberships: the same with e-mail and memberships alone, made only when needed.
    """

    key: ContactKey
    email: str
    text: str
    memberships: Callable[[], str]


class Form(Enum):
    """How much of a row is sent."""

    WHOLE = auto()
    MEMBERSHIPS = auto()
    BARE = auto()


class Work:
    """The rows that are still to be sent, and how many of them one request may hold.

    A request whose answer is lost again and again may hold a row that SendGrid cannot work off, or more rows than it
    can in the time. Nobody can tell that from an outage, so it costs an outage nothing: no request is made that was not
    made anyway, only with fewer and fewer rows. What was lost waits until all else was tried; each answer lets the next
    request hold twice as many.
    """

    def __init__(self, rows: Sequence[Row], lists: Sequence[str], jitter: Callable[[], float]) -> None:
        """Cut rows into requests.

        Args:
            rows: at most one for a contact.
            lists: that all of them are put on.
            jitter: a number from 0 to 1, anew each time.
        """
        self._jitter = jitter
        self._pieces = deque((batch, Form.WHOLE) for batch in batches(rows, lists))
        self._most_rows = MAX_ROWS
        self._lost = 0

    def __len__(self) -> int:
        """Return in how many pieces the rows lie."""
        return len(self._pieces)

    def next_bytes(self) -> int:
        """Return how long the rows of the next request are, about."""
        batch, _ = self._pieces[0]
        return sum(len(row.text) for row in batch[: self._most_rows])

    def take(self) -> tuple[Sequence[Row], Form]:
        """Take what the next request is to hold; it is the caller's to bring it back."""
        batch, form = self._pieces.popleft()
        if len(batch) > self._most_rows:
            self._pieces.appendleft((batch[self._most_rows :], form))
            batch = batch[: self._most_rows]
        return batch, form

    def next(self, *pieces: tuple[Sequence[Row], Form]) -> None:
        """Bring rows back, to be sent before all others, in this order."""
        self._pieces.extendleft(reversed(pieces))

    def answered(self) -> None:
        """Know that SendGrid has decided a request."""
        self._lost = 0
        self._most_rows = min(self._most_rows * 2, MAX_ROWS)

    def lost(self, batch: Sequence[Row]) -> None:
        """Bring rows back whose answer was lost, to be sent after all others, and whole.

        After the second loss in a row a request holds half as many, after the third a quarter of those, and so on. They
        are shuffled: the time may suffice for few requests, and the next invocation must not try the same rows first.
        """
        self._lost += 1
        if self._lost > 1:
            self._most_rows = max(len(batch) >> (self._lost - 1), 1)
            batch = sorted(batch, key=lambda _: self._jitter())
        self._pieces.append((batch, Form.WHOLE))


def batches(rows: Sequence[Row], lists: Sequence[str]) -> Iterator[Sequence[Row]]:
    """Cut rows into requests of at most 30,000 rows and 5.5 MB, in their order; a longer row goes alone."""
    # Each row is counted with a comma, and the last has none.
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


def request_body(rows: Sequence[Row], form: Form, lists: Sequence[str]) -> bytes:
    """Write the body of a request; a bare one puts nobody on a list, so that only the address is in question."""
    match form:
        case Form.WHOLE:
            return upsert_body([row.text for row in rows], lists)
        case Form.MEMBERSHIPS:
            return upsert_body([row.memberships() for row in rows], lists)
        case Form.BARE:
            return upsert_body([json.dumps({"email": row.email}) for row in rows], ())
        case _ as never:
            assert_never(never)


def upsert_body(rows: Sequence[str], lists: Sequence[str]) -> bytes:
    """Write a request's body: rows that are JSON already, and the lists that all of them are put on."""
    head = json.dumps({"list_ids": list(lists)})[:-1] + "," if lists else "{"
    return f'{head}"contacts":[{",".join(rows)}]}}'.encode()
