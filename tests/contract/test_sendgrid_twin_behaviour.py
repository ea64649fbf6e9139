"""Keys, rate limits, faults and records of the SendGrid twin."""

from collections.abc import Iterator

import pytest
import requests

from tests.contract.sendgrid_scene import (
    CONTACTS,
    FIELDS,
    LISTS,
    SEGMENTS,
    UNKNOWN_ID,
    Scene,
    messages,
    scene_of,
)
from tests.local.sendgrid_twin.exchange import Exchange
from tests.local.sendgrid_twin.options import Capability, Fault, FaultKind, Options
from tests.local.sendgrid_twin.twin import SendGridTwin

ANN = {"email": "ann@example.com"}
PUT = "PUT /v3/marketing/contacts"


@pytest.fixture
def scene() -> Iterator[Scene]:
    with scene_of() as scene:
        yield scene


@pytest.mark.parametrize("key", [None, "SG.unknown", ""])
def test_unknown_key_is_401_everywhere(scene: Scene, key: str | None) -> None:
    for path in (LISTS, "/v3/scopes"):
        answer = scene.call("GET", path, key=key)
        assert answer.status_code == 401
        assert answer.json() == {"errors": [{"field": None, "message": "authorization required"}]}


@pytest.mark.parametrize(
    ("key", "read", "write", "marketing"),
    [("SG.full", 200, 201, True), ("SG.read-only", 200, 403, True), ("SG.no-marketing", 403, 403, False)],
)
def test_key_has_its_permissions_only(
    scene: Scene, key: str, read: int, write: int, *, marketing: bool
) -> None:
    assert scene.call("GET", LISTS, key=key).status_code == read
    assert scene.call("POST", LISTS, {"name": "x"}, key=key).status_code == write
    search = scene.call("POST", f"{CONTACTS}/search", {"query": "email = 'x'"}, key=key)
    assert search.status_code == read
    scopes = scene.call("GET", "/v3/scopes", key=key).json()["scopes"]
    assert ("marketing.read" in scopes) is marketing
    if write == 403:
        assert messages(scene.call("PUT", CONTACTS, {"contacts": [ANN]}, key=key)) == ["access forbidden"]


def test_key_can_be_revoked(scene: Scene) -> None:
    scene.twin.set_keys({"SG.new": Capability.FULL})
    assert scene.put(ANN).status_code == 401
    assert scene.call("GET", LISTS, key="SG.new").status_code == 200


def test_each_endpoint_has_its_own_limit_until_the_reset() -> None:
    with scene_of(Options(limits={PUT: (2, 10.0), "*": (100, 10.0)})) as scene:
        answers = [scene.put(ANN) for _ in range(3)]
        assert [answer.status_code for answer in answers] == [202, 202, 429]
        assert [answer.headers["X-RateLimit-Remaining"] for answer in answers] == ["1", "0", "0"]
        assert answers[2].headers["X-RateLimit-Limit"] == "2"
        assert float(answers[2].headers["X-RateLimit-Reset"]) == scene.clock() + 10
        assert answers[2].json() == {"errors": [{"field": None, "message": "too many requests"}]}
        assert "Retry-After" not in answers[2].headers
        assert scene.call("GET", LISTS).headers["X-RateLimit-Remaining"] == "99"
        scene.clock.advance(10)
        assert scene.put(ANN).status_code == 202


def test_burst_of_429_ends_after_its_count(scene: Scene) -> None:
    scene.twin.set_faults(Fault(kind=FaultKind.RATE_LIMITED, max_count=3, seconds=7, on=PUT))
    assert scene.call("GET", LISTS).status_code == 200
    answers = [scene.put(ANN) for _ in range(4)]
    assert [answer.status_code for answer in answers] == [429, 429, 429, 202]
    assert float(answers[0].headers["X-RateLimit-Reset"]) == scene.clock() + 7
    assert scene.twin.state()["faults"] == [{"kind": "rate_limited", "on": PUT, "struck": 3}]


@pytest.mark.parametrize(
    ("kind", "status"),
    [(FaultKind.SERVER_ERROR, 503), (FaultKind.FORBIDDEN, 403), (FaultKind.NAMELESS_400, 400)],
)
def test_faulty_request_has_no_effect(scene: Scene, kind: FaultKind, status: int) -> None:
    scene.twin.set_faults(Fault(kind=kind, max_count=1, status=503))
    assert scene.put(ANN).status_code == status
    scene.twin.settle()
    assert scene.emails() == []
    assert scene.applied(ANN)["status"] == "completed"


@pytest.mark.parametrize(
    ("kind", "emails"), [(FaultKind.DROP_BEFORE, []), (FaultKind.DROP_AFTER, ["ann@example.com"])]
)
def test_connection_closes_before_or_after_the_request_takes_effect(
    scene: Scene, kind: FaultKind, emails: list[str]
) -> None:
    scene.twin.set_faults(Fault(kind=kind, max_count=1))
    with pytest.raises(requests.ConnectionError):
        scene.put(ANN)
    scene.twin.settle()
    assert scene.emails() == emails
    assert scene.twin.state()["answers"] == {f"{PUT} closed": 1}


