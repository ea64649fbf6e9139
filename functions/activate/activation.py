"""Make an export live: let its changes go on, and have Lytics send its events."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Final, Protocol

from functions.activate.webhook_job import (
    RUNNING,
    SECRET_HEADER,
    STOPPED,
    authorization_label,
    authorization_of,
    in_words,
    job_config,
    job_document,
    job_of,
    job_update,
    webhook_url,
    what_to_paste,
)
from lytics_sendgrid.aws.secret import Authorization
from lytics_sendgrid.domain.configuration import Export
from lytics_sendgrid.errors import KeyRefused, RequestRefused, StopRun, SubscriptionRefused
from lytics_sendgrid.lytics.api import WEBHOOK_WORKFLOW
from lytics_sendgrid.lytics.documents import HeaderAuthorization, LyticsJob

MAX_WAITS: Final = 60
"""Calls until a job that does not run is given up: five minutes at five seconds."""


class WebhookJobs(Protocol):
    """Lytics' jobs and authorizations."""

    def schema_fields(self) -> Mapping[str, str]: ...  # noqa: D102

    def jobs(self, workflow: str | None = None) -> Sequence[LyticsJob]: ...  # noqa: D102

    def create_webhook_job(self, document: Mapping[str, Any]) -> LyticsJob: ...  # noqa: D102

    def update_webhook_job(self, job_id: str, document: Mapping[str, Any]) -> LyticsJob: ...  # noqa: D102

    def header_authorizations(self) -> Sequence[HeaderAuthorization]: ...  # noqa: D102

    def create_header_authorization(  # noqa: D102
        self, label: str, headers: Mapping[str, str]
    ) -> HeaderAuthorization: ...

    def update_header_authorization(  # noqa: D102
        self, authorization_id: str, label: str, headers: Mapping[str, str]
    ) -> HeaderAuthorization: ...


class Exports(Protocol):
    """Where an export is kept."""

    def put_export(self, export: Export) -> None: ...  # noqa: D102

    def lift_stop(self, export: str, at_ms: int) -> None: ...  # noqa: D102


