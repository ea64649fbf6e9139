"""What a plan reads, and that one refusal never hides another."""

import json
from dataclasses import replace
from typing import Any

import pytest

from functions.plan.run import Planner
from functions.plan.state import Beginning
from functions.report.counting import Sources, count
from functions.report.drift import GivenUp, Health
from lytics_sendgrid.aws.secret import Authorization, WebhookSecrets
from lytics_sendgrid.domain.checkpoint import Checkpoint
from lytics_sendgrid.domain.configuration import Account, Audience, ProvisionedAudience
from lytics_sendgrid.domain.execution import Execution, RunPlace
from lytics_sendgrid.domain.sweep_findings import SweepFindings
from lytics_sendgrid.errors import (
    ExportRefused,
    InputInvalid,
    KeyRefused,
    RequestRefused,
    ServiceUnavailable,
    StopRun,
    Throttled,
)
from lytics_sendgrid.lytics.documents import LyticsAudience, LyticsJob
from lytics_sendgrid.sendgrid.resources import CustomField, Segment, segment_query
from lytics_sendgrid.tables.exports import ExportsTable
from lytics_sendgrid.tables.heard import HeardTable
from lytics_sendgrid.tables.walks import WalksTable
from lytics_sendgrid.workflow.export_run import ExportRun
from lytics_sendgrid.workflow.faults import read_faults
from tests.doubles.adapters import exports_table
from tests.doubles.dynamodb import DynamoDb
from tests.doubles.lytics import LyticsInMemory
from tests.doubles.sendgrid import SendGridInMemory
from tests.newsletter import NEWSLETTER
from tests.run_state import run_state

FIRST = "1" * 32
AUTHORIZATION = Authorization("default", "main", "SG.key", "token", "stack/default")
WEBHOOK = WebhookSecrets("stack/default/webhook", ("shown",))


class Scene:
    """Both accounts, our table and the secret."""

    def __init__(
        self,
        authorization: Authorization | StopRun = AUTHORIZATION,
        webhook: WebhookSecrets | StopRun = WEBHOOK,
    ) -> None:
        self.lytics = LyticsInMemory(LyticsAudience(FIRST, "First", "first", size=10))
        self.sendgrid = SendGridInMemory()
        self.dynamodb = DynamoDb()
        self.configurations = exports_table(self.dynamodb)
        self._authorization = authorization
        self._webhook = webhook
        self.max_ages: list[float] = []
        self.executions: dict[str, Execution] = {}

    def describe(self, arn: str) -> Execution | None:
        return self.executions.get(arn)

    def authorization(self, name: str, max_age_s: float = 300.0) -> Authorization:
        self.max_ages.append(max_age_s)
        if isinstance(self._authorization, StopRun):
            raise self._authorization
        return self._authorization

    def webhook_secrets(self, name: str, max_age_s: float = 300.0) -> WebhookSecrets:
        self.max_ages.append(max_age_s)
        if isinstance(self._webhook, StopRun):
            raise self._webhook
        return self._webhook

    def plan(
        self, document: Any = None, execution: str = "", started_at: str = "2026-11-23T00:00:00Z"
    ) -> dict[str, Any]:
        wanted = {"audiences": ["first"]} if document is None else document
        planner = Planner(
            self.configurations,
            self,
            lambda _: (self.sendgrid, self.lytics),
            "https://hooks.example.com",
            self,
        )
        beginning = Beginning("run-1", execution, started_at)
        return planner.plan(beginning, wanted).document()

    def faults(self, document: Any = None) -> list[str]:
        with pytest.raises(StopRun) as refusal:
            self.plan(document)
        return [line for line in str(refusal.value).splitlines()[1:] if line.startswith("- ")]

    def places(self, document: Any = None) -> list[str]:
        with pytest.raises(StopRun) as refusal:
            self.plan(document)
        return [fault.at for fault in read_faults(str(refusal.value))]


def test_plan_returns_the_state_of_the_run() -> None:
    scene = Scene()
    state = scene.plan()
    assert (state["run"], state["account"], state["started_at"]) == ("run-1", "main", "2026-11-23T00:00:00Z")
    assert state["plan"]["people"] == 10
    assert json.loads(json.dumps(state)) == state
    assert scene.max_ages == [0, 0]
    assert scene.dynamodb.calls.of("PutItem") == []


