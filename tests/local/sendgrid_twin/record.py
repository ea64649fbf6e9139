"""Count every request and keep the latest exchanges for tests."""

from collections import Counter, deque
from collections.abc import Callable

from tests.local.sendgrid_twin.exchange import Exchange

type Recorder = Callable[[Exchange], None]


class Record:
    """Counts and latest exchanges. Not thread-safe: the twin holds its lock around every call."""

    def __init__(self, keep_bytes: int, recorder: Recorder | None) -> None:
        self._keep_bytes = keep_bytes
        self._kept_bytes = 0
        self._kept: deque[Exchange] = deque()
        self._recorder = recorder
        self.requests: Counter[str] = Counter()
        self.answers: Counter[str] = Counter()

    def add(self, exchange: Exchange) -> None:
        """Count and keep an exchange. Drops the oldest ones beyond `keep_bytes`."""
        self.requests[exchange.endpoint] += 1
        self.answers[f"{exchange.endpoint} {exchange.status or 'closed'}"] += 1
        self._kept.append(exchange)
        self._kept_bytes += _size(exchange)
        while self._kept_bytes > self._keep_bytes and len(self._kept) > 1:
            self._kept_bytes -= _size(self._kept.popleft())
        if self._recorder is not None:
            self._recorder(exchange)

    def exchanges(self) -> list[Exchange]:
        """Return the kept exchanges, oldest first."""
        return list(self._kept)

    def forget(self) -> None:
        """Reset the counts and drop the exchanges."""
        self._kept.clear()
        self._kept_bytes = 0
        self.requests.clear()
        self.answers.clear()


def _size(exchange: Exchange) -> int:
    return 500 + len(exchange.request_body) + len(exchange.answer_body)
