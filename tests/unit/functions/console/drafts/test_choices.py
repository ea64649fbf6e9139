"""What the form offers: audiences, fields that fit, lists."""

from typing import Any

import pytest

from functions.console.drafts.choices import Choices, Target, choices, chosen_list, name_fields, uses_advanced
from functions.console.drafts.form import new_form
from lytics_sendgrid.domain.configuration import Audience, Export
from lytics_sendgrid.workflow.catalogue import AudienceChoice, Catalogue, FieldChoice, ListChoice

A, B, C = "a" * 32, "b" * 32, "c" * 32
CATALOGUE = Catalogue(
    asked_s=1,
    done=True,
    audiences=(
        AudienceChoice(id=A, name="Adults", slug="adults", size=10),
        AudienceChoice(id=B, name="VIP", slug="vip", size=5),
        AudienceChoice(id=C, name="vip", slug="vip_2", fault="field gone"),
    ),
    lytics_fields=tuple(
        FieldChoice(name=name, type=type_)
        for name, type_ in {
            "birthday": "date",
            "city": "string",
            "e_mail": "string",
            "Email": "string",
            "email_count": "int",
            "first_name": "string",
            "interests": "[]string",
            "work_email": "string",
        }.items()
    ),
    lists=(
        ListChoice(id="l1", name="News"),
        ListChoice(id="l2", name="Twin"),
        ListChoice(id="l3", name="twin"),
    ),
    sendgrid_fields=(
        FieldChoice(name="lytics_segments_1", type="Text"),
        FieldChoice(name="visits", type="Number"),
    ),
)
NOTHING = Catalogue(asked_s=1)


def offer(catalogue: Catalogue = CATALOGUE, *exports: Export, **form: Any) -> Choices:
    return choices(catalogue, new_form() | form, exports)


def export(name: str, *audiences: str) -> Export:
    named = tuple(Audience(identity, f"name of {identity[0]}", "s") for identity in audiences)
    return Export(name, "default", "main", 1, "email", (), named)


def test_selected_audiences_come_first_and_count_their_people() -> None:
    made = offer(audiences=[B, A])
    assert [(row.reference, row.is_selected) for row in made.audiences] == [(A, True), (B, True), (C, False)]
    assert (len(made.selected), made.people) == (2, 15)


def test_other_exports_of_an_audience_are_named_but_not_this_one() -> None:
    made = offer(CATALOGUE, export("old", A, B), export("mine", A), export="mine")
    assert [row.exports for row in made.audiences] == [("old",), ("old",), ()]


def test_audiences_of_one_name_are_told_apart_by_their_slugs() -> None:
    assert [row.hint for row in offer().audiences] == ["", "vip", "vip_2"]


@pytest.mark.parametrize("reference", [B, B.upper(), "vip", "VIP"])
def test_audience_is_selected_however_it_was_named(reference: str) -> None:
    (row,) = offer(audiences=[reference]).selected
    assert (row.reference, row.size) == (reference, 5)


@pytest.mark.parametrize("reference", ["Vip", "nobody", "f" * 32])
def test_audience_that_lytics_does_not_clearly_have_stays_selected(reference: str) -> None:
    (row,) = offer(audiences=[reference]).selected
    assert (row.reference, row.name, row.is_listed) == (reference, reference, False)


def test_without_lytics_an_audience_has_the_name_that_exports_know() -> None:
    made = offer(NOTHING, export("old", A), audiences=[A])
    assert [(row.name, row.is_selected) for row in made.audiences] == [("name of a", True)]
    assert (made.texts, made.lists, made.email_likely) == ((), (), ())


def test_only_texts_hold_an_address_and_the_likely_ones_come_first() -> None:
    made = offer()
    assert made.email_likely == ("Email", "e_mail", "work_email")
    assert made.email_others == ("city", "first_name")
    assert set(made.texts) == {*made.email_likely, *made.email_others}


def test_lytics_fields_that_sendgrid_can_hold_are_offered_with_types() -> None:
    made = offer()
    assert ("birthday", "date", "Date") in made.sources
    assert ("email_count", "int", "Number") in made.sources
    assert "interests" not in {name for name, _, _ in made.sources}


def test_targets_are_custom_and_reserved_fields_but_ours_and_names() -> None:
    targets = offer().targets
    assert targets[0] == Target("visits", "Number")
    assert Target("city", "Text") in targets
    assert not {target.name for target in targets} & {"first_name", "lytics_segments_1"}


def test_lists_of_one_name_are_told_apart_by_their_ids() -> None:
    assert [option.label for option in offer().lists] == ["News", "Twin (l2)", "twin (l3)"]


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [("", ("", "")), ("l1", ("l1", "")), ("News", ("l1", "")), ("gone", ("gone", "gone"))],
)
def test_list_of_the_form_is_found_by_id_or_name(wanted: str, expected: tuple[str, str]) -> None:
    assert chosen_list({"list": wanted}, offer()) == expected


def test_names_are_the_defaults_unless_chosen_or_missing_in_lytics() -> None:
    assert name_fields({}, offer()) == {"first_name_field": "first_name", "last_name_field": ""}
    assert name_fields({}, offer(NOTHING)) == {
        "first_name_field": "first_name",
        "last_name_field": "last_name",
    }
    chosen = {"first_name_field": "", "last_name_field": "city"}
    assert name_fields(chosen, offer()) == chosen


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        ({}, False),
        ({"first_name_field": "first_name", "backfill": True}, False),
        ({"first_name_field": "given"}, True),
        ({"list": "l1"}, True),
        ({"rows": [["a", "b"]]}, True),
        ({"backfill": False}, True),
    ],
)
def test_advanced_options_are_open_if_one_is_used(form: dict[str, Any], expected: bool) -> None:
    assert uses_advanced(new_form() | form) is expected
