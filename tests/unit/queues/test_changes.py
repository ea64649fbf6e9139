"""A change message is readable, versioned and cut to size."""

import json
from typing import Any

import pytest

from lytics_sendgrid.domain.change import Change, Kind, Message
from lytics_sendgrid.queues.changes import MESSAGE_BYTES, UnknownVersion, decode, encode, pack

AUDIENCES = ["5f1c0e6b9a7d4e2f8b3c1d0a9e8f7a61", "8a2d4c6e0b1f43579d8e7c6b5a493827"]


def member(number: int, **more: Any) -> Change:
    return Change(f"person{number}@example.com", 1_790_000_000_000_000_000, Kind.ENTER, AUDIENCES[0], **more)


def test_single_change_is_written_with_names() -> None:
    change = Change("ann@example.com", 7, Kind.EXIT, AUDIENCES[0], {"city": "Åre"}, profile="12")
    message = Message("newsletter", (change,), config=3, queued_ms=1_790_000_000_000)
    assert encode(message) == (
        '{"v":1,"export":"newsletter","config":3,"queued":1790000000000,"hops":0,'
        f'"kind":"exit","audience":"{AUDIENCES[0]}","time":7,"changes":['
        '{"email":"ann@example.com","profile":"12","fields":{"city":"\\u00c5re"}}]}'
    )


def test_absent_values_are_not_written() -> None:
    message = Message("newsletter", (Change("ann@example.com", 7, Kind.REFRESH),))
    assert encode(message) == (
        '{"v":1,"export":"newsletter","config":0,"queued":0,"hops":0,"kind":"refresh","time":7,'
        '"changes":[{"email":"ann@example.com"}]}'
    )


def test_message_without_changes_is_written_and_read() -> None:
    empty = Message("newsletter", ())
    assert decode(encode(empty)) == empty


def test_shared_values_are_written_once_and_others_in_columns() -> None:
    changes = (
        Change("ann@example.com", 7, Kind.EXIT, AUDIENCES[0], {"city": "Oslo"}),
        Change("bo@example.com", 8, Kind.EXIT, AUDIENCES[1], {"city": "Bergen"}),
    )
    document = json.loads(encode(Message("newsletter", changes, run="r", number="4")))
    assert document["kind"] == "exit"
    assert (document["columns"], document["fields"]) == (["email", "time", "audience"], ["city"])
    assert document["changes"] == [
        ["ann@example.com", 7, AUDIENCES[0], "Oslo"],
        ["bo@example.com", 8, AUDIENCES[1], "Bergen"],
    ]
    assert (document["run"], document["number"]) == ("r", "4")


def test_messages_are_filled_up_to_the_maximum_size() -> None:
    crowd = tuple(member(number, fields={"city": "x" * 200}) for number in range(5_000))
    packed = list(pack(Message("newsletter", crowd)))
    assert all(MESSAGE_BYTES - 1_000 < len(one.body) <= MESSAGE_BYTES for one in packed[:-1])
    assert len(packed[-1].body) <= MESSAGE_BYTES


def test_message_size_is_a_multiple_of_64_kb() -> None:
    assert MESSAGE_BYTES % 65_536 == 0


def test_bodies_are_filled_to_the_last_byte() -> None:
    message = Message("newsletter", tuple(member(n, fields={"city": "Oslo"}) for n in range(4)))
    alone = len(next(pack(message, 1)).body)
    two = alone + (len(encode(message)) - alone) // 3
    assert [one.changes for one in pack(message, two)] == [2, 2]
    assert [one.changes for one in pack(message, two - 1)] == [1, 1, 1, 1]
    assert {len(one.body) for one in pack(message, two)} == {two}


def test_oversized_change_gets_its_own_body() -> None:
    crowd = (member(1), member(2, fields={"city": "x" * MESSAGE_BYTES}), member(3))
    assert [one.changes for one in pack(Message("newsletter", crowd))] == [1, 1, 1]


def test_absent_attributes_get_defaults() -> None:
    assert decode('{"v":1,"export":"newsletter","changes":[]}') == Message("newsletter", ())


@pytest.mark.parametrize(
    "wrong",
    [
        {"email": 1},
        {"time": 1.5},
        {"time": "1"},
        {"fields": ["city"]},
        {"fields_time": 1.5},
        {"attempt": "1"},
        *({name: 1} for name in ("audience", "profile", "row", "reason", "job")),
    ],
)
def test_change_with_wrong_value_type_is_a_value_error(wrong: dict[str, Any]) -> None:
    change = {"email": "ann@example.com", "kind": "enter", "time": 1}
    assert decode(json.dumps({"v": 1, "export": "e", "changes": [change]})).changes
    with pytest.raises(ValueError, match="TypeError a value of a change has the wrong type"):
        decode(json.dumps({"v": 1, "export": "e", "changes": [{**change, **wrong}]}))


@pytest.mark.parametrize(
    ("wrong", "kind"), [({"export": 1}, "str"), ({"hops": "1"}, "int"), ({"run": 1}, "str")]
)
def test_message_with_wrong_value_type_is_a_value_error(wrong: dict[str, Any], kind: str) -> None:
    with pytest.raises(ValueError, match=f"TypeError a value is not of type {kind}"):
        decode(json.dumps({"v": 1, "export": "e", "changes": [], **wrong}))


@pytest.mark.parametrize("time_ns", [0, -1])
def test_change_without_time_after_1970_is_refused(time_ns: int) -> None:
    change = {"email": "ann@example.com", "kind": "enter", "time": time_ns}
    with pytest.raises(ValueError, match="a change has no time after 1970"):
        decode(json.dumps({"v": 1, "export": "e", "changes": [change]}))


def test_negative_hops_are_read_as_positive() -> None:
    assert decode('{"v":1,"export":"newsletter","hops":-3,"changes":[]}').hops == 3


def test_newer_version_is_reported_as_unknown() -> None:
    with pytest.raises(UnknownVersion, match="2"):
        decode('{"v": 2, "something": "else"}')


@pytest.mark.parametrize(
    "body",
    [
        "",
        "x",
        "[]",
        "null",
        "7",
        "{}",
        '{"v":1}',
        '{"v":1,"export":"e","changes":5}',
        '{"v":1,"export":"e","changes":[5]}',
        '{"v":1,"export":"e","changes":[{"email":"a"}]}',
        '{"v":1,"export":"e","changes":[{"email":"a","kind":"enter"}]}',
        '{"v":1,"export":"e","changes":[{"email":"a","kind":"join","time":1}]}',
        '{"v":1,"export":"e","changes":[{"kind":"enter","time":1}]}',
        '{"v":1,"export":"e","columns":["email"],"fields":[],"changes":[["a"]]}',
        '{"v":1,"export":"e","kind":"enter","time":1,"columns":["email"],"changes":[["a"]]}',
        '{"v":1,"export":"e","kind":"enter","time":1,"columns":["email"],"fields":[],"changes":[[]]}',
        "[" * 100_000,
    ],
)
def test_other_text_is_a_value_error(body: str) -> None:
    with pytest.raises(ValueError, match="not a change message"):
        decode(body)
