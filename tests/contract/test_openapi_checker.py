"""The OpenAPI checker finds wrong requests and answers."""

from typing import Any

import pytest
import requests

from tests.contract.openapi import VARIABLE, OpenApi, Watch
from tests.contract.openapi_corrections import CORRECTIONS, UNDOCUMENTED_ANSWERS
from tests.contract.sendgrid_scene import CONTACTS, LISTS, SEGMENTS, UNKNOWN_ID
from tests.local.sendgrid_twin.exchange import Exchange
from tests.local.sendgrid_twin.twin import SendGridTwin

ANN = {"email": "ann@example.com"}


@pytest.fixture(scope="module")
def openapi() -> OpenApi:
    loaded = OpenApi.from_environment()
    if loaded is None:
        pytest.skip(f"{VARIABLE} does not name a folder with SendGrid's OpenAPI files")
    return loaded


@pytest.mark.parametrize(
    "body",
    [
        None,
        {},
        {"contacts": []},
        {"contacts": [{**ANN, "lytics_segments": "none"}]},
        {"contacts": [{**ANN, "custom_fields": {"e1_T": None}}]},
        {"contacts": [{**ANN, "custom_fields": {"e1_T": ["x"]}}]},
        {"contacts": [{**ANN, "first_name": None}]},
        {"contacts": [{**ANN, "first_name": "x" * 51}]},
        {"contacts": [ANN], "list_ids": ["newsletter"]},
        {"contacts": [ANN], "lists": []},
        {"contacts": [ANN] * 30_001},
    ],
)
def test_wrong_upsert_is_found(openapi: OpenApi, body: Any) -> None:
    assert openapi.request_problems("PUT", CONTACTS, body=body)


@pytest.mark.parametrize(
    "contact",
    [ANN, {**ANN, "first_name": "Ann", "phone_number": "1", "custom_fields": {"e1_T": "x", "e2_N": 1.5}}],
)
def test_valid_upsert_has_no_problems(openapi: OpenApi, contact: dict[str, Any]) -> None:
    assert (
        openapi.request_problems("PUT", CONTACTS, body={"contacts": [contact] * 30_000, "list_ids": []}) == []
    )


def test_query_is_checked(openapi: OpenApi) -> None:
    assert openapi.request_problems("GET", LISTS, {"page_size": "1000"}) == []
    assert openapi.request_problems("GET", LISTS, {"page_size": "1001"})
    assert openapi.request_problems("GET", LISTS, {"page_size": "many"})
    assert openapi.request_problems("GET", LISTS, {"page": "2"})
    assert openapi.request_problems("DELETE", f"{LISTS}/{UNKNOWN_ID}/contacts")


def test_path_is_checked(openapi: OpenApi) -> None:
    assert openapi.request_problems("GET", "/v3/marketing/segments/2.0/a/b")
    assert openapi.request_problems("POST", f"{CONTACTS}/search/identifiers/name", body={"identifiers": []})
    assert openapi.request_problems("POST", f"{SEGMENTS}/refresh/x", body={"user_time_zone": "UTC"})


def test_literal_path_wins_over_a_template(openapi: OpenApi) -> None:
    operation = openapi.operation("GET", f"{CONTACTS}/count")
    assert operation is not None
    assert operation.endpoint == f"GET {CONTACTS}/count"


def test_body_of_a_get_is_found(openapi: OpenApi) -> None:
    assert openapi.request_problems("GET", LISTS, body={})


@pytest.mark.parametrize(
    ("method", "path", "status", "body"),
    [
        ("GET", SEGMENTS, 200, []),
        ("GET", SEGMENTS, 200, {"results": [{"id": UNKNOWN_ID}]}),
        ("GET", f"{CONTACTS}/count", 200, {}),
        ("GET", f"{CONTACTS}/count", 418, {}),
        ("GET", LISTS, 429, {}),
        ("GET", "/v3/nothing", 200, {}),
        ("POST", "/v3/marketing/field_definitions", 201, {}),
    ],
)
def test_wrong_answer_is_found(openapi: OpenApi, method: str, path: str, status: int, body: Any) -> None:
    assert openapi.answer_problems(method, path, status, body)


def test_body_that_is_not_json_is_found(openapi: OpenApi) -> None:
    exchange = Exchange(f"PUT {CONTACTS}", "PUT", CONTACTS, {}, b"{", None, {}, b"")
    assert openapi.problems(exchange) == [f"PUT {CONTACTS}: the request's body is not JSON"]


def test_watch_checks_every_exchange_as_it_happens(openapi: OpenApi) -> None:
    watch = Watch(openapi)
    with SendGridTwin(recorder=watch, keep_bytes=0) as twin:
        for body in ({"contacts": [ANN]}, {"contacts": [{**ANN, "lytics_segments": "none"}]}):
            headers = {"Authorization": "Bearer SG.full"}
            assert requests.put(twin.url + CONTACTS, json=body, headers=headers, timeout=5).status_code == 202
    assert watch.exchanges == 2
    assert len(watch.problems) == 1
    assert "'lytics_segments' was unexpected" in watch.problems[0]


def test_every_correction_has_a_reason() -> None:
    assert all(one.reason for one in CORRECTIONS)
    assert all(reason for _, _, reason in UNDOCUMENTED_ANSWERS)
