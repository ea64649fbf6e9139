"""Rows on their way to SendGrid, and the requests that they are cut into."""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Final, assert_never

from lytics_sendgrid.contact import ContactKey

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

    WHOLE = "whole"
    MEMBERSHIPS = "memberships"
    BARE = "bare"


def batches(rows: Sequence[Row], lists: Sequence[str]) -> Iterator[Sequence[Row]]:
    """Cut rows into requests of at most 30,000 rows and 5.5 MB, in their order; a longer row goes alone."""
    room = MAX_BYTES - len(upsert_body((), lists))
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
