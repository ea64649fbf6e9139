"""ExportCache: what causes a read, and how often."""

import dataclasses

import pytest

from functions.ingest.export_cache import MAX_UNKNOWN_READS, ExportCache, is_export_name
from lytics_sendgrid.errors import ServiceUnavailable, StopRun
from lytics_sendgrid.tables.exports import ExportsTable
from tests.clock import ManualClock
from tests.doubles.adapters import exports_table
from tests.doubles.calls import refusal
from tests.doubles.dynamodb import DynamoDb
from tests.newsletter import NEWSLETTER


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def dynamodb() -> DynamoDb:
    return DynamoDb()


@pytest.fixture
def table(dynamodb: DynamoDb) -> ExportsTable:
    return exports_table(dynamodb, NEWSLETTER)


@pytest.fixture
def kept(table: ExportsTable, clock: ManualClock) -> ExportCache:
    return ExportCache(table, clock)


def test_known_export_is_read_once_a_minute(
    kept: ExportCache, table: ExportsTable, dynamodb: DynamoDb, clock: ManualClock
) -> None:
    for _ in range(3):
        assert kept.export("newsletter") == NEWSLETTER
        clock.move(31)
    assert dynamodb.reads == ["export#newsletter"] * 2


def test_new_configuration_is_seen_within_a_minute(
    kept: ExportCache, table: ExportsTable, dynamodb: DynamoDb, clock: ManualClock
) -> None:
    kept.export("newsletter")
    newer = dataclasses.replace(NEWSLETTER, version=4)
    table.put_export(newer)
    clock.move(60)
    assert kept.export("newsletter") == newer


def test_export_from_the_future_is_read_again(
    kept: ExportCache, dynamodb: DynamoDb, clock: ManualClock
) -> None:
    for name in ("newsletter", "nobody"):
        kept.export(name)
    clock.move(-3600)
    for name in ("newsletter", "nobody"):
        kept.export(name)
    assert dynamodb.reads == ["export#newsletter", "export#nobody"] * 2


def test_failure_from_the_future_is_forgotten(
    kept: ExportCache, dynamodb: DynamoDb, clock: ManualClock
) -> None:
    dynamodb.calls.broken = refusal("InternalServerError", "GetItem", 500)
    with pytest.raises(ServiceUnavailable):
        kept.export("newsletter")
    dynamodb.calls.broken = None
    clock.move(-3600)
    assert kept.export("newsletter") == NEWSLETTER


def test_export_now_always_reads_and_fills_the_cache(
    kept: ExportCache, table: ExportsTable, dynamodb: DynamoDb
) -> None:
    kept.export("newsletter")
    newer = dataclasses.replace(NEWSLETTER, version=4)
    table.put_export(newer)
    assert kept.export_now("newsletter") == newer
    assert kept.export("newsletter") == newer
    assert len(dynamodb.reads) == 2


def test_deleted_export_is_unknown_after_export_now(
    kept: ExportCache, table: ExportsTable, dynamodb: DynamoDb
) -> None:
    kept.export("newsletter")
    del dynamodb.exports.items["export#newsletter", "config"]
    assert kept.export_now("newsletter") is None
    assert kept.export("newsletter") is None


def test_new_export_is_known_within_seconds(
    kept: ExportCache, table: ExportsTable, dynamodb: DynamoDb, clock: ManualClock
) -> None:
    assert kept.export("second") is None
    table.put_export(dataclasses.replace(NEWSLETTER, name="second"))
    assert kept.export("second") is None
    clock.move(5)
    assert kept.export("second") is not None
    assert dynamodb.reads == ["export#second"] * 2


def test_guessed_names_cause_few_reads_a_second(
    kept: ExportCache, table: ExportsTable, dynamodb: DynamoDb, clock: ManualClock
) -> None:
    kept.export("newsletter")
    for second in range(3):
        for number in range(1_000):
            assert kept.export(f"guess-{second}-{number}") is None
        assert kept.export("newsletter") == NEWSLETTER
        assert len(dynamodb.reads) <= 1 + MAX_UNKNOWN_READS * (second + 1)
        clock.move(1)


def test_guesses_are_forgotten(kept: ExportCache, clock: ManualClock) -> None:
    for number in range(200):
        kept.export(f"guess-{number}")
        clock.move(1)
    assert len(kept._unknown) < 10


@pytest.mark.parametrize("name", ["", "a b", "x" * 65, "ida.holm@example.com", "news/letter", "é", "a\n"])
def test_invalid_name_is_not_looked_up(
    kept: ExportCache, table: ExportsTable, dynamodb: DynamoDb, name: str
) -> None:
    assert kept.export(name) is None
    assert not is_export_name(name)
    assert dynamodb.reads == []


@pytest.mark.parametrize(
    ("refused", "error"),
    [
        (refusal("InternalServerError", "GetItem", 500), ServiceUnavailable),
        (refusal("ResourceNotFoundException", "GetItem"), StopRun),
    ],
)
def test_failing_table_is_read_once_a_second(
    kept: ExportCache,
    dynamodb: DynamoDb,
    clock: ManualClock,
    refused: Exception,
    error: type[Exception],
) -> None:
    dynamodb.calls.broken = refused
    for _ in range(5):
        with pytest.raises(error):
            kept.export("newsletter")
    assert len(dynamodb.reads) == 1
    dynamodb.calls.broken = None
    clock.move(1)
    assert kept.export("newsletter") == NEWSLETTER


def test_export_now_reads_even_after_a_failure(
    kept: ExportCache, table: ExportsTable, dynamodb: DynamoDb
) -> None:
    dynamodb.calls.broken = refusal("InternalServerError", "GetItem", 500)
    with pytest.raises(ServiceUnavailable):
        kept.export("newsletter")
    dynamodb.calls.broken = None
    assert kept.export_now("newsletter") == NEWSLETTER