def test_run_whose_state_would_be_too_large_is_refused() -> None:
    scene = Scene()
    scene.lytics.all_audiences = tuple(
        LyticsAudience(f"{number:032x}", f"{number:03}" + "\U0001f600" * 300, f"slug_{number}", size=10)
        for number in range(200)
    )
    (fault,) = scene.faults({"audiences": [audience.slug for audience in scene.lytics.all_audiences]})
    assert "audiences" in fault


def test_unreadable_secret_is_reported_with_input_faults() -> None:
    scene = Scene(StopRun("the secret cannot be read"))
    assert scene.faults({"audiences": ["first"], "dry": 1}) == [
        '- "dry" is not a valid key: did you mean "dry_run"?',
        "- the secret cannot be read",
    ]


def test_malformed_authorization_reads_no_secret() -> None:
    scene = Scene()
    with pytest.raises(InputInvalid):
        scene.plan({"audiences": ["first"], "authorization": "a/b"})
    assert scene.max_ages == []


def test_missing_key_is_reported_and_the_other_side_still_read() -> None:
    for authorization, text in (
        (
            Authorization("default", "main", "", "token", "stack/default"),
            "\"sendgrid_api_key\" is empty in the secret 'stack/default': ",
        ),
        (
            Authorization("default", "main", "SG.key", "", "stack/default"),
            "\"lytics_api_token\" is empty in the secret 'stack/default': ",
        ),
    ):
        (fault,) = Scene(authorization).faults()
        assert text in fault


def test_webhook_secret_is_needed_only_to_subscribe() -> None:
    for webhook, text in (
        (WebhookSecrets("stack/default/webhook", ()), "in the secret 'stack/default/webhook': "),
        (StopRun("the secret 'stack/default/webhook' cannot be read"), "cannot be read"),
    ):
        scene = Scene(webhook=webhook)
        assert text in scene.faults()[0]
        assert not scene.plan({"audiences": ["first"], "subscribe": False})["subscribe"]


def test_both_secrets_that_cannot_be_read_are_reported_together() -> None:
    faults = Scene(StopRun("no keys"), StopRun("no webhook secret")).faults()
    assert [fault.removeprefix("- ") for fault in faults] == ["no keys", "no webhook secret"]


def test_refused_token_is_reported_once_and_sendgrid_still_read() -> None:
    scene = Scene()
    scene.lytics.refusals = {
        name: KeyRefused("Lytics answered 401") for name in ("audiences", "schema_fields", "jobs")
    }
    scene.sendgrid.create_field("lytics_segments", "Text")
    faults = scene.faults()
    assert faults[0] == "- Lytics answered 401"
    assert "that this product did not create" in faults[1]
    assert len(faults) == 2


def test_every_missing_permission_is_reported() -> None:
    scene = Scene()
    scene.lytics.refusals = {
        "audiences": KeyRefused("no audiences", lacks_permission=True),
        "schema_fields": RequestRefused("no schema"),
    }
    assert scene.faults() == ["- no audiences", "- no schema"]


def test_audience_lookup_refused_by_lytics_is_a_fault() -> None:
    scene = Scene()
    scene.lytics.refusals = {"find_audiences": RequestRefused("odd reference")}
    assert scene.faults() == ["- odd reference"]


def test_token_without_jobs_permission_works_without_subscribe() -> None:
    scene = Scene()
    scene.lytics.refusals = {"jobs": KeyRefused("Lytics answered 403", lacks_permission=True)}
    assert scene.faults() == [
        '- Lytics answered 403. Or put "subscribe": false into the input and create the webhook job by hand'
    ]
    state = scene.plan({"audiences": ["first"], "subscribe": False})
    assert "it was not checked" in state["plan"]["notes"][0]
    scene.lytics.refusals = {"jobs": RequestRefused("Lytics answered 422")}
    assert scene.faults({"audiences": ["first"], "subscribe": False}) == ["- Lytics answered 422"]


