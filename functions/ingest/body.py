"""Turn a webhook body into changes, by an export's configuration.

Lytics documents the default envelope ``{id, data, meta}`` and CloudEvents, but not how it writes several
events. So an array of either, and an object with a list under ``events`` or ``data``, are read as well
(contentstack.com/docs/lytics/webhooks, updated 2026-11-05). What cannot be read is rejected with a stable
reason. It never affects its neighbours.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from functions.ingest.bad_events import BadEvents, Rejected, RejectRecord
from lytics_sendgrid.domain.change import Change, Kind, Value
from lytics_sendgrid.domain.configuration import Export
from lytics_sendgrid.domain.email_address import invisible_inside, normalise
from lytics_sendgrid.domain.instants import parse_rfc3339_ns
from lytics_sendgrid.domain.invisible import strip_invisible
from lytics_sendgrid.domain.profile import MAX_AHEAD_NS, scalar_fields

_MAX_PROFILE_CHARS: Final = 128
_AUDIENCE_ID: Final = re.compile(r"[0-9a-f]{32}")
_UNKNOWN_SHAPE: Final = "expected an object with a 'data' object"
_NO_SEGMENT_EVENTS: Final = (
    "'segment_events' is missing, empty or not a list: add it to the export fields of the Lytics job"
)
_KINDS: Final = {"enter": Kind.ENTER, "exit": Kind.EXIT, "change": Kind.CHANGE}
_NO_FIELDS: Final[Mapping[str, Value]] = {}


@dataclass(frozen=True, slots=True)
class Reading:
    """The content of a body. Each segment event is in exactly one of the first three.

    Attributes:
        changes: in the body's order. The latest change of an envelope carries its fields.
        ignored: events by audience id, for audiences that the export does not manage.
        rejected: in the order of the body's envelopes.
        dropped: how many mapped fields were dropped, because their value is not a finite scalar.
    """

    changes: tuple[Change, ...]
    ignored: Mapping[str, int]
    rejected: tuple[Rejected, ...]
    dropped: int


def read(document: Any, export: Export, now_ns: int) -> Reading:
    """Read a parsed webhook body.

    Args:
        document: any JSON value.
        export: its audiences and fields are read.
        now_ns: the time, nanoseconds since 1970.

    Returns:
        The changes, and what happened to everything else. No content makes this raise.
    """
    reader = _Reader(export, now_ns)
    for envelope in _envelopes(document):
        reader.take(envelope)
    return Reading(tuple(reader.changes), reader.ignored, tuple(reader.rejected), reader.dropped)


def _envelopes(document: Any) -> Iterable[Any]:
    if isinstance(document, list):
        return document
    if not isinstance(document, dict):
        return (document,)
    lists = [value for key in ("events", "data") if isinstance(value := document.get(key), list)]
    single = [document] if isinstance(document.get("data"), dict) or not lists else []
    return single + [envelope for envelopes in lists for envelope in envelopes]


class _Reader:
    def __init__(self, export: Export, now_ns: int) -> None:
        self.changes: list[Change] = []
        self.ignored: dict[str, int] = {}
        self.rejected: list[Rejected] = []
        self.dropped = 0
        # What still comes for an export that a person stopped is ignored: starting it again scans everybody.
        self._audiences = export.audience_ids if export.stopped_s is None else frozenset()
        self._email_field = export.email_field
        self._fields = tuple(name for name in export.lytics_fields if name != export.email_field)
        self._latest_ns = now_ns + MAX_AHEAD_NS

    def take(self, envelope: Any) -> None:
        """Add the content of one envelope."""
        data = envelope.get("data") if isinstance(envelope, dict) else None
        if not isinstance(data, dict):
            self.rejected.append(Rejected("unknown_shape", _UNKNOWN_SHAPE, envelope))
            return
        events = data.get("segment_events")
        if not isinstance(events, list) or not events:
            self.rejected.append(Rejected("no_segment_events", _NO_SEGMENT_EVENTS, envelope))
            return
        person: _Person | None = None
        latest: int | None = None
        bad = BadEvents()
        for event in events:
            try:
                audience = self._audience(event)
                if audience is None:
                    continue
                kind, time_ns = self._kind_and_time(event, envelope)
                if person is None:
                    person = self._person(envelope, data)
                # One change carries the profile's fields: the latest, which makes them newest. Otherwise the
                # queue would get segment events times fields, and an envelope may have thousands of each.
                fields = person.fields
                if latest is None:
                    latest = len(self.changes)
                elif time_ns > self.changes[latest].time_ns:
                    self.changes[latest] = replace(self.changes[latest], fields=_NO_FIELDS)
                    latest = len(self.changes)
                else:
                    fields = _NO_FIELDS
                self.changes.append(
                    Change(person.email, time_ns, kind, audience, fields, profile=person.profile)
                )
            except RejectRecord as reject:
                bad.add(reject.reason, reject.detail, event)
            except Exception as error:  # noqa: BLE001 - one element that triggers a bug must not hold up the rest
                detail = f"a bug in this product ({type(error).__name__}): please report it"
                bad.add("internal_error", detail, event)
        self.rejected.extend(bad.rejected(envelope, data, (self._email_field, *self._fields)))

    def _audience(self, event: Any) -> str | None:
        """Return the id of an event's audience, or count it as ignored and return None."""
        if not isinstance(event, dict):
            raise RejectRecord("bad_segment_event", "an element of segment_events is not an object")
        audience = event.get("id")
        if not isinstance(audience, str):
            raise RejectRecord("no_audience", "a segment event has no audience id, or one that is not a text")
        if audience in self._audiences:
            return audience
        audience = audience.strip().lower()
        if not _AUDIENCE_ID.fullmatch(audience):
            raise RejectRecord("bad_audience", "a segment event's audience id is not 32 hexadecimal digits")
        if audience in self._audiences:
            return audience
        self.ignored[audience] = self.ignored.get(audience, 0) + 1
        return None

    def _kind_and_time(self, event: Mapping[str, Any], envelope: Mapping[str, Any]) -> tuple[Kind, int]:
        name = event.get("event")
        kind = _KINDS.get(name) if isinstance(name, str) else None
        if kind is None:
            raise RejectRecord("unknown_event", "a segment event is not enter, exit or change")
        own = None if kind is Kind.CHANGE else event.get(kind.value)
        text = own if own is not None and own != "" else _envelope_time(envelope)
        if text is None:
            raise RejectRecord("no_time", "neither the segment event nor its envelope has a time")
        if not isinstance(text, str):
            raise RejectRecord("bad_time", "the time is not a text")
        try:
            time_ns = parse_rfc3339_ns(text)
        except ValueError as error:
            raise RejectRecord("bad_time", f"the time cannot be parsed: {error}") from None
        if time_ns <= 0:
            raise RejectRecord("bad_time", "the time is before 1970")
        if time_ns > self._latest_ns:
            raise RejectRecord("future_time", "the time is more than 5 minutes ahead of our clock")
        return kind, time_ns

    def _person(self, envelope: Mapping[str, Any], data: Mapping[str, Any]) -> "_Person":
        value = data.get(self._email_field)
        email = normalise(value)
        if email is None:
            if value is None or (isinstance(value, str) and not strip_invisible(value)):
                detail = (
                    f"the field '{self._email_field}' is missing or empty: add it to the export fields of "
                    "the Lytics job"
                )
                raise RejectRecord("no_email", detail)
            point = invisible_inside(value)
            why = f": it contains the invisible character {point}" if point else ""
            raise RejectRecord(
                "bad_email", f"the field '{self._email_field}' does not hold an e-mail address{why}"
            )
        return _Person(email, self._projection(data), _profile(envelope, data))

    def _projection(self, data: Mapping[str, Any]) -> Mapping[str, Value]:
        fields, dropped = scalar_fields(data, self._fields)
        self.dropped += dropped
        return fields


@dataclass(frozen=True, slots=True)
class _Person:
    email: str
    fields: Mapping[str, Value]
    profile: str | None


def _envelope_time(envelope: Mapping[str, Any]) -> Any:
    meta = envelope.get("meta")
    time = meta.get("timestamp") if isinstance(meta, dict) else None
    if time is None:
        time = envelope.get("time")
    return None if time == "" else time


def _profile(envelope: Mapping[str, Any], data: Mapping[str, Any]) -> str | None:
    """Return Lytics' profile id: ``_id`` if it is exported, otherwise the envelope's id.

    Lytics does not document whether the envelope's id names the profile or the event. Its examples of an
    enter and an exit carry the same id. So it is a hint for a person, and decides nothing.
    """
    for value in (data.get("_id"), envelope.get("id")):
        if isinstance(value, int) and not isinstance(value, bool):
            return str(value)[:_MAX_PROFILE_CHARS]
        if isinstance(value, str) and 0 < len(value) <= _MAX_PROFILE_CHARS:
            return value
    return None
