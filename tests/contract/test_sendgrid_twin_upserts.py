"""How the SendGrid twin handles `PUT /v3/marketing/contacts`."""

import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.contract.sendgrid_scene import CONTACTS, UNKNOWN_ID, Scene, messages, scene_of
from tests.local.sendgrid_twin.options import Options

ANN = {"email": "ann@example.com"}


@pytest.fixture
def scene() -> Iterator[Scene]:
    with scene_of() as scene:
        yield scene


def test_accepted_contacts_appear_only_after_the_job(scene: Scene) -> None:
    answer = scene.put(ANN)
    assert answer.status_code == 202
    assert list(answer.json()) == ["job_id"]
    assert scene.emails() == []
    scene.clock.advance(0.3)
    assert scene.emails() == ["ann@example.com"]


def test_address_is_lowercased_and_omitted_fields_keep_their_values(scene: Scene) -> None:
    field = scene.twin.add_field("plan")
    scene.applied({**ANN, "first_name": "Ann", "custom_fields": {field: "gold"}})
    job = scene.applied({"email": "ANN@Example.com", "last_name": "Lee"})
    (ann,) = scene.twin.contacts()
    assert (ann["first_name"], ann["last_name"], ann["custom_fields"]) == ("Ann", "Lee", {"plan": "gold"})
    assert ann["writes"] == 2
    assert job["results"] == {"requested_count": 1, "updated_count": 1}


def test_lists_are_only_added(scene: Scene) -> None:
    first, second = scene.twin.add_list("first"), scene.twin.add_list("second")
    scene.applied(ANN, list_ids=[first])
    scene.applied(ANN, list_ids=[second])
    scene.applied(ANN)
    assert set(scene.contact("ann@example.com")["list_ids"]) == {first, second}


@pytest.mark.parametrize(
    "email",
    [
        "ann",
        "ann@",
        "@example.com",
        "ann@example",
        "a nn@example.com",
        " ann@example.com",
        "ann@exa_mple.com",
        "ann..lee@example.com",
        ".ann@example.com",
        "ann@example..com",
        "änn@example.com",
        f"{'a' * 243}@example.com",
    ],
)
def test_one_bad_address_refuses_the_whole_request(scene: Scene, email: str) -> None:
    answer = scene.put(ANN, {"email": email})
    assert answer.status_code == 400
    assert answer.json() == {
        "status": 400,
        "errors": [{"field": "contacts[0].identifier", "message": f"email '{email}' is not valid"}],
    }
    scene.twin.settle()
    assert scene.emails() == []


def test_address_of_254_characters_is_accepted(scene: Scene) -> None:
    assert scene.put({"email": f"{'a' * 242}@example.com"}).status_code == 202


@pytest.mark.parametrize(("named", "count"), [(None, 3), (1, 1), (2, 2)])
def test_named_bad_emails_limits_the_reported_addresses(named: int | None, count: int) -> None:
    with scene_of(Options(named_bad_emails=named)) as scene:
        assert len(messages(scene.put(ANN, {"email": "x"}, {"email": "y"}, {"email": "z"}))) == count


@pytest.mark.parametrize("row", [{}, {"email": ""}, {"first_name": "Ann"}])
def test_row_without_identifier_is_refused(scene: Scene, row: dict[str, Any]) -> None:
    assert scene.put(row).status_code == 400


def test_null_in_a_custom_field_is_refused(scene: Scene) -> None:
    field = scene.twin.add_field("plan")
    answer = scene.put({**ANN, "custom_fields": {field: None}})
    assert (answer.status_code, messages(answer)) == (400, [f'custom field "{field}" cannot be null'])


def test_unknown_custom_field_ids_are_named_together(scene: Scene) -> None:
    known = scene.twin.add_field("plan")
    answer = scene.put(
        {**ANN, "custom_fields": {known: "x", "plan": "x"}}, {**ANN, "custom_fields": {"e9_T": "x"}}
    )
    assert (answer.status_code, messages(answer)) == (400, ["invalid custom field ids supplied - plan,e9_T"])


