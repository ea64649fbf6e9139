"""One line of an export's history: a run, as the console lists it."""

from typing import Literal

from lytics_sendgrid.workflow.export_run import ExportRun
from lytics_sendgrid.workflow.state_part import StatePart


class AudienceCount(StatePart):
    """An audience of a run.

    Attributes:
        id: the audience's.
        name: the audience's. Only in the record of a run that goes on: its report has the names.
        lytics: people in it according to Lytics at the run's end; None: unknown.
        sendgrid: contacts in its segment according to SendGrid at the run's end; None: unknown.
    """

    id: str
    name: str = ""
    lytics: int | None = None
    sendgrid: int | None = None


class RunRecord(StatePart):
    """A run of an export. ``plan`` writes it at the beginning, ``report`` again at the end.

    Attributes:
        run: the name of the run's first execution.
        started_at: ISO 8601, UTC.
        action: ``start``, ``resync`` or ``stop``.
        scheduled: the nightly schedule started it.
        backfill: it scans the audiences.
        sweep: it compares the ledger with the scans.
        audit: it compares SendGrid's contacts with the ledger.
        people: in all audiences when it began; a person counts once in each.
        audiences: what it scans.
        finished_at: when it was reported, ISO 8601; None: it goes on, or it ended without a report.
        live: Lytics sends the export's events.
        trouble: some audiences could not be exported correctly, so the run failed after its report.
        added: people who were put into a segment.
        removed: people who were taken out.
        rejected: people that SendGrid refuses, of the people that the run scanned.
    """

    run: str
    started_at: str
    action: Literal["start", "resync", "stop"] = "start"
    scheduled: bool = False
    backfill: bool = False
    sweep: bool = False
    audit: bool = False
    people: int = 0
    audiences: tuple[AudienceCount, ...] = ()
    finished_at: str | None = None
    live: bool = False
    trouble: bool = False
    added: int = 0
    removed: int = 0
    rejected: int = 0

    @classmethod
    def of(cls, run: ExportRun) -> "RunRecord":
        """Return the record of a run that begins."""
        return cls(
            run=run.run,
            started_at=run.started_at,
            action=run.action,
            scheduled=run.options.scheduled,
            backfill=run.backfill,
            sweep=run.backfill and (run.action == "resync" or run.again),
            audit=run.options.audit,
            people=run.plan.people,
            audiences=tuple(AudienceCount(id=audience.id, name=audience.name) for audience in run.audiences),
        )
