"""When a run has settled, how long it is waited for, and when it is given up."""

from typing import Any

import pytest

from functions.settle.settling import FRUITLESS_S, ROUNDS_AN_EXECUTION, Committed, settle
from lytics_sendgrid.errors import StopRun

ALL = frozenset({"0.a.0", "0.a.1"})


def committed(
    *numbers: str,
    jobs: frozenset[str] = frozenset(),
    ended: frozenset[str] = frozenset(),
    scanned: bool = True,
) -> Committed:
    return Committed(ALL, scanned, frozenset(numbers), jobs, ended)


def test_numbers_of_other_messages_do_not_count() -> None:
    look = settle(None, committed("0.a.0", "9.z.7"), None, 0)
    assert (look["settled"], look["messages"]) == (False, {"done": 1, "of": 2})


def test_jobs_have_to_end_however_they_end() -> None:
    jobs = frozenset({"j1", "j2"})
    assert not settle(None, committed(*ALL, jobs=jobs, ended=frozenset({"j1"})), None, 0)["settled"]
    assert settle(None, committed(*ALL, jobs=jobs, ended=jobs | {"j9"}), None, 0)["settled"]


def test_a_scan_that_is_not_done_is_not_settled() -> None:
    assert not settle(None, committed(*ALL, scanned=False), None, 0)["settled"]


def test_waits_are_an_eighth_of_the_time_so_far() -> None:
    look: dict[str, Any] | None = None
    waits = []
    now_s = 1_000
    while now_s < 5_000:
        look = settle(look, committed(), None, now_s)
        waits.append(look["wait_s"])
        now_s += look["wait_s"]
    assert waits[:3] == [2, 2, 2]
    assert waits == sorted(waits)
    assert waits[-1] == 60
    assert sum(waits[:20]) < 90
    assert settle(settle(None, committed(), None, 1_000), committed(), None, 1_087)["wait_s"] == 10


def test_an_execution_looks_so_often_and_the_next_one_goes_on() -> None:
    look: dict[str, Any] | None = None
    moves = []
    for number in range(2 * ROUNDS_AN_EXECUTION):
        look = settle(look, committed(), None, number)
        if look["elsewhere"]:
            moves.append(look["round"])
    assert settle(None, committed(), None, 0)["round"] == 1
    assert moves == [ROUNDS_AN_EXECUTION, 2 * ROUNDS_AN_EXECUTION]
    # 9 events a look, and 25,000 in a history.
    assert ROUNDS_AN_EXECUTION * 9 < 25_000 / 2


@pytest.mark.parametrize(
    ("stop", "said"),
    [(None, "redrive what lies in the dead-letter queue"), ("no list", "The export is stopped: no list")],
)
def test_a_run_in_which_nothing_changes_is_given_up_in_words(stop: str | None, said: str) -> None:
    first = settle(None, committed("0.a.0"), stop, 0)
    last = settle(first, committed("0.a.0"), stop, FRUITLESS_S - 1)
    assert (last["moved_s"], last["stop"]) == (0, stop or "")
    with pytest.raises(
        StopRun, match="1 of 2 messages are delivered and 0 of 0 import jobs have ended"
    ) as given_up:
        settle(last, committed("0.a.0"), stop, 21_600)
    assert said in str(given_up.value)
    assert "nothing has changed for 6 hours" in str(given_up.value)


def test_whatever_moves_starts_the_six_hours_anew() -> None:
    first = settle(None, committed(), None, 0)
    moved = settle(first, committed("0.a.0"), None, FRUITLESS_S)
    assert moved["moved_s"] == FRUITLESS_S
    jobs = frozenset({"j1"})
    assert settle(moved, committed("0.a.0", jobs=jobs), None, 2 * FRUITLESS_S)["moved_s"] == 2 * FRUITLESS_S


def test_a_run_that_settles_late_has_settled() -> None:
    first = settle(None, committed(*ALL), None, 0)
    assert settle(first, committed(*ALL), None, 10 * FRUITLESS_S)["settled"]
