"""The clock of the machine."""

import random
import time


class SystemClock:
    """Wall time, sleeping and chance of the machine: the ``Clock`` that every handler builds."""

    def now(self) -> float:
        """Return the time, Unix seconds."""
        return time.time()

    def sleep(self, seconds: float) -> None:
        """Wait."""
        time.sleep(seconds)

    def random(self) -> float:
        """Return a new random number, at least 0 and less than 1."""
        return random.random()  # noqa: S311 - jitter, not a secret
