"""How far a run has settled, as ``settle`` found it."""

from lytics_sendgrid.workflow.state_part import StatePart


class DoneOf(StatePart):
    """How many are done, of how many."""

    done: int
    of: int


class SettleProgress(StatePart):
    """How far a run has settled.

    Attributes:
        settled: every message is committed and every import job has ended.
        messages: of the backfill.
        jobs: import jobs that carry its contacts.
        stop: why the export is stopped; empty if it is not.
        wait_s: seconds until the next check.
        elsewhere: continue in a new execution, before this one's history is full.
        round: number of this check, counted from 1.
        started_s: when the first check was made, Unix seconds.
        moved_s: when the progress last changed, Unix seconds.
    """

    settled: bool
    messages: DoneOf
    jobs: DoneOf
    stop: str
    wait_s: int
    elsewhere: bool
    round: int
    started_s: int
    moved_s: int
