"""Faults in a failure's cause: readable for a person, and read again with their places."""

import json

import pytest

from lytics_sendgrid.errors import MAX_MESSAGE_CHARS
from lytics_sendgrid.workflow.faults import Fault, listed, pointer, read_faults

HEAD = "The export cannot start, and nothing was changed. "


def test_pointer_escapes_what_json_pointers_escape() -> None:
    assert pointer("custom_fields", "a/b~c") == "/custom_fields/a~1b~0c"
    assert (pointer("audiences", 3), pointer()) == ("/audiences/3", "")


def test_faults_are_lines_for_a_person_and_one_line_says_where() -> None:
    text = listed([Fault("no such audience", "/audiences/3"), Fault("Lytics is closed")])
    assert text == (
        '2 faults:\n- no such audience\n- Lytics is closed\nWhere in the input: ["/audiences/3", ""]'
    )
    assert listed([Fault("Lytics is closed")]) == "1 fault:\n- Lytics is closed"


def test_faults_are_read_as_they_were_listed() -> None:
    faults = (Fault("two\nlines", "/list"), Fault("- a dash"), Fault("Where in the input: []", "/export"))
    read = read_faults(HEAD + listed(faults))
    assert read == (Fault("two lines", "/list"), *faults[1:])
    assert read[0] == Fault("two lines", "/list")
    assert read_faults(listed([Fault("x")])) == (Fault("x"),)


@pytest.mark.parametrize("letter", ["x", "名", "\U0001f3d4", '"', "\\", "\x01", "\u2028"])
def test_many_faults_with_long_places_fit_a_cause(letter: str) -> None:
    faults = [Fault(letter * 200, f"/custom_fields/{n}{letter * 100}") for n in range(400)]
    text = HEAD + listed(faults)
    assert len(json.dumps(text)) < MAX_MESSAGE_CHARS
    read = read_faults(text)
    assert read[0] == Fault(" ".join(faults[0].text.splitlines()), faults[0].at)
    assert read[-1] == Fault(f"and {400 - len(read) + 1} more")


def test_place_that_is_too_long_is_left_out() -> None:
    assert read_faults(listed([Fault("x", "/" + "y" * 3_000), Fault("z", "/list")])) == (
        Fault("x"),
        Fault("z", "/list"),
    )


@pytest.mark.parametrize(
    "cause",
    ["", "Lambda died", "Where in the input: ", 'Where in the input: {"a": 1}', "Where in the input: 1"],
)
def test_cause_without_faults_has_none(cause: str) -> None:
    assert read_faults(cause) == ()


def test_damaged_places_leave_the_texts() -> None:
    assert read_faults('- a\n- b\nWhere in the input: ["/list", 7]') == (Fault("a", "/list"), Fault("b"))
    assert read_faults('- a\nWhere in the input: ["/lis') == (Fault("a"),)
