"""The resyncs of a night: each live export once, whatever happens to another."""

import dataclasses
from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

import pytest

from functions.nightly.resyncs import night_of, start_resyncs
from lytics_sendgrid.domain.configuration import Export
from lytics_sendgrid.errors import ServiceUnavailable
from tests.clock import START_S
from tests.doubles.adapters import exports_table
from tests.doubles.dynamodb import DynamoDb
from tests.newsletter import NEWSLETTER

NIGHT = date(2026, 11, 26)


class Machine:
    """The state machine's executions: a name starts once."""

    def __init__(self) -> None:
        self.inputs: dict[str, Mapping[str, Any]] = {}
        self.refused: set[str] = set()

    def start(self, name: str, document: Mapping[str, Any]) -> bool:
        if document["export"] in self.refused:
            raise ServiceUnavailable("Step Functions: InternalFailure")
        is_new = name not in self.inputs
        self.inputs.setdefault(name, document)
        return is_new


def named(name: str, stopped_s: int | None = None, account: str = "default") -> Export:
    return dataclasses.replace(NEWSLETTER, name=name, stopped_s=stopped_s, account=account)


def audited(night: date, audit_nights: int, *exports: Export) -> list[str]:
    """Return the exports whose resync of a night audits SendGrid."""
    machine = Machine()
    started = start_resyncs(exports_table(DynamoDb(), *exports), machine, night, audit_nights).started
    assert len(started) == sum(export.stopped_s is None for export in exports)
    return sorted(str(i["export"]) for i in machine.inputs.values() if i.get("audit"))


def test_one_export_of_each_account_audits_it_in_turn() -> None:
    exports = (named("a"), named("b"), named("b2", stopped_s=5), named("c", account="other"))
    nights = [audited(NIGHT + timedelta(days=days), 1, *exports) for days in range(4)]
    assert sorted(map(tuple, nights)) == [("a", "c"), ("a", "c"), ("b", "c"), ("b", "c")]
    assert nights[0] != nights[1]


@pytest.mark.parametrize(("audit_nights", "audits"), [(0, 0), (1, 14), (2, 7), (7, 2)])
def test_account_is_audited_every_so_many_nights(audit_nights: int, audits: int) -> None:
    exports = (named("a"), named("b"))
    nights = [audited(NIGHT + timedelta(days=days), audit_nights, *exports) for days in range(14)]
    assert sum(map(len, nights)) == audits
    if audits > 1:
        assert {name for night in nights for name in night} == {"a", "b"}


def test_each_live_export_is_resynced_once_a_night() -> None:
    exports = exports_table(DynamoDb(), named("a"), named("b"), named("old", stopped_s=5))
    machine = Machine()
    first, again = (start_resyncs(exports, machine, NIGHT, 0) for _ in range(2))
    assert (first.started, first.stopped, first.fault()) == (["a", "b"], ["old"], "")
    assert (again.started, again.before) == ([], ["a", "b"])
    assert machine.inputs == {
        f"resync-{name}-20261126": {"action": "resync", "export": name, "scheduled": True} for name in "ab"
    }
    assert start_resyncs(exports, machine, date(2026, 11, 27), 0).started == ["a", "b"]


def test_failure_of_one_export_does_not_stop_the_others() -> None:
    dynamodb = DynamoDb()
    exports = exports_table(dynamodb, named("a"), named("b"), named("c"))
    broken = {"pk": {"S": "export#b"}, "sk": {"S": "config"}, "doc": {"S": "{}"}}
    dynamodb.exports.write(broken)
    machine = Machine()
    machine.refused = {"a"}
    found = start_resyncs(exports, machine, NIGHT, 0)
    assert found.started == ["c"]
    assert found.failed == {
        "a": "Step Functions: InternalFailure",
        "b": "KeyError: its configuration cannot be read",
    }
    assert "of 2 exports could not be started: 'a': Step Functions: InternalFailure, 'b': " in found.fault()


def test_export_that_cannot_be_read_does_not_stop_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    exports = exports_table(DynamoDb(), named("a"), named("b"))
    read = exports.export

    def export(name: str) -> Export | None:
        if name == "a":
            raise ServiceUnavailable("DynamoDB: InternalFailure")
        return read(name)

    monkeypatch.setattr(exports, "export", export)
    found = start_resyncs(exports, Machine(), NIGHT, 1)
    assert (found.started, found.failed) == (["b"], {"a": "DynamoDB: InternalFailure"})


def test_name_without_a_configuration_is_left_out() -> None:
    dynamodb = DynamoDb()
    exports = exports_table(dynamodb)
    dynamodb.exports.write({"pk": {"S": "exports"}, "sk": {"S": "half"}, "doc": {"S": "{}"}})
    machine = Machine()
    assert start_resyncs(exports, machine, NIGHT, 0).stopped == ["half"]
    assert machine.inputs == {}


@pytest.mark.parametrize(
    ("event", "night"),
    [
        ({"time": "2026-11-26T03:10:00Z"}, NIGHT),
        ({"time": "2026-11-26T23:59:59Z"}, NIGHT),
        ({}, date(2026, 11, 18)),
        ({"time": None}, date(2026, 11, 18)),
        ({"time": "tonight"}, date(2026, 11, 18)),
    ],
)
def test_night_is_the_schedules_and_not_the_attempts(event: Mapping[str, Any], night: date) -> None:
    assert night_of(event, START_S) == night
