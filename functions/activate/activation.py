"""Make an export live: lift its stop and have Lytics send its events."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Protocol

from functions.activate.webhook_job import (
    SECRET_HEADER,
    as_text,
    job_config,
    job_document,
    job_update,
    manual_webhook,
)
from lytics_sendgrid.domain.clock import Clock
from lytics_sendgrid.domain.configuration import Export
from lytics_sendgrid.errors import KeyRefused, RequestRefused, StopRun, SubscriptionRefused
from lytics_sendgrid.lytics.api import WEBHOOK_WORKFLOW
from lytics_sendgrid.lytics.documents import HeaderAuthorization, LyticsJob
from lytics_sendgrid.lytics.webhook_jobs import (
    RUNNING,
    authorization_label,
    authorization_of,
    job_of,
    webhook_url,
)
from lytics_sendgrid.workflow.activation import Activation

MAX_WAITS: Final = 60
"""Calls before a job that has not started is given up: five minutes at five seconds each."""


class WebhookJobs(Protocol):
    """Lytics' jobs and authorizations."""

    def schema_fields(self) -> Mapping[str, str]: ...  # noqa: D102

    def jobs(self, workflow: str | None = None) -> Sequence[LyticsJob]: ...  # noqa: D102

    def create_webhook_job(self, document: Mapping[str, Any]) -> LyticsJob: ...  # noqa: D102

    def update_webhook_job(self, job_id: str, document: Mapping[str, Any]) -> LyticsJob: ...  # noqa: D102

    def resume_job(self, job_id: str) -> bool: ...  # noqa: D102

    def header_authorizations(self) -> Sequence[HeaderAuthorization]: ...  # noqa: D102

    def create_header_authorization(  # noqa: D102
        self, label: str, headers: Mapping[str, str]
    ) -> HeaderAuthorization: ...

    def update_header_authorization(  # noqa: D102
        self, authorization_id: str, label: str, headers: Mapping[str, str]
    ) -> HeaderAuthorization: ...


class Exports(Protocol):
    """Where exports are kept."""

    def put_export(self, export: Export) -> None: ...  # noqa: D102

    def lift_stop(self, export: str, at_ms: int) -> None: ...  # noqa: D102


@dataclass(frozen=True, slots=True)
class Deployment:
    """This deployment's addresses.

    Attributes:
        webhook_base_url: without ``/lytics/<export>``.
        secret_name: the secret in AWS Secrets Manager with the webhook secrets, for a person to find it.
    """

    webhook_base_url: str
    secret_name: str


def activate(
    export: Export,
    webhook_secrets: Sequence[str],
    deployment: Deployment,
    jobs: WebhookJobs,
    exports: Exports,
    *,
    clock: Clock,
    subscribe: bool,
    waited: int = 0,
) -> Activation:
    """Make an export live. Another call completes what an earlier one began.

    Args:
        export: as provisioned.
        webhook_secrets: Lytics sends the first. Needed only to subscribe.
        deployment: this one.
        jobs: Lytics.
        exports: where the ids of Lytics' job and authorization are kept.
        clock: ours.
        subscribe: create the webhook job; otherwise only look for one.
        waited: what the previous call returned; 0 at the first call, the only one that updates existing
            things.

    Raises:
        SubscriptionRefused: Lytics does not allow us to create the job; the message says what to enter by
            hand.
        KeyRefused: Lytics refuses the token.
        StopRun: the job was stopped or has not started, or there is no webhook secret.
        RetryLater: Lytics did not answer; call again.
    """
    if not waited:
        exports.lift_stop(export.name, math.floor(clock.now() * 1000))
    url = webhook_url(deployment.webhook_base_url, export.name)
    if not subscribe:
        return _looked_up(export, deployment, url, jobs)
    if not webhook_secrets:
        raise StopRun(
            f'the secret {deployment.secret_name} has no "webhook_secrets": add one of at least 32 '
            "characters and start the export again"
        )
    config = job_config(export, url, jobs.schema_fields())
    try:
        job = _subscribed(export, webhook_secrets[0], config, jobs, exports, is_first=not waited)
    except (RequestRefused, KeyRefused) as error:
        if isinstance(error, KeyRefused) and not error.lacks_permission:
            raise
        instructions = as_text(manual_webhook(export, config, deployment.secret_name))
        raise SubscriptionRefused(
            f'{error}.\n{instructions}\nThen start the export again with "subscribe": false.'
        ) from error
    running = job.status in RUNNING
    if job.status == "failed":
        raise StopRun(_failed_message(job))
    if not running and waited >= MAX_WAITS:
        raise StopRun(
            f"the webhook job {job.id} in Lytics has not started, its status is '{job.status}': check its "
            "log in Lytics, restart it there and start the export again"
        )
    return Activation(
        live=True,
        running=running,
        job_id=job.id,
        state=job.status,
        webhook_url=url,
        paste=None,
        waited=waited if running else waited + 1,
    )


