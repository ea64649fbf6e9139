"""The clock that is passed to code that needs time or chance."""

from typing import Protocol


class Clock(Protocol):
    """Wall time, sleeping and chance.

    Wall time, because Lambda may freeze a process between two invocations, and a monotonic clock with it.
    """

    def now(self) -> float:
        """Return the time, Unix seconds."""

    def sleep(self, seconds: float) -> None:
        """Wait."""

    def random(self) -> float:
        """Return a random number, at least 0 and less than 1."""
