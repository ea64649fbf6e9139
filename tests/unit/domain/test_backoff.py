import pytest

from lytics_sendgrid.domain.backoff import backoff_s, share_of_time_s


@pytest.mark.parametrize(("failures", "expected_s"), [(1, 1), (2, 2), (3, 4), (6, 32), (7, 60), (5_000, 60)])
def test_delay_doubles_with_each_failure_up_to_the_maximum(failures: int, expected_s: float) -> None:
    assert backoff_s(failures, first_s=1, max_s=60) == expected_s


def test_jitter_spreads_the_delay_over_its_upper_half() -> None:
    assert [backoff_s(3, 1, 60, chance) for chance in (0.0, 0.5, 1.0)] == [2, 3, 4]


@pytest.mark.parametrize(
    ("passed_s", "expected_s"), [(0, 2), (16, 2), (31, 3), (80, 10), (480, 60), (9_000, 60)]
)
def test_wait_is_an_eighth_of_the_time_so_far_within_bounds(passed_s: int, expected_s: int) -> None:
    assert share_of_time_s(passed_s, min_s=2, max_s=60) == expected_s
