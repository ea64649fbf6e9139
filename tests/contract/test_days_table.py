"""Daily counts give the same answers on moto's DynamoDB and on the double."""

from typing import cast

import pytest
from mypy_boto3_dynamodb import DynamoDBClient

from lytics_sendgrid.errors import ServiceUnavailable
from lytics_sendgrid.tables.days import DAYS_KEPT_S, DaysTable
from tests.doubles.calls import refusal
from tests.doubles.dynamodb import DynamoDb

NOW_S = 1_795_000_000


def test_counts_of_a_day_add_up(client: DynamoDBClient) -> None:
    table = DaysTable(client, "exports")
    table.add_counts("a", "2026-11-26", {"accepted": 5, "rejected": 1}, NOW_S)
    table.add_counts("a", "2026-11-26", {"accepted": -2, "unchanged": 7, "rejected": 2}, NOW_S)
    assert table.days("a", "2026-11-26", "2026-11-26") == {
        "2026-11-26": {"accepted": 3, "unchanged": 7, "rejected": 3}
    }


def test_days_between_are_returned_in_order(client: DynamoDBClient) -> None:
    table = DaysTable(client, "exports")
    for day in ("2026-12-01", "2026-11-30", "2026-11-02", "2026-11-01"):
        table.add_counts("a", day, {"accepted": 1}, NOW_S)
    table.add_counts("b", "2026-11-15", {"accepted": 1}, NOW_S)
    assert list(table.days("a", "2026-11-02", "2026-11-30")) == ["2026-11-02", "2026-11-30"]
    assert table.days("c", "2026-11-02", "2026-11-30") == {}


def test_a_day_expires(client: DynamoDBClient) -> None:
    DaysTable(client, "exports").add_counts("a", "2026-11-26", {"accepted": 1}, NOW_S)
    key = {"pk": {"S": "export#a"}, "sk": {"S": "day#2026-11-26"}}
    item = client.get_item(TableName="exports", Key=key)["Item"]
    assert item["expires_epoch_s"] == {"N": str(NOW_S + DAYS_KEPT_S)}


def test_faults_are_ours() -> None:
    dynamodb = DynamoDb()
    dynamodb.calls.broken = refusal("InternalServerError", "UpdateItem", 500)
    table = DaysTable(cast(DynamoDBClient, dynamodb), "exports")
    with pytest.raises(ServiceUnavailable):
        table.add_counts("a", "2026-11-26", {}, NOW_S)
    with pytest.raises(ServiceUnavailable):
        table.days("a", "2026-11-26", "2026-11-26")
