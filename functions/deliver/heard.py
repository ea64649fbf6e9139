"""Keep when each export's last event came, with few writes: the hourly watch needs it to the hour."""

from collections.abc import Mapping
from typing import Final, Protocol

from lytics_sendgrid.errors import LyticsSendGridError

HEARD_EVERY_MS: Final = 15 * 60 * 1000


class HeardTable(Protocol):
    """Where it is kept."""

    def put_heard(self, export: str, at_ms: int) -> None: ...  # noqa: D102


class Heard:
    """Writes an export's last event at most every 15 minutes. One instance serves a process' whole life."""

    def __init__(self, table: HeardTable) -> None:
        self._table = table
        self._kept: dict[str, int] = {}

    def note(self, newest_ms: Mapping[str, int]) -> list[str]:
        """Keep the newest events of some exports.

        Args:
            newest_ms: export to when its newest event was queued, milliseconds since 1970.

        Returns:
            What went wrong, for the log. A failure concerns only the watch: the changes are delivered.
        """
        faults = []
        for export, at_ms in newest_ms.items():
            if at_ms - self._kept.get(export, 0) >= HEARD_EVERY_MS:
                try:
                    self._table.put_heard(export, at_ms)
                except LyticsSendGridError as error:
                    faults.append(str(error))
                else:
                    self._kept[export] = at_ms
        return faults
