"""What an invocation did is added to the day of each export."""

from collections.abc import Mapping
from typing import Any

import pytest

from functions.deliver.days import Days
from functions.deliver.invocation import InvocationSummary
from lytics_sendgrid.tables.days import DaysTable
from tests.clock import ManualClock
from tests.doubles.calls import refusal
from tests.doubles.dynamodb import DynamoDb


def table_of(dynamodb: DynamoDb) -> DaysTable:
    client: Any = dynamodb
    return DaysTable(client, "exports")


def counts(accepted: int = 0, unchanged: int = 0, rejected: int = 0) -> dict[str, int]:
    return {"accepted": accepted, "unchanged": unchanged, "rejected": rejected}


def test_each_export_has_one_write_on_its_day_in_utc() -> None:
    dynamodb, clock = DynamoDb(), ManualClock()
    table = table_of(dynamodb)
    clock.now_s = 1_795_737_599.9  # 2026-11-26T23:59:59Z
    days = Days(table, clock)
    assert days.note({"a": {"accepted": 2, "rejected": 1}, "b": {"unchanged": 3}, "c": {}}) == []
    clock.now_s += 0.1
    assert days.note({"a": {"accepted": 1}}) == []
    assert table.days("a", "2026-11-01", "2026-11-30") == {
        "2026-11-26": counts(accepted=2, rejected=1),
        "2026-11-27": counts(accepted=1),
    }
    assert table.days("b", "2026-11-01", "2026-11-30") == {"2026-11-26": counts(unchanged=3)}
    assert len(dynamodb.calls.of("UpdateItem")) == 3


def test_counts_that_cancel_out_are_not_written() -> None:
    dynamodb = DynamoDb()
    assert Days(table_of(dynamodb), ManualClock()).note({"a": {"accepted": 0}}) == []
    assert dynamodb.calls.made == []


def test_failed_write_is_a_fault_and_stops_no_other_export() -> None:
    def fails(operation: str, request: Mapping[str, Any]) -> None:
        if request["Key"]["pk"]["S"] == "export#a":
            raise refusal("InternalServerError", operation, 500)

    dynamodb = DynamoDb()
    dynamodb.calls.before = fails
    faults = Days(table_of(dynamodb), ManualClock()).note({"a": {"accepted": 1}, "b": {"accepted": 1}})
    assert faults == ["DynamoDB: InternalServerError"]
    assert {pk for pk, _ in dynamodb.exports.items} == {"export#b"}


@pytest.mark.parametrize(
    ("outcome", "before", "expected"),
    [
        ("accepted", None, {"accepted": 1}),
        ("unchanged", None, {"unchanged": 1}),
        ("rejected.address", None, {"rejected": 1}),
        ("erased", None, {}),
        ("accepted", "accepted", {}),
        ("unchanged", "accepted", {}),
        ("rejected.row", "rejected.fields", {}),
        ("rejected.row", "accepted", {"rejected": 1, "accepted": -1}),
        ("accepted", "rejected.address", {"accepted": 1, "rejected": -1}),
    ],
)
def test_person_counts_once_by_what_sendgrid_decided_last(
    outcome: str, before: str | None, expected: dict[str, int]
) -> None:
    summary = InvocationSummary()
    summary.note_outcome(["a", "b"], outcome, before)
    assert summary.by_export == ({"a": expected, "b": expected} if expected else {})
