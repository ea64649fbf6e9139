"""Each fault of a check is beside the control of the form that it is about."""

import pytest

from functions.console.drafts.placed import Placed, is_advanced, placed
from lytics_sendgrid.workflow.faults import Fault, pointer

FORM = {"audiences": ["a", "b"], "rows": [["city", "town"], ["a/b", "x"], ["city", "y"]]}


def one(at: str) -> Placed:
    (found,) = placed([Fault("wrong", at)], FORM)
    return found


def test_fault_of_an_audience_is_in_the_picker_and_at_the_audience() -> None:
    assert one("/audiences/1") == Placed("wrong", "audiences", "Audiences", "b", "audiences")
    assert one("/audiences").audience == one("/audiences/9").audience == ""


def test_fault_of_a_mapping_is_at_its_first_row() -> None:
    assert one(pointer("custom_fields", "a/b")).control == "row-2"
    assert one("/custom_fields/city").control == "row-1"
    assert one("/custom_fields").control == one("/custom_fields/gone").control == "custom_fields"


def test_fault_of_another_key_or_of_none_has_no_control() -> None:
    assert one("/list").control == "list"
    assert one("/scan_parallelism") == one("") == Placed("wrong")


def test_advanced_options_are_open_if_a_fault_is_in_them() -> None:
    assert is_advanced([one("/export"), one("/adopt")])
    assert not is_advanced([one("/export"), one("/audiences/1"), one("")])


def test_draft_of_another_action_has_no_controls_with_rows() -> None:
    (found,) = placed([Fault("stopped", "/export")], {"action": "resync", "export": "x"})
    assert found.control == "export"


@pytest.mark.parametrize(
    ("at", "text", "shown"),
    [
        ("/export", '"export" must be 1 to 64 letters', "Name must be 1 to 64 letters"),
        ("/audiences/0", '"audiences", entry 1 must not be empty', '"audiences", entry 1 must not be empty'),
        ("/list", "\"list\": SendGrid has no list 'x'", "SendGrid has no list 'x'"),
        ("/custom_fields/city", '"custom_fields": "city": "town": choose another', "choose another"),
        ("/adopt", 'put "adopt": true into the input', 'put "adopt": true into the input'),
    ],
)
def test_fault_beside_its_control_does_not_repeat_the_key(at: str, text: str, shown: str) -> None:
    (found,) = placed([Fault(text, at)], FORM)
    assert found.text == shown
