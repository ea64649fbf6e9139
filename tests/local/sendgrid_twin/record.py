"""Counts every request, and keeps the latest exchanges so that a test can check them."""

from collections import Counter, deque
from collections.abc import Callable

from tests.local.sendgrid_twin.exchange import Exchange

type Recorder = Callable[[Exchange], None]


class Record:
    """What has been asked and answered. Safe for threads as far as the twin's lock is held."""

    def __init__(self, keep_bytes: int, recorder: Recorder | None) -> None:
        self._keep_bytes = keep_bytes
        self._kept_bytes = 0
        self._kept: deque[Exchange] = deque()
        self._recorder = recorder
        self.requests: Counter[str] = Counter()
        self.answers: Counter[str] = Counter()

    def add(self, exchange: Exchange) -> None:
        """Count and keep an exchange; the oldest go when there are too many bytes."""
        self.requests[exchange.endpoint] += 1
        self.answers[f"{exchange.endpoint} {exchange.status or 'closed'}"] += 1
        self._kept.append(exchange)
        self._kept_bytes += _size(exchange)
        while self._kept_bytes > self._keep_bytes and len(self._kept) > 1:
            self._kept_bytes -= _size(self._kept.popleft())
        if self._recorder is not None:
            self._recorder(exchange)

    def exchanges(self) -> list[Exchange]:
        """Return what is kept, oldest first."""
        return list(self._kept)

    def forget(self) -> None:
        """Start again from nothing."""
        self._kept.clear()
        self._kept_bytes = 0
        self.requests.clear()
        self.answers.clear()


def _size(exchange: Exchange) -> int:
    return 500 + len(exchange.request_body) + len(exchange.answer_body)