def test_every_sendgrid_refusal_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    scene = Scene()

    def refused(name: str) -> Any:
        def call(*_: Any) -> None:
            raise RequestRefused(f"no {name}")

        return call

    for name in ("fields", "lists", "segments"):
        monkeypatch.setattr(scene.sendgrid, name, refused(name))
    with pytest.raises(RequestRefused, match="3 faults"):
        scene.plan({"audiences": ["first"], "list": "News"})


def test_key_without_marketing_makes_no_further_request(monkeypatch: pytest.MonkeyPatch) -> None:
    scene = Scene()
    monkeypatch.setattr(scene.sendgrid, "scopes", lambda: frozenset({"mail.send"}))
    with pytest.raises(KeyRefused, match="may not use Marketing"):
        scene.plan()
    assert scene.sendgrid.calls == []


def test_segment_with_the_audiences_name_is_read() -> None:
    scene = Scene()
    query = segment_query("lytics_segments", FIRST)
    scene.sendgrid.all_segments.append(Segment("s1", "FIRST", None, query))
    assert scene.plan()["plan"]["reuse"]["segments"] == ["FIRST"]


def test_unreadable_segment_is_not_adopted(monkeypatch: pytest.MonkeyPatch) -> None:
    scene = Scene()
    scene.sendgrid.all_segments.append(Segment("s1", "First", None, "SELECT 1"))

    def gone(segment_id: str) -> Segment:
        raise RequestRefused(f"SendGrid answered 404 to segment {segment_id}")

    monkeypatch.setattr(scene.sendgrid, "segment", gone)
    faults = scene.faults()
    assert faults[0] == "- SendGrid answered 404 to segment s1"
    assert "it is not this audience's" in faults[1]


@pytest.mark.parametrize("error", [ServiceUnavailable("down"), Throttled("busy")])
def test_temporary_error_is_raised_instead_of_faults(error: Exception) -> None:
    scene = Scene()
    scene.lytics.refusals = {"schema_fields": error}
    with pytest.raises(type(error)):
        scene.plan({"audiences": ["first", "nothing"]})


def test_faults_of_several_classes_raise_export_refused() -> None:
    with pytest.raises(ExportRefused, match="2 faults"):
        Scene().plan({"audiences": ["nothing"], "backfill": 1})


def exported(scene: Scene, **changes: Any) -> None:
    """Keep an export that was started before."""
    export = replace(NEWSLETTER, account="main", audiences=(Audience(FIRST, "First", "first"),), **changes)
    scene.configurations.put_export(export)


def test_resync_and_stop_are_planned_from_the_stored_export() -> None:
    scene = Scene()
    exported(scene)
    for action, backfill in (("resync", True), ("stop", False)):
        state = scene.plan({"action": action, "export": "newsletter"})
        assert (state["action"], state["backfill"], state["account"]) == (action, backfill, "main")
        assert state["plan"]["people"] == 10
        assert state["config"]["email_field"] == "email"


def test_single_sends_are_read_before_segments_are_deleted() -> None:
    scene = Scene()
    exported(scene, stopped_s=1)
    stop = {"action": "stop", "export": "newsletter", "clear": True, "delete_segments": True}
    for document, reads in (
        (stop, 1),
        (stop | {"delete_segments": False}, 0),
        ({"audiences": ["first"], "export": "newsletter"}, 0),
        ({"audiences": ["first"], "export": "newsletter", "delete_segments": True}, 1),
    ):
        scene.sendgrid.calls.clear()
        scene.plan(document)
        assert scene.sendgrid.calls.count("scheduled_single_sends") == reads


def test_start_reads_lists_and_stopped_exports_that_share_an_audience() -> None:
    scene = Scene()
    exported(scene)
    scene.configurations.put_export(replace(NEWSLETTER, name="other", stopped_s=1))
    scene.sendgrid.all_segments.append(Segment("s1", "First", "l1"))
    scene.sendgrid.custom_fields.append(CustomField("e1_T", "lytics_segments", "Text"))
    shared = ProvisionedAudience("lytics_segments", "s1", "l1", ("gone", "newsletter", "other"))
    scene.configurations.put_account(Account("main", 1, {"lytics_segments": "e1_T"}, {FIRST: shared}), 0)
    scene.lytics.all_audiences += (LyticsAudience("2" * 32, "Second", "second", size=2),)
    notes = scene.plan({"audiences": ["second"], "export": "newsletter"})["plan"]["notes"]
    assert "is updated by gone, which also exports the audience" in notes[0]
    (fault,) = scene.faults({"audiences": ["first"], "export": "newsletter"})
    assert "is on the list 'News', but the input wants it on all contacts" in fault


