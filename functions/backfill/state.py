"""What the state machine passes to ``backfill`` for each audience, and what ``backfill`` returns."""

from typing import Any, Self

from lytics_sendgrid.domain.checkpoint import Checkpoint
from lytics_sendgrid.workflow.export_run import ScanOrder
from lytics_sendgrid.workflow.state_part import StatePart


class ScanRequest(StatePart):
    """What to scan.

    Attributes:
        run: the execution's name.
        export: the export's name.
        authorization: the name of its secret.
        audience: what to scan.
        number: its place in the run, counted from 0.
        dry_run: everybody is only asked about: nothing is sent or committed.
        second: it is the run's second scan of the audience: whole, and nobody is queued.
    """

    run: str
    export: str
    authorization: str
    audience: ScanOrder
    number: int
    dry_run: bool = False
    second: bool = False


class ScanProgress(StatePart):
    """How far a scan is, for the state machine and for a person.

    Attributes:
        audience: its id.
        audience_name: its name, for a person who follows the run.
        done: the scan has ended. False: call again.
        scanned: rows since the scan last began.
        without_email: of those, the ones whose e-mail field is empty.
        bad_email: of those, the ones whose e-mail field holds no valid address.
        people: rows that became changes.
        messages: how many messages the scan has queued.
        restarts: how often the scan started again because Lytics refused its cursor.
        complete: the scan is done and fits Lytics' own count.
        mismatch: why it does not fit; empty if it does.
        seen: addresses that were seen.
        parts: in how many parts it is read at the same time. Only there if it is.
        whole: why it is read whole although parts were wanted. Only there if it is.
        trouble: why the audience cannot be scanned. Only there if it cannot.
    """

    audience: str
    audience_name: str
    done: bool
    scanned: int
    without_email: int
    bad_email: int
    people: int
    messages: int
    restarts: int
    complete: bool
    mismatch: str
    seen: int
    parts: int = 0
    whole: str = ""
    trouble: str = ""

    @classmethod
    def of(cls, audience: str, name: str, checkpoint: Checkpoint) -> Self:
        """Summarize a checkpoint."""
        # A field that is set appears in the document, so fields that do not apply must stay unset.
        optional: dict[str, Any] = {
            name: value
            for name, value in (
                ("parts", len(checkpoint.parts)),
                ("whole", checkpoint.whole),
                ("trouble", checkpoint.trouble),
            )
            if value
        }
        return cls(
            audience=audience,
            audience_name=name,
            done=checkpoint.ended,
            scanned=checkpoint.scanned,
            without_email=checkpoint.without_email,
            bad_email=checkpoint.bad_email,
            people=checkpoint.people,
            messages=sum(count for _, count in checkpoint.expected),
            restarts=checkpoint.restarts,
            complete=checkpoint.is_complete,
            mismatch=checkpoint.mismatch if checkpoint.done else "",
            seen=checkpoint.seen,
            **optional,
        )
