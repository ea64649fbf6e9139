"""Keep people until they are decided, within what one item of the exports table holds."""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, Final, Self

MAX_PEOPLE: Final = 1_000
"""A run looks up as many people."""
MAX_BYTES: Final = 75_000
"""Three of these and the rest of a sweep's state fit one item of 400 KB."""
_EVENT_BYTES: Final = 26
"""A time in nanoseconds, with its sign, quotes, colon and comma."""


class Kept:
    """Up to 1,000 people, by audience, each with the time of the last event.

    Where there are more, the audience with the most people is dropped as a whole: those of the others can
    then still be decided one by one.

    Attributes:
        people: audience id to the addresses and times.
        dropped: the audiences of which not everybody is kept.
    """

    def __init__(
        self, people: Mapping[str, Mapping[str, int]] | None = None, dropped: Iterable[str] = ()
    ) -> None:
        self.people: dict[str, dict[str, int]] = {}
        self.dropped = set(dropped)
        self._audiences_of: Counter[str] = Counter()
        self._bytes = 0
        for audience, events in (people or {}).items():
            for email, event_ns in events.items():
                self.add(audience, email, event_ns)

    @property
    def emails(self) -> list[str]:
        """Everybody once, in order."""
        return sorted(self._audiences_of)

    def of(self, audience: str) -> Mapping[str, int]:
        """Return the people of an audience."""
        return self.people.get(audience, {})

    def audiences_of(self, email: str) -> list[str]:
        """Return the audiences that a person is kept for."""
        return [audience for audience, events in self.people.items() if email in events]

    def add(self, audience: str, email: str, event_ns: int) -> None:
        """Keep a person, unless the audience was dropped."""
        if audience in self.dropped:
            return
        events = self.people.setdefault(audience, {})
        if email not in events:
            self._audiences_of[email] += 1
            self._bytes += _size(email)
        events[email] = event_ns
        while len(self._audiences_of) > MAX_PEOPLE or self._bytes > MAX_BYTES:
            self.drop(max(self.people, key=lambda name: (len(self.people[name]), name)))

    def drop(self, audience: str) -> None:
        """Forget an audience's people."""
        self.dropped.add(audience)
        for email in self.people.pop(audience, {}):
            self._bytes -= _size(email)
            self._audiences_of[email] -= 1
            if not self._audiences_of[email]:
                del self._audiences_of[email]

    def document(self) -> dict[str, Any]:
        """Return everything as JSON values."""
        return {"people": self.people, "dropped": sorted(self.dropped)}

    @classmethod
    def read(cls, document: Mapping[str, Any]) -> Self:
        """Read what ``document`` returned."""
        return cls(document["people"], document["dropped"])


def _size(email: str) -> int:
    return len(email.encode()) + _EVENT_BYTES
