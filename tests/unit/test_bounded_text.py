"""Text is cut by what it takes in JSON, whatever its letters."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lytics_sendgrid.bounded_text import enumerated, first_that_fit, json_chars, shortened
from lytics_sendgrid.errors import MAX_MESSAGE_CHARS, StopRun, SubscriptionRefused


@pytest.mark.parametrize(
    ("text", "chars"), [("a", 1), ("ü", 6), ("名", 6), ("🏔", 12), ('"', 2), ("\\", 2), ("\n", 2)]
)
def test_characters_count_as_json_writes_them(text: str, chars: int) -> None:
    assert json_chars(text * 3) == chars * 3


@given(st.text(), st.integers(20, 200))
def test_shortened_text_fits_and_short_text_stays(text: str, limit: int) -> None:
    cut = shortened(text, limit)
    assert json_chars(cut) <= limit
    assert cut == text or (cut.endswith(" ...") and text.startswith(cut[:-4]) and json_chars(text) > limit)


def test_cut_text_is_as_long_as_it_may_be() -> None:
    assert shortened("abcdefghijkl", 12) == "abcdefghijkl"
    assert shortened("abcdefghijklm", 12) == "abcdefgh ..."


def test_list_says_how_many_more_there_are() -> None:
    assert enumerated(["a", "b"], 100) == "a, b"
    assert enumerated(["aaaa", "bbbb", "cccc"], 20) == "aaaa, bbbb, and 1 more"
    assert first_that_fit(["x" * 100], 20) == ()
    assert enumerated([], 20) == ""


@pytest.mark.parametrize("letter", ["x", "名", "🏔", '"', "\\"])
@pytest.mark.parametrize("error", [StopRun, SubscriptionRefused])
def test_every_error_fits_a_cause_of_step_functions(error: type[StopRun], letter: str) -> None:
    message = str(error(letter * 100_000))
    assert json_chars(message) <= MAX_MESSAGE_CHARS
    assert len(json.dumps({"errorMessage": message, "errorType": error.__name__})) < 32_768 - 5_000
    assert str(error("short")) == "short"
