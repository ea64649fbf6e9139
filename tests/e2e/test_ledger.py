"""The contacts table on the local DynamoDB keeps the contract that the tests' double keeps, too."""

import itertools
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from functions.deliver.rounds import LedgerTable
from lytics_sendgrid.domain.contact import UNKNOWN, Commit, Contact
from lytics_sendgrid.system_clock import SystemClock
from lytics_sendgrid.tables.contacts import ContactsTable
from lytics_sendgrid.tables.ledger_walk import LedgerWalk
from lytics_sendgrid.tables.rejected import RejectedIndex
from tests.contract.ledger_contract import CONTRACT, NEW
from tests.contract.rejected_contract import CONTRACT as INDEX_CONTRACT
from tests.local.cloud import LocalCloud
from tests.template.sources import Template


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
        BillingMode="PAY_PER_REQUEST",
        **_keys(),
    )
    return name


def _keys() -> Any:
    """Return the keys and indexes of the template's table."""
    properties = Template().resources["ContactsTable"]["Properties"]
    return {
        name: properties[name] for name in ("KeySchema", "AttributeDefinitions", "GlobalSecondaryIndexes")
    }


@pytest.mark.parametrize("clause", CONTRACT, ids=lambda clause: clause.__name__)
def test_contacts_table_on_dynamodb_keeps_the_contract(
    cloud: LocalCloud, table: str, clause: Callable[[LedgerTable], None]
) -> None:
    clause(ContactsTable(cloud.client("dynamodb"), table, SystemClock()))


@pytest.mark.parametrize("clause", INDEX_CONTRACT, ids=lambda clause: clause.__name__)
def test_index_of_rejected_contacts_keeps_the_contract(
    cloud: LocalCloud, table: str, clause: Callable[[LedgerTable, RejectedIndex], None]
) -> None:
    client = cloud.client("dynamodb")
    clause(ContactsTable(client, table, SystemClock()), RejectedIndex(client, table))


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
