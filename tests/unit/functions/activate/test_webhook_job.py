"""The webhook job that Lytics needs, and how activation creates it or says what to enter by hand."""

import dataclasses
import json
from typing import Any

import pytest

from functions.activate.activation import MAX_WAITS, Deployment, activate
from functions.activate.webhook_job import (
    as_text,
    batch_size,
    job_config,
    job_update,
    manual_webhook,
)
from lytics_sendgrid.domain.configuration import Audience, Export, FieldKind, MappedField
from lytics_sendgrid.domain.stop import Stop
from lytics_sendgrid.errors import (
    AnswerLost,
    KeyRefused,
    RequestRefused,
    StopRun,
    SubscriptionRefused,
    Throttled,
)
from lytics_sendgrid.lytics.documents import HeaderAuthorization, LyticsJob
from lytics_sendgrid.lytics.webhook_jobs import authorization_label, authorization_of
from lytics_sendgrid.workflow.activation import Activation
from tests.clock import ManualClock
from tests.doubles.adapters import exports_table
from tests.doubles.dynamodb import DynamoDb
from tests.doubles.lytics import LyticsJobs
from tests.unit.functions.backfill.test_progress import AUDIENCE, EXPORT

BASE = "https://hooks.example.com/v1"
URL = f"{BASE}/lytics/newsletter"
WEBHOOK_SECRETS = ("first-secret", "second-secret")
DEPLOYMENT = Deployment(BASE, "stack/default/webhook")
NOW_MS = 1_795_000_000_000
WRITES = {"create_webhook_job", "update_webhook_job", "create_header_authorization"}


class Scene:
    """An export, and Lytics."""

    def __init__(self, export: Export = EXPORT) -> None:
        self.lytics = LyticsJobs()
        self.dynamodb = DynamoDb()
        self.exports = exports_table(self.dynamodb, export)
        self.exports.put_stop(export.name, Stop("SendGrid refused the key", 1, 2))

    @property
    def export(self) -> Export:
        found = self.exports.export("newsletter")
        assert found is not None
        return found

    def activate(
        self, *, subscribe: bool = True, waited: int = 0, webhook_secrets: tuple[str, ...] = WEBHOOK_SECRETS
    ) -> Activation:
        self.lytics.calls.clear()
        return activate(
            self.export,
            webhook_secrets,
            DEPLOYMENT,
            self.lytics,
            self.exports,
            clock=ManualClock(NOW_MS / 1000),
            subscribe=subscribe,
            waited=waited,
        )


def mapped(name: str) -> MappedField:
    return MappedField(name, f"id_{name}", name, FieldKind.TEXT, 1000)


def test_job_selects_and_follows_only_needed_fields() -> None:
    fields = ["email", "first_name", "visits", "is_vip"]
    assert job_config(EXPORT, URL, {"email", "first_name"}) == {
        "segment_ids": [AUDIENCE],
        "webhook_url": URL,
        "http_method": "POST",
        "audience_events": "",
        "user_fields": fields,
        "field_changes": fields,
        "withbackfill": False,
        "include_segs": False,
        "batch_requests": True,
        "batch_size": 100,
        "batch_flush_duration": 1,
        "worker_count": 5,
        "do_not_retry": [],
        "cloudevents": False,
    }


def test_segment_events_is_selected_if_in_the_schema() -> None:
    config = job_config(EXPORT, URL, {"email", "segment_events"})
    assert config["user_fields"][-1] == "segment_events"
    assert "segment_events" not in config["field_changes"]


def test_trigger_fields_are_limited_and_include_the_address() -> None:
    export = dataclasses.replace(EXPORT, fields=tuple(mapped(f"f{number}") for number in range(120)))
    config = job_config(export, URL, ())
    assert len(config["field_changes"]) == 75
    assert config["field_changes"][0] == "email"
    assert len(config["user_fields"]) == 121


@pytest.mark.parametrize("fields", [1, 5, 12, 13, 50, 120, 1_300])
def test_body_of_the_longest_values_stays_under_5_mb(fields: int) -> None:
    names = [f"field_{number}" for number in range(fields)]
    size = batch_size(names)
    event = {
        "id": "7076027172059065053",
        "data": dict.fromkeys(names, "😀" * 1_000)
        | {"segment_events": [{"id": AUDIENCE, "event": "enter", "slug": "s" * 60, "enter": "2" * 35}]},
        "meta": {"object": "user", "subscription_id": AUDIENCE, "timestamp": "2" * 35},
    }
    assert 1 <= size <= 100
    assert size == 1 or len(json.dumps([event] * size, ensure_ascii=False).encode()) < 5_000_000


