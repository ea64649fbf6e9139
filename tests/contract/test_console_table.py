"""The console's table, on moto and the double."""

import secrets

import pytest
from mypy_boto3_dynamodb import DynamoDBClient

from lytics_sendgrid.errors import RequestRefused
from lytics_sendgrid.tables.console import MAX_DOCUMENT_BYTES, ConsoleTable

NOW_S = 1_795_000_000.0


@pytest.fixture
def table(client: DynamoDBClient) -> ConsoleTable:
    return ConsoleTable(client, "console")


def test_document_is_read_as_it_was_written(table: ConsoleTable) -> None:
    assert table.put("draft#1", {"name": "Jané", "rows": [1, None]}, NOW_S + 60)
    assert table.get("draft#1", NOW_S) == {"name": "Jané", "rows": [1, None]}
    assert table.get("draft#2", NOW_S) is None


def test_expired_document_is_gone_before_dynamodb_deletes_it(table: ConsoleTable) -> None:
    table.put("draft#1", {}, NOW_S + 60)
    assert table.get("draft#1", NOW_S + 59) == {}
    assert table.get("draft#1", NOW_S + 60) is None
    assert table.take("draft#1", NOW_S + 60) is None


def test_document_is_taken_once(table: ConsoleTable) -> None:
    table.put("attempt#1", {"nonce": "n"}, NOW_S + 60)
    assert table.take("attempt#1", NOW_S) == {"nonce": "n"}
    assert table.take("attempt#1", NOW_S) is None
    assert table.get("attempt#1", NOW_S) is None


def test_only_the_first_of_two_writes_an_absent_document(table: ConsoleTable) -> None:
    assert table.put("run#1", {"by": "a"}, NOW_S + 60, only_if_absent=True, now_s=NOW_S)
    assert not table.put("run#1", {"by": "b"}, NOW_S + 60, only_if_absent=True, now_s=NOW_S)
    assert table.get("run#1", NOW_S) == {"by": "a"}
    later_s = NOW_S + 60
    assert table.put("run#1", {"by": "b"}, later_s + 60, only_if_absent=True, now_s=later_s)
    assert table.get("run#1", later_s) == {"by": "b"}


def test_document_is_deleted_also_if_there_is_none(table: ConsoleTable) -> None:
    table.put("session#1", {}, NOW_S + 60)
    table.delete("session#1")
    table.delete("session#1")
    assert table.get("session#1", NOW_S) is None


def test_all_of_a_kind_are_deleted_and_no_others(table: ConsoleTable) -> None:
    for number in range(30):
        table.put(f"session#{number}", {"of": secrets.token_hex(20_000)}, NOW_S + 60)
    table.put("draft#1", {}, NOW_S + 60)
    assert table.delete_every("session#") == 30
    assert table.delete_every("session#") == 0
    assert table.get("draft#1", NOW_S) == {}


def test_document_that_fits_no_item_is_refused_before_the_write(table: ConsoleTable) -> None:
    with pytest.raises(RequestRefused, match="a document of the console has"):
        table.put("draft#1", {"of": secrets.token_hex(MAX_DOCUMENT_BYTES)}, NOW_S + 60)
    table.put("draft#1", {"of": "x" * 2 * MAX_DOCUMENT_BYTES}, NOW_S + 60)
