"""Reading a webhook's body: what becomes a change, what is ignored, what is rejected and why."""

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


def test_a_change_holds_all_that_delivery_needs() -> None:
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
def test_profile_is_lytics_id_where_exported_else_the_envelopes(
    data_id: Any, envelope_id: Any, profile: str | None
) -> None:
    document = {**envelope(segment_event(), _id=data_id), "id": envelope_id}
    assert only_change(document).profile == profile


@pytest.mark.parametrize("own", [None, ""])
def test_enter_without_a_time_has_the_envelopes(own: str | None) -> None:
    document = envelope(segment_event(enter=own), time="2026-11-23T10:00:00Z")
    assert only_change(document).time_ns == parse_rfc3339_ns("2026-11-23T10:00:00Z")


def test_an_exit_does_not_take_the_time_of_an_enter_beside_it() -> None:
    event = segment_event("exit", enter="2020-01-01T00:00:00Z")
    assert only_change(envelope(event)).time_ns == TIME_NS


def test_a_broken_envelope_time_does_no_harm_where_it_is_not_needed() -> None:
    assert only_change(envelope(segment_event(), time="soon")).time_ns == TIME_NS


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"enter": "yesterday"}, "bad_time"),
        ({"enter": "2026-11-23T11:59:59"}, "bad_time"),
        ({"enter": 1795000000}, "bad_time"),
        ({"enter": "1969-12-31T23:59:59Z"}, "bad_time"),
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
def test_a_bad_segment_event_is_rejected_and_its_neighbour_is_not(
    changed: dict[str, Any], reason: str
) -> None:
    reading = taken(envelope({**segment_event(), **changed}, segment_event("exit", READERS)))
    assert [reject.reason for reject in reading.rejected] == [reason]
    assert [(change.kind, change.audience) for change in reading.changes] == [(Kind.EXIT, READERS)]


def test_five_minutes_ahead_is_still_taken() -> None:
    assert only_change(envelope(segment_event(enter="2026-11-23T12:05:00Z"))).time_ns == NOW_NS + MAX_AHEAD_NS


@pytest.mark.parametrize("time", [None, ""])
def test_a_change_in_an_envelope_without_time_is_rejected(time: str | None) -> None:
    assert only_reject(envelope(segment_event("change"), time=time)).reason == "no_time"


@pytest.mark.parametrize("meta", [None, "now", []])
def test_a_meta_that_is_no_object_has_no_time(meta: Any) -> None:
    assert only_reject({**envelope(segment_event("change")), "meta": meta}).reason == "no_time"


@pytest.mark.parametrize(
    ("email", "reason"),
    [
        (None, "no_email"),
        ("", "no_email"),
        ("  ", "no_email"),
        (["a@b.cd"], "bad_email"),
        ("a b@c.de", "bad_email"),
    ],
)
def test_whoever_has_no_address_is_rejected_once_an_event(email: Any, reason: str) -> None:
    reading = taken(envelope(segment_event(), segment_event("exit", READERS), email=email))
    assert reading.changes == ()
    assert [reject.reason for reject in reading.rejected] == [reason, reason]


def test_a_person_without_address_in_an_unmanaged_audience_is_ignored() -> None:
    reading = taken(envelope(segment_event(audience=UNMANAGED), email=None))
    assert (reading.rejected, reading.ignored) == ((), {UNMANAGED: 1})


def test_unmanaged_audiences_are_counted_by_id() -> None:
    other = "a" * 32
    events = [segment_event(audience=UNMANAGED), segment_event(audience=other.upper())]
    assert taken([envelope(*events), envelope(events[0])]).ignored == {UNMANAGED: 2, other: 1}


@pytest.mark.parametrize("document", [None, True, 1, 1.5, "enter", {}, {"data": "x"}, {"data": None}])
def test_another_shape_is_rejected_whole(document: Any) -> None:
    reject = only_reject(document)
    assert (reject.reason, reject.element) == ("unknown_shape", document)


@pytest.mark.parametrize("events", [None, [], {}, "enter"])
def test_an_envelope_without_segment_events_is_rejected(events: Any) -> None:
    document = {"id": "1", "data": {"email": EMAIL, "segment_events": events}}
    reject = only_reject(document)
    assert (reject.reason, reject.element) == ("no_segment_events", document)


def test_a_list_in_a_list_is_no_envelope() -> None:
    assert only_reject([[envelope(segment_event())]]).reason == "unknown_shape"


@pytest.mark.parametrize("empty", [[], {"events": []}, {"data": []}])
def test_an_empty_batch_is_nothing(empty: Any) -> None:
    assert taken(empty) == Reading((), {}, (), 0)


def test_an_envelope_that_also_holds_a_list_of_events_loses_neither() -> None:
    document = {**envelope(segment_event()), "events": [envelope(segment_event("exit"))]}
    assert [change.kind for change in taken(document).changes] == [Kind.ENTER, Kind.EXIT]


