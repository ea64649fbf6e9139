"""The ledger's contract, for DynamoDB's table and for the double that deliver's tests use."""

from collections.abc import Callable
from dataclasses import replace

from functions.deliver.rounds import LedgerTable
from lytics_sendgrid.domain.contact import UNKNOWN, Commit, Contact, Rejection

ANN, BOB = "acme#ann@example.org", "acme#bob@example.org"
NEW = Contact(0, {"a": 5}, {"city": (5, "Zürich 🏔")}, ("l",), "j1", 7, "aa", 3)
REFUSED = Rejection("address", "400 no", "bb", 9)


def commit(ledger: LedgerTable, key: str, contact: Contact, loaded: Contact = UNKNOWN) -> set[str]:
    return ledger.commit([Commit(key, contact)], {key: loaded})


def stored(ledger: LedgerTable, key: str) -> Contact:
    return ledger.load([key], consistent=True)[key]


def who_is_not_there_is_unknown(ledger: LedgerTable) -> None:
    assert ledger.load([ANN, BOB]) == {ANN: UNKNOWN, BOB: UNKNOWN}
    assert ledger.load([]) == {}


def state_is_read_as_it_was_committed(ledger: LedgerTable) -> None:
    assert commit(ledger, ANN, NEW) == set()
    assert stored(ledger, ANN) == replace(NEW, version=1)
    assert stored(ledger, BOB) == UNKNOWN


def version_goes_up_with_every_commit(ledger: LedgerTable) -> None:
    commit(ledger, ANN, NEW)
    first = stored(ledger, ANN)
    assert commit(ledger, ANN, replace(first, row="cc"), first) == set()
    assert stored(ledger, ANN) == replace(first, version=2, row="cc")


def second_insert_loses_and_changes_nothing(ledger: LedgerTable) -> None:
    commit(ledger, ANN, NEW)
    assert commit(ledger, ANN, replace(NEW, row="cc")) == {ANN}
    assert stored(ledger, ANN).row == "aa"


def update_of_another_version_loses_and_changes_nothing(ledger: LedgerTable) -> None:
    commit(ledger, ANN, NEW)
    first = stored(ledger, ANN)
    commit(ledger, ANN, replace(first, row="cc"), first)
    assert commit(ledger, ANN, replace(first, row="dd"), first) == {ANN}
    assert stored(ledger, ANN).row == "cc"


def update_of_somebody_who_is_gone_loses(ledger: LedgerTable) -> None:
    gone = replace(NEW, version=4)
    assert commit(ledger, ANN, gone, gone) == {ANN}
    assert stored(ledger, ANN) == UNKNOWN


def each_of_many_is_decided_for_itself(ledger: LedgerTable) -> None:
    keys = [f"acme#p{n}@example.org" for n in range(130)]
    taken = {key for n, key in enumerate(keys) if n % 7 == 0}
    unknown = dict.fromkeys(keys, UNKNOWN)
    ledger.commit([Commit(key, replace(NEW, row="taken")) for key in taken], unknown)
    assert ledger.commit([Commit(key, NEW) for key in keys], unknown) == taken
    rows = {key: contact.row for key, contact in ledger.load(keys, consistent=True).items()}
    assert rows == {key: "taken" if key in taken else "aa" for key in keys}


def rejection_comes_and_goes(ledger: LedgerTable) -> None:
    commit(ledger, ANN, replace(NEW, rejection=REFUSED))
    first = stored(ledger, ANN)
    assert first.rejection == REFUSED
    commit(ledger, ANN, replace(first, rejection=None), first)
    second = stored(ledger, ANN)
    assert second.rejection is None
    commit(ledger, ANN, replace(second, rejection=REFUSED), second)
    third = stored(ledger, ANN)
    assert third == replace(first, version=3)
    commit(ledger, ANN, replace(third, row="ee"), third)
    assert stored(ledger, ANN) == replace(first, version=4, row="ee")


def remove(ledger: LedgerTable, key: str, loaded: Contact) -> set[str]:
    return ledger.commit([Commit(key, loaded, removes=True)], {key: loaded})


def removed_contact_is_unknown(ledger: LedgerTable) -> None:
    commit(ledger, ANN, NEW)
    commit(ledger, BOB, NEW)
    assert remove(ledger, ANN, stored(ledger, ANN)) == set()
    assert stored(ledger, ANN) == UNKNOWN
    assert stored(ledger, BOB) == replace(NEW, version=1)


def removal_of_another_version_loses_and_changes_nothing(ledger: LedgerTable) -> None:
    commit(ledger, ANN, NEW)
    first = stored(ledger, ANN)
    commit(ledger, ANN, replace(first, row="cc"), first)
    assert remove(ledger, ANN, first) == {ANN}
    assert stored(ledger, ANN).row == "cc"


def removal_of_somebody_who_is_gone_changes_nothing(ledger: LedgerTable) -> None:
    assert remove(ledger, ANN, replace(NEW, version=4)) == set()
    assert stored(ledger, ANN) == UNKNOWN


def first_version_after_an_erasure_is_a_later_one(ledger: LedgerTable) -> None:
    commit(ledger, ANN, NEW)
    old = stored(ledger, ANN)
    remove(ledger, ANN, old)
    ledger.commit([Commit(ANN, NEW, first_version=1_795_000_000)], {ANN: UNKNOWN})
    assert stored(ledger, ANN).version == 1_795_000_000
    assert commit(ledger, ANN, replace(old, row="late"), old) == {ANN}
    assert stored(ledger, ANN).row == NEW.row


CONTRACT: tuple[Callable[[LedgerTable], None], ...] = (
    who_is_not_there_is_unknown,
    state_is_read_as_it_was_committed,
    version_goes_up_with_every_commit,
    second_insert_loses_and_changes_nothing,
    update_of_another_version_loses_and_changes_nothing,
    update_of_somebody_who_is_gone_loses,
    each_of_many_is_decided_for_itself,
    rejection_comes_and_goes,
    removed_contact_is_unknown,
    removal_of_another_version_loses_and_changes_nothing,
    removal_of_somebody_who_is_gone_changes_nothing,
    first_version_after_an_erasure_is_a_later_one,
)
