"""Decide whether a run has settled: all its backfill's messages are committed and its import jobs have ended.

It waits for this run's own messages, not for empty queues: live traffic keeps those busy.
"""

import math
from collections.abc import Set
from dataclasses import dataclass
from typing import Final

from lytics_sendgrid.bounded_text import shortened
from lytics_sendgrid.domain.backoff import share_of_time_s
from lytics_sendgrid.domain.clock import Clock
from lytics_sendgrid.errors import StopRun
from lytics_sendgrid.workflow.limits import STOP_REASON_CHARS
from lytics_sendgrid.workflow.settle_progress import DoneOf, SettleProgress

ROUNDS_PER_EXECUTION: Final = 1_000
"""A round takes 9 of the 25,000 events in an execution's history. The rest is for the backfill before it."""
MAX_IDLE_S: Final = 6 * 3_600
_MIN_WAIT_S: Final = 2
MAX_WAIT_S: Final = 60
"""Each wait is an eighth of the time so far, so waiting makes any run at most an eighth longer."""


@dataclass(frozen=True, slots=True)
class Committed:
    """How far a run has come.

    Attributes:
        expected: numbers of all messages that the run queued.
        scanned: the scan of every audience has ended.
        numbers: of the committed messages.
        jobs: import jobs that carry the run's contacts.
        ended: the import jobs that have ended.
    """

    expected: Set[str]
    scanned: bool
    numbers: Set[str]
    jobs: Set[str]
    ended: Set[str]


def settle(
    before: SettleProgress | None, committed: Committed, stop_reason: str, clock: Clock
) -> SettleProgress:
    """Check a run once.

    Args:
        before: what the previous check returned; None at the first.
        committed: how far the run has come.
        stop_reason: why the export is stopped; empty if it is not.
        clock: ours.

    Raises:
        StopRun: nothing has changed for six hours.
    """
    now_s = math.floor(clock.now())
    messages = DoneOf(done=len(committed.expected & committed.numbers), of=len(committed.expected))
    jobs = DoneOf(done=len(committed.jobs & committed.ended), of=len(committed.jobs))
    started_s = before.started_s if before else now_s
    moved_s = now_s
    if before is not None and (before.messages, before.jobs) == (messages, jobs):
        moved_s = before.moved_s
    settled = committed.scanned and messages.done == messages.of and jobs.done == jobs.of
    if not settled and now_s - moved_s >= MAX_IDLE_S:
        raise StopRun(_stuck(messages, jobs, stop_reason))
    number = (before.round if before else 0) + 1
    return SettleProgress(
        settled=settled,
        messages=messages,
        jobs=jobs,
        stop=shortened(stop_reason, STOP_REASON_CHARS),
        wait_s=share_of_time_s(now_s - started_s, _MIN_WAIT_S, MAX_WAIT_S),
        elsewhere=number % ROUNDS_PER_EXECUTION == 0,
        round=number,
        started_s=started_s,
        moved_s=moved_s,
    )


def _stuck(messages: DoneOf, jobs: DoneOf, stop_reason: str) -> str:
    progress = (
        f"{messages.done} of {messages.of} messages are delivered and {jobs.done} of {jobs.of} import jobs "
        f"have ended, and nothing has changed for {MAX_IDLE_S // 3_600} hours"
    )
    if stop_reason:
        return f"{progress}. The export is stopped: {stop_reason}"
    return (
        f"{progress}. Check the changes queue, its dead-letter queue and this stack's alarms. Redrive the "
        "dead-letter queue if it holds messages, then start the export again: what was delivered is not "
        "sent twice"
    )
