"""Compute exponential back-off."""

from typing import Final

_MAX_DOUBLINGS: Final = 64
"""More would overflow a float. Every maximum is reached long before."""


def backoff_s(failures: int, first_s: float, max_s: float, chance: float = 1.0) -> float:
    """Return how long to wait before the next attempt, in seconds.

    The delay doubles with each failure in a row, from ``first_s`` up to ``max_s``. Jitter spreads it over
    the upper half of that, so processes that failed together do not retry together.

    Args:
        failures: attempts in a row that failed, at least 1.
        first_s: the longest delay after the first failure.
        max_s: the longest delay of all.
        chance: a random number from 0 to 1; 1 means no jitter.
    """
    ceiling_s = min(first_s * 2.0 ** min(failures - 1, _MAX_DOUBLINGS), max_s)
    return ceiling_s * (0.5 + chance / 2)
