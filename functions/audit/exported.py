"""The contacts of an export, small enough to keep a million: hashes of addresses and of cells."""

from array import array
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from functions.audit.columns import Column, cells
from lytics_sendgrid.domain.email_address import normalise
from lytics_sendgrid.domain.seen import seen_hash

MAX_CONTACTS: Final = 1_000_000
"""Contacts compared in one pass. They take about 250 MB with ten fields."""


class ExportedContacts:
    """What SendGrid holds, by address.

    An account with more contacts than fit is read in several passes, each for a part of the addresses.
    """

    def __init__(self, run: str, columns: Sequence[Column], part: int = 0, parts: int = 1) -> None:
        """Begin empty.

        Args:
            run: the key of the hashes.
            columns: what is compared.
            part: which part of the addresses, from 0.
            parts: how many parts there are.
        """
        self._run = run
        self._columns = columns
        self._part = part
        self._parts = parts
        self._places: dict[int, int] = {}
        self._digests = array("I")
        self.rows = 0

    def is_mine(self, email: str) -> bool:
        """Return whether an address is of this part."""
        return seen_hash(self._run, email) % self._parts == self._part

    def add_all(self, rows: Iterable[Mapping[str, str]]) -> None:
        """Add rows of a file. A contact is found by its address and by its alternate ones."""
        for row in rows:
            self.rows += 1
            hashes = [seen_hash(self._run, email) for email in _addresses(row)]
            mine = [h for h in hashes if h % self._parts == self._part and h not in self._places]
            if mine:
                place = len(self._digests) // len(self._columns)
                self._digests.extend(cells(row, self._columns))
                self._places.update(dict.fromkeys(mine, place))

    def digests(self, email: str) -> Sequence[int] | None:
        """Return the digests of a contact's cells, one for each column; None if SendGrid has no contact."""
        place = self._places.get(seen_hash(self._run, email))
        if place is None:
            return None
        return self._digests[place * len(self._columns) : (place + 1) * len(self._columns)]


def _addresses(row: Mapping[str, str]) -> list[str]:
    texts = [row.get("email", ""), *row.get("alternate_emails", "").strip("[]").split(",")]
    return [email for text in texts if (email := normalise(text.strip(" \"'"))) is not None]
