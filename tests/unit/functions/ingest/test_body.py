"""read: which parts of a webhook body are changes, which are ignored, which are rejected and why."""

import dataclasses
import json
import math
from typing import Any

import pytest

from functions.ingest import body
from functions.ingest.bad_events import MAX_PER_REJECT, MAX_SEPARATE, Rejected
from functions.ingest.body import Reading, read
from lytics_sendgrid.domain.change import Change, Kind, Message, Value
from lytics_sendgrid.domain.configuration import FieldKind, MappedField
from lytics_sendgrid.domain.instants import parse_rfc3339_ns
from lytics_sendgrid.domain.profile import MAX_AHEAD_NS
from lytics_sendgrid.queues.changes import pack
from tests.newsletter import HIGH_VALUE, LAPSED, NEWSLETTER, READERS, UNMANAGED

NOW_NS = parse_rfc3339_ns("2026-11-23T12:00:00Z")
TIME = "2026-11-23T11:59:59.123456789Z"
TIME_NS = parse_rfc3339_ns(TIME)
EMAIL = "nadia.farouk@example.com"


def segment_event(word: str = "enter", audience: str = HIGH_VALUE, **more: Any) -> dict[str, Any]:
    timed = {} if word == "change" else {word: TIME}
    return {"id": audience, "event": word, "slug": "any", **timed, **more}


def envelope(*events: Any, time: Any = TIME, **data: Any) -> dict[str, Any]:
    meta = {"object": "user", "subscription_id": "0" * 32, "timestamp": time}
    return {"id": "77", "data": {"email": EMAIL, **data, "segment_events": list(events)}, "meta": meta}


def taken(document: Any) -> Reading:
    return read(document, NEWSLETTER, NOW_NS)


def only_change(document: Any) -> Change:
    reading = taken(document)
    assert reading.rejected == ()
    [change] = reading.changes
    return change


def only_reject(document: Any) -> Rejected:
    reading = taken(document)
    assert reading.changes == ()
    [reject] = reading.rejected
    return reject


def test_change_holds_email_time_kind_audience_fields_and_profile() -> None:
    document = envelope(segment_event("exit"), _id="900", city="Porto", lifetime_value=12, unmapped="x")
    fields: dict[str, Value] = {"city": "Porto", "lifetime_value": 12}
    assert only_change(document) == Change(EMAIL, TIME_NS, Kind.EXIT, HIGH_VALUE, fields, profile="900")


@pytest.mark.parametrize(
    ("data_id", "envelope_id", "profile"),
    [
        ("900", "77", "900"),
        (900, "77", "900"),
        (None, "77", "77"),
        (None, 7602717205906505300, "7602717205906505300"),
        ("", None, None),
        (["900"], {"a": 1}, None),
        (True, 1.5, None),
        ("9" * 128, "77", "9" * 128),
        ("9" * 129, "77", "77"),
        (int("9" * 129), "77", "9" * 128),
    ],
)
def test_profile_is_exported_id_or_envelope_id(data_id: Any, envelope_id: Any, profile: str | None) -> None:
    document = {**envelope(segment_event(), _id=data_id), "id": envelope_id}
    assert only_change(document).profile == profile


@pytest.mark.parametrize("own", [None, ""])
def test_enter_without_time_takes_envelope_time(own: str | None) -> None:
    document = envelope(segment_event(enter=own), time="2026-11-23T10:00:00Z")
    assert only_change(document).time_ns == parse_rfc3339_ns("2026-11-23T10:00:00Z")


def test_exit_does_not_take_enter_time() -> None:
    event = segment_event("exit", enter="2020-01-01T00:00:00Z")
    assert only_change(envelope(event)).time_ns == TIME_NS


