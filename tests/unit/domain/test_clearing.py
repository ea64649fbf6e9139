"""What a clearing keeps in the exports table."""

import pytest

from lytics_sendgrid.domain.clearing import ClearedSegment, Clearing, SegmentEnd

DOCUMENT = {
    "to_clear": {"a": 1},
    "next_start": "ada@example.org",
    "walked": False,
    "people": {"a": 2},
    "contacts": 2,
    "expected": [["clear.a", 3]],
    "segments": {"a": {"name": "A", "outcome": "left", "reason": "used"}, "b": {"outcome": "gone"}},
}
CLEARING = Clearing(
    to_clear={"a": 1},
    next_start="ada@example.org",
    people={"a": 2},
    contacts=2,
    expected=(("clear.a", 3),),
    segments={"a": ClearedSegment(SegmentEnd.LEFT, "A", "used"), "b": ClearedSegment(SegmentEnd.GONE)},
)


def test_clearing_is_read_as_it_was_written() -> None:
    assert CLEARING.document() == DOCUMENT
    assert Clearing.read(DOCUMENT) == CLEARING


def test_clearing_that_has_not_settled_has_no_segments() -> None:
    older = {name: value for name, value in DOCUMENT.items() if name != "segments"}
    assert Clearing.read(older).segments == {}


@pytest.mark.parametrize(("walked", "confirmed"), [(False, {}), (True, {"a": 1})])
def test_only_a_whole_walk_confirms(walked: bool, confirmed: dict[str, int]) -> None:
    assert Clearing({"a": 1}, walked=walked).confirmed == confirmed
