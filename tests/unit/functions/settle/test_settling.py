"""When a run has settled, how long it waits between checks, and when it gives up."""

import pytest

from functions.settle.settling import MAX_IDLE_S, ROUNDS_PER_EXECUTION, Committed, settle
from lytics_sendgrid.errors import StopRun
from lytics_sendgrid.workflow.settle_progress import DoneOf, SettleProgress
from tests.clock import ManualClock

ALL = frozenset({"0.a.0", "0.a.1"})


def committed(
    *numbers: str,
    jobs: frozenset[str] = frozenset(),
    ended: frozenset[str] = frozenset(),
    scanned: bool = True,
) -> Committed:
    return Committed(ALL, scanned, frozenset(numbers), jobs, ended)


def check(
    before: SettleProgress | None, committed: Committed, now_s: float = 0, stop_reason: str = ""
) -> SettleProgress:
    return settle(before, committed, stop_reason, ManualClock(now_s))


def test_other_messages_do_not_count() -> None:
    progress = check(None, committed("0.a.0", "9.z.7"))
    assert (progress.settled, progress.messages) == (False, DoneOf(done=1, of=2))


def test_import_jobs_must_end_in_any_way() -> None:
    jobs = frozenset({"j1", "j2"})
    assert not check(None, committed(*ALL, jobs=jobs, ended=frozenset({"j1"}))).settled
    assert check(None, committed(*ALL, jobs=jobs, ended=jobs | {"j9"})).settled


def test_run_does_not_settle_before_its_scans_are_done() -> None:
    assert not check(None, committed(*ALL, scanned=False)).settled


def test_wait_is_an_eighth_of_the_time_so_far() -> None:
    progress: SettleProgress | None = None
    waits = []
    now_s = 1_000
    while now_s < 5_000:
        progress = check(progress, committed(), now_s)
        waits.append(progress.wait_s)
        now_s += progress.wait_s
    assert waits[:3] == [2, 2, 2]
    assert waits == sorted(waits)
    assert waits[-1] == 60
    assert sum(waits[:20]) < 90
    assert check(check(None, committed(), 1_000), committed(), 1_087).wait_s == 10


def test_execution_hands_over_after_its_rounds() -> None:
    progress: SettleProgress | None = None
    moves = []
    for number in range(2 * ROUNDS_PER_EXECUTION):
        progress = check(progress, committed(), number)
        if progress.elsewhere:
            moves.append(progress.round)
    assert check(None, committed()).round == 1
    assert moves == [ROUNDS_PER_EXECUTION, 2 * ROUNDS_PER_EXECUTION]
    # A check takes 9 of the 25,000 events in a history.
    assert ROUNDS_PER_EXECUTION * 9 < 25_000 / 2


@pytest.mark.parametrize(
    ("stop_reason", "text"),
    [("", "Redrive the dead-letter queue"), ("no list", "The export is stopped: no list")],
)
def test_idle_run_is_given_up_with_a_reason(stop_reason: str, text: str) -> None:
    first = check(None, committed("0.a.0"), 0, stop_reason)
    last = check(first, committed("0.a.0"), MAX_IDLE_S - 1, stop_reason)
    assert (last.moved_s, last.stop) == (0, stop_reason)
    with pytest.raises(
        StopRun, match="1 of 2 messages are delivered and 0 of 0 import jobs have ended"
    ) as raised:
        check(last, committed("0.a.0"), 21_600, stop_reason)
    assert text in str(raised.value)
    assert "nothing has changed for 6 hours" in str(raised.value)


def test_any_progress_restarts_the_six_hours() -> None:
    first = check(None, committed())
    moved = check(first, committed("0.a.0"), MAX_IDLE_S)
    assert moved.moved_s == MAX_IDLE_S
    jobs = frozenset({"j1"})
    assert check(moved, committed("0.a.0", jobs=jobs), 2 * MAX_IDLE_S).moved_s == 2 * MAX_IDLE_S


def test_run_that_settles_late_has_settled() -> None:
    first = check(None, committed(*ALL))
    assert check(first, committed(*ALL), 10 * MAX_IDLE_S).settled
