"""The SendGrid twin's control endpoints, and the twin in its own process."""

import subprocess
import sys
from collections.abc import Iterator

import pytest
import requests

from tests.contract.sendgrid_scene import FIELDS, SEGMENTS, Scene, scene_of
from tests.local.sendgrid_twin.exchange import Exchange

ANN = {"email": "ann@example.com"}
PUT = "PUT /v3/marketing/contacts"


@pytest.fixture
def scene() -> Iterator[Scene]:
    with scene_of() as scene:
        yield scene


def test_twin_is_controlled_over_http(scene: Scene) -> None:
    def control(method: str, name: str, body: object = None) -> requests.Response:
        return scene.call(method, f"/_twin/{name}", body, key=None)

    assert control("POST", "options", {"job_delay_s": 60, "limits": {"*": [9, 1]}}).status_code == 200
    assert scene.twin.options.limits == {"*": (9, 1.0)}
    scene.put(ANN, {"email": "bob@example.com"}, {"email": "cid@example.com"})
    assert control("GET", "state").json()["contacts"] == 0
    assert control("POST", "settle").json()["jobs"] == {
        "pending": 0,
        "completed": 1,
        "errored": 0,
        "failed": 0,
    }
    page = control("GET", "contacts?limit=2").json()
    assert ([contact["email"] for contact in page["contacts"]], page["next"]) == (
        ["ann@example.com", "bob@example.com"],
        "bob@example.com",
    )
    last = control("GET", f"contacts?limit=2&after={page['next']}").json()
    assert ([one["email"] for one in last["contacts"]], last["next"]) == (["cid@example.com"], None)
    assert control("POST", "faults", {"faults": [{"kind": "server_error"}], "seed": 3}).status_code == 200
    assert scene.put(ANN).status_code == 500
    assert control("DELETE", "faults").json()["faults"] == []
    assert control("GET", "requests").json() == {PUT: 2}
    exchanges = [Exchange.of(document) for document in control("GET", "exchanges").json()["exchanges"]]
    assert exchanges == scene.twin.exchanges()
    assert control("DELETE", "exchanges").json()["requests"] == {}
    assert control("POST", "keys", {"SG.new": "read-only"}).status_code == 200
    assert scene.put(ANN).status_code == 401


def test_segment_members_are_evaluated_over_http(scene: Scene) -> None:
    scene.applied(ANN)
    query = "SELECT contact_id, updated_at FROM contact_data"
    scene.call("POST", SEGMENTS, {"name": "all", "query_dsl": query})
    assert scene.call("GET", "/_twin/members?segment=all").json() == {"emails": ["ann@example.com"]}
    assert scene.call("POST", "/_twin/refresh-segments").status_code == 200
    assert scene.call("GET", SEGMENTS).json()["results"][0]["contacts_count"] == 1


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("faults", {"faults": [{"kind": "earthquake"}]}),
        ("faults", {"faults": [{"kind": "hang", "rat": 1}]}),
        ("faults", {"faults": [{}]}),
        ("faults", b"{"),
        ("options", {"job_delay": 1}),
        ("options", {"refuse_emails": "("}),
        ("options", {"duplicates": "some"}),
        ("options", {"limits": {"*": [1, 0]}}),
        ("keys", {"SG.x": "everything"}),
    ],
)
def test_invalid_control_request_is_refused_with_a_reason(scene: Scene, path: str, body: object) -> None:
    answer = scene.call("POST", f"/_twin/{path}", body)
    assert answer.status_code == 400
    assert answer.json()["error"]


def test_unknown_control_is_not_found(scene: Scene) -> None:
    assert scene.call("GET", "/_twin/nothing").status_code == 404
    assert scene.call("PUT", "/_twin/faults", {}).status_code == 404
    assert scene.call("GET", "/_twin/members?segment=none").status_code == 400


def test_twin_runs_in_its_own_process() -> None:
    command = [sys.executable, "-m", "tests.local.sendgrid_twin", "--options", '{"max_fields": 0}']
    with subprocess.Popen(
        [*command, "--keys", '{"SG.own": "full"}'], stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            url = process.stdout.readline().strip()
            headers = {"Authorization": "Bearer SG.own"}
            body = {"name": "plan", "field_type": "Text"}
            assert requests.post(url + FIELDS, json=body, headers=headers, timeout=5).status_code == 400
        finally:
            process.terminate()
        assert process.wait(10) == 0