def test_resync_or_stop_of_an_unknown_export_is_refused() -> None:
    for action in ("resync", "stop"):
        (fault,) = Scene().faults({"action": action, "export": "newsletter"})
        assert f"there is no export 'newsletter', so there is nothing to {action}" in fault


def test_resync_of_a_stopped_export_is_refused() -> None:
    scene = Scene()
    exported(scene, stopped_s=1)
    (fault,) = scene.faults({"action": "resync", "export": "newsletter"})
    assert "the export 'newsletter' is stopped since 1970-01-01T00:00:01Z" in fault
    assert scene.plan({"action": "stop", "export": "newsletter"})["action"] == "stop"


def test_refused_token_of_a_resync_is_one_fault() -> None:
    scene = Scene()
    exported(scene)
    scene.lytics.refusals = {name: KeyRefused("Lytics answered 401") for name in ("audiences", "jobs")}
    assert scene.faults({"action": "resync", "export": "newsletter"}) == ["- Lytics answered 401"]


def test_resync_does_not_need_the_jobs_permission() -> None:
    for refusal in (
        KeyRefused("Lytics answered 403", lacks_permission=True),
        RequestRefused("Lytics answered 422"),
    ):
        for job in (None, "job-1"):
            scene = Scene()
            exported(scene, lytics_job=job)
            scene.lytics.refusals = {"jobs": refusal}
            state = scene.plan({"action": "resync", "export": "newsletter"})
            (note,) = state["plan"]["notes"]
            assert note == (
                "it is unknown whether Lytics' webhook job of the export 'newsletter' runs, because Lytics' "
                f"jobs could not be read: {refusal}"
            )
            # Nothing is known of the job, so the report says nothing of it.
            assert "activation" not in state


def test_stop_is_not_prevented_by_either_vendor(monkeypatch: pytest.MonkeyPatch) -> None:
    revoked = KeyRefused("Lytics answered 401")
    for refused in (("audiences", "jobs"), ("jobs",)):
        scene = Scene()
        exported(scene)
        scene.lytics.refusals = dict.fromkeys(refused, revoked)
        monkeypatch.setattr(scene.sendgrid, "scopes", lambda: pytest.fail("SendGrid was asked"))
        state = scene.plan({"action": "stop", "export": "newsletter"})
        assert state["plan"]["notes"][0] == (
            "Lytics could not be read: Lytics answered 401. The export is stopped anyway, and the report "
            "says what became of its webhook job"
        )
        assert "activation" not in state


def test_stop_needs_no_key() -> None:
    scene = Scene(Authorization("default", "main", "", "", "stack/default"))
    exported(scene)
    notes = scene.plan({"action": "stop", "export": "newsletter"})["plan"]["notes"]
    assert notes[0].startswith("Lytics could not be read: its token is missing in the secret. ")
    # Who is taken out is sent to SendGrid.
    (fault,) = scene.faults({"action": "stop", "export": "newsletter", "clear": True})
    assert fault.startswith('- "sendgrid_api_key" is empty in the secret')


def test_stop_that_clears_needs_sendgrid(monkeypatch: pytest.MonkeyPatch) -> None:
    scene = Scene()
    exported(scene)
    monkeypatch.setattr(scene.sendgrid, "scopes", lambda: frozenset({"mail.send"}))
    scene.lytics.refusals = {"audiences": KeyRefused("Lytics answered 401")}
    (fault,) = scene.faults({"action": "stop", "export": "newsletter", "clear": True})
    assert "The SendGrid API key may not use Marketing" in fault
    assert fault.endswith('Without "clear": true, the stop needs no key of SendGrid')


