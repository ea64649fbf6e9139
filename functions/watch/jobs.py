"""What the state of a live export's webhook job in Lytics means."""

from enum import StrEnum

from lytics_sendgrid.domain.configuration import Export
from lytics_sendgrid.lytics.documents import LyticsJob


class Restart(StrEnum):
    """How a job that does not run is set going again."""

    RESUME = "resume"
    BOUNCE = "bounce"


def job_trouble(export: Export, job: LyticsJob | None) -> str:
    """Return what is wrong with a live export's job, and what to do; empty if nothing is.

    A job that retries (``fault-N``) or starts is not wrong yet: Lytics fails it after two hours.

    Args:
        export: live, so this product has not paused its job.
        job: as Lytics lists it; None: Lytics does not list it.
    """
    if job is None:
        if export.lytics_job is None:
            return ""
        return (
            f"Lytics has no webhook job {export.lytics_job} of the export '{export.name}' any more, so no "
            "event comes: start the export again with its input, which makes a new job and brings in what "
            "was missed"
        )
    subject = f"Lytics' webhook job '{job.name}' ({job.id}) of the export '{export.name}'"
    if job.status == "failed":
        return (
            f"{subject} has failed, so no event comes. This happens after two hours of refused deliveries: "
            "look at its log in Lytics and at this stack's alarms, fix the cause, restart the job in Lytics "
            "(bounce), then start a resync of the export"
        )
    if job.status in {"paused", "pausing"}:
        return (
            f"{subject} is {job.status}, although the export is not stopped, so no event comes: resume the "
            "job in Lytics and start a resync of the export; or stop the export, if it is to pause. Lytics "
            "may delete a job that stays paused for 90 days"
        )
    return ""


def restart_of(job: LyticsJob | None) -> Restart | None:
    """Return what sets a job going again, or None if nothing can or need."""
    if job is None:
        return None
    return {"paused": Restart.RESUME, "failed": Restart.BOUNCE}.get(job.status)