def test_unknown_list_is_not_found_and_a_malformed_one_is_refused(scene: Scene) -> None:
    assert scene.put(ANN, list_ids=[UNKNOWN_ID]).status_code == 404
    assert scene.put(ANN, list_ids=["newsletter"]).status_code == 400


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'"contacts"', b"{}", b"\xff"])
def test_body_without_contacts_is_invalid_json(scene: Scene, body: bytes) -> None:
    answer = scene.call("PUT", CONTACTS, body)
    assert (answer.status_code, messages(answer)) == (400, ["invalid JSON"])


@pytest.mark.parametrize(
    "row",
    [
        "ann@example.com",
        {**ANN, "custom_fields": []},
        {**ANN, "custom_fields": {"e1_T": {}}},
        {**ANN, "custom_fields": {"e1_T": True}},
        {**ANN, "first_name": 1},
        {**ANN, "first_name": None},
        {"email": None},
        {**ANN, "alternate_emails": "bob@example.com"},
    ],
)
def test_value_of_a_wrong_type_is_invalid_input(scene: Scene, row: Any) -> None:
    answer = scene.put(row)
    assert (answer.status_code, answer.json()["errors"]) == (400, [{"field": "", "message": "invalid input"}])


@pytest.mark.parametrize("body", [{"contacts": []}, {"contacts": {}}, {"contacts": [ANN], "list_ids": "x"}])
def test_contacts_or_list_ids_of_a_wrong_shape_are_refused(scene: Scene, body: dict[str, Any]) -> None:
    assert scene.call("PUT", CONTACTS, body).status_code == 400


@pytest.mark.parametrize(
    ("name", "limit"),
    [("first_name", 50), ("last_name", 50), ("city", 60), ("address_line_1", 100), ("phone_number", 24)],
)
def test_reserved_field_has_a_maximum_length(scene: Scene, name: str, limit: int) -> None:
    assert scene.put({**ANN, name: "x" * limit}).status_code == 202
    answer = scene.put({**ANN, name: "x" * (limit + 1)})
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, f"contacts[0].{name}")


def test_at_most_30000_contacts_are_accepted(scene: Scene) -> None:
    rows = [{"email": f"p{number}@example.com"} for number in range(30_001)]
    assert scene.put(*rows[:30_000]).status_code == 202
    assert scene.put(*rows).status_code == 400


def test_at_most_six_megabytes_are_accepted(scene: Scene) -> None:
    frame = b'{"contacts":[{"email":"ann@example.com"}]}'
    assert scene.call("PUT", CONTACTS, frame + b" " * (6_000_000 - len(frame))).status_code == 202
    assert scene.call("PUT", CONTACTS, frame + b" " * (6_000_001 - len(frame))).status_code == 413
    scene.twin.set_options(oversize_status=400)
    assert scene.call("PUT", CONTACTS, frame + b" " * 6_000_000).status_code == 400


def test_full_request_takes_less_than_a_second(scene: Scene) -> None:
    field = scene.twin.add_field("lytics_segments")
    ids = ",".join(["0123456789abcdef0123456789abcdef"] * 3)
    rows = [{"email": f"p{number}@example.com", "custom_fields": {field: ids}} for number in range(30_000)]
    before_s = time.process_time()
    job = scene.applied(*rows)
    assert time.process_time() - before_s < 2.0  # of CPU time: serialize, parse, check and apply
    assert job["results"]["created_count"] == 30_000


@pytest.mark.parametrize(("choice", "name"), [("last", "Second"), ("first", "First")])
def test_first_or_last_duplicate_wins_by_option(choice: Any, name: str) -> None:
    with scene_of(Options(duplicates=choice)) as scene:
        scene.applied({**ANN, "first_name": "First"}, {"email": "Ann@example.com", "first_name": "Second"})
        assert scene.contact("ann@example.com")["first_name"] == name


def test_duplicates_can_be_refused() -> None:
    with scene_of(Options(duplicates="refuse")) as scene:
        assert scene.put(ANN, {"email": "Ann@example.com"}).status_code == 400
        assert scene.put(ANN, {"email": "bob@example.com"}).status_code == 202


