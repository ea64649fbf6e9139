"""An export's webhook job and header authorization in Lytics: which ones they are, and how they are named."""

from collections.abc import Iterable
from typing import Final

from lytics_sendgrid.lytics.documents import HeaderAuthorization, LyticsJob

RUNNING: Final = frozenset({"running", "sleeping"})
"""Lytics uses either for a job that waits for its next event."""
GONE: Final = frozenset({"completed", "deleted", "deleting"})
PAUSED: Final = frozenset({"paused", "pausing"})
STOPPED: Final = PAUSED | {"failed"}
JOB_DESCRIPTION: Final = "Managed by the SendGrid export, which overwrites its configuration at every start"
"""A job that this product made has it. An update keeps the description of a job that a person made."""


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


def authorization_label(url: str) -> str:
    """Return the label of an export's header authorization in Lytics."""
    return f"SendGrid export: {url}"


def authorization_of(
    authorizations: Iterable[HeaderAuthorization], authorization_id: str | None, label: str
) -> HeaderAuthorization | None:
    """Return the export's header authorization: the one with the stored id, otherwise one with its label."""
    known = list(authorizations)
    for authorization in known:
        if authorization.id == authorization_id:
            return authorization
    return next((authorization for authorization in known if authorization.label == label), None)


def is_made(job: LyticsJob) -> bool:
    """Return whether this product made a job, instead of taking over one that a person made."""
    return job.document.get("description") == JOB_DESCRIPTION
