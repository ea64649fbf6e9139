"""Segments of the SendGrid twin, with real query evaluation."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.contract.sendgrid_scene import SEGMENTS, UNKNOWN_ID, Scene, messages, scene_of
from tests.local.sendgrid_twin.options import Options

SELECT = "SELECT contact_id, updated_at FROM contact_data"
ONE, OTHER = "0123456789abcdef0123456789abcdef", "fedcba9876543210fedcba9876543210"


@pytest.fixture
def scene() -> Iterator[Scene]:
    """Return an account with Ann in both audiences, Bob in one, and Cid in none."""
    with scene_of() as scene:
        text = scene.twin.add_field("lytics_segments")
        number = scene.twin.add_field("Value", "Number")
        date = scene.twin.add_field("born", "Date")
        first = scene.twin.add_list("first")
        ann = {text: f"{ONE},{OTHER}", number: 10.5, date: "2000-01-01"}
        scene.applied(
            {"email": "ann@example.com", "first_name": "Ann", "custom_fields": ann}, list_ids=[first]
        )
        scene.applied({"email": "bob@example.org", "custom_fields": {text: OTHER, number: 3}})
        scene.applied({"email": "cid@example.com", "first_name": "Cid"})
        yield scene


def create(scene: Scene, query: str, name: str = "audience", **extra: Any) -> dict[str, Any]:
    answer = scene.call("POST", SEGMENTS, {"name": name, "query_dsl": query, **extra})
    assert answer.status_code == 201, answer.text
    created: dict[str, Any] = answer.json()
    return created


@pytest.mark.parametrize(
    ("where", "people"),
    [
        ("", "abc"),
        (f"WHERE lytics_segments LIKE '%{ONE}%'", "a"),
        (f"WHERE lytics_segments LIKE '%{OTHER}%'", "ab"),
        (f"AS c WHERE c.lytics_segments LIKE '%{OTHER}%' AND c.first_name = 'Ann'", "a"),
        (f"WHERE lytics_segments NOT LIKE '%{ONE}%'", "b"),
        (f"WHERE lytics_segments = '{OTHER}'", "b"),
        ("WHERE lytics_segments IS NULL", "c"),
        ("WHERE lytics_segments IS NOT NULL AND NOT first_name = 'Ann'", ""),
        ("WHERE NOT (first_name = 'Ann') OR first_name IS NULL", "bc"),
        ("WHERE first_name IN ('Ann', 'Cid')", "ac"),
        ("WHERE first_name NOT IN ('Ann')", "c"),
        ("WHERE first_name != 'Ann'", "c"),
        ("WHERE FIRST_NAME = 'Ann' or value < 4", "ab"),
        ("WHERE value >= 10.5", "a"),
        ("WHERE value * 2 - 1 = 20 AND value % 4 = 2.5 AND value / 1 > 10 AND -value < 0", "a"),
        ("WHERE value + 1 <= 4", "b"),
        ("WHERE born < '2000-01-02'", "a"),
        ("WHERE born > timestampadd(day, -1, current_timestamp)", ""),
        (
            (
                "WHERE updated_at <= current_timestamp"
                " AND created_at > timestampadd(days, -1, current_timestamp)"
            ),
            "abc",
        ),
        ("WHERE email LIKE '%@example.com'", "ac"),
        ("WHERE email LIKE 'b%'", "b"),
        ("WHERE email LIKE '_nn@%'", "a"),
        ("WHERE email LIKE 'ann%.%'", "a"),
        ("WHERE first_name LIKE '%ann%'", ""),
        ("WHERE lower(first_name) LIKE '%ann%'", "a"),
    ],
)
def test_query_is_evaluated(scene: Scene, where: str, people: str) -> None:
    segment = create(scene, f"{SELECT} {where}")
    scene.twin.settle()
    status = scene.call("GET", f"{SEGMENTS}/{segment['id']}").json()["status"]
    assert status == {"query_validation": "VALID"}
    assert "".join(one[0] for one in scene.twin.segment_members("audience")) == people


def test_list_can_be_in_the_query_or_the_parent(scene: Scene) -> None:
    (first,) = (one["id"] for one in scene.call("GET", "/v3/marketing/lists").json()["result"])
    create(scene, f"{SELECT} WHERE array_contains(list_ids, ['{first}', '{UNKNOWN_ID}'])", "by query")
    create(scene, SELECT, "by parent", parent_list_ids=[first])
    assert scene.twin.segment_members("by query") == ["ann@example.com"]
    assert scene.twin.segment_members("by parent") == ["ann@example.com"]


@pytest.mark.parametrize(
    "query",
    [
        "everybody",
        f"{SELECT} WHERE",
        "SELECT contact_id FROM contact_data",
        "SELECT * FROM contact_data",
        "SELECT updated_at, contact_id FROM contact_data",
        "SELECT contact_id, updated_at FROM people",
        f"{SELECT} WHERE unknown_field = 'x'",
        f"{SELECT} AS c WHERE d.email = 'x'",
        f"{SELECT} WHERE e1_T = 'x'",
        f"{SELECT} WHERE email",
        f"{SELECT} WHERE value = 'x'",
        f"{SELECT} WHERE born > 'soon'",
        f"{SELECT} WHERE value LIKE '%1%'",
        f"{SELECT} WHERE email LIKE first_name",
        f"{SELECT} WHERE email IN (SELECT email FROM contact_data)",  # noqa: S608 - no database
        f"{SELECT} WHERE email IN (first_name)",
        f"{SELECT} WHERE email BETWEEN 'a' AND 'b'",
        f"{SELECT} WHERE email ILIKE 'ANN%'",
        f"{SELECT} WHERE array_contains(email, ['x'])",
        f"{SELECT} WHERE born > timestampadd(parsec, 1, current_timestamp)",
        f"{SELECT} ORDER BY email",
        f"{SELECT} LIMIT 10",
        f"{SELECT}; DROP TABLE contact_data",
        "DELETE FROM contact_data",
    ],
)
def test_query_outside_the_grammar_is_accepted_and_reports_invalid(scene: Scene, query: str) -> None:
    segment = create(scene, query)
    assert segment["status"] == {"query_validation": "PENDING"}
    scene.twin.settle()
    status = scene.call("GET", f"{SEGMENTS}/{segment['id']}").json()["status"]
    assert status["query_validation"] == "INVALID"
    assert status["error_message"]
    assert scene.twin.segment_members("audience") == []


def test_validation_can_be_immediate_as_recorded() -> None:
    with scene_of(Options(segment_validation_s=0)) as scene:
        assert create(scene, SELECT)["status"] == {"query_validation": "VALID"}


def test_created_segment_has_the_recorded_format(scene: Scene) -> None:
    segment = create(scene, SELECT)
    nulls = {name for name, value in segment.items() if value is None}
    assert nulls == {"parent_list_ids", "sample_updated_at"}
    assert (segment["query_version"], segment["contacts_count"], segment["contacts_sample"]) == ("2", 0, [])


def test_count_lags_until_the_segment_is_refreshed(scene: Scene) -> None:
    segment = create(scene, f"{SELECT} WHERE first_name = 'Ann'")
    path = f"{SEGMENTS}/{segment['id']}"
    assert scene.call("GET", path).json()["contacts_count"] == 0
    assert scene.contact("ann@example.com")["segment_ids"] == []
    scene.clock.advance(3_600)
    assert scene.call("GET", path).json()["contacts_count"] == 1
    assert scene.contact("ann@example.com")["segment_ids"] == [segment["id"]]
    scene.applied({"email": "dan@example.com", "first_name": "Ann"})
    assert scene.call("GET", path).json()["contacts_count"] == 1
    assert len(scene.twin.segment_members("audience")) == 2
    scene.twin.refresh_segments()
    assert scene.call("GET", path).json()["contacts_count"] == 2


def test_list_of_segments_has_results_without_queries(scene: Scene) -> None:
    create(scene, SELECT)
    body = scene.call("GET", SEGMENTS).json()
    assert list(body) == ["results"]
    assert [one["name"] for one in body["results"]] == ["audience"]
    assert "query_dsl" not in body["results"][0]


def test_list_of_segments_is_filtered_by_id_and_parent(scene: Scene) -> None:
    parent = scene.twin.add_list("second")
    one, two = create(scene, SELECT, "one"), create(scene, SELECT, "two", parent_list_ids=[parent])

    def names(**query: str) -> list[str]:
        return [segment["name"] for segment in scene.call("GET", SEGMENTS, params=query).json()["results"]]

    assert names(ids=two["id"]) == ["two"]
    assert names(parent_list_ids=parent) == ["two"]
    assert names(no_parent_list_id="true") == ["one"]
    assert names(ids=one["id"], parent_list_ids=parent) == ["one"]


@pytest.mark.parametrize("name", ["audience", "AUDIENCE", "", "x" * 101, None])
def test_name_is_unique_and_has_1_to_100_characters(scene: Scene, name: str | None) -> None:
    create(scene, SELECT)
    answer = scene.call("POST", SEGMENTS, {"name": name, "query_dsl": SELECT})
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, "name")


def test_one_existing_list_can_be_the_parent(scene: Scene) -> None:
    both = [scene.twin.add_list("x"), scene.twin.add_list("y")]
    body = {"name": "audience", "query_dsl": SELECT}
    assert scene.call("POST", SEGMENTS, {**body, "parent_list_ids": both}).status_code == 400
    assert scene.call("POST", SEGMENTS, {**body, "parent_list_ids": [UNKNOWN_ID]}).status_code == 404


def test_number_of_segments_is_limited() -> None:
    with scene_of() as scene:
        for number in range(200):
            create(scene, SELECT, f"segment {number}")
        answer = scene.call("POST", SEGMENTS, {"name": "one more", "query_dsl": SELECT})
        assert answer.status_code == 400
        segment = scene.call("GET", SEGMENTS).json()["results"][0]["id"]
        scene.call("DELETE", f"{SEGMENTS}/{segment}")
        create(scene, SELECT, "one more")


def test_update_within_five_minutes_comes_too_soon(scene: Scene) -> None:
    path = f"{SEGMENTS}/{create(scene, SELECT)['id']}"
    query = f"{SELECT} WHERE first_name = 'Ann'"
    answer = scene.call("PATCH", path, {"query_dsl": query})
    assert answer.status_code == 429
    assert messages(answer) == ["Update request came too soon, please wait 5 minutes before trying again"]
    scene.clock.advance(300)
    answer = scene.call("PATCH", path, {"query_dsl": query})
    assert (answer.status_code, answer.json()["query_dsl"]) == (200, query)
    assert scene.call("PATCH", path, {"name": "other"}).status_code == 429
    scene.clock.advance(300)
    assert scene.call("PATCH", path, {"name": "other"}).json()["name"] == "other"
    assert scene.twin.segment_members("other") == ["ann@example.com"]
    assert scene.call("PATCH", f"{SEGMENTS}/{UNKNOWN_ID}", {"name": "x"}).status_code == 404


def test_deleted_segment_leaves_its_contacts(scene: Scene) -> None:
    path = f"{SEGMENTS}/{create(scene, SELECT)['id']}"
    assert scene.call("DELETE", path).status_code == 202
    assert scene.call("GET", path).status_code == 404
    assert scene.call("DELETE", path).status_code == 404
    assert len(scene.emails()) == 3


def test_segment_of_a_deleted_field_is_invalid(scene: Scene) -> None:
    segment = create(scene, f"{SELECT} WHERE value > 1")
    scene.twin.settle()
    field = next(iter(scene.call("GET", "/v3/marketing/field_definitions").json()["custom_fields"][1:2]))[
        "id"
    ]
    scene.call("DELETE", f"/v3/marketing/field_definitions/{field}")
    status = scene.call("GET", f"{SEGMENTS}/{segment['id']}").json()["status"]
    assert status["query_validation"] == "INVALID"


def test_refresh_by_hand_is_limited_to_once_an_hour_and_twice_a_day(scene: Scene) -> None:
    path = f"{SEGMENTS}/refresh/{create(scene, SELECT)['id']}"
    body = {"user_time_zone": "Europe/Vienna"}
    statuses = []
    for wait_s in (0, 3_599, 1, 3_600, 86_400):
        scene.clock.advance(wait_s)
        statuses.append(scene.call("POST", path, body).status_code)
    assert statuses == [202, 429, 202, 429, 202]
    assert scene.call("POST", f"{SEGMENTS}/refresh/{UNKNOWN_ID}", body).json() == {
        "error": "Segment does not exist."
    }
