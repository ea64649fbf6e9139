"""The form of an export: from its fields to an execution's input, and back from an export."""

from dataclasses import replace
from typing import Any

import pytest

from functions.console.drafts.form import filled, form_faults, form_of, input_of, new_form
from functions.plan.input import StartInput, read_input
from lytics_sendgrid.domain.configuration import Audience, Export, FieldKind, MappedField
from lytics_sendgrid.workflow.faults import Fault

FIELDS: dict[str, list[str]] = {
    "export": [" newsletter "],
    "authorization": ["default"],
    "choices": ["1"],
    "audiences": ["a" * 32, "b" * 32],
    "add": ["vip"],
    "email_field": ["email"],
    "first_name_field": ["first_name"],
    "last_name_field": [""],
    "list": [""],
    "from": ["city", "", " visits "],
    "to": ["", "", "visits"],
    "backfill": ["on"],
    "subscribe": ["on"],
}


def document(**changes: list[str] | None) -> dict[str, Any]:
    """Return the input of a form with some other fields; None leaves one out."""
    fields = {name: values for name, values in (FIELDS | changes).items() if values is not None}
    return input_of(filled(fields, new_form()))


def test_form_becomes_an_input_without_its_defaults() -> None:
    assert document() == {
        "export": "newsletter",
        "authorization": "default",
        "audiences": ["a" * 32, "b" * 32],
        "first_name_field": "first_name",
        "last_name_field": None,
        "custom_fields": {"city": "city", "visits": "visits"},
    }


def test_every_control_reaches_the_input_as_plan_reads_it() -> None:
    full = document(
        email_field=["work_email"],
        list=["l1"],
        removed_audiences=["keep"],
        adopt=["on"],
        delete_segments=["on"],
        repair_segments=["on"],
        backfill=None,
        subscribe=None,
    )
    reading = read_input(full)
    assert reading.faults == ()
    assert isinstance(reading.wanted, StartInput)
    assert reading.wanted.model_dump(by_alias=True) == {
        "action": "start",
        "export": "newsletter",
        "authorization": "default",
        "audiences": ["a" * 32, "b" * 32],
        "email_field": "work_email",
        "first_name_field": "first_name",
        "last_name_field": None,
        "list": "l1",
        "custom_fields": {"city": "city", "visits": "visits"},
        "backfill": False,
        "subscribe": False,
        "dry_run": False,
        "adopt": True,
        "removed_audiences": "keep",
        "delete_segments": True,
        "repair_segments": True,
        "scan_parallelism": 4,
        "max_leavers_percent": 20,
    }


def test_audience_is_added_by_its_button_only_and_once() -> None:
    assert document()["audiences"] == ["a" * 32, "b" * 32]
    assert document(do=["add"])["audiences"] == ["a" * 32, "b" * 32, "vip"]
    assert document(do=["add"], add=["b" * 32])["audiences"] == ["a" * 32, "b" * 32]
    assert document(do=["add"], add=["  "])["audiences"] == ["a" * 32, "b" * 32]


def test_controls_that_the_page_did_not_show_stay_as_they_were() -> None:
    former = filled(FIELDS, new_form())
    again = filled({"export": ["other"], "authorization": ["default"]}, former)
    assert again == {**former, "export": "other"}
    assert filled({}, former) == former


def test_another_authorization_empties_the_form_but_its_name() -> None:
    former = filled(FIELDS, new_form())
    assert filled({**FIELDS, "authorization": ["eu"]}, former) == {
        **new_form("newsletter"),
        "authorization": "eu",
    }


def test_empty_form_is_an_input_that_plan_finds_faults_in() -> None:
    empty = input_of(new_form())
    assert {fault.at for fault in read_input(empty).faults} == {"/export", "/audiences"}


def test_lytics_field_with_two_rows_is_a_fault() -> None:
    form = filled({**FIELDS, "from": ["city", "city", "x"], "to": ["a", "b", "c"]}, new_form())
    (fault,) = form_faults(form)
    assert fault == Fault(
        "the Lytics field 'city' has several rows, but it can go to one SendGrid field only: remove the "
        "others",
        "/custom_fields/city",
    )
    assert form_faults(filled(FIELDS, new_form())) == ()
    assert input_of(form)["custom_fields"] == {"city": "a", "x": "c"}


def test_input_of_another_action_is_as_it_was_made() -> None:
    stop = {"action": "stop", "export": "newsletter", "clear": True}
    assert (input_of(stop), form_faults(stop)) == (stop, ())


@pytest.mark.parametrize("name", ["export", "authorization"])
def test_name_that_no_page_sends_is_cut_to_what_a_table_can_look_up(name: str) -> None:
    assert filled({name: ["x" * 3_000]}, new_form("newsletter"))[name] == "x" * 128


def test_form_that_changes_an_export_keeps_its_name() -> None:
    assert filled({"export": ["other"]}, new_form("newsletter"), "newsletter")["export"] == "newsletter"
    assert filled({"export": ["other"]}, new_form("newsletter"))["export"] == "other"


def test_export_becomes_the_form_that_leads_to_it() -> None:
    export = Export(
        "newsletter",
        "eu",
        "main",
        3,
        "work_email",
        (
            MappedField("given", "first_name", "first_name", FieldKind.TEXT, 50),
            MappedField("city", "city", "city", FieldKind.TEXT, 60),
            MappedField("visits", "e1_N", "visit_count", FieldKind.NUMBER, 1_000),
        ),
        (Audience("a" * 32, "A", "a"),),
        list_id="l1",
        list_name="News",
        lytics_job="j1",
    )
    assert input_of(form_of(export, "newsletter")) == {
        "export": "newsletter",
        "authorization": "eu",
        "audiences": ["a" * 32],
        "email_field": "work_email",
        "first_name_field": "given",
        "last_name_field": None,
        "list": "l1",
        "custom_fields": {"city": "city", "visits": "visit_count"},
    }
    assert form_of(export, "")["export"] == ""
    by_hand = replace(export, lytics_job=None)
    assert input_of(form_of(by_hand, "newsletter"))["subscribe"] is False
    assert "subscribe" not in input_of(form_of(by_hand, ""))
