"""What a person may type as an execution's input, and the fault that each mistake causes."""

from typing import Any

import pytest

from functions.plan.input import INPUTS, KEYS, ResyncInput, StopInput, read_input
from lytics_sendgrid.workflow.export_run import RunOptions
from tests.unit.functions.plan.start_input import start_input


def faults(document: Any) -> tuple[str, ...]:
    return tuple(fault.text for fault in read_input(document).faults)


def test_only_audiences_are_required() -> None:
    reading = read_input({"audiences": [" high_value_users "]})
    assert (reading.faults, reading.faulty) == ((), frozenset())
    wanted = start_input({"audiences": [" high_value_users "]})
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
    wanted = start_input(document)
    assert wanted.contact_list == "Newsletter"
    assert wanted.first_name_field is None
    assert wanted.model_fields_set >= {"first_name_field", "contact_list"}


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
            "valid keys are action, export, authorization, audiences, email_field",
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
    wanted = start_input(document)
    assert wanted.audiences == ["a"]
    assert wanted.custom_fields == {"y": "y"}
    assert (wanted.adopt, wanted.dry_run) == (False, True)


def test_input_is_frozen() -> None:
    wanted = start_input({"audiences": ["a"]})
    with pytest.raises(ValueError, match="frozen"):
        wanted.export = "other"


def test_resync_and_stop_need_only_the_export() -> None:
    resync = read_input({"action": "resync", "export": "newsletter"})
    assert resync.wanted == ResyncInput(action="resync", export="newsletter")
    assert isinstance(resync.wanted, ResyncInput)
    assert (resync.wanted.scan_parallelism, resync.wanted.max_leavers_percent) == (4, 20)
    stop = read_input({"action": "stop", "export": "newsletter"})
    assert stop.wanted == StopInput(action="stop", export="newsletter")
    assert resync.faults == stop.faults == ()


def test_complete_resync_and_stop_are_read() -> None:
    for document in (
        {
            "action": "resync",
            "export": "newsletter",
            "dry_run": True,
            "audit": True,
            "restore_deleted": True,
            "repair_segments": True,
            "scan_parallelism": 20,
            "max_leavers_percent": 0,
            "scheduled": False,
        },
        {"action": "stop", "export": "a", "dry_run": True, "clear": True, "delete_segments": True},
    ):
        reading = read_input(document)
        assert reading.faults == ()
        assert reading.wanted is not None
        assert reading.wanted.model_dump() == document
        assert KEYS[str(document["action"])] == tuple(document)


@pytest.mark.parametrize(
    ("document", "text"),
    [
        (
            {"action": "resink", "export": "a"},
            '"action": there is no action \'resink\': did you mean "resync"?',
        ),
        ({"action": "delete"}, 'there is no action \'delete\': use one of "start", "resync", "stop"'),
        ({"action": None}, '"action" must be one of "start", "resync", "stop", not null'),
        ({"action": "resync"}, '"export" is missing: name the export, such as "export": "newsletter"'),
        ({"action": "stop", "export": 7}, '"export" must be text in quotes, not a number'),
        (
            {"action": "resync", "export": "a", "audiences": ["x"]},
            '"audiences" belongs to a start, and this input is a resync: remove it, or put "action": "start"',
        ),
        (
            {"action": "stop", "export": "a", "scan_parallelism": 2},
            '"scan_parallelism" belongs to a start or a resync, and this input is a stop',
        ),
        (
            {"audiences": ["a"], "clear": True},
            '"clear" belongs to a stop, and this input is a start: remove it, or put "action": "stop"',
        ),
        (
            {"action": "stop", "export": "a", "deletesegments": True},
            '"deletesegments" is not a valid key: did you mean "delete_segments"?',
        ),
        (
            {"action": "resync", "export": "a", "restore_deleted": True},
            '"restore_deleted" needs "audit": true',
        ),
        (
            {"action": "resync", "export": "a", "repair_segments": True},
            '"repair_segments" needs "audit": true',
        ),
        (
            {"action": "stop", "export": "a", "delete_segments": True},
            '"delete_segments" needs "clear": true',
        ),
        (
            {"audiences": ["a"], "scan_parallelism": 0},
            '"scan_parallelism" must be a whole number from 1 to 20, without quotes',
        ),
        ({"audiences": ["a"], "scan_parallelism": "4"}, "without quotes, not text"),
        (
            {"audiences": ["a"], "max_leavers_percent": 101},
            '"max_leavers_percent" must be a whole number from 0 to 100',
        ),
        ({"audiences": ["a"], "removed_audiences": "keep it"}, 'must be "clear" or "keep"'),
    ],
)
def test_each_mistake_about_an_action_is_one_fault(document: Any, text: str) -> None:
    (fault,) = faults(document)
    assert text in fault


def test_options_of_a_run_are_keys_of_an_input() -> None:
    keys = {key for action in KEYS for key in KEYS[action]}
    assert RunOptions.model_fields.keys() <= keys
    for action, model in INPUTS.items():
        for name, field in model.model_fields.items():
            if name in RunOptions.model_fields:
                assert field.default == RunOptions.model_fields[name].default, (action, name)
