"""A row that an import job refuses: its memberships get through without its fields, and an exit is never hidden."""

from dataclasses import replace

from functions.deliver.batch import Task
from functions.deliver.decide import accept, decide
from functions.deliver.export_views import View
from functions.deliver.row import row_form
from functions.deliver.upsert import Sent
from lytics_sendgrid.domain.change import Change, Kind
from lytics_sendgrid.domain.configuration import Account, ProvisionedAudience
from lytics_sendgrid.domain.contact import Contact, Rejection
from tests.newsletter import HIGH_VALUE, NEWSLETTER

ACCOUNT = Account(
    "default",
    1,
    {"lytics_segments": "e1_T"},
    {HIGH_VALUE: ProvisionedAudience("lytics_segments", "s1", None, ("newsletter",))},
)
VIEW = View(NEWSLETTER, row_form(ACCOUNT, "none"), None)
EMAIL = "ann@example.org"
NAMED = Contact(
    version=3,
    memberships={HIGH_VALUE: -5},
    fields={"first_name": (5, "Ann")},
    job="j1",
    sent_ms=9,
    configuration=1,
)


def decided(contact: Contact, *changes: Change) -> Task:
    task = Task(f"default#{EMAIL}", EMAIL, VIEW, [(change, NEWSLETTER) for change in changes])
    decide(task, contact)
    return task


def reject(row: str | None) -> Change:
    return Change(EMAIL, 10, Kind.REJECT, row=row, reason="invalid date")


def whole() -> Contact:
    """Return the contact with the hash of its whole row as accepted."""
    return replace(NAMED, row=decided(NAMED, Change(EMAIL, 6, Kind.EXIT, HIGH_VALUE)).hash)


def test_a_refused_row_is_sent_again_as_address_and_memberships() -> None:
    contact = whole()
    task = decided(contact, reject(contact.row))
    assert task.row is not None
    assert task.row.text == '{"email":"ann@example.org","custom_fields":{"e1_T":"none"}}'
    accept(task, Sent("j2", 20), now_ms=21)
    assert task.state.row == f"{contact.row}~"
    assert task.state.rejection == Rejection("fields", "invalid date", contact.row or "", 0)
    assert task.outcome == "rejected.fields"


def test_the_same_refusal_twice_changes_nothing_more() -> None:
    contact = whole()
    first = decided(contact, reject(contact.row))
    accept(first, Sent("j2", 20), now_ms=21)
    again = decided(replace(first.state, version=4), reject(contact.row))
    assert (again.row, again.commits) == (None, False)


def test_a_contact_that_is_refused_without_its_fields_too_is_rejected_and_not_sent() -> None:
    contact = whole()
    first = decided(contact, reject(contact.row))
    accept(first, Sent("j2", 20), now_ms=21)
    reduced = replace(first.state, version=4)
    task = decided(reduced, reject(reduced.row))
    assert task.row is None
    assert task.commits
    assert task.outcome == "rejected.row"
    assert task.state.rejection is not None
    assert task.state.rejection.reason == "row"


def test_a_refusal_of_an_earlier_row_is_ignored() -> None:
    task = decided(whole(), reject("another"))
    assert (task.row, task.commits) == (None, False)


def test_the_next_change_is_tried_whole() -> None:
    contact = whole()
    first = decided(contact, reject(contact.row))
    accept(first, Sent("j2", 20), now_ms=21)
    task = decided(replace(first.state, version=4), Change(EMAIL, 30, Kind.ENTER, HIGH_VALUE))
    assert task.row is not None
    assert "first_name" in task.row.text
    accept(task, Sent("j3", 40), now_ms=41)
    assert task.state.rejection is None


def test_news_beside_a_refusal_is_sent_whole() -> None:
    contact = whole()
    task = decided(contact, reject(contact.row), Change(EMAIL, 30, Kind.ENTER, HIGH_VALUE))
    assert task.row is not None
    assert "first_name" in task.row.text