def test_missing_keys_of_a_resync_are_faults() -> None:
    scene = Scene(Authorization("default", "main", "", "", "stack/default"))
    exported(scene)
    assert len(scene.faults({"action": "resync", "export": "newsletter"})) == 2


def test_paused_webhook_job_is_a_fault_before_anything_is_made() -> None:
    scene = Scene()
    url = "https://hooks.example.com/lytics/default"
    scene.lytics.all_jobs = (
        LyticsJob("j1", "Our job", "webhook_triggers", "paused", {"webhook_url": url}, (), {}),
    )
    (fault,) = scene.faults()
    assert "webhook job 'Our job' (j1) is paused: resume it in Lytics" in fault


@pytest.mark.parametrize(
    ("document", "head"),
    [
        ({"audiences": ["nothing"]}, "The export cannot start"),
        ({"audiences": 7}, "The export cannot start"),
        ({"audiences": ["first"], "authorization": "a b"}, "The export cannot start"),
        ({"action": "resync", "export": "nothing"}, "The resync cannot start"),
        ({"action": "resync"}, "The resync cannot start"),
        ({"action": "resync", "export": "newsletter", "audit": 1}, "The resync cannot start"),
        ({"action": "stop", "export": "nothing"}, "The export cannot be stopped"),
        ({"action": "stop"}, "The export cannot be stopped"),
        ({"action": "stop", "export": "newsletter", "dry_run": 1}, "The export cannot be stopped"),
        ({"action": "delete"}, "The run cannot start"),
        ([], "The run cannot start"),
    ],
)
def test_refusal_says_what_was_refused(document: Any, head: str) -> None:
    scene = Scene()
    exported(scene)
    with pytest.raises(StopRun) as refusal:
        scene.plan(document)
    assert str(refusal.value).startswith(f"{head}, and nothing was changed. ")


@pytest.mark.parametrize(
    ("action", "head"), [("resync", "The resync cannot start"), ("stop", "The export cannot be stopped")]
)
def test_unreadable_secret_or_second_run_says_what_was_refused(action: str, head: str) -> None:
    for scene in (Scene(KeyRefused("no such secret")), Scene()):
        exported(scene)
        scene.executions["arn:first"] = Execution("arn:first", "first", "RUNNING", 1_795_392_000)
        scene.configurations.put_running("newsletter", RunPlace("arn:first", 1_795_392_000), None)
        with pytest.raises(StopRun) as refusal:
            scene.plan({"action": action, "export": "newsletter"}, "arn:second")
        assert str(refusal.value).startswith(f"{head}, and nothing was changed. ")


def test_second_run_of_an_export_is_refused() -> None:
    scene = Scene()
    exported(scene)
    resync = {"action": "resync", "export": "newsletter"}
    scene.plan(resync, "arn:first")
    scene.executions["arn:first"] = Execution("arn:first", "first", "RUNNING", 1_795_392_000)
    with pytest.raises(ExportRefused, match="another run of the export 'newsletter' is under way: 'first'"):
        scene.plan(resync, "arn:second")
    assert "is under way" not in str(scene.plan({"audiences": ["first"]}, "arn:third"))
    del scene.executions["arn:first"]
    with pytest.raises(ExportRefused, match="is under way: 'first', started 2026-11-23 00:00 UTC"):
        scene.plan(resync, "arn:second")
    assert scene.plan(resync, "arn:second", "2026-11-23T00:01:00Z")["action"] == "resync"
    assert scene.configurations.running("newsletter") == RunPlace("arn:second", 1_795_392_060)


def test_scheduled_run_is_skipped_while_another_is_under_way() -> None:
    scene = Scene()
    exported(scene)
    resync = {"action": "resync", "export": "newsletter", "scheduled": True}
    assert "skipped" not in scene.plan(resync, "arn:first")
    scene.executions["arn:first"] = Execution("arn:first", "first", "RUNNING", 1_795_392_000)
    assert "another run of the export 'newsletter'" in scene.plan(resync, "arn:second")["skipped"]


