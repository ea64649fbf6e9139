"""Wait for a condition that another process or thread makes true."""

import time
from collections.abc import Callable


def poll[T](check: Callable[[], T | None], what: str, timeout_s: float = 20.0, interval_s: float = 0.02) -> T:
    """Call `check` until it returns a true value, and return this value.

    Args:
        check: Called at once and then every `interval_s`. Its exceptions propagate.
        what: A description of the condition, for the error message.
        timeout_s: The maximum wait.
        interval_s: The pause between calls.

    Raises:
        TimeoutError: `check` returned no true value within `timeout_s`. Contains its last value.
    """
    end = time.monotonic() + timeout_s
    while True:
        answer = check()
        if answer:
            return answer
        if time.monotonic() >= end:
            raise TimeoutError(f"{what}: not within {timeout_s:g} s (last answer: {answer!r})")
        time.sleep(interval_s)
