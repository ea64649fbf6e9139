"""What the state of an export's webhook job in Lytics means for a start."""

from lytics_sendgrid.domain.configuration import Export
from lytics_sendgrid.lytics.documents import LyticsJob
from lytics_sendgrid.lytics.webhook_jobs import STOPPED


def stopped_job(
    job: LyticsJob | None, export: Export | None, *, subscribe: bool
) -> tuple[list[str], list[str]]:
    """Return faults and notes about a webhook job that does not run.

    Args:
        job: the export's, if there is one.
        export: as last provisioned, if it was. The job of an export that a person stopped is resumed by the
            start, unless it has failed.
        subscribe: the start needs the job.
    """
    if job is None or job.status not in STOPPED:
        return [], []
    subject = f"Lytics' webhook job '{job.name}' ({job.id})"
    if job.status == "failed":
        text = (
            f"{subject} has failed, which happens after two hours of refused deliveries: look at its log in "
            "Lytics and at this stack's alarms, restart the job in Lytics (bounce), then start the export "
            "again"
        )
    elif export is not None and export.stopped_s is not None and subscribe:
        return [], [f"{subject} was paused when the export was stopped. This run resumes it"]
    else:
        text = f"{subject} is {job.status}: resume it in Lytics, then start the export again"
    return ([text], []) if subscribe else ([], [text])
