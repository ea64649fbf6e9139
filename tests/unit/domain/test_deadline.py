"""A deadline says how much time is left, and when it has passed."""

import pytest

from lytics_sendgrid.domain.deadline import Deadline
from tests.clock import START_S, ManualClock


def test_time_left_shrinks_until_the_deadline_has_passed() -> None:
    clock = ManualClock()
    deadline = Deadline.after(clock, 10.0)
    assert (deadline.ends_s, deadline.left_s(), deadline.has_passed()) == (START_S + 10.0, 10.0, False)
    clock.move(9.5)
    assert (deadline.left_s(), deadline.has_passed()) == (0.5, False)
    clock.move(0.5)
    assert (deadline.left_s(), deadline.has_passed()) == (0.0, True)
    clock.move(1.0)
    assert (deadline.left_s(), deadline.has_passed()) == (-1.0, True)


@pytest.mark.parametrize(
    ("remaining_ms", "left_s"), [(900_000, 840.0), (180_000, 120.0), (90_000, 60.0), (1_500, 1.0), (0, 0.0)]
)
def test_invocation_keeps_a_margin_of_a_third_at_most(remaining_ms: int, left_s: float) -> None:
    assert Deadline.of_invocation(ManualClock(), remaining_ms, 60.0).left_s() == left_s