def test_text_over_1000_characters_refuses_the_request_by_default(scene: Scene) -> None:
    field = scene.twin.add_field("plan")
    assert scene.put({**ANN, "custom_fields": {field: "x" * 1_000}}).status_code == 202
    assert scene.put({**ANN, "custom_fields": {field: "x" * 1_001}}).status_code == 400


def test_text_over_1000_characters_can_fail_its_row_or_be_truncated() -> None:
    with scene_of(Options(long_text="error")) as scene:
        field = scene.twin.add_field("plan")
        assert scene.applied({**ANN, "custom_fields": {field: "x" * 1_001}})["status"] == "failed"
        scene.twin.set_options(long_text="truncate")
        assert scene.applied({**ANN, "custom_fields": {field: "x" * 1_001}})["status"] == "completed"
        assert len(scene.contact("ann@example.com")["custom_fields"]["plan"]) == 1_000


def test_blank_text_keeps_the_value_unless_the_option_clears_it(scene: Scene) -> None:
    field = scene.twin.add_field("plan")
    scene.applied({**ANN, "custom_fields": {field: "gold"}})
    scene.applied({**ANN, "custom_fields": {field: ""}})
    assert scene.contact("ann@example.com")["custom_fields"] == {"plan": "gold"}
    scene.twin.set_options(blank_text_is_stored=True)
    scene.applied({**ANN, "custom_fields": {field: ""}})
    assert scene.contact("ann@example.com")["custom_fields"] == {"plan": ""}


def test_string_in_a_number_field_is_accepted_and_not_stored(scene: Scene) -> None:
    field = scene.twin.add_field("value", "Number")
    scene.applied({**ANN, "custom_fields": {field: 42.5}})
    assert scene.applied({**ANN, "custom_fields": {field: "100000"}})["status"] == "completed"
    assert scene.contact("ann@example.com")["custom_fields"] == {"value": 42.5}


@pytest.mark.parametrize(
    ("given", "read"),
    [
        ("2024-01-02T03:04:05.678Z", "2024-01-02T03:04:05Z"),
        ("2024-01-02T03:04:05+02:00", "2024-01-02T01:04:05Z"),
        ("2024-01-02", "2024-01-02T00:00:00Z"),
        ("1/2/2024", "2024-01-02T00:00:00Z"),
    ],
)
def test_date_is_returned_in_iso_format(scene: Scene, given: str, read: str) -> None:
    field = scene.twin.add_field("born", "Date")
    scene.applied({**ANN, "custom_fields": {field: given}})
    assert scene.contact("ann@example.com")["custom_fields"] == {"born": read}


@pytest.mark.parametrize("given", ["1563315130", "13/13/2024", "yesterday", 1563315130])
def test_invalid_date_is_accepted_and_fails_its_row_in_the_job(scene: Scene, given: Any) -> None:
    field = scene.twin.add_field("born", "Date")
    job = scene.applied({**ANN, "custom_fields": {field: given}}, {"email": "bob@example.com"})
    assert (job["status"], job["results"]["errored_count"]) == ("errored", 1)
    assert scene.emails() == ["bob@example.com"]


def test_contact_with_more_identifiers_needs_all_of_them(scene: Scene) -> None:
    scene.applied({**ANN, "external_id": "7"})
    assert scene.applied({**ANN, "first_name": "Ann"})["status"] == "failed"
    assert scene.applied({**ANN, "external_id": "7", "first_name": "Ann"})["status"] == "completed"


def test_addresses_by_pattern_fail_in_the_request_or_in_the_job() -> None:
    with scene_of(Options(refuse_emails="^now", fail_emails="^later")) as scene:
        assert messages(scene.put({"email": "now@example.com"})) == ["email 'now@example.com' is not valid"]
        assert scene.applied({"email": "later@example.com"}, ANN)["status"] == "errored"
        assert scene.emails() == ["ann@example.com"]
