"""Requests at the same time, each in a thread."""

from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import Any, Self

from lytics_sendgrid.lytics.documents import ScanPage


class Threads:
    """Requests that are open. Used as a context, it ends when none is."""

    def __init__(self, count: int) -> None:
        self._pool = ThreadPoolExecutor(count, thread_name_prefix="scan")
        self._open: dict[Future[ScanPage], int] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: Any) -> None:
        self._pool.shutdown(cancel_futures=True)

    def __len__(self) -> int:
        return len(self._open)

    def start(self, number: int, request: Callable[[], ScanPage]) -> None:
        """Make a request."""
        self._open[self._pool.submit(request)] = number

    def answered(self) -> tuple[int, ScanPage]:
        """Wait for the first answer, and return its request's number and the page. Raises as the request."""
        answered, _ = wait(self._open, return_when=FIRST_COMPLETED)
        future = answered.pop()
        return self._open.pop(future), future.result()
