"""The last event by event time wins, per audience and per field."""

from dataclasses import replace

import pytest

from functions.deliver.merge import has_news, is_least, merge
from lytics_sendgrid.domain.change import Change, Kind
from lytics_sendgrid.domain.configuration import Export
from lytics_sendgrid.domain.contact import UNKNOWN, Contact, Rejection
from tests.unit.functions.deliver.example_changes import enter, exit_, refresh
from tests.unit.functions.deliver.example_export import BUYERS, EXPORT, FORM, READERS

ANN = "ann@example.org"


def merged(contact: Contact, *changes: Change) -> Contact:
    return merge(contact, [(change, EXPORT) for change in changes], FORM.since)


def test_later_event_wins_whatever_arrives_last() -> None:
    assert merged(UNKNOWN, exit_(ANN, 200), enter(ANN, 100)).memberships == {READERS: -200}
    assert merged(UNKNOWN, enter(ANN, 300), exit_(ANN, 200)).memberships == {READERS: 300}


def test_exit_wins_at_the_same_time() -> None:
    assert merged(UNKNOWN, enter(ANN), exit_(ANN)).memberships == {READERS: -100}
    assert merged(UNKNOWN, exit_(ANN), enter(ANN)).memberships == {READERS: -100}


def test_audiences_are_kept_apart() -> None:
    contact = merged(UNKNOWN, enter(ANN, 5), exit_(ANN, 4, BUYERS))
    assert contact.memberships == {READERS: 5, BUYERS: -4}


def test_older_event_changes_nothing() -> None:
    contact = merged(UNKNOWN, enter(ANN, 200, first_name="Ann"))
    assert merged(contact, exit_(ANN, 100), enter(ANN, 150, first_name="Anne")) is contact


def test_duplicate_changes_nothing() -> None:
    contact = merged(UNKNOWN, enter(ANN, first_name="Ann"))
    assert merged(contact, enter(ANN, first_name="Ann")) is contact


def test_field_carries_the_time_of_its_event() -> None:
    contact = merged(UNKNOWN, enter(ANN, 100, first_name="Ann", city="Oslo"), enter(ANN, 200, city="Bergen"))
    assert contact.fields == {"first_name": (100, "Ann"), "e1_T": (200, "Bergen")}


def test_scanned_fields_have_their_own_time() -> None:
    change = replace(enter(ANN, 100, city="Oslo"), fields_time_ns=300)
    contact = merged(UNKNOWN, change, enter(ANN, 200, city="Bergen"))
    assert (contact.memberships, contact.fields) == ({READERS: 200}, {"e1_T": (300, "Oslo")})


def test_greater_value_wins_at_the_same_time() -> None:
    assert merged(UNKNOWN, enter(ANN, city="Oslo"), enter(ANN, city="Bergen")).fields == {
        "e1_T": (100, "Oslo")
    }
    assert merged(UNKNOWN, enter(ANN, city="Bergen"), enter(ANN, city="Oslo")).fields == {
        "e1_T": (100, "Oslo")
    }


def test_unusable_value_does_not_replace_another() -> None:
    contact = merged(UNKNOWN, enter(ANN, city="Oslo"))
    assert merged(contact, enter(ANN, 200, city=" ")).fields == {"e1_T": (100, "Oslo")}


def test_unmapped_field_is_left_out() -> None:
    assert merged(UNKNOWN, enter(ANN, shoe_size="43")).fields == {}


@pytest.mark.parametrize("late", [enter(ANN, 5), exit_(ANN, 5), enter(ANN, 4), enter(ANN, 5, city="Oslo")])
def test_event_not_later_than_since_is_ignored(late: Change) -> None:
    of_export = replace(EXPORT, list_id="w")
    assert merge(UNKNOWN, [(late, of_export)], {READERS: 5}) is UNKNOWN


def test_event_after_since_counts_whatever_was_before() -> None:
    before = merged(UNKNOWN, enter(ANN, 3), exit_(ANN, 4, BUYERS))
    contact = merge(before, [(exit_(ANN, 6), EXPORT), (enter(ANN, 2, BUYERS), EXPORT)], {READERS: 5})
    assert contact.memberships == {READERS: -6, BUYERS: -4}


SINCE = {READERS: 5}


def scan(time_ns: int, **fields: str) -> list[tuple[Change, Export]]:
    """Return a row of a scan whose page Lytics sent at a time."""
    return [(replace(enter(ANN, SINCE[READERS] + 1, **fields), fields_time_ns=time_ns), EXPORT)]


def test_only_an_enter_can_be_a_scans_row() -> None:
    row = enter(ANN, SINCE[READERS] + 1)
    assert is_least(row, SINCE)
    assert is_least(enter(ANN, 1, BUYERS), SINCE)
    others = [
        *(enter(ANN, SINCE[READERS]), enter(ANN, SINCE[READERS] + 2), enter(ANN, 0, BUYERS)),
        *(exit_(ANN, SINCE[READERS] + 1), replace(row, audience=None), Change(ANN, 1, Kind.ENTER)),
    ]
    assert not any(is_least(change, SINCE) for change in others)


