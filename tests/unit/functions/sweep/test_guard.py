"""The guard against emptying an audience."""

import pytest

from functions.sweep.guard import GUARD_FROM, is_guarded
from lytics_sendgrid.domain.sweep_findings import SweptAudience


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
    assert is_guarded(SweptAudience(members=members, suspects=suspects), percent) is guarded