@dataclass(frozen=True, slots=True)
class Activation:
    """Whether an export is live.

    Attributes:
        live: Lytics sends, or is about to send, its events.
        running: the backfill may begin: the job runs, or there is none to wait for.
        job_id: of the webhook job.
        state: the job's, in Lytics' word; ``NOT LIVE`` without one.
        webhook_url: where the events go.
        paste: where it is not live, what to enter in Lytics.
        waited: how many calls found the job not running yet.
    """

    live: bool
    running: bool
    job_id: str | None
    state: str
    webhook_url: str
    paste: dict[str, Any] | None
    waited: int

    def document(self) -> dict[str, Any]:
        """Write it as JSON values."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Place:
    """Where this deployment is.

    Attributes:
        webhook_base_url: without ``/lytics/<export>``.
        secret_name: of the authorization's secret, for a person to find it.
    """

    webhook_base_url: str
    secret_name: str


def activate(
    export: Export,
    authorization: Authorization,
    place: Place,
    jobs: WebhookJobs,
    exports: Exports,
    *,
    subscribe: bool,
    now_ms: int,
    waited: int = 0,
) -> Activation:
    """Make an export live; calling it again finishes what a call before began.

    Args:
        export: as it was provisioned.
        authorization: whose first webhook secret Lytics shows.
        place: of this deployment.
        jobs: Lytics.
        exports: where the ids of what is made in Lytics are kept.
        subscribe: make the webhook job, or only look whether somebody has.
        now_ms: our clock, milliseconds since 1970.
        waited: what the call before returned; 0 at the first, which alone writes what is there already.

    Raises:
        SubscriptionRefused: Lytics does not let us make the job; says what to paste.
        KeyRefused: Lytics refuses the token.
        StopRun: the job was stopped, or does not come to run; or there is no webhook secret.
        RetryLater: Lytics did not answer; the call may be repeated.
    """
    if not waited:
        exports.lift_stop(export.name, now_ms)
    url = webhook_url(place.webhook_base_url, export.name)
    if not subscribe:
        return _looked_up(export, place, url, jobs)
    if not authorization.webhook_secrets:
        raise StopRun(
            f'the secret {place.secret_name} has no "webhook_secrets": add one, of 32 characters or more'
        )
    config = job_config(export, url, jobs.schema_fields())
    try:
        job = _subscribed(export, authorization, config, jobs, exports, is_first=not waited)
    except (RequestRefused, KeyRefused) as error:
        if isinstance(error, KeyRefused) and not error.lacks_permission:
            raise
        words = in_words(what_to_paste(export, config, place.secret_name))
        raise SubscriptionRefused(
            f'{error}.\n{words}\nthen start the export again with "subscribe": false'
        ) from error
    running = job.status in RUNNING
    if job.status in STOPPED:
        raise StopRun(_stopped_words(job))
    if not running and waited >= MAX_WAITS:
        raise StopRun(
            f"the webhook job {job.id} in Lytics does not come to run, it is '{job.status}': look at its log in Lytics, "
            f"restart it there, and start the export again"
        )
    return Activation(True, running, job.id, job.status, url, None, waited if running else waited + 1)


def _looked_up(export: Export, place: Place, url: str, jobs: WebhookJobs) -> Activation:
    """Tell whether a job that somebody made sends this export's events; nothing in Lytics is changed."""
    try:
        job = job_of(jobs.jobs(WEBHOOK_WORKFLOW), export.lytics_job, url)
        schema: Mapping[str, str] = jobs.schema_fields()
    except StopRun:
        # A token that may not list jobs is what "subscribe": false is for.
        job, schema = None, {}
    if (
        job is not None
        and job.status in RUNNING
        and job.config.get("webhook_url") == url
        and export.audience_ids <= set(job.config.get("segment_ids") or ())
    ):
        return Activation(True, True, job.id, job.status, url, None, 0)
    paste = what_to_paste(export, job_config(export, url, schema), place.secret_name)
    return Activation(False, True, None, "NOT LIVE", url, paste, 0)


def _subscribed(
    export: Export,
    authorization: Authorization,
    config: Mapping[str, Any],
    jobs: WebhookJobs,
    exports: Exports,
    *,
    is_first: bool,
) -> LyticsJob:
    url = config["webhook_url"]
    job = job_of(jobs.jobs(WEBHOOK_WORKFLOW), export.lytics_job, url)
    if job is not None and not is_first:
        return job
    header_id = _header_authorization(export, authorization, url, jobs)
    if header_id != export.lytics_auth:
        export = replace(export, lytics_auth=header_id)
        exports.put_export(export)
    if job is None:
        job = jobs.create_webhook_job(job_document(export, config, header_id))
    else:
        update = job_update(job, config, header_id)
        if update is not None:
            job = jobs.update_webhook_job(job.id, update)
    if job.id != export.lytics_job:
        exports.put_export(replace(export, lytics_job=job.id))
    return job


def _header_authorization(export: Export, authorization: Authorization, url: str, jobs: WebhookJobs) -> str:
    """Make or rewrite the header authorization: Lytics never shows the secret in it, so it cannot be compared."""
    headers = {SECRET_HEADER: authorization.webhook_secrets[0]}
    label = authorization_label(url)
    known = authorization_of(jobs.header_authorizations(), export.lytics_auth, label)
    if known is None:
        return jobs.create_header_authorization(label, headers).id
    return jobs.update_header_authorization(known.id, label, headers).id


def _stopped_words(job: LyticsJob) -> str:
    if job.status == "failed":
        return (
            f"the webhook job {job.id} in Lytics has failed: Lytics does so when deliveries were refused for two hours. "
            f"Look at its log there and at this stack's alarms, restart it in Lytics (bounce), start the export again"
        )
    return (
        f"the webhook job {job.id} in Lytics is {job.status}: resume it in Lytics and start the export again"
    )
