"""The last event of each export is written once in a while."""

from collections.abc import Mapping
from typing import Any

from functions.deliver.heard import HEARD_EVERY_MS, Heard
from functions.deliver.invocation import InvocationSummary
from lytics_sendgrid.domain.change import Message
from lytics_sendgrid.tables.heard import HeardTable
from tests.doubles.calls import refusal
from tests.doubles.dynamodb import DynamoDb
from tests.unit.functions.deliver.deliver_scene import Scene
from tests.unit.functions.deliver.example_changes import entering

NOW_MS = 1_795_000_000_000


def table_of(dynamodb: DynamoDb) -> HeardTable:
    client: Any = dynamodb
    return HeardTable(client, "exports")


def written(dynamodb: DynamoDb) -> list[tuple[str, int]]:
    """Return what was written, in order: the item's key and when its event was queued."""
    items = [request["Item"] for request in dynamodb.calls.of("PutItem")]
    return [(item["pk"]["S"], int(item["at_ms"]["N"])) for item in items]


def noted(*messages: Message) -> Mapping[str, int]:
    summary = InvocationSummary()
    for message in messages:
        summary.note_heard(message)
    return summary.heard


def test_newest_delivery_of_lytics_counts() -> None:
    heard = noted(
        Message("a", (), queued_ms=7, request="r1"),
        Message("a", (), queued_ms=5, request="r2"),
        Message("a", (), queued_ms=9, run="resync"),
        Message("b", (), queued_ms=3, request="r3"),
        Message("c", (), queued_ms=8),
    )
    assert heard == {"a": 7, "b": 3}


def test_event_is_written_at_most_every_15_minutes() -> None:
    dynamodb = DynamoDb()
    heard = Heard(table_of(dynamodb))
    for at_ms in (NOW_MS, NOW_MS + 1, NOW_MS + HEARD_EVERY_MS - 1, NOW_MS + HEARD_EVERY_MS, NOW_MS):
        assert heard.note({"a": at_ms}) == []
    assert heard.note({"b": NOW_MS}) == []
    assert written(dynamodb) == [
        ("export#a", NOW_MS),
        ("export#a", NOW_MS + HEARD_EVERY_MS),
        ("export#b", NOW_MS),
    ]


def test_failed_write_is_a_fault_and_tried_again() -> None:
    dynamodb = DynamoDb()
    table = table_of(dynamodb)
    heard = Heard(table)
    dynamodb.calls.broken = refusal("InternalServerError", "PutItem", 500)
    assert heard.note({"a": NOW_MS}) == ["DynamoDB: InternalServerError"]
    dynamodb.calls.broken = None
    assert table.heard_ms("a") is None
    assert heard.note({"a": NOW_MS + 1}) == []
    assert table.heard_ms("a") == NOW_MS + 1


def test_delivery_hears_only_exports_that_exist() -> None:
    scene = Scene()
    known = entering(["ann@example.org"], request="r1")
    assert list(scene.deliver(known, entering(["bob@example.com"], export="no", request="r2")).heard) == [
        known.export
    ]
