"""Configurations between deliveries: who can make them be read, and how often."""

import dataclasses

import pytest

from functions.ingest.export_cache import MAX_UNKNOWN_READS, ExportCache, is_export_name
from lytics_sendgrid.errors import ServiceUnavailable, StopRun
from tests.clock import ManualClock
from tests.fakes import ListedExports
from tests.newsletter import NEWSLETTER


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def table() -> ListedExports:
    return ListedExports(NEWSLETTER)


@pytest.fixture
def kept(table: ListedExports, clock: ManualClock) -> ExportCache:
    return ExportCache(table, clock)


def test_a_known_export_is_read_once_a_minute(
    kept: ExportCache, table: ListedExports, clock: ManualClock
) -> None:
    for _ in range(3):
        assert kept.export("newsletter") is NEWSLETTER
        clock.move(31)
    assert table.reads == ["newsletter"] * 2


def test_a_new_configuration_is_seen_within_a_minute(
    kept: ExportCache, table: ListedExports, clock: ManualClock
) -> None:
    kept.export("newsletter")
    newer = dataclasses.replace(NEWSLETTER, version=4)
    table.exports["newsletter"] = newer
    clock.move(60)
    assert kept.export("newsletter") == newer


def test_export_now_reads_always_and_what_it_read_is_kept(kept: ExportCache, table: ListedExports) -> None:
    kept.export("newsletter")
    newer = table.exports["newsletter"] = dataclasses.replace(NEWSLETTER, version=4)
    assert kept.export_now("newsletter") == newer
    assert kept.export("newsletter") == newer
    assert len(table.reads) == 2


def test_an_export_that_is_gone_is_unknown_at_once(kept: ExportCache, table: ListedExports) -> None:
    kept.export("newsletter")
    del table.exports["newsletter"]
    assert kept.export_now("newsletter") is None
    assert kept.export("newsletter") is None


def test_a_new_export_is_known_within_seconds(
    kept: ExportCache, table: ListedExports, clock: ManualClock
) -> None:
    assert kept.export("second") is None
    table.exports["second"] = dataclasses.replace(NEWSLETTER, name="second")
    assert kept.export("second") is None
    clock.move(5)
    assert kept.export("second") is not None
    assert table.reads == ["second"] * 2


def test_guessed_names_are_looked_up_a_few_times_a_second_in_all(
    kept: ExportCache, table: ListedExports, clock: ManualClock
) -> None:
    kept.export("newsletter")
    for second in range(3):
        for number in range(1_000):
            assert kept.export(f"guess-{second}-{number}") is None
        assert kept.export("newsletter") is NEWSLETTER
        assert len(table.reads) <= 1 + MAX_UNKNOWN_READS * (second + 1)
        clock.move(1)


def test_guesses_are_forgotten(kept: ExportCache, clock: ManualClock) -> None:
    for number in range(200):
        kept.export(f"guess-{number}")
        clock.move(1)
    assert len(kept._unknown) < 10


@pytest.mark.parametrize("name", ["", "a b", "x" * 65, "ida.holm@example.com", "news/letter", "é", "a\n"])
def test_what_no_export_can_be_called_is_not_looked_up(
    kept: ExportCache, table: ListedExports, name: str
) -> None:
    assert kept.export(name) is None
    assert not is_export_name(name)
    assert table.reads == []


@pytest.mark.parametrize("error", [ServiceUnavailable("DynamoDB: InternalServerError"), StopRun("no table")])
def test_a_table_that_fails_is_asked_once_a_second(
    kept: ExportCache, table: ListedExports, clock: ManualClock, error: Exception
) -> None:
    table.broken = error
    for _ in range(5):
        with pytest.raises(type(error)):
            kept.export("newsletter")
    assert len(table.reads) == 1
    table.broken = None
    clock.move(1)
    assert kept.export("newsletter") is NEWSLETTER


def test_the_read_for_an_unknown_audience_is_not_held_back_by_a_failure(
    kept: ExportCache, table: ListedExports
) -> None:
    table.broken = ServiceUnavailable("DynamoDB")
    with pytest.raises(ServiceUnavailable):
        kept.export("newsletter")
    table.broken = None
    assert kept.export_now("newsletter") is NEWSLETTER
