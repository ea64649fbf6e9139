"""How long to wait before the next attempt, or the next look."""

from typing import Final

_MAX_DOUBLINGS: Final = 64
"""More would overflow a float. Every maximum is reached long before."""
_SHARE_OF_TIME: Final = 8


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


def share_of_time_s(passed_s: int, min_s: int, max_s: int) -> int:
    """Return how long to wait before the next look at work that no attempt of ours makes faster, in seconds.

    It is an eighth of the time so far, so the end is noticed at most an eighth later than it came.

    Args:
        passed_s: since the work began.
        min_s: the shortest wait.
        max_s: the longest wait.
    """
    return max(min_s, min(max_s, passed_s // _SHARE_OF_TIME))
