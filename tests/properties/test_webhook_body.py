"""Properties of reading a webhook body, whatever its content."""

import json
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st

from functions.deliver.merge import merge
from functions.ingest.body import read
from lytics_sendgrid.domain.change import Message
from lytics_sendgrid.domain.contact import UNKNOWN, Contact
from lytics_sendgrid.lenient_json import parse
from lytics_sendgrid.queues.changes import decode, pack
from lytics_sendgrid.queues.rejects import reject_bodies
from tests.newsletter import HIGH_VALUE, LAPSED, NEWSLETTER, READERS, UNMANAGED

NOW_NS = 1_795_000_000_000_000_000
REASONS = {
    "bad_audience",
    "bad_email",
    "bad_segment_event",
    "bad_time",
    "future_time",
    "no_audience",
    "no_email",
    "no_segment_events",
    "no_time",
    "unknown_event",
    "unknown_shape",
}
KEYS = [
    "id",
    "data",
    "events",
    "meta",
    "time",
    "timestamp",
    "segment_events",
    "event",
    "enter",
    "exit",
    "email",
]
TEXTS = [
    "enter",
    "exit",
    "change",
    HIGH_VALUE,
    UNMANAGED,
    "2026-10-14T20:27:33.916374949Z",
    "2099-01-01T00:00:00Z",
    "irma.solberg@example.com",
]

scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(st.characters(exclude_categories=()), max_size=20),
    st.sampled_from(TEXTS),
)
documents = st.recursive(
    scalars,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(st.sampled_from([*KEYS, "city", "specversion"]), inner, max_size=6),
    ),
    max_leaves=25,
)
good = st.builds(
    lambda word, audience, number, city: {
        "id": str(number),
        "data": {
            "email": f"person{number}@example.com",
            "city": city,
            "segment_events": [{"id": audience, "event": word, word: "2026-10-14T20:27:33.916374949Z"}],
        },
        "meta": {"timestamp": "2026-10-14T20:27:34.1-07:00"},
    },
    st.sampled_from(["enter", "exit", "change"]),
    st.sampled_from([HIGH_VALUE, READERS, LAPSED]),
    st.integers(0, 2**64),
    st.text(st.characters(exclude_categories=()), max_size=50),
)


@given(documents)
@example({"data": {"segment_events": [{"id": HIGH_VALUE, "event": "enter"}], "email": "x@example.com"}})
def test_any_json_has_only_documented_outcomes(document: Any) -> None:
    reading = read(document, NEWSLETTER, NOW_NS)
    assert {reject.reason for reject in reading.rejected} <= REASONS
    for change in reading.changes:
        assert change.audience in NEWSLETTER.audience_ids
        assert 0 < change.time_ns <= NOW_NS + 300_000_000_000
        assert set(change.fields) <= set(NEWSLETTER.lytics_fields)
    message = Message("newsletter", reading.changes, queued_ms=1)
    decoded = [change for packed in pack(message) for change in decode(packed.body).changes]
    assert tuple(decoded) == reading.changes
    for body in reject_bodies(reading.rejected, "ingest", "newsletter"):
        assert json.loads(body)["reason"] in REASONS


@given(
    st.lists(st.tuples(st.booleans(), good, documents), max_size=12), st.sampled_from(["", "events", "data"])
)
def test_no_good_element_is_lost_among_bad_ones(elements: list[tuple[bool, Any, Any]], key: str) -> None:
    batch = [fine if is_good else bad for is_good, fine, bad in elements]
    reading = read({key: batch} if key else batch, NEWSLETTER, NOW_NS)
    alone = [read([element], NEWSLETTER, NOW_NS) for element in batch]
    assert reading.changes == tuple(change for one in alone for change in one.changes)
    assert [r.reason for r in reading.rejected] == [r.reason for one in alone for r in one.rejected]
    for (is_good, fine, _), one in zip(elements, alone, strict=True):
        if is_good:
            assert [change.email for change in one.changes] == [fine["data"]["email"]]
            assert one.rejected == ()


@given(st.lists(good, max_size=8))
def test_splitting_a_batch_changes_nothing(batch: list[Any]) -> None:
    whole = read(batch, NEWSLETTER, NOW_NS)
    parts = [read(one, NEWSLETTER, NOW_NS) for one in batch]
    assert whole.changes == tuple(change for part in parts for change in part.changes)


times = st.sampled_from(["2026-10-14T20:27:33Z", "2026-10-14T20:27:34Z", "2026-10-14T20:27:35Z", "", "odd"])
segment_events = st.builds(
    lambda word, audience, time: {"id": audience, "event": word, word: time},
    st.sampled_from(["enter", "exit", "change", "odd"]),
    st.sampled_from([HIGH_VALUE, READERS, LAPSED, UNMANAGED, "odd"]),
    times,
)


@given(st.lists(st.tuples(st.lists(segment_events, max_size=6), times, st.text(max_size=3)), max_size=3))
def test_segment_events_end_the_same_in_one_or_many_envelopes(
    several: list[tuple[list[Any], str, str]],
) -> None:
    def envelope(events: list[Any], time: str, city: str) -> Any:
        data = {"email": "a@example.com", "city": city, "lifetime_value": len(city), "segment_events": events}
        return {"data": data, "meta": {"timestamp": time}}

    def state(envelopes: list[Any]) -> Contact:
        changes = read(envelopes, NEWSLETTER, NOW_NS).changes
        return merge(UNKNOWN, [(change, NEWSLETTER) for change in changes], {})

    together = [envelope(events, time, city) for events, time, city in several]
    apart = [envelope([event], time, city) for events, time, city in several for event in events]
    assert state(together) == state(apart)


@given(documents)
def test_json_survives_parsing(document: Any) -> None:
    text = json.dumps(document)
    assert json.dumps(parse(text)) == text


@given(st.text(max_size=30))
def test_text_is_json_or_a_value_error(text: str) -> None:
    try:
        parse(text)
    except ValueError:
        return
    json.loads(text)
