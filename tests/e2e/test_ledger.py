"""The contacts table on the local DynamoDB keeps the contract that the tests' double keeps, too."""

import itertools
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from functions.deliver.rounds import LedgerTable
from lytics_sendgrid.domain.contact import UNKNOWN, Commit, Contact
from lytics_sendgrid.system_clock import SystemClock
from lytics_sendgrid.tables.contacts import ContactsTable
from lytics_sendgrid.tables.ledger_walk import LedgerWalk
from tests.contract.ledger_contract import ANN, CONTRACT, NEW, REFUSED, commit, stored
from tests.local.cloud import LocalCloud


@pytest.fixture(scope="module")
def cloud() -> Iterator[LocalCloud]:
    with LocalCloud() as cloud:
        yield cloud


_numbers = itertools.count()


@pytest.fixture
def table(cloud: LocalCloud) -> str:
    """Create an empty table."""
    name = f"contacts-{next(_numbers)}"
    cloud.client("dynamodb").create_table(
        TableName=name,
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    return name


@pytest.mark.parametrize("clause", CONTRACT, ids=lambda clause: clause.__name__)
def test_contacts_table_on_dynamodb_keeps_the_contract(
    cloud: LocalCloud, table: str, clause: Callable[[LedgerTable], None]
) -> None:
    clause(ContactsTable(cloud.client("dynamodb"), table, SystemClock()))


def test_rejected_contacts_have_the_rejected_attribute(cloud: LocalCloud, table: str) -> None:
    ledger = ContactsTable(cloud.client("dynamodb"), table, SystemClock())

    def reason() -> object:
        item = cloud.client("dynamodb").get_item(TableName=table, Key={"pk": {"S": ANN}})["Item"]
        return item.get("rejected")

    commit(ledger, ANN, NEW)
    assert reason() is None
    for rejection, expected in ((REFUSED, {"S": "address"}), (None, None)):
        before = stored(ledger, ANN)
        commit(ledger, ANN, replace(before, rejection=rejection), before)
        assert reason() == expected


def test_walk_reads_each_contact_of_an_account_once(cloud: LocalCloud, table: str) -> None:
    client = cloud.client("dynamodb")
    keys = [f"{account}#p{n}@example.org" for n in range(40) for account in ("acme", "acme2")]
    ContactsTable(client, table, SystemClock()).commit(
        [Commit(key, NEW) for key in keys], dict.fromkeys(keys, UNKNOWN)
    )
    walk = LedgerWalk(client, table)
    found: list[tuple[str, Contact]] = []
    for segment in range(4):
        start: str | None = None
        while True:
            page = walk.page("acme", segment, 4, start, limit=7)
            found += page.contacts
            start = page.next_start
            if start is None:
                break
    assert dict(found) == {f"p{n}@example.org": replace(NEW, version=1) for n in range(40)}
    assert len(found) == 40
