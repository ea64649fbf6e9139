"""The contract of the index of rejected contacts, for DynamoDB and for the double."""

from collections.abc import Callable
from dataclasses import replace

from functions.deliver.rounds import LedgerTable
from lytics_sendgrid.domain.contact import UNKNOWN, Commit
from lytics_sendgrid.tables.rejected import RejectedIndex
from tests.contract.ledger_contract import ANN, BOB, NEW, REFUSED, commit, remove, stored

REJECTED = replace(NEW, rejection=REFUSED)


def addresses(index: RejectedIndex, account: str = "acme", beginning: str = "") -> list[str]:
    return [found.email for found in index.page(account, beginning).contacts]


def index_is_empty_without_rejected_contacts(ledger: LedgerTable, index: RejectedIndex) -> None:
    commit(ledger, ANN, NEW)
    assert index.page("acme").contacts == ()
    assert index.page("acme").next_start is None


def index_has_whom_sendgrid_rejects_and_no_other(ledger: LedgerTable, index: RejectedIndex) -> None:
    commit(ledger, ANN, REJECTED)
    commit(ledger, BOB, NEW)
    (found,) = index.page("acme").contacts
    assert (found.account, found.email) == ("acme", "ann@example.org")
    assert found.contact == stored(ledger, ANN)


def contact_enters_leaves_and_enters_the_index_again(ledger: LedgerTable, index: RejectedIndex) -> None:
    commit(ledger, ANN, NEW)
    for rejection in (REFUSED, REFUSED, None, None, REFUSED):
        before = stored(ledger, ANN)
        commit(ledger, ANN, replace(before, rejection=rejection, row=f"row {before.version}"), before)
        assert addresses(index) == (["ann@example.org"] if rejection else [])


def removed_contact_leaves_the_index(ledger: LedgerTable, index: RejectedIndex) -> None:
    commit(ledger, ANN, REJECTED)
    remove(ledger, ANN, stored(ledger, ANN))
    assert addresses(index) == []


def accounts_are_apart(ledger: LedgerTable, index: RejectedIndex) -> None:
    commit(ledger, ANN, REJECTED)
    commit(ledger, "acme2#bob@example.org", REJECTED)
    assert (addresses(index), addresses(index, "acme2")) == (["ann@example.org"], ["bob@example.org"])


def addresses_are_found_by_their_beginning(ledger: LedgerTable, index: RejectedIndex) -> None:
    for name in ("anna", "ann", "bob", "an", "ärne"):
        commit(ledger, f"acme#{name}@example.org", REJECTED)
    assert addresses(index, beginning="ann") == ["ann@example.org", "anna@example.org"]
    assert addresses(index, beginning="ä") == ["ärne@example.org"]
    assert addresses(index, beginning="x") == []


def pages_hold_each_contact_once(ledger: LedgerTable, index: RejectedIndex) -> None:
    keys = [f"acme#p{n:02d}@example.org" for n in range(23)]
    ledger.commit([Commit(key, REJECTED) for key in keys], dict.fromkeys(keys, UNKNOWN))
    found, start = [], None
    while True:
        page = index.page("acme", "p", start, limit=5)
        assert len(page.contacts) <= 5
        found += [contact.email for contact in page.contacts]
        start = page.next_start
        if start is None:
            break
    assert found == [f"p{n:02d}@example.org" for n in range(23)]


CONTRACT: tuple[Callable[[LedgerTable, RejectedIndex], None], ...] = (
    index_is_empty_without_rejected_contacts,
    index_has_whom_sendgrid_rejects_and_no_other,
    contact_enters_leaves_and_enters_the_index_again,
    removed_contact_leaves_the_index,
    accounts_are_apart,
    addresses_are_found_by_their_beginning,
    pages_hold_each_contact_once,
)
