"""When the nightly resync begins next."""

from datetime import UTC, datetime

import pytest

from functions.console.schedule import NEVER, next_resync

NOON = datetime(2026, 11, 26, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("schedule", "expected"),
    [
        ("cron(10 3 * * ? *)", datetime(2026, 11, 27, 3, 10, tzinfo=UTC)),
        ("cron(10 13 ? * * *)", datetime(2026, 11, 26, 13, 10, tzinfo=UTC)),
        ("cron(0 12 * * ? *)", datetime(2026, 11, 27, 12, tzinfo=UTC)),
    ],
)
def test_next_resync_of_a_daily_schedule_is_known(schedule: str, expected: datetime) -> None:
    assert next_resync(schedule, NOON.timestamp()) == expected.timestamp()


@pytest.mark.parametrize(
    "schedule",
    [
        NEVER,
        "rate(1 day)",
        "cron(10 3 ? * MON *)",
        "cron(10 3 1 * ? *)",
        "cron(60 3 * * ? *)",
        "cron(0 24 * * ? *)",
    ],
)
def test_next_resync_of_another_schedule_is_not_known(schedule: str) -> None:
    assert next_resync(schedule, NOON.timestamp()) is None
