"""Stop an export: pause its webhook job in Lytics, and write that it is stopped.

The job first: a reader who sees a stopped export may rely on it. If Lytics refuses, the export is
stopped anyway, and the notes say so: its webhook answers 200 to what still comes, and drops it.
"""

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Final, Protocol

from lytics_sendgrid.bounded_text import shortened
from lytics_sendgrid.domain.account_changes import next_version, stopped, without_audiences, without_dropped
from lytics_sendgrid.domain.clock import Clock
from lytics_sendgrid.domain.configuration import Account, Export
from lytics_sendgrid.errors import StopRun
from lytics_sendgrid.lytics.api import WEBHOOK_WORKFLOW
from lytics_sendgrid.lytics.documents import HeaderAuthorization, LyticsJob
from lytics_sendgrid.lytics.webhook_jobs import (
    GONE,
    PAUSED,
    authorization_label,
    authorization_of,
    is_made,
    job_of,
)
from lytics_sendgrid.workflow.deactivation import Deactivation

_REASON_CHARS: Final = 1_000
_NAME_CHARS: Final = 100
_BY_HAND: Final = (
    "Pause or delete it in Lytics. Until then, the webhook answers its events with 200 and drops them"
)


class WebhookJobs(Protocol):
    """Lytics' jobs and authorizations."""

    def jobs(self, workflow: str | None = None) -> Sequence[LyticsJob]: ...  # noqa: D102

    def pause_job(self, job_id: str) -> bool: ...  # noqa: D102

    def delete_job(self, job_id: str) -> bool: ...  # noqa: D102

    def header_authorizations(self) -> Sequence[HeaderAuthorization]: ...  # noqa: D102

    def delete_header_authorization(self, authorization_id: str) -> bool: ...  # noqa: D102


class Configurations(Protocol):
    """Where the configurations are kept."""

    def account(self, name: str) -> Account: ...  # noqa: D102

    def put_account(self, account: Account, read_version: int) -> None: ...  # noqa: D102

    def export(self, name: str) -> Export | None: ...  # noqa: D102

    def put_export(self, export: Export) -> None: ...  # noqa: D102


def deactivate(
    export: Export,
    url: str,
    jobs: WebhookJobs,
    configurations: Configurations,
    clock: Clock,
    *,
    clears: bool,
    delete_segments: bool,
) -> Deactivation:
    """Stop an export. Another call completes what an earlier one began.

    Args:
        export: as it is now; it may be stopped already.
        url: where its events go.
        jobs: Lytics.
        configurations: where it is written.
        clock: ours.
        clears: take the ids of its audiences out of everybody's row, except those that other exports have.
        delete_segments: with ``clears``, remove the export for good: its job in Lytics, too, is deleted.

    Raises:
        RetryLater: Lytics or AWS did not answer; call again.
    """
    removes = clears and delete_segments
    try:
        stopped_job = _remove(export, url, jobs) if removes else _stop(export, url, jobs)
    except StopRun as error:
        refusal = shortened(str(error), _REASON_CHARS)
        note = f"the webhook job in Lytics could not be stopped: {refusal}. {_BY_HAND}"
        stopped_job = Deactivation(job="left", job_id=export.lytics_job, notes=(note,))
    if stopped_job.job == "deleted":
        export = replace(export, lytics_job=None, lytics_auth=None)
    _write(export, configurations, clock, clears=clears, delete_segments=delete_segments)
    return stopped_job


def _stop(export: Export, url: str, jobs: WebhookJobs) -> Deactivation:
    job = job_of(jobs.jobs(WEBHOOK_WORKFLOW), export.lytics_job, url)
    if job is None:
        return Deactivation(job="none", job_id=None)
    if job.id != export.lytics_job:
        return _left(job, "it was made by hand")
    if job.status == "failed":
        return Deactivation(
            job="paused", job_id=job.id, notes=(f"{_named(job)} has failed: it sends nothing",)
        )
    if job.status not in PAUSED and not jobs.pause_job(job.id):
        return Deactivation(job="none", job_id=None)
    return Deactivation(job="paused", job_id=job.id)


def _remove(export: Export, url: str, jobs: WebhookJobs) -> Deactivation:
    job = job_of(jobs.jobs(WEBHOOK_WORKFLOW), export.lytics_job, url)
    if job is not None and job.id != export.lytics_job:
        return _left(job, "it was made by hand")
    if job is not None and not is_made(job):
        paused = _stop(export, url, jobs)
        why = f"{_named(job)} was made by hand, so it was paused, not deleted"
        return paused.model_copy(update={"notes": (*paused.notes, why)})
    if job is not None:
        jobs.delete_job(job.id)
    label = authorization_label(url)
    known = authorization_of(jobs.header_authorizations(), export.lytics_auth, label)
    if known is not None and known.label == label and not _is_used(known, job, jobs):
        jobs.delete_header_authorization(known.id)
        known = authorization_of(jobs.header_authorizations(), known.id, label)
    if known is None:
        return Deactivation(job="deleted", job_id=job.id if job else None)
    return Deactivation(
        job="deleted",
        job_id=job.id if job else None,
        notes=(
            f"the header authorization '{known.label}' is left in Lytics: delete it there if nothing uses it",
        ),
    )


def _is_used(authorization: HeaderAuthorization, job: LyticsJob | None, jobs: WebhookJobs) -> bool:
    """Return whether a job other than the deleted one uses an authorization."""
    others = (
        other for other in jobs.jobs() if (job is None or other.id != job.id) and other.status not in GONE
    )
    return any(authorization.id in other.auth_ids for other in others)


def _left(job: LyticsJob, why: str) -> Deactivation:
    return Deactivation(job="left", job_id=job.id, notes=(f"{_named(job)} was left: {why}. {_BY_HAND}",))


def _named(job: LyticsJob) -> str:
    return f"the webhook job '{shortened(job.name, _NAME_CHARS)}' ({job.id}) in Lytics"


def _write(
    export: Export, configurations: Configurations, clock: Clock, *, clears: bool, delete_segments: bool
) -> None:
    """Write that the export is stopped; the account first, as ``provision`` does."""
    now_s = math.floor(clock.now())
    account = configurations.account(export.account)
    audiences = [audience for audience, known in account.audiences.items() if export.name in known.exports]
    live = _live_exports(account, export, configurations)
    if clears:
        changed = without_audiences(
            account, export.name, audiences, live, now_s, delete_segments=delete_segments
        )
        if delete_segments:
            changed = without_dropped(changed, export.name, now_s)
        # The fields of nobody's mapping may be deleted in SendGrid, which then refuses rows that have them.
        fields = {name: ids for name, ids in changed.fields.items() if name != export.name}
        changed = replace(changed, fields=fields)
    else:
        changed = stopped(account, export.name, live, now_s)
    if changed != account:
        changed = next_version(changed, account.version, now_s)
        configurations.put_account(changed, account.version)
    since_s = now_s if export.stopped_s is None else export.stopped_s
    configurations.put_export(replace(export, stopped_s=since_s, version=changed.version))


def _live_exports(account: Account, export: Export, configurations: Configurations) -> list[str]:
    """Return the other exports of the account that have one of the export's audiences and are not stopped."""
    sharing = {
        name for known in account.audiences.values() if export.name in known.exports for name in known.exports
    }
    others = ((name, configurations.export(name)) for name in sorted(sharing - {export.name}))
    return [name for name, other in others if other is not None and other.stopped_s is None]
