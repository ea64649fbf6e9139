"""One contact's last event, beside what the run's scan has seen."""

import pytest

from functions.sweep.classify import YOUNG_NS, ScanView, Standing, standing
from lytics_sendgrid.domain.seen import in_order

ANN, BOB = 3, 5
S_NS = 10 * YOUNG_NS
VIEW = ScanView(0, S_NS, in_order([ANN]))


@pytest.mark.parametrize(
    ("event_ns", "person", "expected"),
    [
        (1, ANN, Standing.MEMBER),
        (1, BOB, Standing.SUSPECT),
        (S_NS, BOB, Standing.SUSPECT),
        (S_NS + 1, BOB, Standing.MEMBER),
        (-1, BOB, Standing.NOTHING),
        (-1, ANN, Standing.RETURNER),
        (-(S_NS - YOUNG_NS - 1), ANN, Standing.RETURNER),
        (-(S_NS - YOUNG_NS), ANN, Standing.YOUNG_RETURNER),
        (-S_NS, ANN, Standing.YOUNG_RETURNER),
        (-(S_NS + 1), ANN, Standing.NOTHING),
    ],
)
def test_ledger_and_scan_together(event_ns: int, person: int, expected: Standing) -> None:
    assert standing(event_ns, VIEW, person) is expected


@pytest.mark.parametrize("event_ns", [7, -7])
def test_event_that_is_not_later_than_since_says_nothing(event_ns: int) -> None:
    view = ScanView(7, S_NS, in_order([]))
    assert standing(event_ns, view, ANN) is Standing.NOTHING
