"""What the page of an export shows by day, and its history of runs."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Final

from functions.console.export.chart import Chart, bar_chart, line_chart
from lytics_sendgrid.domain.nights import night_at
from lytics_sendgrid.workflow.run_record import RunRecord

DAYS: Final = 30
ACTIONS: Final = {"start": "Copy everybody now", "resync": "Resync", "stop": "Stop"}
_WITHOUT_COPY: Final = "Change without a copy"


@dataclass(frozen=True, slots=True)
class DayRow:
    """What a nightly report said of one day.

    Attributes:
        day: such as ``2026-11-26``.
        lytics: people in all audiences according to Lytics; a person counts once in each. None: unknown.
        sendgrid: contacts in all segments according to SendGrid; None: unknown.
        rejected: people that SendGrid refuses.
    """

    day: str
    lytics: int | None
    sendgrid: int | None
    rejected: int


@dataclass(frozen=True, slots=True)
class ChangesRow:
    """How many people changes were for on one day."""

    day: str
    accepted: int
    unchanged: int
    rejected: int


@dataclass(frozen=True, slots=True)
class RunRow:
    """A run in the history.

    Attributes:
        run: its name.
        what: what it did.
        who: who started it.
        started_at: ISO 8601.
        took_s: how many seconds it took; None: it has not ended, or nobody knows when.
        added: people who were put into a segment.
        removed: people who were taken out.
        rejected: people that SendGrid refuses.
        result: how it ended, in words.
        mark: ``good``, ``bad``, ``now`` or ``neutral``.
    """

    run: str
    what: str
    who: str
    started_at: str
    took_s: int | None
    added: int | None
    removed: int | None
    rejected: int | None
    result: str
    mark: str


def day_rows(records: Iterable[RunRecord], now_s: int) -> list[DayRow]:
    """Return what the last report of each day said, for the last 30 days, the oldest first.

    Args:
        records: the newest first.
        now_s: our clock, Unix seconds.
    """
    first = (night_at(now_s) - timedelta(days=DAYS - 1)).isoformat()
    rows: dict[str, DayRow] = {}
    for record in records:
        if record.finished_at is None or record.action == "stop" or not record.backfill:
            continue
        day = record.finished_at[:10]
        if day >= first and day not in rows:
            rows[day] = DayRow(
                day,
                _sum(audience.lytics for audience in record.audiences),
                _sum(audience.sendgrid for audience in record.audiences),
                record.rejected,
            )
    return [rows[day] for day in sorted(rows)]


def members_chart(rows: Sequence[DayRow]) -> Chart | None:
    """Return the chart of members; None: there are fewer than two days."""
    if len(rows) < 2:
        return None
    days = _days(rows[0].day, rows[-1].day)
    of = {row.day: row for row in rows}
    return line_chart(
        days,
        {
            "Lytics": [of[day].lytics if day in of else None for day in days],
            "SendGrid": [of[day].sendgrid if day in of else None for day in days],
        },
    )


def rejected_chart(rows: Sequence[DayRow]) -> Chart | None:
    """Return the chart of rejected people; None: there are fewer than two days, or nobody was rejected."""
    if len(rows) < 2 or not any(row.rejected for row in rows):
        return None
    days = _days(rows[0].day, rows[-1].day)
    of = {row.day: row.rejected for row in rows}
    return line_chart(days, {"Rejected": [of.get(day) for day in days]})


def changes_rows(counts: Mapping[str, Mapping[str, int]]) -> list[ChangesRow]:
    """Return the changes of each day that has any, the oldest first. A count is never below 0."""
    return [
        ChangesRow(day, *(max(0, of_day[name]) for name in ("accepted", "unchanged", "rejected")))
        for day, of_day in sorted(counts.items())
    ]


def changes_chart(rows: Sequence[ChangesRow], now_s: int) -> Chart | None:
    """Return the chart of changes of the last 30 days; None if there were no changes."""
    first, last = change_days(now_s)
    days, of = _days(first, last), {row.day: row for row in rows}
    return bar_chart(
        days,
        {
            "Accepted": [of[day].accepted if day in of else 0 for day in days],
            "Rejected": [of[day].rejected if day in of else 0 for day in days],
        },
    )


def change_days(now_s: int) -> tuple[str, str]:
    """Return the first and the last of the last 30 days."""
    today = night_at(now_s)
    return (today - timedelta(days=DAYS - 1)).isoformat(), today.isoformat()


def run_row(record: RunRecord, status: str | None, starter: str | None) -> RunRow:
    """Return a run's line in the history.

    Args:
        record: the run's.
        status: of its last execution, if it has no report; None: Step Functions does not know it any more.
        starter: who started it in the console; None: somebody else did.
    """
    ended = record.finished_at is not None
    result, mark = _result(record, status)
    return RunRow(
        run=record.run,
        what=ACTIONS[record.action] if record.backfill or record.action == "stop" else _WITHOUT_COPY,
        who="the nightly schedule" if record.scheduled else starter or "somebody outside the console",
        started_at=record.started_at,
        took_s=_seconds(record.started_at, record.finished_at) if record.finished_at else None,
        added=record.added if ended else None,
        removed=record.removed if ended else None,
        rejected=record.rejected if ended else None,
        result=result,
        mark=mark,
    )


def _result(record: RunRecord, status: str | None) -> tuple[str, str]:
    if record.finished_at is not None:
        if record.trouble:
            return "done, but not for every audience", "bad"
        if record.action != "stop" and not record.live:
            return "done, but not live", "bad"
        return "done", "good"
    return {
        "RUNNING": ("running", "now"),
        "ABORTED": ("cancelled", "neutral"),
        "TIMED_OUT": ("ended: it took too long", "bad"),
        "FAILED": ("failed", "bad"),
    }.get(status or "", ("ended without a report", "bad"))


def _sum(numbers: Iterable[int | None]) -> int | None:
    """Return the sum; None if one number is not known."""
    found = list(numbers)
    known = [number for number in found if number is not None]
    return sum(known) if len(known) == len(found) else None


def _days(first: str, last: str) -> list[str]:
    start, end = date.fromisoformat(first), date.fromisoformat(last)
    return [(start + timedelta(days=number)).isoformat() for number in range((end - start).days + 1)]


def _seconds(started_at: str, finished_at: str) -> int:
    start, end = (datetime.fromisoformat(text).astimezone(UTC) for text in (started_at, finished_at))
    return max(1, round((end - start).total_seconds()))
