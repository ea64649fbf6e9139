"""A clock for tests."""

from collections.abc import Callable

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


class InvocationClock(ManualClock):
    """A clock that stands still, and the invocation's seconds left.

    A sleep takes its duration off them, a look at them one second.
    """

    def __init__(self, left_s: float = 840.0, now_s: float = START_S) -> None:
        super().__init__(now_s, lambda: 1.0)
        self.left = left_s

    def left_s(self) -> float:
        self.left -= 1
        return self.left

    def sleep(self, seconds: float) -> None:
        self.sleeps.append(seconds)
        self.left -= seconds
