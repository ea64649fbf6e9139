"""Every answer of the SendGrid twin conforms to SendGrid's OpenAPI files."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from tests.contract.openapi import VARIABLE, OpenApi
from tests.contract.sendgrid_scene import CONTACTS, FIELDS, LISTS, SEGMENTS, UNKNOWN_ID, Scene, scene_of
from tests.local.sendgrid_twin.options import Fault, FaultKind

SELECT = "SELECT contact_id, updated_at FROM contact_data"


@pytest.fixture(scope="module")
def openapi() -> OpenApi:
    loaded = OpenApi.from_environment()
    if loaded is None:
        pytest.skip(f"{VARIABLE} does not name a folder with SendGrid's OpenAPI files")
    return loaded


@dataclass(frozen=True)
class Ids:
    """The resources that exist before each scenario."""

    text: str
    number: str
    newsletter: str
    ann: str
    bob: str
    segment: str
    job: str
    export: str


@pytest.fixture
def scene() -> Iterator[Scene]:
    with scene_of() as scene:
        yield scene


@pytest.fixture
def ids(scene: Scene) -> Ids:
    text, number = scene.twin.add_field("lytics_segments"), scene.twin.add_field("value", "Number")
    newsletter = scene.twin.add_list("newsletter")
    ann = {"email": "ann@example.com", "first_name": "Ann", "custom_fields": {text: "none", number: 7.5}}
    job = scene.applied(ann, {"email": "bob@example.com"}, list_ids=[newsletter])
    body = {"name": "nobody", "query_dsl": f"{SELECT} WHERE lytics_segments LIKE '%none%'"}
    segment = scene.call("POST", SEGMENTS, body).json()["id"]
    export = scene.call("POST", f"{CONTACTS}/exports", {}).json()["id"]
    scene.twin.settle()
    scene.twin.refresh_segments()
    ann_id, bob_id = (scene.contact(f"{name}@example.com")["id"] for name in ("ann", "bob"))
    return Ids(text, number, newsletter, ann_id, bob_id, segment, job["id"], export)


@dataclass(frozen=True)
class Scenario:
    """One request and its expected status.

    Attributes:
        body: The body, or a function that builds it from the ids.
        is_valid: Whether the files allow the request.
    """

    status: int
    method: str
    path: str
    body: Any = None
    query: dict[str, str] = field(default_factory=dict)
    key: str = "SG.full"
    is_valid: bool = True

    def __str__(self) -> str:
        return f"{self.status} {self.method} {self.path} {'' if callable(self.body) else self.body or ''}"[
            :90
        ]


def broken(*given: Any, **named: Any) -> Scenario:
    return replace(Scenario(*given, **named), is_valid=False)


type Body = Callable[[Ids], Any]

UPSERT: Body = lambda ids: {  # noqa: E731
    "list_ids": [ids.newsletter],
    "contacts": [
        {"email": "cid@example.com", "phone_number": "1", "custom_fields": {ids.text: "x", ids.number: 1}}
    ],
}
SEARCH, BY_IDENTIFIER = f"{CONTACTS}/search/emails", f"{CONTACTS}/search/identifiers/email"
REFRESH = {"user_time_zone": "Europe/Vienna"}

SCENARIOS = [
    Scenario(202, "PUT", CONTACTS, UPSERT),
    Scenario(400, "PUT", CONTACTS, {"contacts": [{"email": "x"}]}),
    Scenario(
        400, "PUT", CONTACTS, {"contacts": [{"email": "ann@example.com", "custom_fields": {"e9_T": "x"}}]}
    ),
    broken(
        400,
        "PUT",
        CONTACTS,
        lambda ids: {"contacts": [{"email": "a@b.com", "custom_fields": {ids.text: None}}]},
    ),
    broken(400, "PUT", CONTACTS, {"contacts": [{"email": "a@b.com", "custom_fields": []}]}),
    broken(400, "PUT", CONTACTS, {"contacts": [{"email": "a@b.com", "first_name": "x" * 51}]}),
    broken(400, "PUT", CONTACTS, {"contacts": []}),
    broken(400, "PUT", CONTACTS, {"contacts": [{"email": "a@b.com"}] * 30_001}),
    broken(400, "PUT", CONTACTS, []),
    Scenario(404, "PUT", CONTACTS, {"contacts": [{"email": "a@b.com"}], "list_ids": [UNKNOWN_ID]}),
    Scenario(413, "PUT", CONTACTS, {"contacts": [{"email": f"{'a' * 220}@b.com"}] * 30_000}),
    Scenario(202, "DELETE", CONTACTS, query={"ids": "{ann},{bob}"}),
    Scenario(400, "DELETE", CONTACTS),
    Scenario(200, "GET", CONTACTS),
    Scenario(200, "GET", f"{CONTACTS}/{{ann}}"),
    Scenario(404, "GET", f"{CONTACTS}/{UNKNOWN_ID}"),
    Scenario(200, "GET", f"{CONTACTS}/count"),
    Scenario(200, "GET", f"{CONTACTS}/imports/{{job}}"),
    Scenario(404, "GET", f"{CONTACTS}/imports/{UNKNOWN_ID}"),
    Scenario(200, "POST", f"{CONTACTS}/batch", lambda ids: {"ids": [ids.ann, UNKNOWN_ID]}),
    Scenario(404, "POST", f"{CONTACTS}/batch", {"ids": [UNKNOWN_ID]}),
    broken(400, "POST", f"{CONTACTS}/batch", {"ids": [UNKNOWN_ID] * 101}),
    Scenario(200, "POST", f"{CONTACTS}/search", {"query": "email LIKE 'a%'"}),
    Scenario(400, "POST", f"{CONTACTS}/search", {"query": "email LIKE"}),
    Scenario(200, "POST", SEARCH, {"emails": ["ann@example.com", "nobody@example.com"]}),
    Scenario(404, "POST", SEARCH, {"emails": ["nobody@example.com"]}),
    Scenario(400, "POST", SEARCH, {"emails": ["nobody"]}),
    Scenario(200, "POST", BY_IDENTIFIER, {"identifiers": ["ann@example.com", "nobody@example.com"]}),
    Scenario(404, "POST", BY_IDENTIFIER, {"identifiers": ["nobody@example.com"]}),
    Scenario(400, "POST", BY_IDENTIFIER, {"identifiers": ["nobody"]}),
    Scenario(202, "POST", f"{CONTACTS}/exports", {"file_type": "json", "notifications": {"email": False}}),
    broken(400, "POST", f"{CONTACTS}/exports", {"file_type": "xml"}),
    Scenario(404, "POST", f"{CONTACTS}/exports", {"segment_ids": [UNKNOWN_ID]}),
    Scenario(200, "GET", f"{CONTACTS}/exports"),
    Scenario(200, "GET", f"{CONTACTS}/exports/{{export}}"),
    Scenario(404, "GET", f"{CONTACTS}/exports/{UNKNOWN_ID}"),
    *(
        Scenario(200, "POST", FIELDS, {"name": "x", "field_type": kind})
        for kind in ("Text", "Number", "Date")
    ),
    Scenario(400, "POST", FIELDS, {"name": "Value", "field_type": "Text"}),
    broken(400, "POST", FIELDS, {"name": "x", "field_type": "text"}),
    Scenario(200, "GET", FIELDS),
    Scenario(200, "PATCH", f"{FIELDS}/{{text}}", {"name": "renamed"}),
    Scenario(400, "PATCH", f"{FIELDS}/{{text}}", {"name": "email"}),
    Scenario(404, "PATCH", f"{FIELDS}/e9_T", {"name": "renamed"}),
    Scenario(204, "DELETE", f"{FIELDS}/{{text}}"),
    Scenario(404, "DELETE", f"{FIELDS}/e9_T"),
    Scenario(201, "POST", LISTS, {"name": "other"}),
    Scenario(400, "POST", LISTS, {"name": "newsletter"}),
    Scenario(200, "GET", LISTS, query={"page_size": "1000", "page_token": ""}),
    broken(400, "GET", LISTS, query={"page_size": "1001"}),
    Scenario(200, "GET", f"{LISTS}/{{newsletter}}"),
    Scenario(404, "GET", f"{LISTS}/{UNKNOWN_ID}"),
    Scenario(200, "PATCH", f"{LISTS}/{{newsletter}}", {"name": "renamed"}),
    Scenario(400, "PATCH", f"{LISTS}/{{newsletter}}", {"name": ""}),
    Scenario(404, "PATCH", f"{LISTS}/{UNKNOWN_ID}", {"name": "renamed"}),
    Scenario(204, "DELETE", f"{LISTS}/{{newsletter}}"),
    Scenario(200, "DELETE", f"{LISTS}/{{newsletter}}", query={"delete_contacts": "true"}),
    Scenario(404, "DELETE", f"{LISTS}/{UNKNOWN_ID}"),
    Scenario(202, "DELETE", f"{LISTS}/{{newsletter}}/contacts", query={"contact_ids": "{ann}"}),
    broken(400, "DELETE", f"{LISTS}/{{newsletter}}/contacts"),
    Scenario(404, "DELETE", f"{LISTS}/{{newsletter}}/contacts", query={"contact_ids": UNKNOWN_ID}),
    Scenario(200, "GET", f"{LISTS}/{{newsletter}}/contacts/count"),
    Scenario(404, "GET", f"{LISTS}/{UNKNOWN_ID}/contacts/count"),
    Scenario(
        201,
        "POST",
        SEGMENTS,
        lambda ids: {"name": "x", "query_dsl": SELECT, "parent_list_ids": [ids.newsletter]},
    ),
    Scenario(400, "POST", SEGMENTS, {"name": "nobody", "query_dsl": SELECT}),
    Scenario(404, "POST", SEGMENTS, {"name": "x", "query_dsl": SELECT, "parent_list_ids": [UNKNOWN_ID]}),
    Scenario(200, "GET", SEGMENTS),
    Scenario(200, "GET", SEGMENTS, query={"no_parent_list_id": "true"}),
    Scenario(200, "GET", f"{SEGMENTS}/{{segment}}"),
    Scenario(200, "GET", f"{SEGMENTS}/{{segment}}", query={"contacts_sample": "true"}),
    Scenario(404, "GET", f"{SEGMENTS}/{UNKNOWN_ID}"),
    Scenario(429, "PATCH", f"{SEGMENTS}/{{segment}}", {"name": "renamed"}),
    broken(400, "PATCH", f"{SEGMENTS}/{{segment}}", {"name": ""}),
    Scenario(404, "PATCH", f"{SEGMENTS}/{UNKNOWN_ID}", {"name": "renamed"}),
    Scenario(202, "DELETE", f"{SEGMENTS}/{{segment}}"),
    Scenario(404, "DELETE", f"{SEGMENTS}/{UNKNOWN_ID}"),
    Scenario(202, "POST", f"{SEGMENTS}/refresh/{{segment}}", REFRESH),
    Scenario(404, "POST", f"{SEGMENTS}/refresh/{UNKNOWN_ID}", REFRESH),
    broken(400, "POST", f"{SEGMENTS}/refresh/{{segment}}", {}),
    Scenario(200, "GET", "/v3/scopes"),
    *(
        Scenario(status, "GET", path, key=key)
        for status, key in ((401, "SG.unknown"), (403, "SG.no-marketing"))
        for path in (CONTACTS, FIELDS, LISTS, SEGMENTS)
    ),
    Scenario(401, "GET", "/v3/scopes", key="SG.unknown"),
    Scenario(403, "PUT", CONTACTS, UPSERT, key="SG.read-only"),
]


@pytest.mark.parametrize("scenario", SCENARIOS, ids=str)
def test_answer_conforms_to_openapi(openapi: OpenApi, scene: Scene, ids: Ids, scenario: Scenario) -> None:
    names = {name: getattr(ids, name) for name in Ids.__dataclass_fields__}
    path = scenario.path.format(**names)
    query = {name: value.format(**names) for name, value in scenario.query.items()}
    body = scenario.body(ids) if callable(scenario.body) else scenario.body
    answer = scene.call(scenario.method, path, body, params=query, key=scenario.key)
    assert answer.status_code == scenario.status, answer.text
    content = json.loads(answer.content) if answer.content else None
    assert openapi.answer_problems(scenario.method, path, answer.status_code, content) == []
    assert (openapi.request_problems(scenario.method, path, query, body) == []) is scenario.is_valid


@pytest.mark.parametrize("kind", [FaultKind.RATE_LIMITED, FaultKind.SERVER_ERROR, FaultKind.FORBIDDEN])
@pytest.mark.parametrize("path", [CONTACTS, FIELDS, LISTS, SEGMENTS])
def test_answer_of_a_fault_conforms_to_openapi(
    openapi: OpenApi, scene: Scene, kind: FaultKind, path: str
) -> None:
    scene.twin.set_faults(Fault(kind=kind))
    answer = scene.call("GET", path)
    assert answer.status_code in {429, 500, 403}
    assert openapi.answer_problems("GET", path, answer.status_code, answer.json()) == []


def test_jobs_conform_to_openapi_in_every_status(openapi: OpenApi, scene: Scene) -> None:
    scene.twin.set_options(job_report_lag_s=10, fail_emails="^bad")
    good, bad = {"email": "ann@example.com"}, {"email": "bad@example.com"}
    for rows in ([good], [bad], [bad, good]):
        path = f"{CONTACTS}/imports/{scene.put(*rows).json()['job_id']}"
        for _ in range(3):
            assert openapi.answer_problems("GET", path, 200, scene.call("GET", path).json()) == []
            scene.clock.advance(6)
    statuses = {json.loads(exchange.answer_body).get("status") for exchange in scene.twin.exchanges()}
    assert statuses >= {"pending", "completed", "failed", "errored"}


def test_pending_export_conforms_to_openapi(openapi: OpenApi, scene: Scene) -> None:
    path = f"{CONTACTS}/exports/{scene.call('POST', f'{CONTACTS}/exports', {}).json()['id']}"
    answer = scene.call("GET", path).json()
    assert answer["status"] == "pending"
    assert openapi.answer_problems("GET", path, 200, answer) == []


def test_kept_exchanges_can_be_checked_against_openapi(openapi: OpenApi, scene: Scene, ids: Ids) -> None:
    scene.call("GET", LISTS, params={"page": "1"})
    problems = [problem for exchange in scene.twin.exchanges() for problem in openapi.problems(exchange)]
    assert problems == ["GET /v3/marketing/lists: the query's page is unknown"]