def test_lists_under_both_names_are_read() -> None:
    document = {"events": [envelope(segment_event())], "data": [envelope(segment_event("exit"))]}
    assert [change.kind for change in taken(document).changes] == [Kind.ENTER, Kind.EXIT]


@pytest.mark.parametrize("value", [["x"], {"a": 1}, math.nan, math.inf, -math.inf, 10**308, -(10**400)])
def test_what_is_no_finite_scalar_is_dropped_and_counted(value: Any) -> None:
    reading = taken(envelope(segment_event(), city=value, lifetime_value=5))
    assert reading.changes[0].fields == {"lifetime_value": 5}
    assert reading.dropped == 1


def test_null_is_absent_and_not_counted() -> None:
    reading = taken(envelope(segment_event(), city=None))
    assert (reading.changes[0].fields, reading.dropped) == ({}, 0)


@pytest.mark.parametrize("value", ["", "t", 0, -1, 1.5, True, "2026-01-01"])
def test_scalars_stay_as_lytics_sent_them(value: Any) -> None:
    sent = only_change(envelope(segment_event(), city=value)).fields["city"]
    assert (sent, type(sent)) == (value, type(value))


def test_long_texts_are_cut() -> None:
    assert only_change(envelope(segment_event(), city="é" * 5_000)).fields["city"] == "é" * 4_000


def test_the_address_is_not_among_the_fields_even_where_it_is_mapped_too() -> None:
    mapped = MappedField("email", "e9_T", "address", FieldKind.TEXT, 1000)
    export = dataclasses.replace(NEWSLETTER, fields=(mapped, *NEWSLETTER.fields))
    [change] = read(envelope(segment_event()), export, NOW_NS).changes
    assert change.fields == {}


def test_of_an_envelopes_changes_the_latest_brings_the_fields() -> None:
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


def test_the_first_good_element_brings_the_fields_where_all_are_of_one_time() -> None:
    changes = taken(envelope(segment_event(id=7), *[segment_event("change")] * 3, city="Porto")).changes
    assert [change.fields for change in changes] == [{"city": "Porto"}, {}, {}]


def test_what_an_envelope_becomes_is_not_much_larger_than_it_is() -> None:
    document = envelope(*[segment_event()] * 1_000, city="x" * 4_000, first_name="y" * 4_000)
    message = Message("newsletter", taken(document).changes)
    assert len(message.changes) == 1_000
    assert sum(len(packed.body) for packed in pack(message)) < len(json.dumps(document))


def test_fields_that_no_message_holds_are_dropped_and_the_membership_gets_through() -> None:
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


def test_a_reject_names_its_event_and_person_and_only_mapped_fields() -> None:
    reject = only_reject(envelope(segment_event("join"), city="Porto", secret_note="unmapped"))
    assert reject.element["segment_event"] == segment_event("join")
    assert reject.element["envelope"]["id"] == "77"
    assert reject.element["envelope"]["meta"]["timestamp"] == TIME
    assert reject.element["envelope"]["data"] == {"email": EMAIL, "city": "Porto"}
    assert "Porto" not in reject.detail
    assert EMAIL not in reject.detail


def test_a_reject_of_a_cloudevent_keeps_its_time() -> None:
    reject = only_reject({**envelope(segment_event("join")), "time": TIME})
    assert reject.element["envelope"]["time"] == TIME


def test_bad_segment_events_of_one_envelope_are_apart_up_to_200_and_together_beyond() -> None:
    for number, apart in ((MAX_SEPARATE, True), (MAX_SEPARATE + 1, False)):
        bad: list[Any] = [segment_event("join"), *range(number - 1)]
        reading = taken(envelope(*bad, segment_event("exit"), city="Porto"))
        assert [change.kind for change in reading.changes] == [Kind.EXIT]
        assert sum(reject.count for reject in reading.rejected) == number
        assert len(reading.rejected) == (number if apart else 2)
        for reject in reading.rejected:
            assert reject.element["envelope"]["data"] == {"email": EMAIL, "city": "Porto"}


def test_what_is_kept_of_millions_of_bad_segment_events_is_bounded() -> None:
    reading = taken(envelope(*range(20 * MAX_PER_REJECT + 1)))
    assert [reject.count for reject in reading.rejected] == [MAX_PER_REJECT] * 20 + [1]
    together = [event for reject in reading.rejected for event in reject.element["segment_events"]]
    assert together == list(range(20 * MAX_PER_REJECT + 1))


def test_a_fault_of_ours_in_one_element_costs_only_that_element(monkeypatch: pytest.MonkeyPatch) -> None:
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


def test_a_cloudevent_with_a_meta_of_its_own_keeps_metas_time() -> None:
    document = {**envelope(segment_event("change")), "specversion": "1.0", "time": "2026-01-01T00:00:00Z"}
    assert only_change(document).time_ns == TIME_NS


def test_what_is_read_is_what_was_posted() -> None:
    text = json.dumps([envelope(segment_event(), city="Zürich 🌿")])
    assert only_change(json.loads(text)).fields == {"city": "Zürich 🌿"}
