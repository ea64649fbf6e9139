"""Custom fields and lists of the SendGrid twin."""

from collections.abc import Iterator

import pytest

from tests.contract.sendgrid_scene import CONTACTS, FIELDS, LISTS, UNKNOWN_ID, Scene, messages, scene_of
from tests.local.sendgrid_twin.options import Options

ANN = {"email": "ann@example.com"}


@pytest.fixture
def scene() -> Iterator[Scene]:
    with scene_of() as scene:
        yield scene


@pytest.mark.parametrize(("kind", "suffix"), [("Text", "_T"), ("Number", "_N"), ("Date", "_D")])
def test_field_is_created_with_status_200_and_its_type_in_the_id(
    scene: Scene, kind: str, suffix: str
) -> None:
    answer = scene.call("POST", FIELDS, {"name": "Lytics_Segments", "field_type": kind})
    assert answer.status_code == 200
    field = answer.json()
    assert field["id"].endswith(suffix)
    assert (field["name"], field["field_type"]) == ("Lytics_Segments", kind)
    assert [one["id"] for one in scene.call("GET", FIELDS).json()["custom_fields"]] == [field["id"]]


def test_contacts_can_use_a_new_field_only_after_a_delay(scene: Scene) -> None:
    field = scene.call("POST", FIELDS, {"name": "plan", "field_type": "Text"}).json()["id"]
    row = {**ANN, "custom_fields": {field: "gold"}}
    answer = scene.put(row)
    assert (answer.status_code, messages(answer)) == (400, [f"invalid custom field ids supplied - {field}"])
    scene.clock.advance(1)
    assert scene.put(row).status_code == 202


@pytest.mark.parametrize("name", ["", "1st", "with space", "with-dash", "ünlaut", "x" * 101, None, 7])
def test_invalid_field_name_is_refused(scene: Scene, name: object) -> None:
    assert scene.call("POST", FIELDS, {"name": name, "field_type": "Text"}).status_code == 400


@pytest.mark.parametrize("name", ["email", "First_Name", "CONTACT_ID", "lists", "updated_at"])
def test_reserved_name_is_refused_in_any_case(scene: Scene, name: str) -> None:
    assert scene.call("POST", FIELDS, {"name": name, "field_type": "Text"}).status_code == 400


def test_name_is_unique_in_any_case(scene: Scene) -> None:
    scene.twin.add_field("plan")
    assert scene.call("POST", FIELDS, {"name": "PLAN", "field_type": "Text"}).status_code == 400


@pytest.mark.parametrize("kind", ["text", "String", None, ["Text"]])
def test_type_is_one_of_three_as_written(scene: Scene, kind: object) -> None:
    assert scene.call("POST", FIELDS, {"name": "plan", "field_type": kind}).status_code == 400


def test_number_of_fields_is_limited(scene: Scene) -> None:
    for number in range(500):
        scene.twin.add_field(f"field_{number}")
    assert scene.call("POST", FIELDS, {"name": "one_more", "field_type": "Text"}).status_code == 400


def test_renamed_field_keeps_its_values(scene: Scene) -> None:
    field, other = scene.twin.add_field("plan"), scene.twin.add_field("tier")
    scene.applied({**ANN, "custom_fields": {field: "gold"}})
    assert scene.call("PATCH", f"{FIELDS}/{other}", {"name": "Plan"}).status_code == 400
    assert scene.call("PATCH", f"{FIELDS}/{field}", {"name": "Plan"}).json()["name"] == "Plan"
    assert scene.contact("ann@example.com")["custom_fields"] == {"Plan": "gold"}
    assert scene.call("PATCH", f"{FIELDS}/e9_T", {"name": "x"}).status_code == 404


def test_deleting_a_field_deletes_its_values(scene: Scene) -> None:
    field = scene.twin.add_field("plan")
    scene.applied({**ANN, "custom_fields": {field: "gold"}})
    assert scene.call("DELETE", f"{FIELDS}/{field}").status_code == 204
    assert scene.contact("ann@example.com")["custom_fields"] == {}
    assert scene.call("DELETE", f"{FIELDS}/{field}").status_code == 404
    assert scene.put({**ANN, "custom_fields": {field: "x"}}).status_code == 400


