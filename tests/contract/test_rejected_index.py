"""The index of rejected contacts keeps its contract over the double, and costs accepted contacts nothing."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any, cast

import pytest
from botocore.exceptions import EndpointConnectionError
from mypy_boto3_dynamodb import DynamoDBClient

from functions.deliver.rounds import LedgerTable
from lytics_sendgrid.errors import ServiceUnavailable, StopRun
from lytics_sendgrid.tables.contacts import ContactsTable
from lytics_sendgrid.tables.rejected import RejectedIndex
from tests.clock import ManualClock
from tests.contract.ledger_contract import ANN, BOB, NEW, REFUSED, commit, stored
from tests.contract.rejected_contract import CONTRACT
from tests.doubles.dynamodb import DynamoDb


def ledger_of(dynamodb: DynamoDb) -> ContactsTable:
    return ContactsTable(cast(Any, dynamodb), "contacts", ManualClock(), each=map)


@pytest.mark.parametrize("clause", CONTRACT, ids=lambda clause: clause.__name__)
def test_double_keeps_the_contract(clause: Callable[[LedgerTable, RejectedIndex], None]) -> None:
    dynamodb = DynamoDb()
    clause(ledger_of(dynamodb), RejectedIndex(cast(Any, dynamodb), "contacts"))


def test_contact_that_is_not_rejected_has_no_key_of_the_index() -> None:
    dynamodb = DynamoDb()
    ledger = ledger_of(dynamodb)
    commit(ledger, ANN, NEW)
    commit(ledger, ANN, replace(stored(ledger, ANN), row="cc"), stored(ledger, ANN))
    commit(ledger, BOB, replace(NEW, rejection=REFUSED))
    commit(ledger, BOB, stored(ledger, BOB), stored(ledger, BOB))
    items = {key: set(item) for (key,), item in dynamodb.contacts.items.items()}
    assert items == {
        ANN: {"pk", "version", "state"},
        BOB: {"pk", "version", "state", "rejected_account"},
    }
    assert dynamodb.contacts.items[BOB,]["rejected_account"] == {"S": "acme"}
    commit(ledger, BOB, replace(stored(ledger, BOB), rejection=None), stored(ledger, BOB))
    assert set(dynamodb.contacts.items[BOB,]) == {"pk", "version", "state"}


def test_moto_reads_the_index_by_beginning_and_page(moto_client: DynamoDBClient) -> None:
    state = {"S": '{"memberships":{},"fields":[],"config":0}'}
    for name in ("ann", "anna", "bob", "cy"):
        item = {"pk": {"S": f"acme#{name}"}, "version": {"N": "1"}, "state": state}
        if name != "cy":
            item["rejected_account"] = {"S": "acme"}
        moto_client.put_item(TableName="contacts", Item=cast(Any, item))
    index = RejectedIndex(moto_client, "contacts")
    first = index.page("acme", limit=2)
    second = index.page("acme", start=first.next_start, limit=2)
    assert [found.email for page in (first, second) for found in page.contacts] == ["ann", "anna", "bob"]
    assert [found.email for found in index.page("acme", "ann").contacts] == ["ann", "anna"]


def test_failing_dynamodb_is_retried_later_and_a_refusal_stops() -> None:
    dynamodb = DynamoDb()
    dynamodb.calls.broken = EndpointConnectionError(endpoint_url="http://dynamodb")
    with pytest.raises(ServiceUnavailable):
        RejectedIndex(cast(Any, dynamodb), "contacts").page("acme")
    dynamodb.calls.broken = None
    with pytest.raises(StopRun, match="Query"):
        RejectedIndex(cast(Any, dynamodb), "gone").page("acme")
