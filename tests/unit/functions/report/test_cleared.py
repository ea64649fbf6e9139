"""What a report says of a clearing and of a stop."""

from typing import Any

import pytest

from functions.report.cleared import MAX_LISTED
from lytics_sendgrid.domain.clearing import ClearedSegment, Clearing, SegmentEnd
from tests.unit.functions.report.test_reporting import ACCOUNT, FIRST, STATE, report

DELETED, EMPTY, GONE, LEFT = (letter * 32 for letter in "cdef")
CLEARING = Clearing(
    {},
    people={DELETED: 1_200, LEFT: 3},
    segments={
        DELETED: ClearedSegment(SegmentEnd.DELETED, "Old"),
        EMPTY: ClearedSegment(SegmentEnd.EMPTY, "Adopted"),
        GONE: ClearedSegment(SegmentEnd.GONE),
        LEFT: ClearedSegment(SegmentEnd.LEFT, "Used", "a Single Send goes to it"),
    },
)
STOPPED: dict[str, Any] = {**STATE, "action": "stop", "backfill": False}


def stopped(job: str, *notes: str, **options: bool) -> dict[str, Any]:
    part = {"job": job, "job_id": "j1"} | ({"notes": list(notes)} if notes else {})
    return report({**STOPPED, "deactivation": part, "options": options})


def test_run_without_clearing_and_stop_says_nothing_of_them() -> None:
    assert not {"cleared", "stopped"} & report().keys()


def test_cleared_audiences_are_listed_with_their_segments() -> None:
    assert report(clearing=CLEARING)["cleared"] == [
        {"id": DELETED, "people": 1_200, "segment": "deleted", "name": "Old"},
        {"id": EMPTY, "people": 0, "segment": "empty", "name": "Adopted"},
        {"id": GONE, "people": 0, "segment": "gone"},
        {"id": LEFT, "people": 3, "segment": "left", "name": "Used"},
    ]


def test_notes_begin_with_the_segment_that_was_left() -> None:
    assert report(clearing=CLEARING)["notes"][:4] == [
        "the segment 'Used' was left in SendGrid, with nobody in it: a Single Send goes to it",
        "cleared, and their segments were deleted: 'Old' (1,200 people)",
        "cleared, and their segments stay, with nobody in them: 'Adopted' (0 people)",
        f"cleared; somebody had deleted their segments in SendGrid: '{GONE}' (0 people)",
    ]


def test_long_list_of_cleared_audiences_is_cut() -> None:
    segments = {f"{number:032x}": ClearedSegment(SegmentEnd.GONE) for number in range(MAX_LISTED + 1)}
    shown = report(clearing=Clearing({}, segments=segments))
    assert len(shown["cleared"]) == MAX_LISTED
    assert "more" in shown["notes"][0]


@pytest.mark.parametrize(
    ("job", "text"),
    [
        ("paused", "its webhook job in Lytics is paused"),
        ("deleted", "its webhook job in Lytics is deleted"),
        ("none", "It had no webhook job"),
        ("left", "its webhook job in Lytics was not"),
    ],
)
def test_stop_says_what_became_of_the_job(job: str, text: str) -> None:
    shown = stopped(job)
    assert text in shown["notes"][0]
    assert shown["stopped"] == {"job": job, "job_id": "j1"}
    assert not any("NOT LIVE" in note for note in shown["notes"])


def test_note_of_a_stop_comes_first() -> None:
    assert stopped("left", "pause it in Lytics")["notes"][0] == "pause it in Lytics"


def test_remove_names_the_custom_fields_that_stay() -> None:
    notes = stopped("deleted", clear=True, delete_segments=True)["notes"]
    assert any("'lytics_segments'" in note and "Custom Fields" in note for note in notes)
    assert not any("Custom Fields" in note for note in stopped("paused", clear=True)["notes"])


def test_stop_shows_its_audiences_as_they_are_now() -> None:
    (audience,) = stopped("paused")["audiences"]
    assert (audience["id"], ACCOUNT.audiences[FIRST].segment_id) == (FIRST, "s1")


def test_clearing_that_found_nothing_is_left_out() -> None:
    assert "cleared" not in report(clearing=Clearing({}))
