"""Erased people: the table gives the same answers on moto's DynamoDB and on the double."""

from typing import Any, cast

import pytest
from botocore.exceptions import ClientError
from mypy_boto3_dynamodb import DynamoDBClient

from lytics_sendgrid.domain.erasure import NO_HOLDS, Hold
from lytics_sendgrid.errors import ConfigurationChanged, LyticsSendGridError
from lytics_sendgrid.tables.erasures import ErasuresTable

AT_S, UNTIL_S = 1_795_000_000, 1_797_592_000
ANN, BOB, EVE = "ann@example.org", "bob@example.org", "eve@example.org"


@pytest.fixture
def erasures(client: DynamoDBClient) -> ErasuresTable:
    return ErasuresTable(client, "exports")


class Rival:
    """A client before whose transaction another erasure is written, some times."""

    def __init__(self, client: DynamoDBClient, times: int, error: str = "") -> None:
        self._client = client
        self._times = times
        self._error = error

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def transact_write_items(self, **request: Any) -> Any:
        if self._error:
            raise ClientError({"Error": {"Code": self._error}}, "TransactWriteItems")
        if self._times:
            self._times -= 1
            ErasuresTable(self._client, "exports").put_erasure("acme", [EVE], [], at_s=AT_S, until_s=UNTIL_S)
        return self._client.transact_write_items(**request)


def test_account_without_erasures_has_no_holds(erasures: ErasuresTable) -> None:
    assert erasures.holds("acme", AT_S) == NO_HOLDS


def test_holds_are_those_of_the_account(erasures: ErasuresTable) -> None:
    erasures.put_erasure("acme", [ANN], [BOB], at_s=AT_S, until_s=UNTIL_S)
    erasures.put_erasure("acme", [], [EVE], at_s=AT_S + 5, until_s=UNTIL_S + 5)
    holds = erasures.holds("acme", AT_S)
    assert holds.revision == 2
    assert holds.of(ANN) == Hold(AT_S, UNTIL_S, was_known=True)
    assert holds.of(BOB) == Hold(AT_S, UNTIL_S, was_known=False)
    assert holds.of(EVE) == Hold(AT_S + 5, UNTIL_S + 5, was_known=False)
    assert erasures.holds("other", AT_S).of(ANN) is None


def test_holds_that_did_not_change_are_not_read_again(erasures: ErasuresTable) -> None:
    erasures.put_erasure("acme", [ANN], [], at_s=AT_S, until_s=UNTIL_S)
    holds = erasures.holds("acme", AT_S)
    assert erasures.holds("acme", AT_S, holds) is holds
    erasures.put_erasure("acme", [BOB], [], at_s=AT_S, until_s=UNTIL_S)
    assert erasures.holds("acme", AT_S, holds).of(BOB) is not None


def test_expired_holds_are_forgotten(erasures: ErasuresTable) -> None:
    erasures.put_erasure("acme", [ANN], [], at_s=AT_S, until_s=UNTIL_S)
    holds = erasures.holds("acme", AT_S)
    assert erasures.holds("acme", UNTIL_S - 1, holds).of(ANN) is not None
    assert erasures.holds("acme", UNTIL_S, holds).of(ANN) is None


def test_items_hold_no_address_and_go_by_their_time_to_live(
    client: DynamoDBClient, erasures: ErasuresTable
) -> None:
    erasures.put_erasure("acme", [ANN], [BOB], at_s=AT_S, until_s=UNTIL_S)
    items = client.query(
        TableName="exports",
        KeyConditionExpression="pk = :pk",
        ExpressionAttributeValues={":pk": {"S": "erased#acme"}},
    )["Items"]
    assert "example" not in str(items)
    (hashes,) = [item for item in items if item["sk"]["S"] != "state"]
    assert hashes["expires_epoch_s"] == {"N": str(UNTIL_S)}


def test_erasure_of_another_invocation_costs_nobody_a_hold(client: DynamoDBClient) -> None:
    rival = cast(DynamoDBClient, Rival(client, 2))
    ErasuresTable(rival, "exports").put_erasure("acme", [ANN], [], at_s=AT_S, until_s=UNTIL_S)
    holds = ErasuresTable(client, "exports").holds("acme", AT_S)
    assert (holds.revision, holds.of(ANN) is None, holds.of(EVE) is None) == (3, False, False)


def test_erasure_that_always_comes_second_is_to_be_repeated(client: DynamoDBClient) -> None:
    rival = cast(DynamoDBClient, Rival(client, 99))
    with pytest.raises(ConfigurationChanged, match="run it again"):
        ErasuresTable(rival, "exports").put_erasure("acme", [ANN], [], at_s=AT_S, until_s=UNTIL_S)


def test_refused_transaction_is_an_error(client: DynamoDBClient) -> None:
    rival = cast(DynamoDBClient, Rival(client, 0, "ThrottlingException"))
    with pytest.raises(LyticsSendGridError):
        ErasuresTable(rival, "exports").put_erasure("acme", [ANN], [], at_s=AT_S, until_s=UNTIL_S)


def test_a_thousand_erasures_of_a_month_are_read_across_pages(client: DynamoDBClient) -> None:
    erasures = ErasuresTable(client, "exports")
    for number in range(30):
        emails = [f"p{number}.{n}@example.org" for n in range(5_000)]
        erasures.put_erasure("acme", emails, [], at_s=AT_S + number, until_s=UNTIL_S + number)
    holds = erasures.holds("acme", AT_S)
    assert len(holds.by_hash) == 150_000
    assert holds.of("p29.4999@example.org") == Hold(AT_S + 29, UNTIL_S + 29, was_known=True)


def test_key_of_hashes_is_made_once_and_used_by_erasures(erasures: ErasuresTable) -> None:
    key = erasures.hash_key("acme")
    assert len(key) == 32
    assert erasures.hash_key("acme") == key
    assert erasures.hash_key("other") != key
    assert erasures.holds("acme", AT_S) == NO_HOLDS
    erasures.put_erasure("acme", [ANN], [], at_s=AT_S, until_s=UNTIL_S)
    assert erasures.hash_key("acme") == key == erasures.holds("acme", AT_S).key
    assert erasures.holds("acme", AT_S).of(ANN) is not None
