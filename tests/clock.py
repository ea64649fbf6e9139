"""A clock for tests."""

from collections.abc import Callable

from lytics_sendgrid.domain.deadline import Deadline

START_S = 1_795_000_000.0


class ManualClock:
    """A ``Clock`` that only moves when code sleeps or a test moves it.

    Attributes:
        now_s: The time in Unix seconds.
        sleeps: The duration of each sleep, in order.
        chance: Returns the next value of ``random``.
    """

    def __init__(self, now_s: float = START_S, chance: Callable[[], float] = lambda: 0.0) -> None:
        self.now_s = now_s
        self.sleeps: list[float] = []
        self.chance = chance

    def now(self) -> float:
        return self.now_s

    def sleep(self, seconds: float) -> None:
        self.sleeps.append(seconds)
        self.now_s += seconds

    def random(self) -> float:
        return self.chance()

    def move(self, seconds: float) -> None:
        self.now_s += seconds


class TickingClock(ManualClock):
    """A clock that is some seconds later each time it is read."""

    def __init__(
        self, step_s: float, now_s: float = START_S, chance: Callable[[], float] = lambda: 0.0
    ) -> None:
        super().__init__(now_s, chance)
        self._step_s = step_s

    def now(self) -> float:
        self.now_s += self._step_s
        return self.now_s


class _ScriptedClock(ManualClock):
    def __init__(self, has_passed: Callable[[], bool]) -> None:
        super().__init__(0.0)
        self._has_passed = has_passed

    def now(self) -> float:
        return 1.0 if self._has_passed() else -1.0


def scripted_deadline(has_passed: Callable[[], bool]) -> Deadline:
    """Return a deadline that has passed or not, as a function says at each look."""
    return Deadline(_ScriptedClock(has_passed), 0.0)
