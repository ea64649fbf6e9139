"""Which mappings of fields are possible, and the fault that each other one causes."""

from typing import Any

import pytest

from functions.plan.fields import FieldsPlan, PlannedField, plan_fields
from lytics_sendgrid.domain.configuration import FieldKind
from lytics_sendgrid.sendgrid.resources import CustomField
from tests.unit.functions.plan.start_input import start_input

SCHEMA = {
    "email": "string",
    "first_name": "string",
    "last_name": "string",
    "city": "string",
    "visits": "int",
    "lifetime_value": "number",
    "birthday": "date",
    "interests": "[]string",
    "hourly": "map[string]int",
    "is_mobile": "bool",
    "odd": "",
}
EXISTING = (CustomField("e1_T", "City_Name", "Text"), CustomField("e2_N", "visits", "Number"))


def plan(schema: dict[str, str] | None = SCHEMA, **document: Any) -> FieldsPlan:
    return plan_fields(start_input({"audiences": ["a"], **document}), schema, EXISTING)


def test_each_lytics_type_has_its_sendgrid_type() -> None:
    custom_fields = {"city": "town", "visits": "visit_count", "lifetime_value": "ltv", "birthday": "born"}
    planned = plan(custom_fields=custom_fields, first_name_field=None, last_name_field=None)
    assert planned.fields == (
        PlannedField("city", "town", FieldKind.TEXT, custom=True),
        PlannedField("visits", "visit_count", FieldKind.NUMBER, custom=True),
        PlannedField("lifetime_value", "ltv", FieldKind.NUMBER, custom=True),
        PlannedField("birthday", "born", FieldKind.DATE, custom=True),
    )
    assert planned.faults == ()


def test_existing_custom_field_keeps_its_name() -> None:
    (field, *_) = plan(custom_fields={"city": "CITY_NAME"}).fields
    assert field == PlannedField("city", "City_Name", FieldKind.TEXT, custom=True, id="e1_T")
    assert field.max_chars == 1_000


def test_reserved_fields_have_their_own_max_length() -> None:
    fields = {field.name: field for field in plan(custom_fields={"city": "Postal_Code"}).fields}
    assert (fields["postal_code"].custom, fields["postal_code"].max_chars) == (False, 60)
    assert fields["first_name"].max_chars == 50


def test_default_name_fields_missing_in_lytics_are_left_out() -> None:
    planned = plan({"email": "string", "first_name": "[]string"})
    assert (planned.fields, planned.faults) == ((), ())
    assert [note.split(",")[0] for note in planned.notes] == [
        "Lytics has no field 'first_name' of type string",
        "Lytics has no field 'last_name' of type string",
    ]


def test_custom_mapping_replaces_a_default_name_field() -> None:
    planned = plan(custom_fields={"city": "first_name"})
    assert [(field.lytics, field.name) for field in planned.fields] == [
        ("city", "first_name"),
        ("last_name", "last_name"),
    ]
    assert planned.faults == ()


def test_unread_lytics_schema_is_not_checked() -> None:
    planned = plan(None, custom_fields={"whatever": "whatever", "city": "email"})
    assert planned.fields == ()
    assert len(planned.faults) == 1


@pytest.mark.parametrize(
    ("document", "text"),
    [
        ({"email_field": "mail"}, "\"email_field\": Lytics has no field 'mail': did you mean 'email'?"),
        ({"email_field": "zzz"}, "Lytics has no field 'zzz': the names are under Data > Schema in Lytics"),
        (
            {"email_field": "visits"},
            "is of type int: choose a field of type string that holds the e-mail address",
        ),
        ({"first_name_field": "vorname"}, "\"first_name_field\": Lytics has no field 'vorname'"),
        (
            {"last_name_field": "visits"},
            "SendGrid's last_name holds text, but the Lytics field 'visits' holds a number",
        ),
        (
            {"first_name_field": "city", "custom_fields": {"last_name": "first_name"}},
            'remove one of the two ("first_name_field": null)',
        ),
        (
            {"custom_fields": {"interests": "interests"}},
            "which SendGrid cannot hold: choose a field of one of the types string, int, number, date",
        ),
        ({"custom_fields": {"hourly": "hourly"}}, "of type map[string]int"),
        ({"custom_fields": {"is_mobile": "mobile"}}, "of type bool"),
        ({"custom_fields": {"odd": "odd"}}, "of type unknown"),
        ({"custom_fields": {"city": "visits"}}, "SendGrid has a custom field 'visits' of type Number"),
        ({"custom_fields": {"city": "town", "visits": "Town"}}, "the Lytics field 'city' already goes there"),
        ({"custom_fields": {"city": "EMAIL"}}, "SendGrid finds contacts by email"),
        ({"custom_fields": {"city": "phone_number_id"}}, "SendGrid finds contacts by phone_number_id"),
        ({"custom_fields": {"city": "alternate_emails"}}, "SendGrid finds contacts by alternate_emails"),
        ({"custom_fields": {"city": "Last_Clicked"}}, "SendGrid sets last_clicked itself"),
        ({"custom_fields": {"city": "lytics_segments"}}, "is reserved for the audiences"),
        ({"custom_fields": {"city": "lytics_segments_1"}}, "is reserved for the audiences"),
        ({"custom_fields": {"city": "1st_city"}}, "does not begin with a digit"),
        ({"custom_fields": {"city": "straße"}}, "1 to 100 letters (A to Z)"),
        ({"custom_fields": {"city": "c" * 101}}, "1 to 100 letters (A to Z)"),
    ],
)
def test_impossible_mapping_is_a_fault(document: dict[str, Any], text: str) -> None:
    planned = plan(**document)
    (fault,) = planned.faults
    assert text in fault.text
    assert fault.text.startswith(tuple(f'"{key}": ' for key in document))
    assert fault.at.split("/")[1] in document


def test_unwritable_field_is_not_planned() -> None:
    assert [field.name for field in plan(custom_fields={"city": "1st_city"}).fields] == [
        "first_name",
        "last_name",
    ]


def test_wrong_target_and_wrong_source_are_both_reported() -> None:
    assert len(plan(custom_fields={"nothing": "email"}).faults) == 2
