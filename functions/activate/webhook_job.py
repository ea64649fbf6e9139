"""The webhook job that Lytics must have for an export: its configuration, or what to paste where we may not make it."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, Final

from lytics_sendgrid.domain.configuration import Export
from lytics_sendgrid.lytics.documents import HeaderAuthorization, LyticsJob

SECRET_HEADER: Final = "X-Lytics-Secret"  # noqa: S105 - its name, not its value
RUNNING: Final = frozenset({"running", "sleeping"})
"""A job that waits for its next event may be called either."""
GONE: Final = frozenset({"completed", "deleted", "deleting"})
STOPPED: Final = frozenset({"failed", "paused", "pausing"})
MAX_TRIGGER_FIELDS: Final = 75
"""Fields whose changes a job may follow (Lytics, "Webhooks", 2026-11)."""
_BODY_BYTES: Final = 5_000_000
"""Lambda takes 6 MB, which the gateway's envelope shares."""
_MAX_BATCH: Final = 100
"""Beyond this a request for each event is cheap enough, and a failed delivery has more to repeat."""
_EVENT_BYTES: Final = 1_000
"""Envelope and segment event: 450 bytes in Lytics' own examples."""
_VALUE_BYTES: Final = 4_000
"""A text as long as SendGrid's longest field, 1,000 characters of 4 bytes."""
_SEGMENT_EVENTS: Final = "segment_events"


def webhook_url(base_url: str, export: str) -> str:
    """Return where Lytics must send an export's events."""
    return f"{base_url.rstrip('/')}/lytics/{export}"


def batch_size(fields: Iterable[str]) -> int:
    """Choose how many events a request may hold, so that its body stays under 5 MB.

    A single event may be 1 MB at Lytics, but only where a profile holds such a value in a field that is exported: it
    is then refused with 503 and alarmed, not lost.
    """
    event_bytes = _EVENT_BYTES + sum(len(name.encode()) + _VALUE_BYTES for name in fields)
    return max(1, min(_MAX_BATCH, _BODY_BYTES // event_bytes))


def job_config(export: Export, url: str, schema: Collection[str]) -> dict[str, Any]:
    """Return the whole configuration of an export's webhook job.

    Args:
        export: with its audiences and mapping.
        url: where the events go.
        schema: names of the fields in Lytics. ``segment_events`` is selected where it is one of them: Lytics' example
            with selected fields has it all the same, but others' instructions (Pushly's) say to select it.
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
    """Return what a new webhook job is made of."""
    return {
        "name": f"SendGrid export {export.name}",
        "description": "Made and kept by the SendGrid export; its configuration is written anew at every start",
        "auth_ids": [authorization_id],
        "config": dict(config),
    }


def job_update(job: LyticsJob, config: Mapping[str, Any], authorization_id: str) -> dict[str, Any] | None:
    """Return what an existing job must be replaced with, or None where it is as it must be.

    An update is no merge: what a person set beside the configuration (name, quiet window) is sent back as it is. The
    configuration is ours alone: a template set in it, for one, would send bodies of another shape. Values that Lytics
    adds or leaves out where they are empty are no difference; else every start would restart a job that is right.
    """
    names = config.keys() | job.config.keys()
    differs = any(_comparable(job.config.get(name)) != _comparable(config.get(name)) for name in names)
    if not differs and set(job.auth_ids) == {authorization_id}:
        return None
    return {**job.document, "auth_ids": [authorization_id], "config": dict(config)}


def _comparable(value: Any) -> Any:
    return frozenset(map(str, value)) if isinstance(value, list) and value else value or None


def job_of(jobs: Sequence[LyticsJob], job_id: str | None, url: str) -> LyticsJob | None:
    """Return the export's job: the one with the stored id, else one that sends to its URL.

    The URL and not the name: it names the deployment too, so another deployment's job is never taken over, and a job
    that a person made by hand is.
    """
    live = [job for job in jobs if job.status not in GONE]
    for job in live:
        if job.id == job_id:
            return job
    return next((job for job in live if job.config.get("webhook_url") == url), None)


def authorization_label(url: str) -> str:
    """Name an export's header authorization in Lytics."""
    return f"SendGrid export: {url}"


def authorization_of(
    authorizations: Iterable[HeaderAuthorization], authorization_id: str | None, label: str
) -> HeaderAuthorization | None:
    """Return the export's header authorization: the one with the stored id, else one with its label."""
    known = list(authorizations)
    for authorization in known:
        if authorization.id == authorization_id:
            return authorization
    return next((authorization for authorization in known if authorization.label == label), None)


def what_to_paste(export: Export, config: Mapping[str, Any], secret_name: str) -> dict[str, Any]:
    """Return what a person must enter in Lytics to make the job by hand; the secret's value is not in it.

    Args:
        export: with its audiences.
        config: what ``job_config`` returned.
        secret_name: the secret in AWS Secrets Manager that holds the header's value.
    """
    return {
        "where": "Lytics, a new job of the provider Webhooks: Audience Triggers Webhook",
        "webhook_url": config["webhook_url"],
        "http_method": config["http_method"],
        "header": {
            "name": SECRET_HEADER,
            "value": f"the first of webhook_secrets in the secret {secret_name} of AWS Secrets Manager",
        },
        "audiences": [{"id": audience.id, "name": audience.name} for audience in export.audiences],
        "export_fields": config["user_fields"],
        "fields_to_trigger": config["field_changes"],
        "existing_users": config["withbackfill"],
        "batch_requests": config["batch_requests"],
        "batch_size": config["batch_size"],
        "batch_flush_duration_s": config["batch_flush_duration"],
        "do_not_retry": config["do_not_retry"],
        "cloudevents": config["cloudevents"],
    }


def in_words(paste: Mapping[str, Any]) -> str:
    """Write what ``what_to_paste`` returned as lines for a person."""
    audiences = ", ".join(f"{audience['name']} ({audience['id']})" for audience in paste["audiences"])
    return "\n".join(
        (
            f"Make {paste['where']}, with",
            f"  URL: {paste['webhook_url']}",
            f"  HTTP method: {paste['http_method']}",
            f"  Header: {paste['header']['name']}: {paste['header']['value']}",
            f"  Audiences: {audiences}",
            "  Audience events: enters and exits",
            f"  Export fields: {', '.join(paste['export_fields'])}",
            f"  Fields to trigger: {', '.join(paste['fields_to_trigger'])}",
            "  Existing users: no",
            f"  Batch requests: yes, {paste['batch_size']} events or {paste['batch_flush_duration_s']} s",
            "  Do not retry: none",
            "  CloudEvents: no",
        )
    )