@pytest.mark.parametrize(("fields", "size"), [(1, 100), (13, 94), (50, 24), (1_300, 1)])
def test_batch_size_grows_with_fewer_fields(fields: int, size: int) -> None:
    assert batch_size([f"field_{number:02}" for number in range(fields)]) == size


def test_first_start_creates_job_and_authorization() -> None:
    scene = Scene()

    activation = scene.activate()

    assert activation == Activation(
        live=True,
        running=False,
        job_id="job0",
        state="initializing",
        webhook_url=URL,
        paste=None,
        waited=1,
    )
    assert (scene.export.lytics_job, scene.export.lytics_auth) == ("job0", "auth0")
    assert scene.lytics.headers == {"auth0": {"X-Lytics-Secret": "first-secret"}}
    (job,) = scene.lytics.all_jobs
    assert job.auth_ids == ("auth0",)
    assert job.config == job_config(EXPORT, URL, scene.lytics.fields)
    assert job.name == "SendGrid export newsletter"
    assert job.document["description"].startswith("Managed by the SendGrid export")
    assert scene.exports.stop("newsletter") is None
    assert scene.dynamodb.exports.items["export#newsletter", "stop"]["lifted_ms"] == {"N": str(NOW_MS)}
    assert json.loads(json.dumps(activation.document()))["waited"] == 1


def test_second_call_only_checks_the_job() -> None:
    scene = Scene()
    waited = scene.activate().waited
    stop = Stop("SendGrid refused the key again", NOW_MS + 1, NOW_MS + 2)
    assert scene.exports.put_stop("newsletter", stop)
    assert scene.activate(waited=waited).waited == 2
    scene.lytics.become("running")

    assert scene.activate(waited=2).document() == {
        "live": True,
        "running": True,
        "job_id": "job0",
        "state": "running",
        "webhook_url": URL,
        "paste": None,
        "waited": 2,
    }
    assert not WRITES & set(scene.lytics.calls)
    assert scene.exports.stop("newsletter") == stop


def test_second_start_leaves_a_correct_job_alone() -> None:
    scene = Scene()
    scene.activate()
    scene.lytics.become("sleeping")
    before = list(scene.lytics.all_jobs)

    assert scene.activate().running

    assert scene.lytics.all_jobs == before
    assert not WRITES & set(scene.lytics.calls)


def test_new_secret_reaches_lytics_at_the_next_start() -> None:
    scene = Scene()
    scene.activate()
    scene.activate(webhook_secrets=("rotated", "old"))
    assert scene.lytics.headers == {"auth0": {"X-Lytics-Secret": "rotated"}}


@pytest.mark.parametrize("lost", ["lytics_job", "lytics_auth"])
def test_job_and_authorization_are_found_after_a_crash(lost: str) -> None:
    scene = Scene()
    scene.activate()
    forgotten: dict[str, Any] = {lost: None}
    scene.exports.put_export(dataclasses.replace(scene.export, **forgotten))

    scene.activate()

    assert (scene.export.lytics_job, scene.export.lytics_auth) == ("job0", "auth0")
    assert len(scene.lytics.all_jobs) == len(scene.lytics.headers) == 1


def test_lost_answer_creates_no_second_job() -> None:
    scene = Scene()
    scene.activate()
    scene.exports.put_export(EXPORT)
    scene.lytics.refusals = {"jobs": AnswerLost("read timeout")}
    with pytest.raises(AnswerLost):
        scene.activate()
    scene.lytics.refusals = {}
    scene.activate()
    assert len(scene.lytics.all_jobs) == 1


def test_job_of_another_deployment_is_left_alone() -> None:
    scene = Scene()
    config = job_config(EXPORT, "https://elsewhere.example.com/lytics/newsletter", ())
    scene.lytics.add({"id": "theirs", "name": "SendGrid export newsletter", "config": config}, "running")
    assert scene.activate().job_id == "job1"


@pytest.mark.parametrize("status", ["completed", "deleted", "deleting"])
def test_deleted_job_is_created_again(status: str) -> None:
    scene = Scene()
    scene.activate()
    scene.lytics.become(status)
    assert scene.activate(waited=1).job_id == "job1"
    assert scene.export.lytics_job == "job1"


def test_changed_job_is_corrected_and_keeps_other_settings() -> None:
    scene = Scene()
    scene.activate()
    (job,) = scene.lytics.all_jobs
    scene.lytics.all_jobs.clear()
    theirs = {**job.document, "name": "Ours", "quiet_period": 4, "auth_ids": []}
    scene.lytics.add({**theirs, "config": {**job.config, "template_id": "t1"}}, "running")

    scene.activate()

    (updated,) = scene.lytics.all_jobs
    assert updated.config == job.config
    assert (updated.name, updated.auth_ids) == ("Ours", ("auth0",))
    assert updated.document["quiet_period"] == 4