@pytest.mark.parametrize(("work", "emails"), [("before", ["ann@example.com"]), ("never", [])])
def test_request_hangs_longer_than_the_timeout(work: str, emails: list[str]) -> None:
    with scene_of(None, Fault.of({"kind": "hang", "seconds": 60, "work": work})) as scene:
        with pytest.raises(requests.ReadTimeout):
            scene.call("PUT", CONTACTS, {"contacts": [ANN]}, timeout=0.1)
        scene.twin.settle()
        assert scene.emails() == emails


def test_hanging_request_can_take_effect_after_the_pause(scene: Scene) -> None:
    scene.twin.set_faults(Fault(kind=FaultKind.HANG, seconds=0.01, work="after"))
    assert scene.applied(ANN)["status"] == "completed"


def test_faults_strike_at_their_rate_and_reproducibly_by_seed() -> None:
    def statuses(seed: int) -> list[int]:
        with scene_of(None, Fault(kind=FaultKind.SERVER_ERROR, rate=0.3), seed=seed) as scene:
            return [scene.call("GET", LISTS).status_code for _ in range(100)]

    first = statuses(1)
    assert 15 <= first.count(500) <= 45
    assert statuses(1) == first
    assert statuses(2) != first


def test_burst_strikes_requests_in_a_row() -> None:
    with scene_of(None, Fault(kind=FaultKind.SERVER_ERROR, rate=0.05, burst=5)) as scene:
        statuses = "".join("x" if scene.call("GET", LISTS).status_code == 500 else "." for _ in range(200))
    assert "xxxxx" in statuses
    assert ".x." not in statuses


def test_job_fault_does_not_affect_the_request(scene: Scene) -> None:
    scene.twin.set_faults(Fault(kind=FaultKind.JOB_FAILED), Fault(kind=FaultKind.SERVER_ERROR, on="GET *"))
    assert scene.put(ANN).status_code == 202
    assert scene.call("GET", LISTS).status_code == 500


def test_requests_are_counted_by_path_template(scene: Scene) -> None:
    scene.put(ANN)
    scene.put({"email": "x"})
    scene.call("GET", f"{SEGMENTS}/{UNKNOWN_ID}")
    scene.call("GET", "/v3/marketing/nothing")
    assert scene.twin.requests() == {
        PUT: 2,
        "GET /v3/marketing/segments/2.0/{segment_id}": 1,
        "GET (unknown)": 1,
    }
    assert scene.twin.state()["answers"][f"{PUT} 400"] == 1


def test_recorder_sees_every_exchange_and_no_key() -> None:
    seen: list[Exchange] = []
    with SendGridTwin(recorder=seen.append) as twin:
        headers = {"Authorization": "Bearer SG.full"}
        requests.get(f"{twin.url}{LISTS}?page_size=5", headers=headers, timeout=5)
        assert twin.exchanges() == seen
    (exchange,) = seen
    assert (exchange.endpoint, exchange.query, exchange.status) == (f"GET {LISTS}", {"page_size": "5"}, 200)
    assert "SG.full" not in repr(exchange)


def test_kept_exchanges_are_limited_in_bytes() -> None:
    with SendGridTwin(keep_bytes=3_000) as twin:
        for _ in range(10):
            requests.get(f"{twin.url}/v3/scopes", timeout=5)
        assert 1 <= len(twin.exchanges()) < 6
        assert twin.requests() == {"GET /v3/scopes": 10}


def test_twin_serves_on_loopback_only() -> None:
    with pytest.raises(ValueError, match="loopback"):
        SendGridTwin(host="0.0.0.0")  # noqa: S104 - the test checks its refusal


@pytest.mark.parametrize("value", [None, 1, "x", True, {}, {"a": []}, [None], [{}], [[1]], ["x", 1]])
def test_any_json_is_answered(scene: Scene, value: object) -> None:
    names = (
        "contacts list_ids emails identifiers ids query name field_type query_dsl parent_list_ids file_type "
    )
    names += "segment_ids user_time_zone"
    segment = {"name": "all", "query_dsl": "SELECT contact_id, updated_at FROM contact_data"}
    segment_id = scene.call("POST", SEGMENTS, segment).json()["id"]
    endpoints = [
        ("PUT", CONTACTS),
        *(("POST", f"{CONTACTS}/{one}") for one in ("search", "search/emails", "batch", "exports")),
        ("POST", f"{CONTACTS}/search/identifiers/email"),
        *(("POST", one) for one in (FIELDS, LISTS, SEGMENTS, f"{SEGMENTS}/refresh/{segment_id}")),
        ("PATCH", f"{SEGMENTS}/{segment_id}"),
    ]
    for method, path in endpoints:
        for body in (value, dict.fromkeys(names.split(), value), *({one: value} for one in names.split())):
            assert scene.call(method, path, body).status_code < 500
