"""The last events in the exports table, on the double."""

from typing import cast

import pytest
from mypy_boto3_dynamodb import DynamoDBClient

from lytics_sendgrid.errors import ServiceUnavailable
from lytics_sendgrid.tables.heard import HeardTable
from tests.doubles.calls import refusal
from tests.doubles.dynamodb import DynamoDb


def test_last_event_and_rhythm_are_read_as_they_were_written() -> None:
    table = HeardTable(cast(DynamoDBClient, DynamoDb()), "exports")
    assert (table.heard_ms("a"), table.rhythm("a")) == (None, None)
    table.put_heard("a", 1_795_000_000_000)
    table.put_rhythm("a", {"pauses": {"20000": 5}})
    assert (table.heard_ms("a"), table.rhythm("a")) == (1_795_000_000_000, {"pauses": {"20000": 5}})
    assert table.heard_ms("b") is None


def test_faults_are_ours() -> None:
    dynamodb = DynamoDb()
    dynamodb.calls.broken = refusal("InternalServerError", "GetItem", 500)
    table = HeardTable(cast(DynamoDBClient, dynamodb), "exports")
    with pytest.raises(ServiceUnavailable):
        table.heard_ms("a")
    with pytest.raises(ServiceUnavailable):
        table.put_heard("a", 1)