def _looked_up(export: Export, deployment: Deployment, url: str, jobs: WebhookJobs) -> Activation:
    """Return whether a job that a person created sends this export's events. Nothing in Lytics is changed."""
    try:
        job = job_of(jobs.jobs(WEBHOOK_WORKFLOW), export.lytics_job, url)
        schema: Mapping[str, str] = jobs.schema_fields()
    except StopRun:
        # "subscribe": false is meant for tokens that may not list jobs.
        job, schema = None, {}
    if (
        job is not None
        and job.status in RUNNING
        and job.config.get("webhook_url") == url
        and export.audience_ids <= set(job.config.get("segment_ids") or ())
    ):
        return Activation(
            live=True,
            running=True,
            job_id=job.id,
            state=job.status,
            webhook_url=url,
            paste=None,
            waited=0,
        )
    return Activation(
        live=False,
        running=True,
        job_id=None,
        state="NOT LIVE",
        webhook_url=url,
        paste=manual_webhook(export, job_config(export, url, schema), deployment.secret_name),
        waited=0,
    )


def _subscribed(
    export: Export,
    webhook_secret: str,
    config: Mapping[str, Any],
    jobs: WebhookJobs,
    exports: Exports,
    *,
    is_first: bool,
) -> LyticsJob:
    url = config["webhook_url"]
    job = job_of(jobs.jobs(WEBHOOK_WORKFLOW), export.lytics_job, url)
    if job is not None and not is_first:
        # At the first call it may still have been about to pause.
        return _resumed(job, jobs) or job
    header_id = _header_authorization(export, webhook_secret, url, jobs)
    if header_id != export.lytics_auth:
        export = replace(export, lytics_auth=header_id)
        exports.put_export(export)
    if job is None:
        job = jobs.create_webhook_job(job_document(export, config, header_id))
    else:
        update = job_update(job, config, header_id)
        if update is not None:
            job = jobs.update_webhook_job(job.id, update)
        job = _resumed(job, jobs) or jobs.create_webhook_job(job_document(export, config, header_id))
    if job.id != export.lytics_job:
        exports.put_export(replace(export, lytics_job=job.id))
    return job


def _resumed(job: LyticsJob, jobs: WebhookJobs) -> LyticsJob | None:
    """Resume a job that a stop has paused; return None if it is gone. ``plan`` refuses what others paused."""
    if job.status != "paused":
        return job
    return replace(job, status="initializing") if jobs.resume_job(job.id) else None


def _header_authorization(export: Export, webhook_secret: str, url: str, jobs: WebhookJobs) -> str:
    """Create or overwrite the header authorization: Lytics never returns its secret for a comparison."""
    headers = {SECRET_HEADER: webhook_secret}
    label = authorization_label(url)
    known = authorization_of(jobs.header_authorizations(), export.lytics_auth, label)
    if known is None:
        return jobs.create_header_authorization(label, headers).id
    return jobs.update_header_authorization(known.id, label, headers).id


def _failed_message(job: LyticsJob) -> str:
    return (
        f"the webhook job '{job.name}' ({job.id}) in Lytics has failed, which happens after two hours of "
        "refused deliveries: check its log in Lytics and this stack's alarms, restart the job in Lytics "
        "(bounce) and start the export again"
    )
