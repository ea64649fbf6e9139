"""Each reject has its reason, and is billed by SQS as one request."""

import json
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lytics_sendgrid.queues.rejects import EXCERPT_CHARS, MAX_SINGLE, excerpt, reject_bodies, reject_body

MAX_BYTES = 65_536


@dataclass(frozen=True)
class Bad:
    element: Any
    reason: str = "no_email"
    detail: str = "there is none"


def nested(depth: int) -> list[Any]:
    value: list[Any] = []
    for _ in range(depth):
        value = [value]
    return value


def test_reject_has_element_reason_and_source() -> None:
    body = reject_body("no_email", "there is none", "ingest", "newsletter", {"id": "7", "city": "Gävle"})
    assert json.loads(body) == {
        "v": 1,
        "reason": "no_email",
        "detail": "there is none",
        "source": "ingest",
        "export": "newsletter",
        "element": '{"id":"7","city":"G\\u00e4vle"}',
    }
    assert body.isascii()


def test_raw_text_stays_text() -> None:
    assert json.loads(reject_body("r", "d", "s", "e", "not {json"))["element"] == "not {json"


@pytest.mark.parametrize("character", ["x", '"', "é", "🌿", "\\", "\ud83c", "\x00"])
def test_long_element_is_cut_to_exactly_fit_64_kb(character: str) -> None:
    body = reject_body("r", "d" * 500, "ingest", "newsletter", character * 100_000)
    document = json.loads(body)
    assert 59_900 < len(body) <= MAX_BYTES
    assert document["cut_from_chars"] == 100_000
    assert set(document["element"]) == {character}


def test_element_that_just_fits_is_not_cut() -> None:
    assert json.loads(reject_body("r", "d", "s", "e", "x" * 59_998))["element"] == "x" * 59_998


@pytest.mark.parametrize(
    "element",
    [nested(50_000), {"a": nested(50_000), "b": "kept"}, 10**5_000, [10**5_000]],
    ids=["list", "object", "integer", "integer in a list"],
)
def test_deep_or_huge_values_are_written_in_part(element: Any) -> None:
    text = json.loads(reject_body("r", "d", "s", "e", element))["element"]
    assert text
    assert "kept" in text or not isinstance(element, dict)


@given(
    st.recursive(
        st.none() | st.text() | st.floats() | st.integers(),
        lambda v: st.lists(v) | st.dictionaries(st.text(), v),
    )
)
def test_any_element_becomes_json_within_64_kb(element: Any) -> None:
    body = reject_body("r", "d", "ingest", "newsletter", element)
    assert len(body) <= MAX_BYTES
    json.loads(body)


@pytest.mark.parametrize("value", [None, True, 1.5, 7, "short", {"a": 1}, ["x"]])
def test_excerpt_of_short_value_is_the_value(value: Any) -> None:
    assert excerpt(value) == value


@pytest.mark.parametrize(
    "value",
    ["x" * 5_000, ["x" * 5_000], {"a": "x" * 5_000}, nested(50_000)],
    ids=["text", "list", "object", "deep"],
)
def test_excerpt_of_long_text_is_its_beginning(value: Any) -> None:
    assert len(json.dumps(excerpt(value))) <= EXCERPT_CHARS + 100


@pytest.mark.parametrize("value", [{str(n): n for n in range(300)}, ["Graz"] * 400, 10**1_000])
def test_excerpt_of_long_non_text_is_its_length(value: Any) -> None:
    assert excerpt(value) == {"cut_from_chars": len(json.dumps(value, separators=(",", ":")))}


def test_up_to_200_rejects_get_one_body_each() -> None:
    bodies = list(reject_bodies([Bad(number) for number in range(MAX_SINGLE)], "ingest", "newsletter"))
    assert [json.loads(body)["element"] for body in bodies] == [str(number) for number in range(MAX_SINGLE)]


def test_over_200_rejects_share_bodies_by_reason_in_order() -> None:
    rejects = [Bad({"n": number}, "no_email" if number < 6_000 else "bad_email") for number in range(12_000)]
    documents = [json.loads(body) for body in reject_bodies(rejects, "ingest", "newsletter")]
    assert len(documents) < 20
    found = [(element["n"], d["reason"]) for d in documents for element in json.loads(d["element"])]
    assert found == [(reject.element["n"], reject.reason) for reject in rejects]


def test_large_element_among_many_is_alone_and_cut() -> None:
    rejects = [Bad("x" * 100_000), *(Bad(number) for number in range(MAX_SINGLE))]
    bodies = list(reject_bodies(rejects, "ingest", "newsletter"))
    first, *others = (json.loads(body) for body in bodies)
    assert first["cut_from_chars"] == 100_004
    assert [number for other in others for number in json.loads(other["element"])] == list(range(MAX_SINGLE))
    assert all(len(body) <= MAX_BYTES for body in bodies)


def test_no_rejects_give_no_bodies() -> None:
    assert list(reject_bodies([], "ingest", "newsletter")) == []
