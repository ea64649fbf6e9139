"""The state that all parts of the twin share: options, clock, random generator and scheduled work.

Nothing runs in the background. Each request first does the work that is due by then. The twin thus looks
asynchronous from outside without a thread inside.
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
"""Scheduled work. Its argument is the time (epoch seconds) at which it counts as done."""


class Situation:
    """The shared state. Not thread-safe: the twin holds its lock around every call."""

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
        """Schedule an action. Actions due at the same time run in the order of scheduling."""
        heapq.heappush(self._agenda, (due, next(self._order), action))

    def catch_up(self) -> None:
        """Run the actions that are due."""
        while self._agenda and self._agenda[0][0] <= self.now():
            due, _, action = heapq.heappop(self._agenda)
            action(due)

    def settle(self) -> None:
        """Run every scheduled action, due or not, in the order of due times."""
        while self._agenda:
            due, _, action = heapq.heappop(self._agenda)
            action(min(due, self.now()))

    def under_way(self) -> int:
        """Return the number of scheduled actions."""
        return len(self._agenda)


def iso(epoch_s: float) -> str:
    """Format a time as SendGrid does: `2026-07-15T16:07:03Z`."""
    return _iso_second(int(epoch_s))


@lru_cache(maxsize=4_096)
def _iso_second(epoch_s: int) -> str:
    # Cached: the contacts of one job share their times, and a dump formats two per contact of 100,000.
    return datetime.fromtimestamp(epoch_s, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
