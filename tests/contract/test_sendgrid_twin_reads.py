"""How the SendGrid twin answers searches, counts and exports of contacts."""

import csv
import gzip
import json
from collections.abc import Iterator

import pytest
import requests

from tests.contract.sendgrid_scene import CONTACTS, SEGMENTS, UNKNOWN_ID, Scene, scene_of
from tests.local.sendgrid_twin.options import Options


@pytest.fixture
def scene() -> Iterator[Scene]:
    """Return an account with Ann, who has a plan and a second address, and Bob."""
    with scene_of(Options(export_ttl_s=60)) as scene:
        plan = scene.twin.add_field("Plan")
        ann = {"email": "ann@example.com", "first_name": "Ann", "alternate_emails": ["Lee@example.org"]}
        scene.applied({**ann, "custom_fields": {plan: "gold"}}, {"email": "bob@example.com"})
        yield scene


def test_search_by_email_reports_missing_contacts_and_names_fields(scene: Scene) -> None:
    emails = ["ANN@example.com", "", "nobody@example.com"]
    answer = scene.call("POST", f"{CONTACTS}/search/emails", {"emails": emails})
    assert answer.status_code == 200
    result = answer.json()["result"]
    assert list(result) == ["ann@example.com", "nobody@example.com"]
    assert result["ann@example.com"]["contact"]["custom_fields"] == {"Plan": "gold"}
    assert result["nobody@example.com"] == {"error": "contact not found"}


def test_search_by_email_finds_alternate_addresses(scene: Scene) -> None:
    answer = scene.call("POST", f"{CONTACTS}/search/emails", {"emails": ["lee@example.org"]})
    assert answer.json()["result"]["lee@example.org"]["contact"]["email"] == "ann@example.com"


@pytest.mark.parametrize(
    ("search", "name"), [("search/emails", "emails"), ("search/identifiers/email", "identifiers")]
)
@pytest.mark.parametrize(
    ("emails", "status"),
    [
        (["nobody@example.com"], 404),
        ([], 404),
        (["ann@example.com", "no address"], 400),
        ([f"p{number}@example.com" for number in range(99)] + ["ann@example.com"], 200),
        ([f"p{number}@example.com" for number in range(100)] + ["ann@example.com"], 400),
        ("ann@example.com", 400),
        (None, 400),
    ],
)
def test_search_by_email_has_limits(
    scene: Scene, search: str, name: str, emails: object, status: int
) -> None:
    assert scene.call("POST", f"{CONTACTS}/{search}", {name: emails}).status_code == status


def test_search_by_email_refuses_addresses_of_over_100_characters(scene: Scene) -> None:
    emails = ["ann@example.com", f"{'a' * 90}@example.com"]
    assert scene.call("POST", f"{CONTACTS}/search/emails", {"emails": emails}).status_code == 400


def test_search_by_another_identifier(scene: Scene) -> None:
    scene.applied({"external_id": "x-7"})
    path = f"{CONTACTS}/search/identifiers/external_id"
    result = scene.call("POST", path, {"identifiers": ["x-7", "x-8"]}).json()["result"]
    assert result["x-7"]["contact"]["external_id"] == "x-7"
    assert result["x-8"] == {"error": "contact not found"}
    assert (
        scene.call("POST", f"{CONTACTS}/search/identifiers/name", {"identifiers": ["x"]}).status_code == 400
    )


def test_search_by_query_shows_50_and_counts_all(scene: Scene) -> None:
    scene.applied(*({"email": f"p{number}@example.org"} for number in range(60)))
    body = scene.call("POST", f"{CONTACTS}/search", {"query": "email LIKE 'p%'"}).json()
    assert (body["contact_count"], len(body["result"])) == (60, 50)
    assert scene.call("POST", f"{CONTACTS}/search", {"query": "email LIKE"}).status_code == 400
    newsletter = scene.twin.add_list("newsletter")
    scene.applied({"email": "bob@example.com"}, list_ids=[newsletter])
    query = f"email LIKE 'b%' AND CONTAINS(list_ids, '{newsletter}')"
    assert scene.call("POST", f"{CONTACTS}/search", {"query": query}).json()["contact_count"] == 1


def test_contacts_are_read_by_id(scene: Scene) -> None:
    ann = scene.contact("ann@example.com")["id"]
    assert scene.call("GET", f"{CONTACTS}/{ann}").json()["email"] == "ann@example.com"
    assert scene.call("GET", f"{CONTACTS}/{UNKNOWN_ID}").status_code == 404
    result = scene.call("POST", f"{CONTACTS}/batch", {"ids": [ann, UNKNOWN_ID]}).json()["result"]
    assert [one["email"] for one in result] == ["ann@example.com"]
    assert scene.call("POST", f"{CONTACTS}/batch", {"ids": [UNKNOWN_ID] * 101}).status_code == 400


def test_contacts_are_counted_and_the_latest_are_returned(scene: Scene) -> None:
    count = scene.call("GET", f"{CONTACTS}/count").json()
    assert (count["contact_count"], count["identifier_counts"]["EID"]) == (2, 2)
    latest = scene.call("GET", CONTACTS).json()
    assert [one["email"] for one in latest["result"]] == ["ann@example.com", "bob@example.com"]


def test_unset_texts_read_as_empty_and_unset_alternates_as_null(scene: Scene) -> None:
    bob = scene.contact("bob@example.com")
    assert (bob["first_name"], bob["phone_number_id"], bob["alternate_emails"]) == ("", "", None)


@pytest.mark.parametrize("file_type", ["json", "csv"])
def test_export_is_created_later_and_downloaded_without_the_key(scene: Scene, file_type: str) -> None:
    export_id = scene.call("POST", f"{CONTACTS}/exports", {"file_type": file_type}).json()["id"]
    path = f"{CONTACTS}/exports/{export_id}"
    pending = scene.call("GET", path).json()
    assert pending["status"] == "pending"
    assert "urls" not in pending
    scene.clock.advance(1)
    ready = scene.call("GET", path).json()
    assert (ready["status"], ready["contact_count"]) == ("ready", 2)
    (url,) = ready["urls"]
    text = gzip.decompress(requests.get(url, timeout=5).content).decode()
    if file_type == "json":
        rows = [json.loads(line) for line in text.splitlines()]
        assert {row["email"]: row["custom_fields"].get("Plan") for row in rows}["ann@example.com"] == "gold"
    else:
        rows = list(csv.DictReader(text.splitlines()))
        assert {row["EMAIL"]: row["Plan"] for row in rows} == {
            "ann@example.com": "gold",
            "bob@example.com": "",
        }
    assert requests.get(url, timeout=5, headers={"Authorization": "Bearer SG.full"}).status_code == 400
    scene.clock.advance(61)
    assert requests.get(url, timeout=5).status_code == 403


def test_export_of_a_segment_evaluates_its_query_at_creation(scene: Scene) -> None:
    query = "SELECT contact_id, updated_at FROM contact_data WHERE plan = 'gold'"
    segment = scene.call("POST", SEGMENTS, {"name": "gold", "query_dsl": query}).json()
    exports = scene.call("POST", f"{CONTACTS}/exports", {"segment_ids": [segment["id"]]}).json()
    scene.twin.settle()
    assert scene.call("GET", f"{CONTACTS}/exports/{exports['id']}").json()["contact_count"] == 1
    listed = scene.call("GET", f"{CONTACTS}/exports").json()["result"]
    assert [export["export_type"] for export in listed] == ["segment_export"]
    assert scene.call("POST", f"{CONTACTS}/exports", {"segment_ids": [UNKNOWN_ID]}).status_code == 404