def test_list_name_is_unique(scene: Scene) -> None:
    answer = scene.call("POST", LISTS, {"name": "Newsletter"})
    assert (answer.status_code, answer.json()["contact_count"]) == (201, 0)
    assert scene.call("POST", LISTS, {"name": "Newsletter"}).status_code == 400
    assert scene.call("GET", f"{LISTS}/{answer.json()['id']}").json() == answer.json()


@pytest.mark.parametrize("name", ["", "x" * 101, None])
def test_list_name_has_1_to_100_characters(scene: Scene, name: object) -> None:
    assert scene.call("POST", LISTS, {"name": name}).status_code == 400


def test_each_page_of_lists_links_to_the_next(scene: Scene) -> None:
    names = [f"list {number}" for number in range(5)]
    for name in names:
        scene.twin.add_list(name)
    listed, path, pages = [], f"{LISTS}?page_size=2", 0
    while path:
        body = scene.call("GET", path).json()
        listed += [item["name"] for item in body["result"]]
        path = body["_metadata"].get("next", "").removeprefix(scene.twin.url)
        pages += 1
    assert (listed, pages) == (names, 3)
    assert scene.call("GET", f"{LISTS}?page_size=1001").status_code == 400


def test_contacts_are_removed_from_a_list_by_a_job(scene: Scene) -> None:
    members = scene.twin.add_list("members")
    scene.applied(ANN, {"email": "bob@example.com"}, list_ids=[members])
    assert scene.call("GET", f"{LISTS}/{members}/contacts/count").json()["contact_count"] == 2
    path, ann = f"{LISTS}/{members}/contacts", scene.contact("ann@example.com")["id"]
    assert scene.call("DELETE", path, params={"contact_ids": f"{ann},{UNKNOWN_ID}"}).status_code == 404
    assert scene.call("DELETE", path).status_code == 400
    assert scene.call("DELETE", path, params={"contact_ids": ann}).status_code == 202
    assert scene.call("GET", f"{LISTS}/{members}/contacts/count").json()["contact_count"] == 2
    scene.twin.settle()
    assert scene.call("GET", f"{LISTS}/{members}").json()["contact_count"] == 1
    assert scene.emails() == ["ann@example.com", "bob@example.com"]


def test_list_is_renamed_and_deleted_with_or_without_its_contacts(scene: Scene) -> None:
    one, two = scene.twin.add_list("one"), scene.twin.add_list("two")
    scene.applied(ANN, list_ids=[one, two])
    assert scene.call("PATCH", f"{LISTS}/{one}", {"name": "two"}).status_code == 400
    assert scene.call("PATCH", f"{LISTS}/{one}", {"name": "three"}).json()["name"] == "three"
    assert scene.call("DELETE", f"{LISTS}/{one}").status_code == 204
    assert scene.contact("ann@example.com")["list_ids"] == [two]
    assert scene.call("DELETE", f"{LISTS}/{two}", params={"delete_contacts": "true"}).status_code == 200
    scene.twin.settle()
    assert scene.emails() == []
    assert scene.call("DELETE", f"{LISTS}/{two}").status_code == 404


def test_field_delay_and_limits_are_options() -> None:
    with scene_of(Options(field_delay_s=5, max_fields=1)) as scene:
        field = scene.call("POST", FIELDS, {"name": "plan", "field_type": "Text"}).json()["id"]
        assert scene.call("POST", FIELDS, {"name": "tier", "field_type": "Text"}).status_code == 400
        scene.clock.advance(4)
        body = {"contacts": [{**ANN, "custom_fields": {field: "x"}}]}
        assert scene.call("PUT", CONTACTS, body).status_code == 400
        scene.clock.advance(1)
        assert scene.call("PUT", CONTACTS, body).status_code == 202
