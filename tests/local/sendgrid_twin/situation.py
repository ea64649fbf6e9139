"""What all parts of the twin share: its settings, its clock, its dice and what is due later.

Nothing runs in the background. Work that is due is done when the next request comes in, before that request, so
that the twin looks asynchronous from outside and needs no sleeping thread inside.
"""

import heapq
from collections.abc import Callable
from datetime import UTC, datetime
from functools import lru_cache
from itertools import count
from random import Random
from uuid import UUID

from tests.local.sendgrid_twin.options import Options

type Action = Callable[[float], None]
"""Work that is done later; it is given the time (epoch, seconds) at which it counts as done."""


class Situation:
    """The shared part. Not safe for threads: the twin holds its lock."""

    def __init__(self, options: Options, clock: Callable[[], float], seed: int) -> None:
        self.options = options
        self.url = ""
        self.random = Random(seed)
        self._clock = clock
        self._order = count()
        self._agenda: list[tuple[float, int, Action]] = []

    def now(self) -> float:
        """Return the time, as epoch seconds."""
        return self._clock()

    def new_id(self) -> str:
        """Return a new UUID."""
        return str(UUID(int=self.random.getrandbits(128), version=4))

    def later(self, due: float, action: Action) -> None:
        """Have an action done at a time; actions of the same time in the order in which they were given."""
        heapq.heappush(self._agenda, (due, next(self._order), action))

    def catch_up(self) -> None:
        """Do what is due."""
        while self._agenda and self._agenda[0][0] <= self.now():
            due, _, action = heapq.heappop(self._agenda)
            action(due)

    def settle(self) -> None:
        """Do everything that is under way, due or not, in the order in which it would be due."""
        while self._agenda:
            due, _, action = heapq.heappop(self._agenda)
            action(min(due, self.now()))

    def under_way(self) -> int:
        """Return how many actions wait."""
        return len(self._agenda)


def iso(epoch_s: float) -> str:
    """Write a time as SendGrid does: `2026-07-15T16:07:03Z`."""
    return _iso_second(int(epoch_s))


@lru_cache(maxsize=4_096)
def _iso_second(epoch_s: int) -> str:
    # Cached because the contacts of one job share their times, and a dump writes two for each of 100,000 people.
    return datetime.fromtimestamp(epoch_s, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
