"""A message is read back as it was written, in each of its forms. A backfill's form is small."""

import json
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from lytics_sendgrid.domain.change import Change, Kind, Message
from lytics_sendgrid.queues.changes import decode, encode, pack

_NAMES = st.sampled_from(["first_name", "last_name", "city", "visits", "vip", "email", "time"])
_VALUES = st.one_of(st.text(max_size=8), st.integers(-(10**12), 10**12), st.floats(-1e9, 1e9), st.booleans())
_OPTIONAL = st.none() | st.text(min_size=1, max_size=5)
_CHANGES = st.builds(
    Change,
    email=st.sampled_from(["ann@example.org", "bo@example.org", "çelik@example.org"]),
    time_ns=st.integers(1, 2**63),
    kind=st.sampled_from(Kind),
    audience=_OPTIONAL,
    fields=st.dictionaries(_NAMES, _VALUES, max_size=5),
    fields_time_ns=st.none() | st.integers(1, 2**63),
    profile=_OPTIONAL,
    row=_OPTIONAL,
    reason=_OPTIONAL,
    attempt=st.none() | st.integers(1, 5),
    job=_OPTIONAL,
)
_MESSAGES = st.builds(
    Message,
    export=st.just("newsletter"),
    changes=st.lists(_CHANGES, max_size=6).map(tuple),
    run=_OPTIONAL,
    number=_OPTIONAL,
    uncertain=st.booleans(),
    suspect=st.booleans(),
    request=_OPTIONAL,
)


@given(_MESSAGES)
def test_message_is_read_as_it_was_written(message: Message) -> None:
    assert decode(encode(message)) == message


@given(_MESSAGES, st.integers(200, 600))
def test_packing_loses_no_change(message: Message, max_bytes: int) -> None:
    packed = list(pack(message, max_bytes))

    parts = [decode(one.body) for one in packed]
    assert [len(part.changes) for part in parts] == [one.changes for one in packed]
    assert tuple(change for part in parts for change in part.changes) == message.changes
    assert {replace(part, changes=()) for part in parts} == {replace(message, changes=())}
    assert all(len(one.body) <= max_bytes or one.changes == 1 for one in packed if message.changes)


def test_field_names_are_written_once_when_most_changes_have_them() -> None:
    people = tuple(
        Change(
            f"person{n}@example.org", 1, Kind.ENTER, "a" * 32, {"city": "Oslo", "visits": n}, fields_time_ns=2
        )
        for n in range(3)
    )

    document = json.loads(encode(Message("newsletter", people)))

    assert document["columns"] == ["email", "fields_time"]
    assert document["fields"] == ["city", "visits"]
    assert document["changes"][2] == ["person2@example.org", 2, "Oslo", 2]


def test_rare_fields_are_written_with_their_names() -> None:
    people = tuple(Change(f"person{n}@example.org", 1, Kind.ENTER, fields={f"field{n}": n}) for n in range(3))

    document = json.loads(encode(Message("newsletter", people)))

    assert "columns" not in document
    assert document["changes"][2] == {"email": "person2@example.org", "fields": {"field2": 2}}
