"""How long to wait before a request is tried again."""

from typing import Final

_FIRST_S: Final = 1.0
_LONGEST_S: Final = 60.0


def wait_s(failures: int, asked_s: float | None, chance: float) -> float:
    """Return how long to wait after a number of failures in a row.

    Exponential with jitter, so that the scans of several audiences do not come back together; at least what the
    vendor asked for.

    Args:
        failures: how many tries in a row have failed, at least 1.
        asked_s: the vendor's ``Retry-After``, where it gave one.
        chance: a number from 0 to 1, anew each time.
    """
    ceiling_s = min(_LONGEST_S, _FIRST_S * 2.0 ** min(failures - 1, 10))
    return max(ceiling_s * (0.5 + chance / 2), asked_s or 0.0)
