"""The webhook job of an export among Lytics' jobs, and what its status means."""

from collections.abc import Iterable
from typing import Final

from lytics_sendgrid.lytics.documents import LyticsJob

RUNNING: Final = frozenset({"running", "sleeping"})
"""Lytics uses either for a job that waits for its next event."""
GONE: Final = frozenset({"completed", "deleted", "deleting"})
STOPPED: Final = frozenset({"failed", "paused", "pausing"})


def webhook_url(base_url: str, export: str) -> str:
    """Return the URL to which Lytics sends an export's events."""
    return f"{base_url.rstrip('/')}/lytics/{export}"


def job_of(jobs: Iterable[LyticsJob], job_id: str | None, url: str) -> LyticsJob | None:
    """Return the export's job: the one with the stored id, otherwise one that sends to the export's URL.

    Unlike the job's name, the URL identifies the deployment. So another deployment's job is never taken over,
    but a job that a person created by hand is found.
    """
    live = [job for job in jobs if job.status not in GONE]
    for job in live:
        if job.id == job_id:
            return job
    return next((job for job in live if job.config.get("webhook_url") == url), None)
