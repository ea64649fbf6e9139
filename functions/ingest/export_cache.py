"""Configurations of exports, cached between deliveries. Strangers cannot force reads.

Anybody who finds the webhook's address can post to it. Before a delivery has shown its secret, it can cause
few reads: one a minute for a known export, ten a second for all unknown names together, one a second while
the table fails.
"""

import re
from typing import Final, Protocol

from lytics_sendgrid.domain.clock import Clock
from lytics_sendgrid.domain.configuration import Export
from lytics_sendgrid.errors import LyticsSendGridError

MAX_AGE_S: Final = 60.0
UNKNOWN_AGE_S: Final = 5.0
"""How long a name stays unknown: a new export is known within seconds."""
MAX_UNKNOWN_READS: Final = 10
"""Reads per second of uncached names: more than anybody has exports, too few to guess names with."""
FAILED_AGE_S: Final = 1.0
_NAME: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")


def is_export_name(text: str) -> bool:
    """Return whether a text can be the name of an export. No other text is looked up or logged."""
    return _NAME.fullmatch(text) is not None


class ExportSource(Protocol):
    """Where configurations are stored."""

    def export(self, name: str) -> Export | None: ...  # noqa: D102


class ExportCache:
    """Exports by name."""

    def __init__(self, source: ExportSource, clock: Clock) -> None:
        self._source = source
        self._clock = clock
        self._known: dict[str, tuple[float, Export]] = {}
        self._unknown: dict[str, float] = {}
        self._failed: tuple[float, LyticsSendGridError] | None = None
        self._window_began, self._reads_in_window = 0.0, 0

    def export(self, name: str) -> Export | None:
        """Return an export that was read in the last minute, or None if none was found in the last seconds.

        A time in the future counts as old: the wall clock may be set back.

        Raises:
            RetryLater: the table failed, now or within the last second.
            StopRun: the table refused the read, now or within the last second.
        """
        now = self._clock.now()
        known = self._known.get(name)
        if known is not None and 0 <= now - known[0] < MAX_AGE_S:
            return known[1]
        if known is None and not self._may_look_up(name, now):
            return None
        if self._failed is not None and 0 <= now - self._failed[0] < FAILED_AGE_S:
            raise self._failed[1].with_traceback(None)
        try:
            return self.export_now(name)
        except LyticsSendGridError as error:
            self._failed = (now, error)
            raise

    def export_now(self, name: str) -> Export | None:
        """Read an export, even if it is cached.

        Raises:
            RetryLater: the table failed.
            StopRun: the table refused the read.
        """
        export = self._source.export(name)
        now = self._clock.now()
        if export is None:
            self._known.pop(name, None)
            self._unknown[name] = now
        else:
            self._unknown.pop(name, None)
            self._known[name] = (now, export)
        return export

    def _may_look_up(self, name: str, now: float) -> bool:
        if not is_export_name(name):
            return False
        if 0 <= now - self._unknown.get(name, -UNKNOWN_AGE_S) < UNKNOWN_AGE_S:
            return False
        if not 0 <= now - self._window_began < 1.0:
            self._window_began, self._reads_in_window = now, 0
            # Forgetting old names bounds the memory. They may be looked up again by now.
            self._unknown = {
                n: since for n, since in self._unknown.items() if 0 <= now - since < UNKNOWN_AGE_S
            }
        self._reads_in_window += 1
        return self._reads_in_window <= MAX_UNKNOWN_READS
