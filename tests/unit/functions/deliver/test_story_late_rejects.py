"""A row that an import job refuses is sent without its fields, so that an exit always gets through."""

from dataclasses import replace

from functions.deliver.decide import Decision, accept, decide
from functions.deliver.export_views import View
from functions.deliver.intake import Intake
from functions.deliver.received import ReceivedMessage
from functions.deliver.upsert_result import AcceptedRow
from lytics_sendgrid.domain.change import Change, Kind, Message
from lytics_sendgrid.domain.configuration import Account, ProvisionedAudience
from lytics_sendgrid.domain.contact import Contact, Rejection
from lytics_sendgrid.sendgrid.row import row_form
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


def decided(loaded: Contact, *changes: Change) -> Decision:
    views = {NEWSLETTER.name: VIEW}
    message = ReceivedMessage("m0", 1, Message(NEWSLETTER.name, changes))
    (contact,) = Intake([message], views, now_ms=0).contacts.values()
    return decide(contact, loaded, views)


def reject(row: str | None) -> Change:
    return Change(EMAIL, 10, Kind.REJECT, row=row, reason="invalid date")


def whole() -> Contact:
    """Return the contact with the hash of its whole row as accepted."""
    return replace(NAMED, row=decided(NAMED, Change(EMAIL, 6, Kind.EXIT, HIGH_VALUE)).hash)


def reduced() -> Contact:
    """Return the contact after its row was refused and accepted without its fields."""
    decision = decided(whole(), reject(whole().row))
    return replace(accept(decision, AcceptedRow("j2", 20), now_ms=21).state, version=4)


def test_refused_row_is_sent_again_as_address_and_memberships() -> None:
    contact = whole()
    decision = decided(contact, reject(contact.row))
    assert decision.row is not None
    assert decision.row.text == '{"email":"ann@example.org","custom_fields":{"e1_T":"none"}}'
    decision = accept(decision, AcceptedRow("j2", 20), now_ms=21)
    assert decision.state.row == f"{contact.row}~"
    assert decision.state.rejection == Rejection("fields", "invalid date", contact.row or "", 0)
    assert decision.outcome == "rejected.fields"


def test_second_delivery_of_a_refusal_changes_nothing() -> None:
    again = decided(reduced(), reject(whole().row))
    assert (again.row, again.commits) == (None, False)


def test_contact_refused_without_fields_too_is_rejected_and_not_sent() -> None:
    decision = decided(reduced(), reject(reduced().row))
    assert decision.row is None
    assert decision.commits
    assert decision.outcome == "rejected.row"
    assert decision.state.rejection is not None
    assert decision.state.rejection.reason == "row"


def test_refusal_of_an_earlier_row_is_ignored() -> None:
    decision = decided(whole(), reject("another"))
    assert (decision.row, decision.commits) == (None, False)


def test_next_change_after_a_refusal_is_sent_whole() -> None:
    decision = decided(reduced(), Change(EMAIL, 30, Kind.ENTER, HIGH_VALUE))
    assert decision.row is not None
    assert "first_name" in decision.row.text
    assert accept(decision, AcceptedRow("j3", 40), now_ms=41).state.rejection is None


def test_news_beside_a_refusal_is_sent_whole() -> None:
    contact = whole()
    decision = decided(contact, reject(contact.row), Change(EMAIL, 30, Kind.ENTER, HIGH_VALUE))
    assert decision.row is not None
    assert "first_name" in decision.row.text