def test_bad_envelope_time_is_ignored_if_event_has_time() -> None:
    assert only_change(envelope(segment_event(), time="soon")).time_ns == TIME_NS


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"enter": "yesterday"}, "bad_time"),
        ({"enter": "2026-11-23T11:59:59"}, "bad_time"),
        ({"enter": 1795000000}, "bad_time"),
        ({"enter": "1969-12-31T23:59:59Z"}, "bad_time"),
        ({"enter": "0001-01-01T00:00:00Z"}, "bad_time"),
        ({"enter": "0001-01-01"}, "bad_time"),
        ({"enter": "2026-W01-1T00:00:00Z"}, "bad_time"),
        ({"enter": "20261123T115959Z"}, "bad_time"),
        ({"enter": " 2026-11-23T11:59:59Z"}, "bad_time"),
        ({"enter": "1970-01-01T00:00:00Z"}, "bad_time"),
        ({"enter": "2026-11-23T12:05:00.000000001Z"}, "future_time"),
        ({"event": "join"}, "unknown_event"),
        ({"event": None}, "unknown_event"),
        ({"event": ["enter"]}, "unknown_event"),
        ({"id": None}, "no_audience"),
        ({"id": 5}, "no_audience"),
        ({"id": ""}, "bad_audience"),
        ({"id": HIGH_VALUE + "0"}, "bad_audience"),
    ],
)
def test_bad_segment_event_is_rejected_without_its_neighbour(changed: dict[str, Any], reason: str) -> None:
    reading = taken(envelope({**segment_event(), **changed}, segment_event("exit", READERS)))
    assert [reject.reason for reject in reading.rejected] == [reason]
    assert [(change.kind, change.audience) for change in reading.changes] == [(Kind.EXIT, READERS)]


def test_event_five_minutes_ahead_is_accepted() -> None:
    assert only_change(envelope(segment_event(enter="2026-11-23T12:05:00Z"))).time_ns == NOW_NS + MAX_AHEAD_NS


@pytest.mark.parametrize("time", [None, ""])
def test_change_without_envelope_time_is_rejected(time: str | None) -> None:
    assert only_reject(envelope(segment_event("change"), time=time)).reason == "no_time"


@pytest.mark.parametrize("meta", [None, "now", []])
def test_meta_that_is_not_an_object_has_no_time(meta: Any) -> None:
    assert only_reject({**envelope(segment_event("change")), "meta": meta}).reason == "no_time"


@pytest.mark.parametrize(
    ("email", "reason"),
    [
        (None, "no_email"),
        ("", "no_email"),
        ("  ", "no_email"),
        ("\ufeff \u200b", "no_email"),
        (["a@b.cd"], "bad_email"),
        ("a b@c.de", "bad_email"),
    ],
)
def test_missing_or_bad_address_rejects_each_event(email: Any, reason: str) -> None:
    reading = taken(envelope(segment_event(), segment_event("exit", READERS), email=email))
    assert reading.changes == ()
    assert [reject.reason for reject in reading.rejected] == [reason, reason]


def test_invisible_characters_make_no_other_person() -> None:
    reading = taken(envelope(segment_event(), email="\ufeffada@example.com\u200b"))
    assert [change.email for change in reading.changes] == ["ada@example.com"]


def test_invisible_character_inside_an_address_is_named() -> None:
    reject = only_reject(envelope(segment_event(), email="ad\u200ba@example.com"))
    assert reject.reason == "bad_email"
    assert reject.detail.endswith("it contains the invisible character U+200B")


def test_unmanaged_audience_is_ignored_before_the_address() -> None:
    reading = taken(envelope(segment_event(audience=UNMANAGED), email=None))
    assert (reading.rejected, reading.ignored) == ((), {UNMANAGED: 1})


def test_events_of_a_stopped_export_are_ignored_before_the_address() -> None:
    stopped = dataclasses.replace(NEWSLETTER, stopped_s=1)
    reading = read(envelope(segment_event(), segment_event("exit", READERS), email=None), stopped, NOW_NS)
    assert (reading.changes, reading.rejected) == ((), ())
    assert reading.ignored == {HIGH_VALUE: 1, READERS: 1}


