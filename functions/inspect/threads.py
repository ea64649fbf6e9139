"""Questions that are asked at the same time, each in a thread, and for how long they are waited for."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from typing import Any


class Threads:
    """Asks both vendors at once.

    A thread that has not answered in time goes on, and its answer is dropped.
    """

    def __init__(self, wait_s: float | None) -> None:
        """Begin to wait.

        Args:
            wait_s: for how long, for all questions together; None: until all are answered.
        """
        self._ends_s = None if wait_s is None else time.monotonic() + wait_s

    def answers(self, *questions: Callable[[], Any]) -> list[Any]:
        """Return the answer to each question, or None: it has not come in time. Raises as the questions."""
        pool = ThreadPoolExecutor(len(questions), thread_name_prefix="inspect")
        asked = [pool.submit(question) for question in questions]
        left_s = None if self._ends_s is None else max(0.0, self._ends_s - time.monotonic())
        wait(asked, timeout=left_s)
        pool.shutdown(wait=False, cancel_futures=True)
        return [future.result() if future.done() else None for future in asked]
