"""People enter, exit and change all the while, as they do."""

import threading
from collections import Counter
from types import TracebackType
from typing import Final, Self

from tests.local.lytics_twin.twin import LyticsTwin

_EVERY_S: Final = 0.5


class Happenings:
    """Makes events until it is left.

    Attributes:
        counts: how many there were of each kind.
    """

    def __init__(self, lytics: LyticsTwin, events_a_second: int, seed: int) -> None:
        self.counts: Counter[str] = Counter()
        self._lytics = lytics
        self._at_once = max(1, round(events_a_second * _EVERY_S))
        self._seed = seed
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._work, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join()

    def _work(self) -> None:
        seed = self._seed
        while not self._over.wait(_EVERY_S):
            seed += 1
            self.counts.update(self._lytics.make_events(self._at_once, seed=seed))
