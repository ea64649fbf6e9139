"""The Lytics twin's jobs and header authorizations."""

from collections.abc import Iterator
from typing import Any

import pytest
import requests

from tests.local.lytics_twin.clock import ManualClock
from tests.local.lytics_twin.twin import DEFAULT_TOKEN, LyticsTwin

Json = dict[str, Any]
NOWHERE = "https://hooks.example.com/lytics/newsletter"


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def twin(clock: ManualClock) -> Iterator[LyticsTwin]:
    with LyticsTwin(clock=clock, initializing_s=5, enforce_job_limits=True) as running:
        yield running


@pytest.fixture
def audience(twin: LyticsTwin) -> str:
    return twin.add_audience("High Value Users")


def call(twin: LyticsTwin, method: str, path: str, body: Any = None, **query: str) -> requests.Response:
    headers = {"Authorization": DEFAULT_TOKEN}
    return requests.request(method, twin.url + path, json=body, params=query, headers=headers, timeout=5)


def job(audience: str, **config: Any) -> Json:
    return {
        "name": "SendGrid export",
        "config": {"segment_ids": [audience], "webhook_url": NOWHERE, **config},
    }


def created(twin: LyticsTwin, body: Json, **query: str) -> Json:
    answer = call(twin, "POST", "/v2/job/webhook-triggers", body, **query)
    assert answer.status_code == 201, answer.text
    data: Json = answer.json()["data"]
    return data


def status(twin: LyticsTwin, job_id: str) -> str:
    return str(call(twin, "GET", f"/v2/job/webhook_triggers/{job_id}").json()["data"]["status"])


def test_job_initializes_before_it_runs(twin: LyticsTwin, audience: str, clock: ManualClock) -> None:
    made = created(twin, job(audience))
    assert (made["status"], made["workflow"]) == ("initializing", "webhook_triggers")
    assert made["config"]["worker_count"] == 5
    clock.advance(4.9)
    assert status(twin, made["id"]) == "initializing"
    clock.advance(0.2)
    assert status(twin, made["id"]) == "running"


def test_job_can_be_created_without_the_workflow_in_the_path(twin: LyticsTwin, audience: str) -> None:
    answer = call(twin, "POST", "/v2/job", job(audience) | {"workflow": "webhook_triggers"})
    assert answer.status_code == 201
    assert call(twin, "POST", "/v2/job", job(audience)).json()["errors"][0]["code"] == "WF-NOTFOUND-005"


def test_job_created_with_run_job_false_waits_for_resume(twin: LyticsTwin, audience: str) -> None:
    made = created(twin, job(audience), run_job="false")
    assert made["status"] == "paused"
    call(twin, "POST", f"/v2/job/{made['id']}/resume")
    assert status(twin, made["id"]) == "initializing"


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"segment_ids": ["high_value_users"]}, "segment_ids: no audience has the id high_value_users"),
        ({"segment_ids": []}, "segment_ids must be a list of audience ids"),
        ({"webhook_url": "http://hooks.example.com/"}, "webhook_url must be https"),
        ({"webhook_url": "/lytics"}, "webhook_url has no host"),
        ({"webhook_url": None}, "webhook_url is required"),
        ({"batch_size": 1001}, "batch_size must be 1 to 1000"),
        ({"worker_count": 21}, "worker_count must be 1 to 20"),
        ({"worker_count": True}, "worker_count must be 1 to 20"),
        ({"batch_flush_duration": 301}, "batch_flush_duration must be 1 to 300 seconds"),
        ({"field_changes": ["city"] * 76}, "field_changes must be a list of at most 75 field names"),
        ({"user_fields": ["shoe_size"]}, "user_fields: no field shoe_size"),
        ({"audience_events": "both"}, "audience_events must be '', enters_only or exits_only"),
        ({"headers": {"X": "y"}}, "headers is not part of the configuration"),
    ],
)
def test_invalid_configuration_is_refused(
    twin: LyticsTwin, audience: str, config: Json, message: str
) -> None:
    answer = call(twin, "POST", "/v2/job/webhook-triggers", job(audience, **config))
    assert answer.status_code == 400
    assert [error["message"] for error in answer.json()["errors"]] == [message]
    assert twin.jobs() == []


def test_every_fault_of_a_job_is_reported_at_once(twin: LyticsTwin, audience: str) -> None:
    body = job(audience, batch_size=0, worker_count=0) | {"name": "", "auth_ids": ["none"]}
    errors = call(twin, "POST", "/v2/job/webhook-triggers", body).json()["errors"]
    assert [error["message"] for error in errors] == [
        "batch_size must be 1 to 1000",
        "worker_count must be 1 to 20",
        "name is required",
        "auth_ids: no authorization none",
    ]


def test_http_is_accepted_on_loopback_unless_switched_off(audience: str, twin: LyticsTwin) -> None:
    created(twin, job(audience, webhook_url="http://127.0.0.1:9/"))
    with LyticsTwin(http_on_loopback=False) as strict:
        body = job(strict.add_audience("Any"), webhook_url="http://127.0.0.1:9/")
        assert call(strict, "POST", "/v2/job/webhook-triggers", body).status_code == 400


def test_body_that_is_not_json_is_refused(twin: LyticsTwin) -> None:
    headers = {"Authorization": DEFAULT_TOKEN}
    answer = requests.post(twin.url + "/v2/job", data="{not json", headers=headers, timeout=5)
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (400, "JSON-BADREQ-025")


def test_eleventh_job_of_an_hour_is_refused(twin: LyticsTwin, audience: str, clock: ManualClock) -> None:
    for _ in range(10):
        created(twin, job(audience), run_job="false")
    assert call(twin, "POST", "/v2/job/webhook-triggers", job(audience)).status_code == 429
    clock.advance(3601)
    created(twin, job(audience))