def test_unmanaged_audiences_are_counted_by_id() -> None:
    other = "a" * 32
    events = [segment_event(audience=UNMANAGED), segment_event(audience=other.upper())]
    assert taken([envelope(*events), envelope(events[0])]).ignored == {UNMANAGED: 2, other: 1}


@pytest.mark.parametrize("document", [None, True, 1, 1.5, "enter", {}, {"data": "x"}, {"data": None}])
def test_unknown_shape_is_rejected_whole(document: Any) -> None:
    reject = only_reject(document)
    assert (reject.reason, reject.element) == ("unknown_shape", document)


@pytest.mark.parametrize("events", [None, [], {}, "enter"])
def test_envelope_without_segment_events_is_rejected(events: Any) -> None:
    document = {"id": "1", "data": {"email": EMAIL, "segment_events": events}}
    reject = only_reject(document)
    assert (reject.reason, reject.element) == ("no_segment_events", document)


def test_nested_list_is_rejected() -> None:
    assert only_reject([[envelope(segment_event())]]).reason == "unknown_shape"


@pytest.mark.parametrize("empty", [[], {"events": []}, {"data": []}])
def test_empty_body_has_no_content(empty: Any) -> None:
    assert taken(empty) == Reading((), {}, (), 0)


def test_envelope_with_a_list_of_events_keeps_both() -> None:
    document = {**envelope(segment_event()), "events": [envelope(segment_event("exit"))]}
    assert [change.kind for change in taken(document).changes] == [Kind.ENTER, Kind.EXIT]


def test_lists_under_both_names_are_read() -> None:
    document = {"events": [envelope(segment_event())], "data": [envelope(segment_event("exit"))]}
    assert [change.kind for change in taken(document).changes] == [Kind.ENTER, Kind.EXIT]


@pytest.mark.parametrize("value", [["x"], {"a": 1}, math.nan, math.inf, -math.inf, 10**308, -(10**400)])
def test_value_that_is_not_a_finite_scalar_is_dropped(value: Any) -> None:
    reading = taken(envelope(segment_event(), city=value, lifetime_value=5))
    assert reading.changes[0].fields == {"lifetime_value": 5}
    assert reading.dropped == 1


def test_null_field_is_absent_and_not_counted() -> None:
    reading = taken(envelope(segment_event(), city=None))
    assert (reading.changes[0].fields, reading.dropped) == ({}, 0)


@pytest.mark.parametrize("value", ["", "t", 0, -1, 1.5, True, "2026-01-01"])
def test_scalar_is_kept_as_sent(value: Any) -> None:
    sent = only_change(envelope(segment_event(), city=value)).fields["city"]
    assert (sent, type(sent)) == (value, type(value))


def test_long_text_is_cut() -> None:
    assert only_change(envelope(segment_event(), city="é" * 5_000)).fields["city"] == "é" * 4_000


def test_mapped_email_field_is_not_among_the_fields() -> None:
    mapped = MappedField("email", "e9_T", "address", FieldKind.TEXT, 1000)
    export = dataclasses.replace(NEWSLETTER, fields=(mapped, *NEWSLETTER.fields))
    [change] = read(envelope(segment_event()), export, NOW_NS).changes
    assert change.fields == {}


def test_latest_change_of_envelope_carries_fields() -> None:
    later = "2026-11-23T11:59:59.5Z"
    events = [
        segment_event("change"),
        segment_event("exit", exit=later),
        segment_event("enter", READERS),
        {"id": "odd"},
        segment_event("enter", LAPSED, enter=later),
    ]
    changes = taken(envelope(*events, city="Porto")).changes
    assert [change.kind for change in changes] == [Kind.CHANGE, Kind.EXIT, Kind.ENTER, Kind.ENTER]
    assert [change.fields for change in changes] == [{}, {"city": "Porto"}, {}, {}]


def test_first_good_change_carries_fields_at_equal_times() -> None:
    changes = taken(envelope(segment_event(id=7), *[segment_event("change")] * 3, city="Porto")).changes
    assert [change.fields for change in changes] == [{"city": "Porto"}, {}, {}]


