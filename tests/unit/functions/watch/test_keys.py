"""When a token's last day is reported."""

from datetime import date

import pytest

from functions.watch.keys import expiry_trouble

TODAY = date(2026, 11, 26)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", ""),
        ("2026-12-11", ""),
        ("2026-12-10", "expires in 14 days, on 2026-12-10"),
        ("2026-11-27", "expires tomorrow, on 2026-11-27"),
        ("2026-11-26", "has expired, on 2026-11-26"),
        ("2025-01-01", "has expired, on 2025-01-01"),
        ("31.12.2026", 'that is no day: write it as "2027-01-31"'),
    ],
)
def test_last_day_is_reported_two_weeks_before(text: str, words: str) -> None:
    trouble = expiry_trouble(text, "stack/default", TODAY)
    assert words in trouble
    assert bool(trouble) == bool(words)
    assert ("'stack/default'" in trouble) == bool(words)
