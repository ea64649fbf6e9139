"""SendGrid's rules for names and queries."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lytics_sendgrid.sendgrid.resources import (
    CustomField,
    Segment,
    by_name,
    is_contact_id,
    is_field_name,
    same_query,
    segment_name,
    segment_query,
)

AUDIENCE = "5cecf2aa79b0a5641920e0607b95c793"


def test_query_names_membership_field_and_audience() -> None:
    assert segment_query("lytics_segments_1", AUDIENCE) == (
        "SELECT contact_id, updated_at FROM contact_data WHERE lytics_segments_1 LIKE "
        "'%5cecf2aa79b0a5641920e0607b95c793%'"
    )


@pytest.mark.parametrize(
    "audience", ["", AUDIENCE.upper(), AUDIENCE + "\n", "' OR 1=1 --" + "0" * 21, "%" * 32, "٣" * 32]
)
def test_query_refuses_other_audience_ids(audience: str) -> None:
    with pytest.raises(ValueError, match="32 lower-case hex digits"):
        segment_query("lytics_segments", audience)


def test_query_refuses_other_field_names() -> None:
    with pytest.raises(ValueError, match="letters, digits and _"):
        segment_query("lytics segments", AUDIENCE)


@pytest.mark.parametrize(
    "other",
    [
        "select contact_id ,updated_at\nfrom CONTACT_DATA where Lytics_Segments like '%abc%' ;",
        "SELECT contact_id,updated_at FROM contact_data WHERE lytics_segments LIKE'%abc%'",
    ],
)
def test_queries_are_equal_despite_white_space_and_case(other: str) -> None:
    query = "SELECT contact_id, updated_at FROM contact_data WHERE lytics_segments LIKE '%abc%'"
    assert same_query(query, other)


@pytest.mark.parametrize(
    "other",
    [
        "SELECT contact_id, updated_at FROM contact_data WHERE lytics_segments LIKE '%ABC%'",
        "SELECT contact_id, updated_at FROM contact_data WHERE lytics_segments LIKE '% abc%'",
        "SELECT contact_id, updated_at FROM contact_data WHERE lytics_segments NOT LIKE '%abc%'",
        "SELECT contact_id, updated_at FROM contact_data WHERE lytics_segments LIKE '%abc%' OR 1=1",
        "SELECT contact_id, updated_at FROM contact_data WHERE lytics_segments_1 LIKE '%abc%'",
    ],
)
def test_other_differences_make_another_query(other: str) -> None:
    query = "SELECT contact_id, updated_at FROM contact_data WHERE lytics_segments LIKE '%abc%'"
    assert not same_query(query, other)


@pytest.mark.parametrize(
    ("read", "is_expected", "is_other"),
    [("SELECT a", True, False), ("SELECT b", False, True), (None, False, False)],
)
def test_unread_query_is_neither_the_expected_one_nor_another(
    read: str | None, is_expected: bool, is_other: bool
) -> None:
    segment = Segment("s1", "High value", "l1", read)
    assert segment.has_query("select a") is segment.is_as_made("select a", "l1") is is_expected
    assert segment.has_other_query("select a") is is_other
    assert not segment.is_as_made("select a", None)


@given(st.text(max_size=200))
def test_segment_name_always_fits(name: str) -> None:
    named = segment_name(AUDIENCE, name)
    assert 1 <= len(named) <= 100
    assert named == segment_name(AUDIENCE, name)


def test_long_segment_name_is_cut_and_unique() -> None:
    other = "8" * 32
    assert segment_name(AUDIENCE, "n" * 101).endswith(" 5cecf2aa")
    assert segment_name(AUDIENCE, "n" * 101) != segment_name(other, "n" * 101)
    assert segment_name(AUDIENCE, " Recent\n buyers ") == "Recent buyers"
    assert segment_name(AUDIENCE, " ") == AUDIENCE


def test_field_name_follows_sendgrids_rule() -> None:
    assert is_field_name("_a1")
    assert not any(map(is_field_name, ("", "1a", "a-b", "a b", "é", "a\n", "a" * 101)))


def test_fields_are_indexed_regardless_of_case() -> None:
    first, second = CustomField("e1_T", "City", "Text"), CustomField("e2_T", "CITY", "Text")
    assert by_name([first, second]) == {"city": first}


def test_only_ids_of_contacts_can_be_in_a_list_of_ids() -> None:
    assert is_contact_id("0b3c6e6e-7c3f-4c4b-8a36-6d0f6c3f8a11")
    assert not any(map(is_contact_id, ("", "a,b", "a&b", "a b", "a=b", "%2c", "é", "a\n", "a" * 65)))
