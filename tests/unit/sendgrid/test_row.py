"""A row follows from a contact's state: e-mail, fields, memberships."""

import json
from dataclasses import replace
from typing import Any

import pytest

from lytics_sendgrid.domain.configuration import Account, AudienceState, ProvisionedAudience
from lytics_sendgrid.domain.contact import Contact
from lytics_sendgrid.sendgrid.row import (
    RowForm,
    membership_row,
    membership_values,
    row_form,
    row_hash,
    row_lists,
    row_of,
    without_fields,
)

A, B, C, D = (letter * 32 for letter in "abcd")
ANN = "ann@example.org"
ACCOUNT = Account(
    "acme",
    4,
    {"lytics_segments": "e1_T", "lytics_segments_1": "e2_T", "lytics_segments_2": None},
    {
        A: ProvisionedAudience("lytics_segments", "s1", "list-1", ("newsletter",)),
        B: ProvisionedAudience("lytics_segments", "s2", None, ("newsletter",)),
        C: ProvisionedAudience("lytics_segments_1", "s3", None, ("newsletter",)),
        D: ProvisionedAudience("lytics_segments", "s4", "list-2", ()),
    },
    {"newsletter": ("e5_T",), "loyalty": ("e5_T", "e7_N")},
)
FORM = row_form(ACCOUNT, "none")


def test_row_form_of_account() -> None:
    assert row_form(ACCOUNT, "none") == RowForm(
        4,
        {A: "e1_T", B: "e1_T", C: "e2_T", D: "e1_T"},
        {A: 0, B: 0, C: 0},
        {"list-1": "newsletter"},
        frozenset({"e5_T", "e7_N"}),
        "e1_T",
        "none",
    )


@pytest.mark.parametrize(
    "account",
    [
        Account("acme"),
        Account("acme", 1, {"lytics_segments": None}),
        Account(
            "acme",
            1,
            {"lytics_segments": "e1_T"},
            {A: ProvisionedAudience("lytics_segments_1", "s", None, ())},
        ),
    ],
)
def test_account_without_membership_field_has_no_form(account: Account) -> None:
    with pytest.raises(ValueError, match="account 'acme' has no membership field"):
        row_form(account, "none")


@pytest.mark.parametrize(
    ("state", "exports", "values"),
    [
        (AudienceState.LIVE, ("newsletter",), A),
        (AudienceState.STOPPED, ("newsletter",), A),
        (AudienceState.KEPT, (), A),
        (AudienceState.CLEARED, (), "none"),
    ],
)
def test_row_names_live_stopped_and_kept_audiences(
    state: AudienceState, exports: tuple[str, ...], values: str
) -> None:
    audience = ProvisionedAudience("lytics_segments", "s", None, exports, since_ns=4, state=state)
    form = row_form(replace(ACCOUNT, audiences={A: audience}), "none")
    assert membership_values(Contact(memberships={A: 5}), form) == {"e1_T": values}


def test_event_not_later_than_since_is_ignored() -> None:
    audience = ProvisionedAudience("lytics_segments", "s", None, ("newsletter",), since_ns=5)
    form = row_form(replace(ACCOUNT, audiences={A: audience}), "none")
    values = [membership_values(Contact(memberships={A: time_ns}), form)["e1_T"] for time_ns in (4, 5, 6, -6)]
    assert values == ["none", "none", A, "none"]


@pytest.mark.parametrize(
    ("memberships", "values"),
    [
        ({}, {}),
        ({A: 5}, {"e1_T": A}),
        ({B: 5, A: 9}, {"e1_T": f"{A},{B}"}),
        ({A: -5}, {"e1_T": "none"}),
        ({A: -5, B: 6}, {"e1_T": B}),
        ({C: 5}, {"e2_T": C}),
        ({A: 5, C: -5}, {"e1_T": A, "e2_T": "none"}),
        ({A: 1, B: 0}, {"e1_T": A}),
        ({D: 5}, {"e1_T": "none"}),
        ({D: 5, A: 5}, {"e1_T": A}),
        ({"f" * 32: 5}, {"e1_T": "none"}),
        ({"f" * 32: 5, C: 5}, {"e2_T": C}),
    ],
)
def test_membership_fields(memberships: dict[str, int], values: dict[str, str]) -> None:
    assert membership_values(Contact(memberships=memberships), FORM) == values


@pytest.mark.parametrize(
    ("contact", "row"),
    [
        (
            Contact(
                memberships={A: 5}, fields={"last_name": (5, "Lee"), "e7_N": (5, 4.5), "e5_T": (5, "Zürich")}
            ),
            {"email": ANN, "last_name": "Lee", "custom_fields": {"e1_T": A, "e5_T": "Zürich", "e7_N": 4.5}},
        ),
        (Contact(fields={"first_name": (5, "Ann")}), {"email": ANN, "first_name": "Ann"}),
        (Contact(), {"email": ANN}),
    ],
)
def test_whole_row(contact: Contact, row: dict[str, Any]) -> None:
    text = row_of(ANN, contact, FORM)
    assert text.isascii()
    assert json.loads(text) == row


def test_row_does_not_depend_on_order_of_events() -> None:
    one = Contact(
        memberships={A: 5, C: 6}, fields={"e5_T": (1, "x"), "last_name": (2, "Lee"), "city": (1, "Oslo")}
    )
    other = Contact(
        memberships={C: 9, A: 8}, fields={"city": (7, "Oslo"), "last_name": (7, "Lee"), "e5_T": (7, "x")}
    )
    assert row_of(ANN, one, FORM) == row_of(ANN, other, FORM)


def test_membership_row_holds_nothing_else() -> None:
    contact = Contact(memberships={A: 5}, fields={"last_name": (5, "Lee")})
    assert json.loads(membership_row(ANN, contact, FORM)) == {"email": ANN, "custom_fields": {"e1_T": A}}
    assert json.loads(membership_row(ANN, Contact(), FORM)) == {"email": ANN}


def test_only_lists_that_are_configured_now_are_sent() -> None:
    assert row_lists(Contact(lists=("list-0", "list-1", "list-2")), FORM) == ("list-1",)


def test_hash_differs_by_row_and_lists() -> None:
    names = {row_hash("a", ()), row_hash("b", ()), row_hash("a", ("l",)), row_hash("a", ("l", "m"))}
    assert len(names) == 4
    assert {len(name) for name in names} == {16}
    assert without_fields("aa") != "aa"


def test_row_hash_is_stable_across_releases() -> None:
    assert row_hash('{"email":"ann@example.org"}', ("list-1", "list-2")) == "eb9f661a17c29df6"


def test_unmapped_field_is_not_sent() -> None:
    contact = Contact(fields={"e5_T": (5, "x"), "e6_T": (5, "gone"), "city": (5, "Oslo")})
    assert json.loads(row_of(ANN, contact, FORM)) == {
        "email": ANN,
        "city": "Oslo",
        "custom_fields": {"e5_T": "x"},
    }
