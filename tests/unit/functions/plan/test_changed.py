"""What was changed in SendGrid is noticed at every start."""

from dataclasses import replace

import pytest

from functions.plan.changed import field_notes, list_note, segment_notes
from functions.plan.fields import PlannedField
from lytics_sendgrid.domain.configuration import FieldKind, ProvisionedAudience
from lytics_sendgrid.lytics.documents import LyticsAudience
from lytics_sendgrid.sendgrid.resources import CustomField, Segment, segment_query
from tests.newsletter import HIGH_VALUE, NEWSLETTER

AUDIENCE = LyticsAudience(HIGH_VALUE, "VIP", "vip")
KNOWN = ProvisionedAudience("lytics_segments", "s1", None, ("newsletter",))
SEGMENT = Segment("s1", "VIP", None, segment_query("lytics_segments", HIGH_VALUE))
LTV = PlannedField("lifetime_value", "lifetime_value", FieldKind.NUMBER, custom=True, id="e2_N")


def notes(
    segment: Segment | None, known: ProvisionedAudience = KNOWN, *, repair: bool = False, former: str = "VIP"
) -> list[str]:
    return segment_notes(AUDIENCE, known, segment, former_name=former, repair=repair)


def test_unchanged_segment_needs_no_note() -> None:
    assert notes(SEGMENT) == []
    assert notes(replace(SEGMENT, query=None)) == []
    assert notes(None, replace(KNOWN, segment_id=None)) == []


def test_changed_segment_is_named_with_what_the_run_does() -> None:
    changed = replace(SEGMENT, query="SELECT contact_id FROM contact_data")
    assert "'VIP' was changed in SendGrid" in notes(changed)[0]
    assert 'it is left as it is. Put "repair_segments": true' in notes(changed)[0]
    assert notes(changed, repair=True)[0].endswith("this run restores it")
    assert "was deleted in SendGrid: this run creates it again" in notes(None)[0]
    assert "invalid (no column)" in notes(replace(SEGMENT, validation="INVALID", error="no column"))[0]
    named = replace(SEGMENT, name="Best")
    assert "is named 'Best' in SendGrid, and keeps that name" in notes(named)[0]
    assert notes(named, former="Other") == []


@pytest.mark.parametrize(
    ("field", "present", "text"),
    [
        (replace(LTV, id=None), (), "'lifetime_value' was deleted in SendGrid, and its values with it"),
        (
            replace(LTV, id="e9_N"),
            (CustomField("e9_N", "lifetime_value", "Number"),),
            "this run uses the new field",
        ),
        (
            replace(LTV, id=None),
            (CustomField("e2_N", "ltv", "Number"),),
            "'lifetime_value' was renamed to 'ltv' in SendGrid: this run creates it again",
        ),
    ],
)
def test_changed_field_is_named(field: PlannedField, present: tuple[CustomField, ...], text: str) -> None:
    (note,) = field_notes(NEWSLETTER, (field,), present, backfill=True)
    assert text in note
    assert note.endswith("and its backfill fills it")
    (note,) = field_notes(NEWSLETTER, (field,), present, backfill=False)
    assert note.endswith("it stays empty for now")


def test_unchanged_and_new_fields_need_no_note() -> None:
    new = PlannedField("visits", "visits", FieldKind.NUMBER, custom=True)
    present = (CustomField("e2_N", "lifetime_value", "Number"),)
    assert field_notes(NEWSLETTER, (LTV, new), present, backfill=True) == []
    assert field_notes(None, (LTV,), (), backfill=True) == []


def test_changed_list_is_named() -> None:
    listed = replace(NEWSLETTER, list_id="l1", list_name="News")
    assert list_note(listed, {"l1": "News"}) == ""
    assert list_note(NEWSLETTER, {}) == list_note(None, {}) == ""
    assert "the list 'News' is named 'New name' in SendGrid now" in list_note(listed, {"l1": "New name"})
    assert "the list 'News', to which the export's contacts went, was deleted" in list_note(listed, {})
    assert "the list 'l1'" in list_note(replace(listed, list_name=None), {})
