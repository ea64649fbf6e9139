"""The rejected people of an export: counted by reason, and listed for operators."""

from collections import Counter
from dataclasses import dataclass
from typing import Final, Protocol

from lytics_sendgrid.domain.clock import Clock
from lytics_sendgrid.domain.configuration import Export
from lytics_sendgrid.domain.contact import Rejection
from lytics_sendgrid.tables.rejected import RejectedPage

MAX_SECONDS: Final = 15.0
"""The gateway waits for 29 seconds. A cold start and the answer take some of them."""
MAX_COUNTED: Final = 20_000
"""Read at most this many people for the counts by reason."""


class Index(Protocol):
    """The index of rejected contacts."""

    def page(self, account: str, beginning: str = ..., start: str | None = ...) -> RejectedPage: ...  # noqa: D102


@dataclass(frozen=True, slots=True)
class RejectedPerson:
    """A rejected person: the address and why SendGrid refuses."""

    email: str
    rejection: Rejection


@dataclass(frozen=True, slots=True)
class Reasons:
    """How many people SendGrid refuses.

    Attributes:
        counts: by reason, the most frequent first.
        whole: everybody was counted. Otherwise there are more.
    """

    counts: tuple[tuple[str, int], ...]
    whole: bool

    @property
    def total(self) -> int:
        """How many were counted."""
        return sum(number for _, number in self.counts)


class Rejected:
    """Reads rejected people for a request, which must not wait for long."""

    def __init__(self, index: Index, clock: Clock) -> None:
        self._index = index
        self._clock = clock

    def reasons(self, export: Export) -> Reasons:
        """Count an export's rejected people by reason, up to a limit.

        Raises:
            RetryLater: DynamoDB did not answer.
        """
        people, whole = self.people(export, "", MAX_COUNTED)
        return Reasons(tuple(Counter(person.rejection.reason for person in people).most_common()), whole)

    def people(self, export: Export, beginning: str, limit: int) -> tuple[list[RejectedPerson], bool]:
        """Return rejected people of an export, by address.

        Args:
            export: whose audiences they are or were in, or in none that is known.
            beginning: how their addresses begin; empty: all.
            limit: how many at most.

        Returns:
            The people, and whether these are all.

        Raises:
            RetryLater: DynamoDB did not answer.
        """
        until_s = self._clock.now() + MAX_SECONDS
        found: list[RejectedPerson] = []
        start: str | None = None
        while True:
            page = self._index.page(export.account, beginning, start)
            for contact in page.contacts:
                rejection = contact.contact.rejection
                if rejection is not None and contact.belongs_to(export):
                    if len(found) == limit:
                        return found, False
                    found.append(RejectedPerson(contact.email, rejection))
            start = page.next_start
            if start is None or self._clock.now() > until_s:
                return found, start is None