def test_empty_values_are_not_a_difference() -> None:
    scene = Scene()
    scene.activate()
    (job,) = scene.lytics.all_jobs
    config = {name: value for name, value in job.config.items() if value not in ([], "", False)}
    config |= {"template_id": None, "user_fields": config["user_fields"][::-1]}
    assert job_update(dataclasses.replace(job, config=config), job.config, "auth0") is None


@pytest.mark.parametrize(
    ("config", "auth_ids"),
    [
        ({"template_id": "t1"}, ("auth0",)),
        ({"batch_size": 7}, ("auth0",)),
        ({"webhook_url": "https://elsewhere.example.com"}, ("auth0",)),
        ({"user_fields": ["email"]}, ("auth0",)),
        ({}, ("auth0", "auth1")),
        ({}, ()),
    ],
)
def test_any_difference_is_corrected(config: dict[str, Any], auth_ids: tuple[str, ...]) -> None:
    wanted = job_config(EXPORT, URL, ())
    job = LyticsJob("j1", "Ours", "webhook_triggers", "running", {**wanted, **config}, auth_ids, {})
    assert job_update(job, wanted, "auth0") == {"auth_ids": ["auth0"], "config": wanted}


def test_authorization_is_found_by_id_before_label() -> None:
    label = authorization_label(URL)
    assert label == f"SendGrid export: {URL}"
    ours, other = (
        HeaderAuthorization("auth0", "renamed", "header_param_auth"),
        HeaderAuthorization("auth1", label, "header_param_auth"),
    )
    assert authorization_of([other, ours], "auth0", label) == ours
    assert authorization_of([ours, other], "auth9", label) == other
    assert authorization_of([ours], "auth9", label) is None


def test_manual_webhook_has_everything_to_enter() -> None:
    audiences = (*EXPORT.audiences, Audience("b" * 32, "Lapsed", "lapsed"))
    export = dataclasses.replace(EXPORT, audiences=audiences)
    webhook = manual_webhook(export, job_config(export, URL, {"segment_events"}), "stack/default/webhook")
    secret = "the first of webhook_secrets in the secret stack/default/webhook of AWS Secrets Manager"
    assert webhook.document() == {
        "where": "Lytics, a new job of the provider Webhooks: Audience Triggers Webhook",
        "webhook_url": URL,
        "http_method": "POST",
        "header": {"name": "X-Lytics-Secret", "value": secret},
        "audiences": [{"id": AUDIENCE, "name": "High Value Users"}, {"id": "b" * 32, "name": "Lapsed"}],
        "export_fields": ["email", "first_name", "visits", "is_vip", "segment_events"],
        "fields_to_trigger": ["email", "first_name", "visits", "is_vip"],
        "existing_users": False,
        "batch_requests": True,
        "batch_size": 100,
        "batch_flush_duration_s": 1,
        "do_not_retry": [],
        "cloudevents": False,
    }
    assert as_text(webhook).splitlines() == [
        "Create this in Lytics, a new job of the provider Webhooks: Audience Triggers Webhook:",
        f"  URL: {URL}",
        "  HTTP method: POST",
        f"  Header: X-Lytics-Secret: {secret}",
        f"  Audiences: High Value Users ({AUDIENCE}), Lapsed ({'b' * 32})",
        "  Audience events: enters and exits",
        "  Export fields: email, first_name, visits, is_vip, segment_events",
        "  Fields to trigger: email, first_name, visits, is_vip",
        "  Existing users: no",
        "  Batch requests: yes, 100 events or 1 s",
        "  Do not retry: none",
        "  CloudEvents: no",
    ]


def test_failed_job_stops_the_run() -> None:
    scene = Scene()
    scene.activate()
    scene.lytics.become("failed")
    with pytest.raises(StopRun, match=r"'SendGrid export newsletter' \(job0\).*bounce"):
        scene.activate(waited=1)


@pytest.mark.parametrize("waited", [0, 1])
def test_paused_job_is_resumed(waited: int) -> None:
    scene = Scene()
    scene.activate()
    scene.lytics.become("paused")
    assert not scene.activate(waited=waited).running
    assert scene.lytics.calls.count("resume_job") == 1
    assert scene.activate(waited=waited + 1).running
    assert len(scene.lytics.all_jobs) == 1


def test_job_that_is_about_to_pause_is_resumed_later() -> None:
    scene = Scene()
    scene.activate()
    scene.lytics.become("pausing")
    assert not scene.activate().running
    assert "resume_job" not in scene.lytics.calls
    scene.lytics.become("paused")
    assert scene.activate(waited=1).waited == 2
    assert "resume_job" in scene.lytics.calls


