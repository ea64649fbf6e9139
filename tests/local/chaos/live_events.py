"""Make live events in the background."""

import threading
from collections import Counter
from types import TracebackType
from typing import Final, Self

from tests.local.lytics_twin.twin import LyticsTwin

_INTERVAL_S: Final = 0.5


class LiveEvents:
    """Makes events until its context ends.

    Attributes:
        counts: The number of events by kind.
    """

    def __init__(self, lytics: LyticsTwin, events_a_second: int, seed: int) -> None:
        self.counts: Counter[str] = Counter()
        self._lytics = lytics
        self._per_interval = max(1, round(events_a_second * _INTERVAL_S))
        self._seed = seed
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._work, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join()

    def _work(self) -> None:
        seed = self._seed
        while not self._stop.wait(_INTERVAL_S):
            seed += 1
            self.counts.update(self._lytics.make_events(self._per_interval, seed=seed))
