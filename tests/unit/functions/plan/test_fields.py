"""Which mappings of fields are taken, and how each that is not is told."""

from typing import Any

import pytest

from functions.plan.fields import FieldsPlan, PlannedField, plan_fields
from functions.plan.input import read_input
from lytics_sendgrid.domain.configuration import FieldKind
from lytics_sendgrid.sendgrid.resources import CustomField

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
    return plan_fields(read_input({"audiences": ["a"], **document}).wanted, schema, EXISTING)


def test_types_are_held_by_their_counterparts() -> None:
    custom_fields = {"city": "town", "visits": "visit_count", "lifetime_value": "ltv", "birthday": "born"}
    planned = plan(custom_fields=custom_fields, first_name_field=None, last_name_field=None)
    assert planned.fields == (
        PlannedField("city", "town", FieldKind.TEXT, custom=True),
        PlannedField("visits", "visit_count", FieldKind.NUMBER, custom=True),
        PlannedField("lifetime_value", "ltv", FieldKind.NUMBER, custom=True),
        PlannedField("birthday", "born", FieldKind.DATE, custom=True),
    )
    assert planned.faults == ()


def test_a_custom_field_that_exists_is_used_under_its_own_name() -> None:
    (field, *_) = plan(custom_fields={"city": "CITY_NAME"}).fields
    assert field == PlannedField("city", "City_Name", FieldKind.TEXT, custom=True, id="e1_T")
    assert field.max_chars == 1_000


def test_reserved_fields_have_their_own_lengths() -> None:
    fields = {field.name: field for field in plan(custom_fields={"city": "Postal_Code"}).fields}
    assert (fields["postal_code"].custom, fields["postal_code"].max_chars) == (False, 60)
    assert fields["first_name"].max_chars == 50


def test_default_names_are_left_out_where_lytics_has_none() -> None:
    planned = plan({"email": "string", "first_name": "[]string"})
    assert (planned.fields, planned.faults) == ((), ())
    assert [note.split(",")[0] for note in planned.notes] == [
        "Lytics has no field 'first_name' of type string",
        "Lytics has no field 'last_name' of type string",
    ]


def test_a_mapping_of_ones_own_stands_in_for_a_default_name() -> None:
    planned = plan(custom_fields={"city": "first_name"})
    assert [(field.lytics, field.name) for field in planned.fields] == [
        ("city", "first_name"),
        ("last_name", "last_name"),
    ]
    assert planned.faults == ()


def test_nothing_is_said_of_lytics_fields_that_could_not_be_read() -> None:
    planned = plan(None, custom_fields={"whatever": "whatever", "city": "email"})
    assert planned.fields == ()
    assert len(planned.faults) == 1


@pytest.mark.parametrize(
    ("document", "said"),
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
            "of type []string, which SendGrid cannot hold: choose a field of one of the types string, int, number, date",
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
def test_what_cannot_be_mapped_is_told(document: dict[str, Any], said: str) -> None:
    planned = plan(**document)
    (fault,) = planned.faults
    assert said in fault
    assert fault.startswith(tuple(f'"{key}": ' for key in document))


def test_a_field_that_cannot_be_written_is_not_planned() -> None:
    assert [field.name for field in plan(custom_fields={"city": "1st_city"}).fields] == [
        "first_name",
        "last_name",
    ]


def test_a_wrong_target_and_a_wrong_source_are_both_told() -> None:
    assert len(plan(custom_fields={"nothing": "email"}).faults) == 2
