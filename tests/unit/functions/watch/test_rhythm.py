"""Whether a silence is far longer than the pauses of the last four weeks."""

import itertools
import json
from collections.abc import Callable

import pytest

from functions.watch.rhythm import DAY_S, LEARNING_S, Rhythm, looked, silence_text

HOUR_S = 3_600
BEGIN_S = 20_000 * DAY_S


def watched(last_event_s: Callable[[int], int], hours: int, before: Rhythm | None = None) -> Rhythm:
    """Look each hour; the argument returns the newest event for each time."""
    begin_s = BEGIN_S if before is None else before.looked_s + HOUR_S
    for now_s in itertools.islice(itertools.count(begin_s, HOUR_S), hours):
        before = looked(before, last_event_s(now_s), now_s)
    assert before is not None
    return before


def by_day(now_s: int) -> int:
    """Return the newest event of an export that has some every hour from 8 to 20."""
    day_s, hour = now_s - now_s % DAY_S, now_s % DAY_S // HOUR_S
    return day_s + min(hour, 20) * HOUR_S if hour >= 8 else day_s - 4 * HOUR_S


def weekly(now_s: int) -> int:
    return now_s - now_s % (7 * DAY_S)


def test_longer_pause_than_a_day_and_three_nights_is_a_silence() -> None:
    usual = watched(by_day, 24 * 20)
    assert usual.longest_pause_s == 12 * HOUR_S
    assert usual.limit_s() == 36 * HOUR_S
    last_s = usual.heard_s
    hours = (last_s + 36 * HOUR_S - usual.looked_s) // HOUR_S
    silent = watched(lambda _: last_s, hours, usual)
    assert (silent.silence_s(), silence_text("a", silent)) == (0, "")
    silent = watched(lambda _: last_s, 1, silent)
    assert silent.silence_s() == 37 * HOUR_S
    text = silence_text("a", silent)
    assert "export 'a' has come for 37 hours" in text
    assert "the longest pause in 28 days was 12.0 hours" in text


def test_busy_export_is_silent_after_a_day() -> None:
    usual = watched(lambda now_s: now_s - 60, 24 * 15)
    assert usual.limit_s() == DAY_S
    assert watched(lambda _: usual.heard_s, 23, usual).silence_s() == 0
    silent = watched(lambda _: usual.heard_s, 25, usual)
    assert (silent.silence_s(), silent.pauses) == (25 * HOUR_S + 60, usual.pauses)


def test_weekly_export_is_not_silent_between_its_events() -> None:
    usual = watched(weekly, 24 * 90)
    assert usual.longest_pause_s == 7 * DAY_S
    assert usual.limit_s() == 21 * DAY_S


def test_nothing_is_said_in_the_first_two_weeks() -> None:
    young = watched(lambda now_s: min(now_s, BEGIN_S + 3 * DAY_S), LEARNING_S // HOUR_S)
    assert young.limit_s() is None
    assert young.silence_s() == 0
    assert watched(lambda _: young.heard_s, 1, young).silence_s() > 10 * DAY_S


def test_export_that_never_had_an_event_is_not_silent() -> None:
    assert watched(lambda _: 0, 24 * 60).silence_s() == 0


def test_events_before_the_first_look_make_no_pause() -> None:
    assert watched(lambda _: BEGIN_S - 90 * DAY_S, 24 * 30).pauses == {}


def test_time_in_which_nobody_looked_is_no_silence_and_no_pause() -> None:
    usual = watched(by_day, 24 * 20)
    later_s = usual.looked_s + 40 * DAY_S
    again = looked(usual, usual.heard_s, later_s)
    assert (again.silence_s(), again.quiet_since_s) == (0, later_s)
    went_on = looked(again, later_s + 60, later_s + HOUR_S)
    assert went_on.pauses == {(later_s + HOUR_S) // DAY_S: 60}


def test_time_is_counted_as_watched_up_to_three_hours() -> None:
    usual = watched(by_day, 24 * 20)
    assert looked(usual, usual.heard_s, usual.looked_s + 3 * HOUR_S - 1).quiet_since_s == usual.quiet_since_s
    assert looked(usual, usual.heard_s, usual.looked_s + 3 * HOUR_S).quiet_since_s > usual.quiet_since_s


def test_pauses_are_forgotten_after_28_days() -> None:
    outage_s = BEGIN_S + 5 * DAY_S

    def events(now_s: int) -> int:
        return outage_s if outage_s < now_s < outage_s + 4 * DAY_S else now_s - 60

    usual = watched(events, 24 * 30)
    assert usual.longest_pause_s > 3 * DAY_S
    later = watched(events, 24 * 10, usual)
    assert later.longest_pause_s < 2 * HOUR_S
    assert len(later.pauses) == 28


@pytest.mark.parametrize(("events", "limit_days"), [(by_day, 1.5), (weekly, 21)])
def test_silence_lasts_until_an_event_comes(events: Callable[[int], int], limit_days: float) -> None:
    usual = watched(events, 24 * 30)
    last_s, pauses = usual.heard_s, usual.pauses
    silent = usual
    for _ in range(24 * 100):
        silent = watched(lambda _: last_s, 1, silent)
        quiet_s = silent.looked_s - last_s
        assert silent.silence_s() == (quiet_s if quiet_s > limit_days * DAY_S else 0)
    assert silent.pauses == pauses
    assert "Before that, the longest pause in 28 days was" in silence_text("a", silent)
    again = looked(silent, silent.looked_s + 60, silent.looked_s + HOUR_S)
    assert again.silence_s() == 0
    assert list(again.pauses.values()) == [silent.looked_s + 60 - last_s]


def test_older_time_of_another_environment_changes_nothing() -> None:
    usual = watched(by_day, 24 * 20)
    older = looked(usual, usual.heard_s - 600, usual.looked_s + HOUR_S)
    assert (older.heard_s, older.pauses) == (usual.heard_s, usual.pauses)


@pytest.mark.parametrize("rhythm", [watched(by_day, 100), watched(lambda _: 0, 1)])
def test_rhythm_is_read_as_it_was_written(rhythm: Rhythm) -> None:
    assert Rhythm.from_document(json.loads(json.dumps(rhythm.document()))) == rhythm
