from datetime import UTC, date, datetime

import pytest

from functions.console.texts import bdi, day, duration, number, plural, sentence, time

AT_S = datetime(2026, 11, 26, 4, 13, 59, tzinfo=UTC).timestamp()


def test_numbers_are_grouped() -> None:
    assert [number(0), number(1_234), number(1_234_567.5)] == ["0", "1,234", "1,234,567.5"]


def test_time_is_utc_without_scripts() -> None:
    assert time(AT_S) == '<time datetime="2026-11-26T04:13:59Z">26 Nov 2026, 04:13 UTC</time>'


def test_time_as_text_keeps_its_instant() -> None:
    assert time("2026-11-26T05:13:59+01:00") == time(AT_S)


@pytest.mark.parametrize(("shown", "text"), [("ago", "26 Nov 2026, 04:13 UTC"), ("clock", "04:13 UTC")])
def test_time_says_how_the_browser_shows_it(shown: str, text: str) -> None:
    assert time(AT_S, shown) == f'<time datetime="2026-11-26T04:13:59Z" data-as="{shown}">{text}</time>'


def test_a_day_has_no_time_zone() -> None:
    expected = '<time datetime="2026-11-05">5 Nov 2026</time>'
    assert day("2026-11-05") == expected
    assert day(date(2026, 11, 5)) == expected


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-3, "0 s"),
        (59.4, "59 s"),
        (60, "1 min"),
        (200, "3 min 20 s"),
        (3_600, "1 h"),
        (3_900, "1 h 5 min"),
        (86_400, "1 day"),
        (2 * 86_400 + 3 * 3_600 + 59, "2 days 3 h"),
    ],
)
def test_duration_has_two_units_at_most(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_counts_come_with_their_noun() -> None:
    assert plural(1, "audience") == "1 audience"
    assert plural(2_000, "audience") == "2,000 audiences"
    assert plural(0, "person", "people") == "0 people"


def test_names_keep_their_direction_and_are_escaped() -> None:
    assert bdi("<b>\u202e tab") == "<bdi>&lt;b&gt;\u202e tab</bdi>"


@pytest.mark.parametrize(
    ("note", "words"),
    [
        ("start with a backfill", "Start with a copy of everybody."),
        ("its backfill fills it", "Its copy fills it."),
        ("SendGrid is as the ledger says", "SendGrid is as the list of what was sent says."),
        ("backfilled", "Backfilled."),
        ("Wait!", "Wait!"),
        ("done.", "Done."),
    ],
)
def test_sentence_is_in_a_marketers_words(note: str, words: str) -> None:
    assert sentence(note) == words
