"""Time as the twin keeps it: events are stamped with wall time, waits run on Lytics seconds.

Lytics waits for minutes (a job that sleeps after ten failures) and hours (a job that fails). Those waits are
counted in Lytics seconds, which a `ScaledClock` lets pass faster than real ones and a `ManualClock` only when a
test says so.
"""

import threading
import time
from typing import Protocol


class Clock(Protocol):
    """What the twin needs of time."""

    def wall_ns(self) -> int:
        """Return the wall time in nanoseconds since 1970."""

    def elapsed_s(self) -> float:
        """Return Lytics seconds since some fixed moment; never goes back."""

    def wait(self, condition: threading.Condition, seconds: float) -> None:
        """Wait on a held condition for at most so many Lytics seconds; may return early."""


class ScaledClock:
    """Real time, whose waits take `scale` real seconds for each Lytics second."""

    def __init__(self, scale: float = 1.0) -> None:
        if scale <= 0:
            raise ValueError("the scale of a clock must be above zero")
        self._scale = scale

    def wall_ns(self) -> int:
        return time.time_ns()

    def elapsed_s(self) -> float:
        return time.monotonic() / self._scale

    def wait(self, condition: threading.Condition, seconds: float) -> None:
        condition.wait(min(seconds * self._scale, threading.TIMEOUT_MAX))


class ManualClock:
    """A clock that stands still until it is advanced."""

    # A waiting thread looks at the clock this often (real seconds), so `advance` needs to know no waiter.
    POLL_S = 0.005

    def __init__(self, start_ns: int = 1_790_000_000_000_000_000) -> None:
        self._start_ns = start_ns
        self._elapsed_s = 0.0

    def wall_ns(self) -> int:
        return self._start_ns + int(self._elapsed_s * 1e9)

    def elapsed_s(self) -> float:
        return self._elapsed_s

    def wait(self, condition: threading.Condition, seconds: float) -> None:
        condition.wait(self.POLL_S)

    def advance(self, seconds: float) -> None:
        """Let so many Lytics seconds pass at once."""
        self._elapsed_s += seconds
