"""Walk the ledger in segments that are read at the same time, over as many invocations as it takes."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final, Protocol

from lytics_sendgrid.domain.contact import Contact
from lytics_sendgrid.domain.deadline import Deadline
from lytics_sendgrid.domain.each import Each

SEGMENTS: Final = 8
"""A page of 1 MB each at a time, about 100 MB as Python objects."""


class Page(Protocol):
    """A page of the contacts table, see ``LedgerPage``."""

    @property
    def contacts(self) -> Sequence[tuple[str, Contact]]: ...  # noqa: D102
    @property
    def next_start(self) -> str | None: ...  # noqa: D102
    @property
    def read_units(self) -> float: ...  # noqa: D102


class Ledger(Protocol):
    """The contacts table, page by page."""

    def page(self, account: str, segment: int, segments: int, start: str | None = None) -> Page: ...  # noqa: D102


class Walks(Protocol):
    """Where checkpoints of walks are kept."""

    def walk(self, run: str, task: str) -> dict[str, Any] | None: ...  # noqa: D102
    def put_walk(  # noqa: D102
        self, run: str, task: str, document: Mapping[str, Any], now_s: int, *, finished: bool
    ) -> None: ...


type Position = dict[int, str | None]
"""Where each segment goes on; None: at its beginning. A segment that has been read is not in it."""


def first_position(segments: int = SEGMENTS) -> Position:
    """Return the position before the first page."""
    return dict.fromkeys(range(segments))


class Walk:
    """A walk through an account's contacts.

    Attributes:
        position: where it goes on; empty: it is done.
        read_units: what DynamoDB charged in this invocation.
    """

    def __init__(
        self, ledger: Ledger, each: Each, account: str, position: Position, segments: int = SEGMENTS
    ) -> None:
        self._ledger = ledger
        self._each = each
        self._account = account
        self._segments = segments
        self.position = position
        self.read_units = 0.0

    def run(self, visit: Callable[[str, Contact], None], deadline: Deadline) -> bool:
        """Visit contacts until all are visited, or the time is up.

        Args:
            visit: called with the address and state of each contact.
            deadline: no page is read after it, except the first of each segment: each walk must go on.

        Returns:
            All are visited.
        """
        while True:
            segments = list(self.position)
            pages = self._each(self._page, segments)
            self._take(segments, pages, visit)
            if not self.position or deadline.has_passed():
                return not self.position

    def _page(self, segment: int) -> Page:
        return self._ledger.page(self._account, segment, self._segments, self.position[segment])

    def _take(
        self, segments: Sequence[int], pages: Iterable[Page], visit: Callable[[str, Contact], None]
    ) -> None:
        for segment, page in zip(segments, pages, strict=True):
            for email, contact in page.contacts:
                visit(email, contact)
            self.read_units += page.read_units
            if page.next_start is None:
                del self.position[segment]
            else:
                self.position[segment] = page.next_start