def test_two_hundred_active_jobs_are_the_limit(twin: LyticsTwin, audience: str) -> None:
    for number in range(200):
        twin.seed_job("facebook_custom_audiences", name=f"Job {number}")
    answer = call(twin, "POST", "/v2/job/webhook-triggers", job(audience))
    assert (answer.status_code, answer.json()["errors"][0]["message"]) == (400, "more than 200 active jobs")


def test_update_replaces_config_and_resets_omitted_details(twin: LyticsTwin, audience: str) -> None:
    made = created(twin, job(audience, include_segs=True, worker_count=2) | {"description": "for SendGrid"})
    path = f"/v2/job/webhook-triggers/{made['id']}"
    updated = call(twin, "PUT", path, {"config": job(audience)["config"]}).json()["data"]
    assert (updated["name"], updated["description"]) == ("SendGrid export", "")
    assert (updated["config"]["include_segs"], updated["config"]["worker_count"]) == (False, 5)
    assert call(twin, "PUT", path, {"config": {}}).status_code == 400
    assert call(twin, "GET", path).json()["data"] == updated


def test_job_is_paused_resumed_bounced_and_killed(
    twin: LyticsTwin, audience: str, clock: ManualClock
) -> None:
    made = created(twin, job(audience))
    clock.advance(6)
    seen = []
    for command in ("pause", "resume", "bounce"):
        call(twin, "POST", f"/v2/job/{made['id']}/{command}")
        seen.append(status(twin, made["id"]))
        clock.advance(6)
    assert seen == ["paused", "initializing", "initializing"]
    call(twin, "POST", f"/v2/job/{made['id']}/kill")
    gone = call(twin, "GET", f"/v2/job/{made['id']}")
    assert (gone.status_code, gone.json()["errors"][0]["code"]) == (404, "JOB-NOTFOUND-004")
    assert call(twin, "GET", "/v2/job").json()["data"] == []
    shown = call(twin, "GET", "/v2/job", show_all="true").json()["data"]
    assert [job["status"] for job in shown] == ["deleted"]


def test_seeded_jobs_are_listed_by_workflow(twin: LyticsTwin, audience: str) -> None:
    hosted = twin.seed_job("sendgrid_export_new", config={"segment_ids": [audience], "email_field": "email"})
    made = created(twin, job(audience))
    assert {listed_job["id"] for listed_job in call(twin, "GET", "/v2/job").json()["data"]} == {
        hosted,
        made["id"],
    }
    listed = call(twin, "GET", "/v2/job", workflow="sendgrid_export_new").json()["data"]
    assert [(listed_job["id"], listed_job["status"]) for listed_job in listed] == [(hosted, "running")]
    assert call(twin, "GET", f"/v2/job/sendgrid-export-new/{hosted}").status_code == 200
    assert call(twin, "GET", f"/v2/job/webhook-triggers/{hosted}").status_code == 404


@pytest.mark.parametrize("path", ["/v2/auth/header_param_auth", "/v2/auth/header-param-auth"])
@pytest.mark.parametrize(
    "body",
    [
        {"label": "SendGrid", "config": {"webhook_request_headers": "X-Lytics-Secret: s3cret"}},
        {"name": "SendGrid", "config": {"webhook_request_headers": "X-Lytics-Secret: s3cret"}},
        {"label": "SendGrid", "webhook_request_headers": "X-Lytics-Secret: s3cret\nX-Other: a:b"},
    ],
)
def test_authorization_is_created_in_each_form_and_hides_its_secret(
    twin: LyticsTwin, path: str, body: Json
) -> None:
    answer = call(twin, "POST", path, body)
    assert answer.status_code == 201
    auth = answer.json()["data"]
    assert (auth["label"], auth["type"], auth["status"]) == ("SendGrid", "header_param_auth", "healthy")
    assert call(twin, "GET", "/v2/auth").json()["data"] == [auth]
    assert call(twin, "GET", f"/v2/auth/{auth['id']}").json()["data"] == auth
    assert "s3cret" not in answer.text
    assert twin.authorizations.find(auth["id"]).headers["X-Lytics-Secret"] == "s3cret"


def test_authorization_is_replaced_and_deleted(twin: LyticsTwin) -> None:
    body = {"label": "SendGrid", "config": {"webhook_request_headers": "X-Lytics-Secret: old"}}
    auth = call(twin, "POST", "/v2/auth/header_param_auth", body).json()["data"]["id"]
    body["config"] = {"webhook_request_headers": "X-Lytics-Secret: new"}
    assert call(twin, "PUT", f"/v2/auth/header_param_auth/{auth}", body).status_code == 200
    assert twin.authorizations.find(auth).headers == {"X-Lytics-Secret": "new"}
    deleted = call(twin, "DELETE", f"/v2/auth/{auth}")
    assert (deleted.status_code, deleted.content) == (204, b"")
    assert call(twin, "GET", f"/v2/auth/{auth}").json()["errors"][0]["code"] == "AUTH-NOTFOUND-006"


@pytest.mark.parametrize(
    "body",
    [
        {"config": {"webhook_request_headers": "X: y"}},
        {"label": "SendGrid"},
        {"label": "SendGrid", "config": {"webhook_request_headers": {"X": "y"}}},
        {"label": "SendGrid", "config": {"webhook_request_headers": "no colon"}},
    ],
)
def test_authorization_without_label_or_readable_headers_is_refused(twin: LyticsTwin, body: Json) -> None:
    answer = call(twin, "POST", "/v2/auth/header_param_auth", body)
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (400, "AUTH-BADREQ-008")
