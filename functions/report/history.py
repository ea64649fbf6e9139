"""The line of a run that has ended in the history of its export."""

from functions.report.document import RunReport
from lytics_sendgrid.workflow.export_run import ExportRun
from lytics_sendgrid.workflow.run_record import AudienceCount, RunRecord


def reported_run(run: ExportRun, report: RunReport) -> RunRecord:
    """Return the record of a run with the numbers of its report.

    A sweep knows who was added and removed. Without one, everybody whom SendGrid accepted was added or
    changed, and those who were cleared were removed.
    """
    people = report.people or {}
    rejected = people.get("rejected", {})
    accepted = people.get("accepted", 0)
    drift = report.drift
    removed = sum(audience.people for audience in report.cleared)
    if drift is None:
        added = accepted if isinstance(accepted, int) else 0
    else:
        added, removed = drift.missing + drift.returned, removed + drift.extra
    return RunRecord.of(run).model_copy(
        update={
            "audiences": tuple(
                AudienceCount(id=audience.id, lytics=audience.lytics, sendgrid=audience.sendgrid)
                for audience in report.audiences
            ),
            "finished_at": report.finished_at,
            "live": report.live,
            "trouble": bool(report.failure),
            "added": added,
            "removed": removed,
            "rejected": sum(rejected.values()) if isinstance(rejected, dict) else 0,
        }
    )
