"""The guard against emptying an audience."""

import pytest

from functions.sweep.tally import GUARD_FROM, Tally, is_guarded


def test_new_tally_says_nothing() -> None:
    assert Tally() == Tally(members=0, suspects=0, stayed={}, trouble="", note="")


@pytest.mark.parametrize(
    ("suspects", "members", "percent", "guarded"),
    [
        (GUARD_FROM, GUARD_FROM, 20, False),
        (GUARD_FROM + 1, 5 * (GUARD_FROM + 1), 20, False),
        (GUARD_FROM + 1, 5 * (GUARD_FROM + 1) - 1, 20, True),
        (GUARD_FROM + 1, GUARD_FROM + 1, 100, False),
    ],
)
def test_guard_stops_more_than_its_percentage(
    suspects: int, members: int, percent: int, guarded: bool
) -> None:
    assert is_guarded(Tally(members=members, suspects=suspects), percent) is guarded


def test_reason_without_people_is_not_counted() -> None:
    tally = Tally()
    tally.stay("guard", 0)
    tally.stay("member", 2)
    tally.stay("member", 1)
    assert tally.stayed == {"member": 3}
