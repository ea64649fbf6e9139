"""What is left to do for a person who is to be erased, and what is said about it."""

from dataclasses import replace

import pytest

from functions.erase.person import EraseDelays, Person, Status, answer, check_after_s
from lytics_sendgrid.domain.contact import Contact
from lytics_sendgrid.domain.erasure import Hold
from lytics_sendgrid.sendgrid.resources import SendGridContact

ANN = "ann@example.org"
AT_S = 1_795_000_000
HOLD = Hold(AT_S, AT_S + 2_592_000, was_known=True)
DELAYS = EraseDelays(180, 900)
SETTLED_S = AT_S + 1_080
GONE = Person(ANN, Contact(), hold=HOLD)
IN_LEDGER = replace(GONE, contact=Contact(3, {"a": (AT_S - 5) * 1_000_000_000}))
BACK = replace(GONE, contact=Contact(3, {"a": (AT_S + 5) * 1_000_000_000}))
LEFT = replace(GONE, contact=Contact(3, {"a": -(AT_S + 5) * 1_000_000_000}))


def sendgrid(email: str | None) -> SendGridContact:
    return SendGridContact("id-1", {} if email is None else {"email": email}, {}, (), ())


IN_SENDGRID = replace(GONE, sendgrid=sendgrid("Ann@example.org"))
ALTERNATE = replace(GONE, sendgrid=sendgrid("other@example.org"))


def test_erasure_begins_once_and_again_only_for_who_is_back() -> None:
    assert Person(ANN, Contact()).needs_hold(again=False)
    assert not GONE.needs_hold(again=True)
    assert not IN_LEDGER.needs_hold(again=True)
    assert not BACK.needs_hold(again=False)
    assert BACK.needs_hold(again=True)


def test_exit_after_the_erasure_is_erased_once_more() -> None:
    assert LEFT.back_ns == 0
    assert LEFT.needs_hold(again=False)
    assert not replace(LEFT, hold=replace(HOLD, at_s=AT_S + 5)).needs_hold(again=False)


@pytest.mark.parametrize(
    ("created_at", "contact_id"),
    [("2026-11-18T00:00:00Z", "id-1"), ("2026-12-18T00:00:00Z", None), ("", None), (None, None)],
)
def test_old_contact_of_who_is_back_is_still_deleted(created_at: object, contact_id: str | None) -> None:
    values = {"email": ANN, "created_at": created_at}
    person = replace(BACK, sendgrid=SendGridContact("id-1", values, {}, (), ()))
    assert person.id_to_delete() == contact_id
    assert (answer(person, SETTLED_S, DELAYS)[0] is Status.UNDER_WAY) == (contact_id is not None)


def test_event_of_the_ledger_counts_only_after_the_erasure() -> None:
    assert (GONE.back_ns, IN_LEDGER.back_ns) == (0, 0)
    assert BACK.back_ns == (AT_S + 5) * 1_000_000_000
    assert Person(ANN, BACK.contact).back_ns == 0


@pytest.mark.parametrize("email", ["other@example.org", "", None])
def test_contact_that_has_the_address_only_besides_is_not_deleted(email: str | None) -> None:
    person = replace(GONE, sendgrid=sendgrid(email))
    assert person.is_another
    assert person.id_to_delete() is None


def test_contact_is_deleted_unless_the_person_is_back() -> None:
    assert IN_SENDGRID.id_to_delete() == "id-1"
    assert GONE.id_to_delete() is None
    assert replace(BACK, sendgrid=IN_SENDGRID.sendgrid).id_to_delete() is None


def test_address_is_known_where_a_side_has_it_or_may_have_it() -> None:
    assert not GONE.is_known
    assert IN_LEDGER.is_known
    assert IN_SENDGRID.is_known
    assert GONE.without_answer("503", is_refusal=False).is_known


