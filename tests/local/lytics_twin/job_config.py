"""The rules of a webhook job's configuration (Lytics V2 OpenAPI, WebhookTriggersFree; "Webhooks"; limits)."""

import urllib.parse
from collections.abc import Callable, Container, Mapping
from typing import Any

LOOPBACK_HOSTS = frozenset({"127.0.0.1", "localhost", "::1"})
DEFAULTS: dict[str, Any] = {
    "http_method": "POST",
    "audience_events": "",
    "user_fields": [],
    "field_changes": [],
    "withbackfill": False,
    "include_segs": False,
    "batch_requests": False,
    "batch_size": 10,
    "batch_flush_duration": 5,
    "worker_count": 5,
    "do_not_retry": [],
    "cloudevents": False,
}


def _is_boolean(value: object) -> bool:
    return isinstance(value, bool)


def _names(max_count: int | None = None) -> Callable[[object], bool]:
    def is_valid(value: object) -> bool:
        return (
            isinstance(value, list)
            and all(isinstance(name, str) and name for name in value)
            and (max_count is None or len(value) <= max_count)
        )

    return is_valid


def _integer(minimum: int, maximum: int) -> Callable[[object], bool]:
    def is_valid(value: object) -> bool:
        return isinstance(value, int) and not isinstance(value, bool) and minimum <= value <= maximum

    return is_valid


def _one_of(*choices: str) -> Callable[[object], bool]:
    return lambda value: value in choices


def _statuses(value: object) -> bool:
    return isinstance(value, list) and all(_integer(100, 599)(status) for status in value)


RULES: dict[str, tuple[Callable[[object], bool], str]] = {
    "http_method": (_one_of("GET", "POST", "PUT", "PATCH", "DELETE"), "an HTTP method"),
    "audience_events": (_one_of("", "enters_only", "exits_only"), "'', enters_only or exits_only"),
    "user_fields": (_names(), "a list of field names"),
    "field_changes": (_names(75), "a list of at most 75 field names"),
    "withbackfill": (_is_boolean, "true or false"),
    "include_segs": (_is_boolean, "true or false"),
    "batch_requests": (_is_boolean, "true or false"),
    "batch_size": (_integer(1, 1000), "1 to 1000"),
    "batch_flush_duration": (_integer(1, 300), "1 to 300 seconds"),
    "worker_count": (_integer(1, 20), "1 to 20"),
    "do_not_retry": (_statuses, "a list of HTTP statuses"),
    "cloudevents": (_is_boolean, "true or false"),
}


def config_faults(
    config: Mapping[str, Any], audiences: Container[str], fields: Container[str], *, http_on_loopback: bool
) -> list[str]:
    """Return a message for each invalid setting.

    Stricter than Lytics in one point: an unknown key (such as headers, which belong to the authorization) is
    refused, not ignored.
    """
    faults = [f"{key} is not part of the configuration" for key in sorted(config.keys() - KEYS)]
    faults += [
        f"{key} must be {wanted}"
        for key, (is_valid, wanted) in RULES.items()
        if key in config and not is_valid(config[key])
    ]
    ids = config.get("segment_ids")
    if not _names()(ids) or not ids:
        faults.append("segment_ids must be a list of audience ids")
    else:
        faults += [f"segment_ids: no audience has the id {name}" for name in ids if name not in audiences]
    for key in ("user_fields", "field_changes"):
        if _names()(config.get(key, [])):
            faults += [f"{key}: no field {name}" for name in config.get(key, []) if name not in fields]
    return faults + _url_faults(config.get("webhook_url"), http_on_loopback=http_on_loopback)


def _url_faults(url: object, *, http_on_loopback: bool) -> list[str]:
    if not isinstance(url, str):
        return ["webhook_url is required"]
    parts = urllib.parse.urlsplit(url)
    if not parts.hostname:
        return ["webhook_url has no host"]
    local = http_on_loopback and parts.hostname in LOOPBACK_HOSTS
    if parts.scheme == "https" or (parts.scheme == "http" and local):
        return []
    return ["webhook_url must be https"]


KEYS = RULES.keys() | {"segment_ids", "webhook_url"}
