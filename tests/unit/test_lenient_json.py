"""JSON that Python's parser refuses is read all the same."""

import json
import math
from typing import Any

import pytest

from lytics_sendgrid.lenient_json import MAX_DEPTH, parse

DEEP = 100_000


@pytest.mark.parametrize("text", ["", " ", "{", '{"a": }', "nul", "[1,]", "'a'", '{"a": 1} x', "\x00"])
def test_what_is_not_json_is_a_value_error(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        parse(text)


@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ('{"a":', "}")])
def test_nesting_without_end_costs_only_itself(opening: str, closing: str) -> None:
    deep = opening * DEEP + "1" + closing * DEEP
    before, nested, after = parse(f'[{{"good": 1}}, {deep}, {{"good": "]}}[{{"}}]')
    assert (before, after) == ({"good": 1}, {"good": "]}[{"})
    depth = 1
    while nested is not None:
        nested = nested[0] if isinstance(nested, list) else nested["a"]
        depth += 1
    assert depth == MAX_DEPTH


def test_quotes_in_deep_text_do_not_end_it() -> None:
    text = r'"\"]}\\"'
    assert parse("[" + "[" * DEEP + text + "]" * DEEP + "," + text + "]")[1] == '"]}\\'


@pytest.mark.parametrize(
    "broken", ["[" * DEEP, "[" * DEEP + "]" * (DEEP - 1), "[" * DEEP + '"' + r"\"" * DEEP]
)
def test_nesting_that_does_not_end_is_not_json(broken: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        parse(broken)


def test_integers_that_python_refuses_are_infinite() -> None:
    assert parse(f'{{"a": {"9" * 5_000}, "b": 2}}') == {"a": math.inf, "b": 2}


def test_depth_and_digits_together() -> None:
    deep: Any = parse(f"[{'9' * 5_000}, {'[' * DEEP}{']' * DEEP}, 7]")
    assert (deep[0], deep[2]) == (math.inf, 7)


def test_ordinary_integers_stay_whole() -> None:
    assert parse("[15761203643149024539]") == [15761203643149024539]


def test_a_reading_goes_through_json_again() -> None:
    assert json.loads(json.dumps(parse('{"a": [1, 2.5, "é", null, true]}'))) == {
        "a": [1, 2.5, "é", None, True]
    }
