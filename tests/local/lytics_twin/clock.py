"""The twin's clocks: events carry wall time, waits count Lytics seconds.

Lytics waits for minutes (a job sleeps after ten failures) and hours (a job fails). These waits count Lytics
seconds. They pass faster than real seconds with a `ScaledClock`, and only on `advance` with a `ManualClock`.
"""

import threading
import time
from typing import Protocol


class Clock(Protocol):
    """The clock that the twin needs."""

    def wall_ns(self) -> int:
        """Return the wall time in nanoseconds since 1970."""

    def elapsed_s(self) -> float:
        """Return monotonic Lytics seconds since a fixed moment."""

    def wait(self, condition: threading.Condition, seconds: float) -> None:
        """Wait on a held condition for at most `seconds` Lytics seconds; may return early."""


class ScaledClock:
    """Real time. Each Lytics second of a wait takes `scale` real seconds."""

    def __init__(self, scale: float = 1.0) -> None:
        if scale <= 0:
            raise ValueError("the scale of a clock must be greater than zero")
        self._scale = scale

    def wall_ns(self) -> int:
        return time.time_ns()

    def elapsed_s(self) -> float:
        return time.monotonic() / self._scale

    def wait(self, condition: threading.Condition, seconds: float) -> None:
        condition.wait(min(seconds * self._scale, threading.TIMEOUT_MAX))


class ManualClock:
    """A clock that only moves on `advance`."""

    # Waiting threads check the clock this often (real seconds), so `advance` does not need to wake them.
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
        """Move the clock forward by Lytics seconds."""
        self._elapsed_s += seconds
