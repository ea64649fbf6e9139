"""Tell whether a run has settled: all that its backfill queued is committed, and its import jobs have ended.

It waits for this run's own numbers and not for empty queues, which live traffic never lets be.
"""

from collections.abc import Mapping, Set
from dataclasses import dataclass
from typing import Any, Final

from lytics_sendgrid.errors import StopRun

ROUNDS_AN_EXECUTION: Final = 1_000
"""A round takes 9 events of an execution's history, which holds 25,000: the rest is for the backfill before it."""
FRUITLESS_S: Final = 6 * 3_600
_SHORTEST_WAIT_S: Final = 2
_LONGEST_WAIT_S: Final = 60
_SHARE_OF_TIME: Final = 8
"""A wait is an eighth of the time so far, so that waiting makes a run at most an eighth longer, small or large."""


@dataclass(frozen=True, slots=True)
class Committed:
    """How far a run has come.

    Attributes:
        expected: numbers of all messages that the backfill queued.
        scanned: every audience's scan is done.
        numbers: of the messages that are committed.
        jobs: import jobs that carried its changes.
        ended: of those, the ones that have ended.
    """

    expected: Set[str]
    scanned: bool
    numbers: Set[str]
    jobs: Set[str]
    ended: Set[str]


def settle(
    before: Mapping[str, Any] | None, committed: Committed, stop: str | None, now_s: int
) -> dict[str, Any]:
    """Take one more look at a run.

    Args:
        before: what the look before returned; None at the first.
        committed: how far it has come.
        stop: why the export's changes wait, where they do.
        now_s: our clock, seconds since 1970.

    Returns:
        ``settled``; ``messages`` and ``jobs`` with what is ``done`` ``of`` all; ``stop`` in words, empty where there is
        none; ``wait_s`` until the next look; ``elsewhere``: go on in a new execution, before this one's history is full;
        ``round``, ``started_s`` and ``moved_s``, when something last changed, for the next look.

    Raises:
        StopRun: nothing has changed for six hours.
    """
    messages = {"done": len(committed.expected & committed.numbers), "of": len(committed.expected)}
    jobs = {"done": len(committed.jobs & committed.ended), "of": len(committed.jobs)}
    last = before or {"messages": None, "jobs": None, "round": 0, "started_s": now_s}
    moved_s = last["moved_s"] if (last["messages"], last["jobs"]) == (messages, jobs) else now_s
    settled = committed.scanned and messages["done"] == messages["of"] and jobs["done"] == jobs["of"]
    if not settled and now_s - moved_s >= FRUITLESS_S:
        raise StopRun(_stuck(messages, jobs, stop))
    number = last["round"] + 1
    return {
        "settled": settled,
        "messages": messages,
        "jobs": jobs,
        "stop": stop or "",
        "wait_s": max(_SHORTEST_WAIT_S, min(_LONGEST_WAIT_S, (now_s - last["started_s"]) // _SHARE_OF_TIME)),
        "elsewhere": number % ROUNDS_AN_EXECUTION == 0,
        "round": number,
        "started_s": last["started_s"],
        "moved_s": moved_s,
    }


def _stuck(messages: Mapping[str, int], jobs: Mapping[str, int], stop: str | None) -> str:
    how_far = (
        f"{messages['done']} of {messages['of']} messages are delivered and {jobs['done']} of {jobs['of']} import jobs have "
        f"ended, and nothing has changed for {FRUITLESS_S // 3_600} hours"
    )
    if stop:
        return f"{how_far}. The export is stopped: {stop}"
    return (
        f"{how_far}. Look at the changes queue, its dead-letter queue and this stack's alarms; redrive what lies in the "
        f"dead-letter queue, then start the export again: what was delivered is not sent twice"
    )
