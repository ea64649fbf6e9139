"""What the state machine passes to ``backfill`` for each audience, and what ``backfill`` returns."""

from typing import Self

from pydantic import Field

from lytics_sendgrid.domain.checkpoint import Checkpoint
from lytics_sendgrid.domain.configuration import Audience
from lytics_sendgrid.workflow.state_part import StatePart


class ScanRequest(StatePart):
    """The audience to scan. ``number`` is its place in the run, counted from 0."""

    run: str
    export: str
    authorization: str
    audience: Audience
    number: int


class ScanProgress(StatePart):
    """How far a scan is, for the state machine and for a person.

    Attributes:
        audience: its id.
        done: False: call again.
        scanned: rows since the scan last began.
        without_email: of those, the ones whose e-mail field is empty.
        bad_email: of those, the ones whose e-mail field holds no valid address.
        people: rows that became changes.
        messages: how many messages the scan has queued.
        restarts: how often the scan started again because Lytics refused its cursor.
        complete: the scan is done and fits Lytics' own count.
        mismatch: why it does not fit; empty if it does.
    """

    audience: str
    done: bool
    scanned: int
    without_email: int
    bad_email: int
    people: int
    messages: int
    restarts: int
    complete: bool
    mismatch: str = Field(alias="misfit")

    @classmethod
    def of(cls, audience: str, checkpoint: Checkpoint) -> Self:
        """Summarize a checkpoint."""
        return cls(
            audience=audience,
            done=checkpoint.done,
            scanned=checkpoint.scanned,
            without_email=checkpoint.without_email,
            bad_email=checkpoint.bad_email,
            people=checkpoint.people,
            messages=sum(count for _, count in checkpoint.expected),
            restarts=checkpoint.restarts,
            complete=checkpoint.is_complete,
            misfit=checkpoint.mismatch if checkpoint.done else "",
        )
