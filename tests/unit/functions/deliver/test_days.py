"""What an invocation did is added to the day of each export."""

from collections.abc import Mapping

import pytest

from functions.deliver.days import Days
from functions.deliver.invocation import InvocationSummary
from lytics_sendgrid.errors import ServiceUnavailable
from tests.clock import ManualClock


class Table:
    def __init__(self) -> None:
        self.added: list[tuple[str, str, dict[str, int]]] = []
        self.failing: set[str] = set()

    def add_counts(self, export: str, day: str, counts: Mapping[str, int], now_s: int) -> None:
        if export in self.failing:
            raise ServiceUnavailable("DynamoDB: InternalServerError")
        self.added.append((export, day, dict(counts)))


def test_each_export_has_one_write_on_its_day_in_utc() -> None:
    table, clock = Table(), ManualClock()
    clock.now_s = 1_795_737_599.9  # 2026-11-26T23:59:59Z
    days = Days(table, clock)
    assert days.note({"a": {"accepted": 2, "rejected": 1}, "b": {"unchanged": 3}, "c": {}}) == []
    clock.now_s += 0.1
    assert days.note({"a": {"accepted": 1}}) == []
    assert table.added == [
        ("a", "2026-11-26", {"accepted": 2, "rejected": 1}),
        ("b", "2026-11-26", {"unchanged": 3}),
        ("a", "2026-11-27", {"accepted": 1}),
    ]


def test_counts_that_cancel_out_are_not_written() -> None:
    table = Table()
    assert Days(table, ManualClock()).note({"a": {"accepted": 0}}) == []
    assert table.added == []


def test_failed_write_is_a_fault_and_stops_no_other_export() -> None:
    table = Table()
    table.failing = {"a"}
    faults = Days(table, ManualClock()).note({"a": {"accepted": 1}, "b": {"accepted": 1}})
    assert faults == ["DynamoDB: InternalServerError"]
    assert [export for export, _, _ in table.added] == ["b"]


@pytest.mark.parametrize(
    ("outcome", "before", "counts"),
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
    outcome: str, before: str | None, counts: dict[str, int]
) -> None:
    summary = InvocationSummary()
    summary.note_outcome(["a", "b"], outcome, before)
    assert summary.by_export == ({"a": counts, "b": counts} if counts else {})
