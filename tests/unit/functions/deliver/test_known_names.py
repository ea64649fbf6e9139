"""The ids in SendGrid's messages are followed by their names."""

from dataclasses import replace

from functions.deliver.known_names import with_names
from functions.deliver.upsert_result import UpsertFault
from tests.unit.functions.deliver.example_export import EXPORT, VIEW

LISTED = replace(VIEW, export=replace(EXPORT, list_id="l-1", list_name="News"))


def named(text: str) -> str:
    return with_names(UpsertFault(text), [VIEW, LISTED]).reason


def test_fields_and_lists_are_named() -> None:
    assert named("custom field 'e1_T' is unknown") == "custom field 'e1_T ('city')' is unknown"
    assert named("no e9_T, no l-1") == "no e9_T ('lytics_segments'), no l-1 ('News')"
    assert with_names(UpsertFault("a", "e1_T", of_list=True), [VIEW]) == UpsertFault(
        "a", "e1_T ('city')", of_list=True
    )


def test_other_text_stays_as_it_is() -> None:
    for text in ("first_name", "e1_TX", "xe1_T", "l-12", ""):
        assert named(text) == text
    assert with_names(UpsertFault("e1_T"), []).reason == "e1_T"
    nameless = replace(VIEW, export=replace(EXPORT, list_id="l-1", list_name=None))
    assert with_names(UpsertFault("l-1"), [nameless]).reason == "l-1"