def test_messages_are_not_larger_than_the_envelope() -> None:
    document = envelope(*[segment_event()] * 1_000, city="x" * 4_000, first_name="y" * 4_000)
    message = Message("newsletter", taken(document).changes)
    assert len(message.changes) == 1_000
    assert sum(len(packed.body) for packed in pack(message)) < len(json.dumps(document))


def test_oversized_fields_are_dropped_and_membership_is_kept() -> None:
    names = [f"field_{number}" for number in range(40)]
    mapped = tuple(MappedField(name, f"e{name}_T", name, FieldKind.TEXT, 1000) for name in names)
    export = dataclasses.replace(NEWSLETTER, fields=mapped)
    for text, kept in (("x" * 4_000, 40), ("🌿" * 4_000, 0)):
        document = envelope(segment_event("exit"), **dict.fromkeys(names, text))
        reading = read(document, export, NOW_NS)
        [change] = reading.changes
        assert (change.kind, len(change.fields), reading.dropped) == (Kind.EXIT, kept, 40 - kept)
        [packed] = pack(Message("newsletter", reading.changes))
        assert len(packed.body) < 1_048_576


def test_reject_holds_event_envelope_and_mapped_fields_only() -> None:
    reject = only_reject(envelope(segment_event("join"), city="Porto", secret_note="unmapped"))
    assert reject.element["segment_event"] == segment_event("join")
    assert reject.element["envelope"]["id"] == "77"
    assert reject.element["envelope"]["meta"]["timestamp"] == TIME
    assert reject.element["envelope"]["data"] == {"email": EMAIL, "city": "Porto"}
    assert "Porto" not in reject.detail
    assert EMAIL not in reject.detail


def test_reject_of_cloudevent_keeps_its_time() -> None:
    reject = only_reject({**envelope(segment_event("join")), "time": TIME})
    assert reject.element["envelope"]["time"] == TIME


def test_more_than_200_bad_segment_events_share_rejects() -> None:
    for number, apart in ((MAX_SEPARATE, True), (MAX_SEPARATE + 1, False)):
        bad: list[Any] = [segment_event("join"), *range(number - 1)]
        reading = taken(envelope(*bad, segment_event("exit"), city="Porto"))
        assert [change.kind for change in reading.changes] == [Kind.EXIT]
        assert sum(reject.count for reject in reading.rejected) == number
        assert len(reading.rejected) == (number if apart else 2)
        for reject in reading.rejected:
            assert reject.element["envelope"]["data"] == {"email": EMAIL, "city": "Porto"}


def test_many_bad_segment_events_share_few_rejects() -> None:
    reading = taken(envelope(*range(20 * MAX_PER_REJECT + 1)))
    assert [reject.count for reject in reading.rejected] == [MAX_PER_REJECT] * 20 + [1]
    together = [event for reject in reading.rejected for event in reject.element["segment_events"]]
    assert together == list(range(20 * MAX_PER_REJECT + 1))


def test_bug_in_one_element_rejects_only_that_element(monkeypatch: pytest.MonkeyPatch) -> None:
    def parse(text: str) -> int:
        if text == "trip":
            raise ZeroDivisionError(EMAIL)
        return TIME_NS

    monkeypatch.setattr(body, "parse_rfc3339_ns", parse)
    reading = taken([envelope(segment_event(enter="trip")), envelope(segment_event())])
    assert len(reading.changes) == 1
    [reject] = reading.rejected
    assert reject.reason == "internal_error"
    assert "ZeroDivisionError" in reject.detail
    assert EMAIL not in reject.detail


def test_meta_timestamp_wins_over_cloudevent_time() -> None:
    document = {**envelope(segment_event("change")), "specversion": "1.0", "time": "2026-01-01T00:00:00Z"}
    assert only_change(document).time_ns == TIME_NS


def test_unicode_field_is_read_unchanged() -> None:
    text = json.dumps([envelope(segment_event(), city="Zürich 🌿")])
    assert only_change(json.loads(text)).fields == {"city": "Zürich 🌿"}