def test_scan_adds_only_people_that_the_ledger_does_not_know() -> None:
    for unknown in (UNKNOWN, Contact(1, {READERS: 5}), Contact(1, {READERS: -5}), Contact(1, {BUYERS: 9})):
        contact = merge(unknown, scan(90, city="Oslo"), SINCE)
        assert (contact.memberships[READERS], contact.fields["e1_T"]) == (6, (90, "Oslo"))
    for known in (Contact(1, {READERS: 6}), Contact(1, {READERS: 7}), Contact(1, {READERS: -6})):
        assert merge(known, scan(90), SINCE) is known


def test_scanned_value_that_equals_the_ledgers_moves_no_time() -> None:
    known = Contact(1, {READERS: 7}, {"e1_T": (10, "Oslo"), "first_name": (10, "Ann")})
    assert merge(known, scan(90, city="Oslo", first_name="Ann"), SINCE) is known
    assert merge(known, scan(90, city="Rome", first_name="Ann"), SINCE).fields == {
        "e1_T": (90, "Rome"),
        "first_name": (10, "Ann"),
    }
    assert merge(known, scan(9, city="Rome"), SINCE) is known


def test_scanned_value_is_compared_with_what_arrives_with_it() -> None:
    known = Contact(1, {READERS: 7}, {"e1_T": (10, "Oslo")})
    change = (Change(ANN, 20, Kind.CHANGE, None, {"city": "Rome"}), EXPORT)
    for together in ([*scan(90, city="Oslo"), change], [change, *scan(90, city="Oslo")]):
        assert merge(known, together, SINCE).fields == {"e1_T": (90, "Oslo")}
    for together in ([*scan(90, city="Rome"), change], [change, *scan(90, city="Rome")]):
        assert merge(known, together, SINCE).fields == {"e1_T": (20, "Rome")}


def test_newest_of_several_scanned_values_wins() -> None:
    known = Contact(1, {READERS: 7}, {"e1_T": (10, "Oslo")})
    for together in (
        [*scan(80, city="Oslo"), *scan(90, city="Rome")],
        [*scan(90, city="Rome"), *scan(80, city="Oslo")],
    ):
        assert merge(known, together, SINCE).fields == {"e1_T": (90, "Rome")}


def test_change_moves_no_membership() -> None:
    contact = merged(UNKNOWN, Change(ANN, 100, Kind.CHANGE, READERS, {"city": "Oslo"}))
    assert (contact.memberships, contact.fields) == ({}, {"e1_T": (100, "Oslo")})


def test_enter_without_audience_is_ignored() -> None:
    assert merged(UNKNOWN, Change(ANN, 100, Kind.ENTER)) is UNKNOWN


def test_lists_of_all_exports_add_up() -> None:
    weekly, daily = replace(EXPORT, list_id="w"), replace(EXPORT, list_id="d")
    contact = merge(UNKNOWN, [(enter(ANN), weekly), (enter(ANN), daily)], FORM.since)
    assert contact.lists == ("d", "w")
    assert merge(contact, [(enter(ANN), daily)], FORM.since) is contact


def test_lists_are_sorted() -> None:
    contact = Contact(lists=tuple("gfedcba"))
    assert merge(contact, [(enter(ANN), replace(EXPORT, list_id="h"))], FORM.since).lists == tuple("abcdefgh")


def test_refresh_changes_nothing() -> None:
    contact = Contact(1, {READERS: 5}, row="aa")
    assert merged(contact, refresh(ANN, 7)) is contact


def reject(row: str | None, reason: str | None = "bad") -> Change:
    return Change(ANN, 7_000_000, Kind.REJECT, row=row, reason=reason)


def test_reject_of_the_last_row_is_kept() -> None:
    contact = Contact(1, {READERS: 5}, row="aa")
    assert merged(contact, reject("aa")).rejection == Rejection("fields", "bad", "aa", 7)
    assert merged(contact, reject("aa", None)).rejection == Rejection("fields", "", "aa", 7)


def test_second_reject_is_of_the_row_without_fields() -> None:
    before = Rejection("fields", "bad", "aa", 1)
    contact = Contact(1, {READERS: 5}, row="aa~", rejection=before)
    assert merged(contact, reject("aa~", "worse")).rejection == Rejection("row", "worse", "aa", 7)
    assert merged(contact, reject("aa")) is contact


@pytest.mark.parametrize("row", ["other", None])
def test_reject_of_another_row_is_ignored(row: str | None) -> None:
    contact = Contact(1, {READERS: 5}, row="aa")
    assert merged(contact, reject(row)) is contact


def test_reject_of_unsent_contact_is_ignored() -> None:
    assert merged(UNKNOWN, reject(None)) is UNKNOWN


def test_refusal_alone_is_not_news() -> None:
    contact = Contact(1, {READERS: 5}, {"e1_T": (5, "Oslo")}, row="aa")
    assert not has_news(contact, contact)
    assert not has_news(merged(contact, reject("aa")), contact)
    assert has_news(merged(contact, exit_(ANN, 6)), contact)
    assert has_news(merged(contact, enter(ANN, 5, city="Bergen"), enter(ANN, 6, city="Oslo")), contact)
    assert has_news(merge(contact, [(enter(ANN, 5), replace(EXPORT, list_id="w"))], FORM.since), contact)
    assert has_news(merged(contact, Change(ANN, 9, Kind.CHANGE, None, {"city": "Rome"})), contact)
