"""When work must end, and how much time is left until then."""

from dataclasses import dataclass
from typing import Self

from lytics_sendgrid.domain.clock import Clock


@dataclass(frozen=True, slots=True)
class Deadline:
    """When work must end.

    Attributes:
        clock: measures the time.
        ends_s: when the work must end, Unix seconds.
    """

    clock: Clock
    ends_s: float

    @classmethod
    def after(cls, clock: Clock, duration_s: float) -> Self:
        """Return the deadline of work that begins now."""
        return cls(clock, clock.now() + duration_s)

    @classmethod
    def of_invocation(cls, clock: Clock, remaining_ms: int, margin_s: float) -> Self:
        """Return when a Lambda invocation must begin nothing more.

        Args:
            clock: ours.
            remaining_ms: until Lambda ends the invocation, as its context says.
            margin_s: for what was begun before, and for the end. At most a third of the remaining time.
        """
        remaining_s = remaining_ms / 1000
        return cls.after(clock, remaining_s - min(margin_s, remaining_s / 3))

    def left_s(self) -> float:
        """Return the time left, in seconds; below 0 after the deadline."""
        return self.ends_s - self.clock.now()

    def has_passed(self) -> bool:
        """Return whether no time is left."""
        return self.left_s() <= 0
