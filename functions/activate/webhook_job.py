"""The webhook job that Lytics needs for an export: its configuration, or what a person must enter instead."""

from collections.abc import Collection, Iterable, Mapping
from typing import Any, Final

from lytics_sendgrid.bounded_text import enumerated, first_that_fit
from lytics_sendgrid.domain.configuration import Export
from lytics_sendgrid.lytics.documents import LyticsJob
from lytics_sendgrid.lytics.webhook_jobs import JOB_DESCRIPTION
from lytics_sendgrid.workflow.activation import AudienceToPaste, Header, ManualWebhook
from lytics_sendgrid.workflow.limits import PASTED_NAMES_CHARS

SECRET_HEADER: Final = "X-Lytics-Secret"  # noqa: S105 - its name, not its value
MAX_TRIGGER_FIELDS: Final = 75
"""Lytics' limit on fields whose changes trigger a webhook (Lytics, "Webhooks", 2026-11)."""
_MAX_BODY_BYTES: Final = 5_000_000
"""Lambda accepts 6 MB, including the gateway's envelope."""
_MAX_BATCH: Final = 100
"""Events in one delivery. More would save little, and a failed delivery repeats all of them."""
_EVENT_BYTES: Final = 1_000
"""The envelope and a segment event take 450 bytes in Lytics' examples."""
_VALUE_BYTES: Final = 4_000
"""SendGrid's longest text: 1,000 characters of 4 bytes."""
_SEGMENT_EVENTS: Final = "segment_events"
_LIST_CHARS: Final = 7_000
"""A list in an error message, in JSON: 200 ids of audiences fit, and more fields than a person types."""


def batch_size(fields: Iterable[str]) -> int:
    """Return how many events a request may hold so that its body stays under 5 MB.

    A single event may be up to 1 MB if a profile holds such a value in an exported field. A body that gets
    too large is refused with 503, which raises an alarm and loses nothing.
    """
    event_bytes = _EVENT_BYTES + sum(len(name.encode()) + _VALUE_BYTES for name in fields)
    return max(1, min(_MAX_BATCH, _MAX_BODY_BYTES // event_bytes))


def job_config(export: Export, url: str, schema: Collection[str]) -> dict[str, Any]:
    """Return the whole configuration of an export's webhook job.

    Args:
        export: with its audiences and mapping.
        url: where the events go.
        schema: names of the fields in Lytics. ``segment_events`` is selected if it is one of them: Lytics'
            example has it without selecting it, but Pushly's instructions say to select it.
    """
    fields = list(export.lytics_fields)
    if _SEGMENT_EVENTS in schema:
        fields.append(_SEGMENT_EVENTS)
    return {
        "segment_ids": [audience.id for audience in export.audiences],
        "webhook_url": url,
        "http_method": "POST",
        "audience_events": "",
        "user_fields": fields,
        "field_changes": list(export.lytics_fields[:MAX_TRIGGER_FIELDS]),
        "withbackfill": False,
        "include_segs": False,
        "batch_requests": True,
        "batch_size": batch_size(fields),
        "batch_flush_duration": 1,
        "worker_count": 5,
        "do_not_retry": [],
        "cloudevents": False,
    }


def job_document(export: Export, config: Mapping[str, Any], authorization_id: str) -> dict[str, Any]:
    """Return the request that creates a webhook job."""
    return {
        "name": f"SendGrid export {export.name}",
        "description": JOB_DESCRIPTION,
        "auth_ids": [authorization_id],
        "config": dict(config),
    }


def job_update(job: LyticsJob, config: Mapping[str, Any], authorization_id: str) -> dict[str, Any] | None:
    """Return the request that corrects an existing job, or None if the job is correct.

    An update replaces the whole job. What a person set outside the configuration, such as the name or a quiet
    window, is sent back unchanged. The configuration itself is ours: a template in it, for example, would
    change the bodies. Empty values that Lytics adds or leaves out do not count as a difference; otherwise
    every start would restart the job.
    """
    names = config.keys() | job.config.keys()
    differs = any(_comparable(job.config.get(name)) != _comparable(config.get(name)) for name in names)
    if not differs and set(job.auth_ids) == {authorization_id}:
        return None
    return {**job.document, "auth_ids": [authorization_id], "config": dict(config)}


def _comparable(value: Any) -> Any:
    return frozenset(map(str, value)) if isinstance(value, list) and value else value or None


def manual_webhook(export: Export, config: Mapping[str, Any], secret_name: str) -> ManualWebhook:
    """Return what a person enters in Lytics to create the job. It never holds the secret itself.

    Args:
        export: with its audiences.
        config: what ``job_config`` returned.
        secret_name: the secret in AWS Secrets Manager that holds the header's value.
    """
    names = [audience.name for audience in export.audiences]
    has_names = len(first_that_fit(names, PASTED_NAMES_CHARS)) == len(names)
    return ManualWebhook(
        where="Lytics, a new job of the provider Webhooks: Audience Triggers Webhook",
        webhook_url=config["webhook_url"],
        http_method=config["http_method"],
        header=Header(
            name=SECRET_HEADER,
            value=f"the first of webhook_secrets in the secret {secret_name} of AWS Secrets Manager",
        ),
        audiences=tuple(
            AudienceToPaste(id=audience.id, name=audience.name)
            if has_names
            else AudienceToPaste(id=audience.id)
            for audience in export.audiences
        ),
        export_fields=tuple(config["user_fields"]),
        fields_to_trigger=tuple(config["field_changes"]),
        existing_users=config["withbackfill"],
        batch_requests=config["batch_requests"],
        batch_size=config["batch_size"],
        batch_flush_duration_s=config["batch_flush_duration"],
        do_not_retry=tuple(config["do_not_retry"]),
        cloudevents=config["cloudevents"],
    )


def as_text(webhook: ManualWebhook) -> str:
    """Return ``manual_webhook``'s result as lines for a person. They fit an error message."""
    audiences = enumerated(
        (
            f"{audience.name} ({audience.id})" if audience.name else audience.id
            for audience in webhook.audiences
        ),
        _LIST_CHARS,
    )
    return "\n".join(
        (
            f"Create this in {webhook.where}:",
            f"  URL: {webhook.webhook_url}",
            f"  HTTP method: {webhook.http_method}",
            f"  Header: {webhook.header.name}: {webhook.header.value}",
            f"  Audiences: {audiences}",
            "  Audience events: enters and exits",
            f"  Export fields: {enumerated(webhook.export_fields, _LIST_CHARS)}",
            f"  Fields to trigger: {enumerated(webhook.fields_to_trigger, _LIST_CHARS)}",
            "  Existing users: no",
            f"  Batch requests: yes, {webhook.batch_size} events or {webhook.batch_flush_duration_s} s",
            "  Do not retry: none",
            "  CloudEvents: no",
        )
    )
