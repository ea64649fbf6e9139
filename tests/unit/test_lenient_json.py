"""JSON that Python's parser refuses is read all the same."""

import json
import math
from typing import Any

import pytest

from lytics_sendgrid.lenient_json import MAX_DEPTH, parse

DEEP = 100_000


@pytest.mark.parametrize("text", ["", " ", "{", '{"a": }', "nul", "[1,]", "'a'", '{"a": 1} x', "\x00"])
def test_invalid_json_is_a_value_error(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        parse(text)


@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ('{"a":', "}")])
def test_deep_nesting_is_replaced_by_null(opening: str, closing: str) -> None:
    deep = opening * DEEP + "1" + closing * DEEP
    before, nested, after = parse(f'[{{"good": 1}}, {deep}, {{"good": "]}}[{{"}}]')
    assert (before, after) == ({"good": 1}, {"good": "]}[{"})
    depth = 1
    while nested is not None:
        nested = nested[0] if isinstance(nested, list) else nested["a"]
        depth += 1
    assert depth == MAX_DEPTH


def test_quotes_in_deep_text_are_not_delimiters() -> None:
    text = r'"\"]}\\"'
    assert parse("[" + "[" * DEEP + text + "]" * DEEP + "," + text + "]")[1] == '"]}\\'


@pytest.mark.parametrize(
    "broken", ["[" * DEEP, "[" * DEEP + "]" * (DEEP - 1), "[" * DEEP + '"' + r"\"" * DEEP]
)
def test_unclosed_nesting_is_a_value_error(broken: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        parse(broken)


def test_integers_of_over_400_digits_become_infinity() -> None:
    assert parse(f'{{"a": {"9" * 5_000}, "b": 2}}') == {"a": math.inf, "b": 2}


def test_deep_nesting_and_long_integers_together() -> None:
    deep: Any = parse(f"[{'9' * 5_000}, {'[' * DEEP}{']' * DEEP}, 7]")
    assert (deep[0], deep[2]) == (math.inf, 7)


def test_ordinary_integers_stay_integers() -> None:
    assert parse("[15761203643149024539]") == [15761203643149024539]


def test_parsed_value_can_be_written_as_json() -> None:
    assert json.loads(json.dumps(parse('{"a": [1, 2.5, "é", null, true]}'))) == {
        "a": [1, 2.5, "é", None, True]
    }
