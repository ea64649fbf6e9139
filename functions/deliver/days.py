"""Add what an invocation did for each export to the export's count of the day."""

from collections.abc import Mapping
from typing import Protocol

from lytics_sendgrid.domain.clock import Clock
from lytics_sendgrid.domain.nights import night_at
from lytics_sendgrid.errors import LyticsSendGridError


class DaysTable(Protocol):
    """Where the counts are kept."""

    def add_counts(self, export: str, day: str, counts: Mapping[str, int], now_s: int) -> None: ...  # noqa: D102


class Days:
    """Writes the counts: one write an invocation for each export that it finished contacts of."""

    def __init__(self, table: DaysTable, clock: Clock) -> None:
        self._table = table
        self._clock = clock

    def note(self, by_export: Mapping[str, Mapping[str, int]]) -> list[str]:
        """Add the counts of one invocation.

        Args:
            by_export: export to the number of contacts by outcome.

        Returns:
            What went wrong, for the log. A failure concerns only the charts: the changes are delivered.
        """
        faults = []
        now_s = int(self._clock.now())
        day = night_at(now_s).isoformat()
        for export, counts in by_export.items():
            if any(counts.values()):
                try:
                    self._table.add_counts(export, day, counts, now_s)
                except LyticsSendGridError as error:
                    faults.append(str(error))
        return faults
