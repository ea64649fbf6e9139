"""The name of each export's nightly run."""

from datetime import date

import pytest

from lytics_sendgrid.domain.nights import night_at, resync_name


@pytest.mark.parametrize(
    ("now_s", "night"),
    [(1_795_651_199.9, date(2026, 11, 25)), (1_795_651_200.0, date(2026, 11, 26)), (0.0, date(1970, 1, 1))],
)
def test_night_is_the_day_in_utc(now_s: float, night: date) -> None:
    assert night_at(now_s) == night


def test_longest_name_fits_a_name_of_step_functions() -> None:
    assert resync_name("newsletter", date(2026, 1, 2)) == "resync-newsletter-20260102"
    assert len(resync_name("e" * 64, date(2026, 11, 26))) == 80