def test_plan_alone_takes_no_place() -> None:
    scene = Scene()
    exported(scene)
    for document in (
        {"audiences": ["first"], "dry_run": True},
        {"action": "stop", "export": "newsletter", "dry_run": True},
    ):
        scene.plan(document, "arn:first")
    assert scene.configurations.running("default") is None
    assert scene.configurations.running("newsletter") is None
    scene.plan({"action": "resync", "export": "newsletter", "dry_run": True}, "arn:first")
    assert scene.configurations.running("newsletter") == RunPlace("arn:first", 1_795_392_000)


def test_refused_run_takes_no_place() -> None:
    scene = Scene()
    with pytest.raises(ExportRefused):
        scene.plan({"audiences": ["nothing"]}, "arn:first")
    assert scene.configurations.running("default") is None


def test_start_again_says_so() -> None:
    scene = Scene()
    exported(scene)
    assert scene.plan({"audiences": ["first"], "export": "newsletter"})["again"]
    assert "again" not in scene.plan({"audiences": ["first"]})


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("list", {}),
        ("email_field", 7),
        ("export", "a b"),
        ("adopt", "yes"),
        ("subscribe", "no"),
        ("custom_fields", []),
        ("first_name_field", 7),
    ],
)
def test_one_faulty_key_is_one_fault(key: str, value: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its default in place of the person's value must not lead to others."""
    scene = Scene(webhook=WebhookSecrets("stack/default/webhook", ()) if key == "subscribe" else WEBHOOK)
    exported(scene, name="default", authorization="other" if key == "export" else "default", list_id="l1")
    segments = [Segment(f"s{n}", name, "l1") for n, name in enumerate(("First", "Second", "Third"))]
    scene.lytics.all_audiences = tuple(
        LyticsAudience(str(n) * 32, name, name.lower(), size=1)
        for n, name in enumerate(("First", "Second", "Third"))
    )
    scene.sendgrid.all_segments += segments
    scene.configurations.put_account(
        Account(
            "main",
            1,
            {} if key == "adopt" else {"lytics_segments": "e1_T"},
            {
                str(n) * 32: ProvisionedAudience("lytics_segments", f"s{n}", "l1", ("default",))
                for n in range(3)
            },
        ),
        0,
    )
    scene.sendgrid.custom_fields.append(CustomField("e1_T", "lytics_segments", "Text"))
    schema = {"first_name": "string", "mail": "string"} | (
        {} if key == "email_field" else {"email": "string"}
    )
    monkeypatch.setattr(scene.lytics, "schema_fields", lambda: schema)
    document = {"audiences": ["first", "second", "third"], "list": "News"} | {key: value}
    (fault,) = scene.faults(document)
    assert f'"{key}"' in fault


RUN = ExportRun.read(run_state(audiences=[{"id": FIRST, "name": "First", "slug": "first"}]))


UPDATED = "2026-11-18T10:00:00Z"
HEALTH = Health("", 2, heard="2026-11-18T11:06:40Z", given_up=GivenUp(2, 2, 2))


def settled_run(scene: Scene) -> ExportsTable:
    """Return the exports table with a run of which everything is committed."""
    scene.configurations.put_scan(RUN.run, FIRST, Checkpoint(done=True), 0)
    scene.configurations.record_done(RUN.run, (), ["j1"], 0, {"accepted": 3, "rejected.fields": 2})
    scene.configurations.record_job(RUN.run, "j1", (1, 1), {"status": "completed"}, 0)
    return scene.configurations


class Queues:
    """Queues with two messages each."""

    def given_up(self) -> GivenUp:
        return GivenUp(2, 2, 2)


def sources(scene: Scene, runs: ExportsTable) -> Sources:
    client: Any = scene.dynamodb
    walks, heard = WalksTable(client, "exports"), HeardTable(client, "exports")
    walks.put_walk(RUN.run, "sweep", {"contacts": 5, "tallies": {}, "expected": []}, 0, finished=True)
    heard.put_heard("newsletter", 1_795_000_000_000)
    return Sources(scene.lytics, scene.sendgrid, runs, walks, heard, Queues())


def test_count_reads_every_side() -> None:
    scene = Scene()
    scene.sendgrid.all_segments.append(Segment("s1", "First", None, None, 7))
    counted = count(RUN, Account("default"), sources(scene, settled_run(scene)))
    assert (counted.lytics, counted.contacts, counted.notes) == ({FIRST: 10}, 12, ())
    assert counted.segments is not None
    assert counted.segments["s1"].contacts == 7
    assert (counted.counts, set(counted.jobs)) == ({"accepted": 3, "rejected.fields": 2}, {"j1"})
    assert counted.sweep == SweepFindings(5)
    assert (counted.has_job, counted.health) == (False, HEALTH)


@pytest.mark.parametrize(("job", "state"), [("j7", "paused"), ("gone", "")])
def test_count_reads_the_state_of_the_webhook_job(job: str, state: str) -> None:
    scene = Scene()
    scene.lytics.all_jobs = (
        LyticsJob("j7", "ours", "webhook_triggers", "paused", {}, (), {"updated": UPDATED}),
    )
    scene.configurations.put_export(replace(NEWSLETTER, lytics_job=job))
    run = RUN.model_copy(update={"export": "newsletter"})
    counted = count(run, Account("default"), sources(scene, scene.configurations))
    assert (counted.has_job, counted.health.job) == (True, state)
    assert counted.health.heard == "2026-11-18T11:06:40Z"
    assert counted.health.job_changed == (UPDATED if state else "")


def test_count_notes_a_side_that_does_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    scene = Scene()
    scene.lytics.refusals = {"sizes": Throttled("busy")}

    def down() -> tuple[Segment, ...]:
        raise ServiceUnavailable("SendGrid answered 503")

    monkeypatch.setattr(scene.sendgrid, "segments", down)
    counted = count(RUN, Account("default"), sources(scene, settled_run(scene)))
    assert (counted.lytics, counted.segments) == (None, None)
    assert counted.notes == (
        "Lytics' sizes could not be read: busy",
        "SendGrid's segments could not be read: SendGrid answered 503",
    )


def test_count_notes_a_webhook_job_that_cannot_be_read() -> None:
    scene = Scene()
    scene.lytics.refusals = {"job": Throttled("busy")}
    scene.configurations.put_export(replace(NEWSLETTER, lytics_job="j7"))
    run = RUN.model_copy(update={"export": "newsletter"})
    counted = count(run, Account("default"), sources(scene, scene.configurations))
    assert counted.notes == ("the webhook job's state could not be read: busy",)


def test_faults_are_at_their_places_in_the_input_as_it_was_given() -> None:
    scene = Scene()
    document = {
        "audiences": ["", "first", " Nobody ", 7],
        "custom_fields": {" no such field ": "x", "": "y"},
        "dry": True,
    }
    assert sorted(scene.places(document)) == [
        *("/audiences/0", "/audiences/2", "/audiences/3"),
        *("/custom_fields/", "/custom_fields/ no such field ", "/dry"),
    ]


def test_faults_of_keys_and_secrets_are_at_the_authorization() -> None:
    empty = Authorization("default", "main", "", "", "stack/default")
    unwritten = WebhookSecrets("stack/default/webhook", ())
    assert Scene(empty, unwritten).places() == ["/authorization"] * 3
    assert Scene(StopRun("no keys"), StopRun("no webhook secret")).places() == ["/authorization"] * 2
    scene = Scene()
    scene.lytics.refusals["audiences"] = KeyRefused("Lytics answered 401")
    scene.sendgrid.scopes = frozenset  # type: ignore[method-assign]
    assert scene.places() == ["/authorization"] * 2


@pytest.mark.parametrize("document", [{"action": "resync", "export": "x"}, {"action": "go"}, []])
def test_fault_of_the_whole_input_has_a_place_only_if_a_key_does(document: Any) -> None:
    (place,) = Scene().places(document)
    assert place == ({"resync": "/export", "go": "/action"}[document["action"]] if document else "")


def test_dry_run_says_which_configuration_it_was_planned_for() -> None:
    scene = Scene()
    scene.configurations.put_account(Account("main", 7), 0)
    assert scene.plan({"audiences": ["first"], "dry_run": True})["planned_version"] == 7
    assert "planned_version" not in scene.plan()