def test_job_that_is_gone_when_it_is_resumed_is_made_again() -> None:
    scene = Scene()
    scene.activate()
    scene.lytics.become("paused")
    scene.lytics.vanishing = True
    assert scene.activate().live
    assert scene.lytics.calls[-2:] == ["resume_job", "create_webhook_job"]


def test_job_that_never_starts_stops_the_run() -> None:
    scene = Scene()
    scene.activate()
    scene.lytics.become("fault-3")
    assert not scene.activate(waited=MAX_WAITS - 1).running
    with pytest.raises(StopRun, match=r"'fault-3'.*start the export again"):
        scene.activate(waited=MAX_WAITS)


@pytest.mark.parametrize(
    "refused",
    ["jobs", "header_authorizations", "create_header_authorization", "create_webhook_job"],
)
@pytest.mark.parametrize(
    "refusal",
    [RequestRefused("Lytics answered 422"), KeyRefused("Lytics answered 403", lacks_permission=True)],
)
def test_refused_subscription_says_what_to_enter(refused: str, refusal: Exception) -> None:
    scene = Scene()
    scene.lytics.refusals = {refused: refusal}
    with pytest.raises(SubscriptionRefused) as raised:
        scene.activate()
    message = str(raised.value)
    assert str(refusal) in message
    for needed in (
        f"URL: {URL}",
        "Header: X-Lytics-Secret: the first of webhook_secrets in the secret stack/default/webhook",
        f"High Value Users ({AUDIENCE})",
        "Export fields: email, first_name, visits, is_vip, segment_events",
        '"subscribe": false',
    ):
        assert needed in message
    assert "first-secret" not in message


@pytest.mark.parametrize("refusal", [KeyRefused("Lytics answered 401"), Throttled("Lytics answered 429")])
def test_refused_token_or_busy_lytics_is_raised_unchanged(refusal: Exception) -> None:
    scene = Scene()
    scene.lytics.refusals = {"create_webhook_job": refusal}
    with pytest.raises(type(refusal)):
        scene.activate()


def test_missing_webhook_secret_stops_the_run() -> None:
    scene = Scene()
    with pytest.raises(StopRun, match=r"stack/default/webhook has no \"webhook_secrets\""):
        scene.activate(webhook_secrets=())
    assert scene.lytics.calls == []


def test_without_subscribe_nothing_in_lytics_changes() -> None:
    scene = Scene()

    activation = scene.activate(subscribe=False)

    assert (activation.live, activation.running, activation.state) == (False, True, "NOT LIVE")
    assert activation.paste is not None
    assert activation.paste.webhook_url == URL
    assert activation.paste.header.name == "X-Lytics-Secret"
    assert activation.paste.document()["audiences"] == [{"id": AUDIENCE, "name": "High Value Users"}]
    assert "first-secret" not in json.dumps(activation.document())
    assert set(scene.lytics.calls) == {"jobs", "schema_fields"}
    assert scene.exports.stop("newsletter") is None


def test_without_subscribe_a_job_made_by_hand_is_found() -> None:
    scene = Scene()
    config = {"webhook_url": URL, "segment_ids": [AUDIENCE, "b" * 32]}
    scene.lytics.add({"id": "by-hand", "config": config}, "running")
    activation = scene.activate(subscribe=False)
    assert (activation.live, activation.job_id, activation.paste) == (True, "by-hand", None)


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"segment_ids": ["b" * 32]}, "running"),
        ({"segment_ids": None}, "running"),
        ({"webhook_url": "https://elsewhere.example.com"}, "running"),
        ({}, "paused"),
        ({}, "deleted"),
    ],
)
def test_without_subscribe_an_unsuitable_job_is_not_live(change: dict[str, Any], status: str) -> None:
    scene = Scene()
    scene.lytics.add(
        {"id": "by-hand", "config": {"webhook_url": URL, "segment_ids": [AUDIENCE]} | change}, status
    )
    assert not scene.activate(subscribe=False).live


def test_without_subscribe_the_token_need_not_list_jobs() -> None:
    scene = Scene()
    scene.lytics.refusals = {"jobs": KeyRefused("Lytics answered 403", lacks_permission=True)}
    activation = scene.activate(subscribe=False)
    assert not activation.live
    assert activation.paste is not None
    assert activation.paste.export_fields == ("email", "first_name", "visits", "is_vip")


def test_job_follows_every_audience() -> None:
    audiences = (*EXPORT.audiences, Audience("b" * 32, "Lapsed", "lapsed"))
    scene = Scene(dataclasses.replace(EXPORT, audiences=audiences))
    scene.activate()
    assert scene.lytics.all_jobs[0].config["segment_ids"] == [AUDIENCE, "b" * 32]
