"""What a person may type as an execution's input, and the fault that each mistake causes."""

from typing import Any

import pytest

from functions.plan.input import ExportInput, read_input


def faults(document: Any) -> tuple[str, ...]:
    return read_input(document).faults


def test_only_audiences_are_required() -> None:
    reading = read_input({"audiences": [" high_value_users "]})
    assert (reading.faults, reading.faulty) == ((), frozenset())
    wanted = reading.wanted
    assert wanted.audiences == ["high_value_users"]
    assert (wanted.export, wanted.authorization, wanted.email_field) == ("default", "default", "email")
    assert (wanted.first_name_field, wanted.last_name_field, wanted.contact_list) == (
        "first_name",
        "last_name",
        None,
    )
    assert (wanted.backfill, wanted.subscribe, wanted.dry_run, wanted.adopt) == (True, True, False, False)


def test_complete_input_is_read() -> None:
    document = {
        "export": "newsletter",
        "authorization": "eu-2",
        "audiences": ["high_value_users"],
        "email_field": "email",
        "first_name_field": None,
        "last_name_field": "surname",
        "list": "Newsletter",
        "custom_fields": {"lifetime_value": "ltv"},
        "backfill": False,
        "subscribe": False,
        "dry_run": True,
        "adopt": True,
        "AWS_STEP_FUNCTIONS_STARTED_BY_EXECUTION_ID": "arn:aws:states:…",
    }
    reading = read_input(document)
    assert reading.faults == ()
    assert reading.wanted.contact_list == "Newsletter"
    assert reading.wanted.first_name_field is None
    assert reading.wanted.model_fields_set >= {"first_name_field", "contact_list"}


@pytest.mark.parametrize(
    ("document", "text"),
    [
        (None, "The input is null, not a JSON object"),
        ([], "The input is a list, not a JSON object"),
        (7, "The input is a number, not a JSON object"),
        (True, "The input is true or false, not a JSON object"),
        ({}, '"audiences" is missing: name at least one Lytics audience'),
        ({"audiences": []}, '"audiences" must name 1 to 200 audiences'),
        ({"audiences": ["a"] * 201}, '"audiences" must name 1 to 200 audiences'),
        ({"audiences": "a"}, '"audiences" must be a list of texts in [ ], not text'),
        ({"audiences": ["a", 3]}, '"audiences", entry 2 must be text in quotes, not a number'),
        ({"audiences": ["a", " "]}, '"audiences", entry 2 must not be empty'),
        ({"audiences": ["a" * 201]}, '"audiences", entry 1 must be at most 200 characters long'),
        ({"audience": ["a"], "audiences": ["a"]}, "is not a valid key"),
        ({"audiences": ["a"], "dryrun": True}, '"dryrun" is not a valid key: did you mean "dry_run"?'),
        (
            {"audiences": ["a"], "Comment": "x"},
            "valid keys are export, authorization, audiences, email_field",
        ),
        (
            {"audiences": ["a"], "backfill": "yes"},
            '"backfill" must be true or false, without quotes, not text',
        ),
        ({"audiences": ["a"], "list": {}}, '"list" must be text in quotes, not an object'),
        ({"audiences": ["a"], "export": "a b"}, '"export" must be 1 to 64 letters, digits, - or _'),
        (
            {"audiences": ["a"], "custom_fields": ["x"]},
            "must be an object { } of Lytics fields and SendGrid fields",
        ),
        (
            {"audiences": ["a"], "custom_fields": {"x": None}},
            '"custom_fields", "x" must be text in quotes, not null',
        ),
        ({"audiences": ["a"], "custom_fields": {"": "x"}}, '"custom_fields", "" must not be empty'),
    ],
)
def test_each_mistake_is_one_fault(document: Any, text: str) -> None:
    (fault,) = faults(document)
    assert text in fault


def test_all_mistakes_are_reported_and_the_valid_rest_is_kept() -> None:
    document = {"audiences": ["a", 3], "custom_fields": {"x": 1, "y": "y"}, "adopt": "yes", "dry_run": True}
    reading = read_input(document)
    assert len(reading.faults) == 3
    assert reading.faulty == {"audiences", "custom_fields", "adopt"}
    assert reading.wanted.audiences == ["a"]
    assert reading.wanted.custom_fields == {"y": "y"}
    assert (reading.wanted.adopt, reading.wanted.dry_run) == (False, True)


def test_input_is_frozen() -> None:
    wanted = read_input({"audiences": ["a"]}).wanted
    with pytest.raises(ValueError, match="frozen"):
        wanted.export = "other"
    assert isinstance(wanted, ExportInput)
