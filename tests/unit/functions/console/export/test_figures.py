"""What an export's page shows by day, and its history."""

from typing import Any

import pytest

from functions.console.export import figures
from lytics_sendgrid.workflow.run_record import RunRecord

NOW_S = 1_795_737_599  # 2026-11-26T23:59:59Z


def record(run: str, finished_at: str | None = "2026-11-26T03:00:00Z", **more: Any) -> RunRecord:
    audiences = [{"id": "a", "lytics": 10, "sendgrid": 8}, {"id": "b", "lytics": 5, "sendgrid": 5}]
    base = {
        "run": run,
        "started_at": "2026-11-26T02:00:00Z",
        "action": "resync",
        "backfill": True,
        "live": True,
        "audiences": audiences,
        "finished_at": finished_at,
    }
    return RunRecord.read(base | more)


def test_last_report_of_each_day_counts() -> None:
    rows = figures.day_rows(
        [
            record("late", "2026-11-26T20:00:00Z", rejected=3),
            record("early", "2026-11-26T03:00:00Z", rejected=9),
            record("before", "2026-11-25T03:00:00Z"),
            record("old", "2026-10-27T03:00:00Z"),
            record("under way", None),
            record("stop", action="stop"),
            record("no scan", "2026-11-24T03:00:00Z", backfill=False),
        ],
        NOW_S,
    )
    assert rows == [
        figures.DayRow("2026-11-25", 15, 13, 0),
        figures.DayRow("2026-11-26", 15, 13, 3),
    ]


def test_number_of_a_day_is_unknown_if_one_audience_is() -> None:
    audiences = [{"id": "a", "lytics": 10, "sendgrid": None}, {"id": "b", "lytics": 5, "sendgrid": 5}]
    (row,) = figures.day_rows([record("r", audiences=audiences)], NOW_S)
    assert (row.lytics, row.sendgrid) == (15, None)


def test_charts_need_two_days() -> None:
    one = [figures.DayRow("2026-11-20", 15, 13, 1)]
    assert (figures.members_chart(one), figures.rejected_chart(one)) == (None, None)
    two = [*one, figures.DayRow("2026-11-23", 16, None, 0)]
    members, rejected = figures.members_chart(two), figures.rejected_chart(two)
    assert members is not None
    assert members.labels == ("Lytics", "SendGrid")
    assert (members.first, members.last) == ("2026-11-20", "2026-11-23")
    assert rejected is not None
    assert figures.rejected_chart([figures.DayRow(row.day, 1, 1, 0) for row in two]) is None


def test_changes_of_30_days_are_drawn() -> None:
    counts = {
        "2026-11-26": {"accepted": 4, "unchanged": 2, "rejected": -1},
        "2026-11-25": {"accepted": 1, "unchanged": 0, "rejected": 1},
    }
    rows = figures.changes_rows(counts)
    assert rows == [figures.ChangesRow("2026-11-25", 1, 0, 1), figures.ChangesRow("2026-11-26", 4, 2, 0)]
    chart = figures.changes_chart(rows, NOW_S)
    assert chart is not None
    assert (chart.first, chart.last, len(chart.bars)) == ("2026-10-28", "2026-11-26", 3)
    assert figures.changes_chart([], NOW_S) is None
    assert figures.change_days(NOW_S) == ("2026-10-28", "2026-11-26")


@pytest.mark.parametrize(
    ("more", "status", "result", "mark"),
    [
        ({}, None, "done", "good"),
        ({"trouble": True}, None, "done, but not for every audience", "bad"),
        ({"live": False}, None, "done, but not live", "bad"),
        ({"live": False, "action": "stop"}, None, "done", "good"),
        ({"finished_at": None}, "RUNNING", "running", "now"),
        ({"finished_at": None}, "ABORTED", "cancelled", "neutral"),
        ({"finished_at": None}, "FAILED", "failed", "bad"),
        ({"finished_at": None}, "TIMED_OUT", "ended: it took too long", "bad"),
        ({"finished_at": None}, None, "ended without a report", "bad"),
    ],
)
def test_end_of_a_run_in_words(more: dict[str, Any], status: str | None, result: str, mark: str) -> None:
    row = figures.run_row(record("r", **more), status, None)
    assert (row.result, row.mark) == (result, mark)


def test_numbers_of_a_run_are_shown_once_it_has_ended() -> None:
    row = figures.run_row(record("r", added=3, removed=2, rejected=1), None, "olga@example.com")
    assert (row.took_s, row.added, row.removed, row.rejected) == (3_600, 3, 2, 1)
    assert (row.what, row.who) == ("Resync", "olga@example.com")
    under_way = figures.run_row(record("r", None, scheduled=True), "RUNNING", None)
    assert (under_way.took_s, under_way.added, under_way.who) == (None, None, "the nightly schedule")


def test_what_a_run_did_in_the_words_of_the_page() -> None:
    def what(**more: Any) -> str:
        return figures.run_row(record("r", **more), None, None).what

    assert what(action="start") == "Copy everybody now"
    assert what(action="start", backfill=False) == "Change without a copy"
    assert what(action="stop", backfill=False) == "Stop"
    assert figures.run_row(record("r"), None, None).who == "somebody outside the console"


def test_shortest_run_took_a_second() -> None:
    assert figures.run_row(record("r", "2026-11-26T02:00:00Z"), None, None).took_s == 1
