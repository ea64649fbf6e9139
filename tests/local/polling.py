"""Waiting for something that another process does, without sleeping and hoping."""

import time
from collections.abc import Callable


def poll[T](check: Callable[[], T | None], what: str, timeout_s: float = 20.0, interval_s: float = 0.02) -> T:
    """Call `check` until it answers with something true, and return that.

    Args:
        check: Called at once and then every `interval_s`; an exception it raises is passed on.
        what: The awaited thing in words, for the error.
        timeout_s: When to give up, by the monotonic clock.
        interval_s: Pause between two calls.

    Raises:
        TimeoutError: `check` had no true answer within `timeout_s`; the last one is in the message.
    """
    end = time.monotonic() + timeout_s
    while True:
        answer = check()
        if answer:
            return answer
        if time.monotonic() >= end:
            raise TimeoutError(f"{what}: not within {timeout_s:g} s (last answer: {answer!r})")
        time.sleep(interval_s)
