"""The events that a webhook job sends, in each documented format."""

from collections.abc import Mapping, Sequence
from typing import Any

from tests.local.lytics_twin.account import Occurrence, Profile, SegmentEvent
from tests.local.lytics_twin.timestamps import rfc3339_ms, rfc3339_ns

Json = dict[str, Any]


def subscribed_events(occurrence: Occurrence, config: Mapping[str, Any]) -> list[SegmentEvent]:
    """Return the events of an occurrence to which a job's configuration subscribes."""
    audiences = set(config["segment_ids"])
    wanted = {"enters_only": {"enter", "change"}, "exits_only": {"exit", "change"}}.get(
        config.get("audience_events") or "", {"enter", "exit", "change"}
    )
    fields = set(config.get("field_changes") or ())
    return [
        event
        for event in occurrence.events
        if event.audience.id in audiences
        and event.event in wanted
        and (event.event != "change" or occurrence.changed & fields)
    ]


def envelope(
    occurrence: Occurrence, events: Sequence[SegmentEvent], config: Mapping[str, Any], job_id: str
) -> Json:
    """Build the JSON of one event.

    The top-level `id` is the profile's id. Lytics does not document what it identifies, and its examples have
    the same id for an enter and an exit. A receiver that deduplicates by it loses events.
    """
    offset = _offset_minutes(occurrence.emitted_ns)
    data = profile_fields(occurrence.profile, occurrence.fields, config.get("user_fields") or ())
    if config.get("include_segs"):
        data["segments_all"] = list(occurrence.memberships)
    data["segment_events"] = [_element(event, offset) for event in events]
    time = rfc3339_ns(occurrence.emitted_ns, offset)
    if config.get("cloudevents"):
        return {
            "specversion": "1.0",
            "id": occurrence.profile.id,
            "source": f"/v2/job/webhook_triggers/{job_id}",
            "type": "com.lytics.audience.user.event",
            "datacontenttype": "application/json",
            "time": time,
            "data": data,
        }
    return {
        "id": occurrence.profile.id,
        "data": data,
        "meta": {"object": "user", "subscription_id": job_id, "timestamp": time},
    }


def profile_fields(profile: Profile, fields: Mapping[str, Any], selected: Sequence[str]) -> Json:
    """Return the selected fields that the profile has; all its fields if none is selected."""
    if not selected:
        created = rfc3339_ms(profile.created_ns)
        return {"_created": created, "_modified": created, "_num_aliases": 1, **fields}
    known = {"_id": profile.id, **fields}
    return {name: known[name] for name in selected if name in known}


def _element(event: SegmentEvent, offset_minutes: int) -> Json:
    element: Json = {"id": event.audience.id, "event": event.event, "slug": event.audience.slug}
    if event.event != "change":
        element[event.event] = rfc3339_ns(event.time_ns, offset_minutes)
    return element


def _offset_minutes(ns: int) -> int:
    """Vary the offset from event to event, as Lytics' examples do."""
    return (0, -420, 0, 330)[ns // 1000 % 4]