@pytest.mark.parametrize(
    ("person", "now_s", "after_s"),
    [
        (GONE, SETTLED_S, None),
        (GONE, SETTLED_S - 1, SETTLED_S + 59),
        (GONE, AT_S, SETTLED_S),
        (IN_LEDGER, SETTLED_S, SETTLED_S + 60),
        (IN_SENDGRID, SETTLED_S, SETTLED_S + 60),
        (GONE.without_answer("503", is_refusal=False), SETTLED_S, SETTLED_S + 60),
    ],
)
def test_erasure_ends_when_both_delays_are_over_and_nobody_has_the_address(
    person: Person, now_s: int, after_s: int | None
) -> None:
    assert check_after_s(person, HOLD, now_s, DELAYS) == after_s


@pytest.mark.parametrize(
    ("person", "now_s", "status", "message"),
    [
        (GONE, SETTLED_S, Status.ERASED, "has the address any more; kept out until 2026-12-18T"),
        (replace(GONE, hold=replace(HOLD, was_known=False)), SETTLED_S, Status.NOT_FOUND, "had the address"),
        (GONE, AT_S, Status.UNDER_WAY, "run it again after 2026-11-18T"),
        (GONE.without_answer("503", is_refusal=False), SETTLED_S, Status.UNDER_WAY, "503. run it again"),
        (BACK, SETTLED_S, Status.BACK, 'brought the person back. To erase the person again, add "again"'),
        (ALTERNATE, SETTLED_S, Status.REFUSED, "remove the alternate address in SendGrid"),
        (GONE.without_answer("no key", is_refusal=True), SETTLED_S, Status.REFUSED, "no key. SendGrid may"),
    ],
)
def test_answer_says_what_became_of_the_person(
    person: Person, now_s: int, status: Status, message: str
) -> None:
    answered = answer(person, now_s, DELAYS)
    assert answered[0] is status
    assert message in answered[1]
    assert (answered[2] is not None) == (status is Status.UNDER_WAY)
    assert ANN not in answered[1]


def test_person_without_a_hold_has_no_answer() -> None:
    with pytest.raises(ValueError, match="without a hold"):
        answer(Person(ANN, Contact()), AT_S, DELAYS)


def test_statuses_are_words_of_the_answer() -> None:
    assert [*Status] == ["erased", "not_found", "under_way", "back", "invalid", "refused"]


def test_last_event_of_all_audiences_counts() -> None:
    late_ns = (AT_S + 5) * 1_000_000_000
    mixed = replace(GONE, contact=Contact(3, {"a": (AT_S - 5) * 1_000_000_000, "b": late_ns}))
    assert (mixed.last_event_ns, mixed.back_ns) == (late_ns, late_ns)
    assert (GONE.last_event_ns, GONE.back_ns) == (0, 0)


def test_nobody_has_left_or_is_old_without_an_erasure() -> None:
    values = {"email": ANN, "created_at": "2020-01-01T00:00:00Z"}
    person = Person(ANN, LEFT.contact, SendGridContact("id-1", values, {}, (), ()))
    assert not person.has_only_left_since
    assert not person.is_old_in_sendgrid


def test_contact_that_was_created_with_the_erasure_is_not_old() -> None:
    values = {"email": ANN, "created_at": "2026-11-18T11:06:40Z"}
    person = replace(BACK, sendgrid=SendGridContact("id-1", values, {}, (), ()))
    assert not person.is_old_in_sendgrid
    assert replace(person, hold=replace(HOLD, at_s=AT_S + 1)).is_old_in_sendgrid


def test_spaces_around_an_address_of_sendgrid_make_no_other_contact() -> None:
    assert not replace(GONE, sendgrid=sendgrid(" Ann@example.org ")).is_another


def test_first_version_in_the_ledger_is_known() -> None:
    assert replace(GONE, contact=Contact(1)).is_known


def test_answer_says_what_is_left_to_do() -> None:
    _, text, again_s = answer(GONE, AT_S, DELAYS)
    assert text == (
        "run it again after 2026-11-18T11:24:40Z: it looks whether SendGrid and the ledger still have the "
        "address, and deletes it there if they do"
    )
    assert again_s == SETTLED_S
    refused = answer(GONE.without_answer("no key", is_refusal=True), SETTLED_S, DELAYS)
    assert refused[1] == "no key. SendGrid may still have the contact: do that, then run it again"
