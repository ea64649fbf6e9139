"""Provisioning creates each resource once, wherever it crashes, and records what it created."""

import math
from dataclasses import replace
from typing import Any

import pytest

from functions.provision.provisioning import provision
from lytics_sendgrid.domain.configuration import Account, AudienceState, Export, ProvisionedAudience
from lytics_sendgrid.errors import (
    AnswerLost,
    ConfigurationChanged,
    ExportRefused,
    KeyRefused,
    RequestRefused,
    RetryLater,
    ServiceUnavailable,
    Throttled,
)
from lytics_sendgrid.sendgrid.resources import CustomField, Segment, SingleSend, segment_query
from lytics_sendgrid.workflow.export_run import ExportRun
from lytics_sendgrid.workflow.run_config import Provisioned
from tests.clock import ManualClock
from tests.doubles.adapters import exports_table
from tests.doubles.calls import refusal
from tests.doubles.dynamodb import DynamoDb
from tests.doubles.sendgrid import SendGridInMemory
from tests.run_state import run_state

FIRST, SECOND = "1" * 32, "2" * 32
NAMES = {FIRST: "First", SECOND: "Second"}
WRITES = 4


class Scene:
    """An account, our table, and a run that exports two audiences and one custom field."""

    def __init__(self, account: Account | None = None) -> None:
        self.sendgrid = SendGridInMemory()
        self.dynamodb = DynamoDb()
        self.configurations = exports_table(self.dynamodb, *([account] if account else []))
        self.clock = ManualClock()

    def state(
        self, *audiences: str, field: str | None = None, adopt: bool = False, list_id: str | None = None
    ) -> ExportRun:
        chosen = audiences or (FIRST, SECOND)
        mapping = {"lytics": "ltv", "name": "ltv", "kind": "Number", "custom": True, "max_chars": 1000}
        name = {"lytics": "name", "name": "first_name", "kind": "Text", "custom": False, "max_chars": 50}
        state = run_state(
            export="news",
            account="main",
            audiences=[{"id": a, "name": NAMES[a], "slug": NAMES[a].lower()} for a in chosen],
            config={
                "adopt": adopt,
                "email_field": "email",
                "mapping": [mapping, name],
                "membership_fields": {"lytics_segments": field},
                "list": {"id": list_id, "name": "News"} if list_id else None,
                "segments": [{"audience": a, "name": NAMES[a], "field": "lytics_segments"} for a in chosen],
            },
        )
        return ExportRun.read(state)

    def provision(self, run: ExportRun | None = None) -> Provisioned:
        return provision(run or self.state(), self.sendgrid, self.configurations, self.clock)

    @property
    def account(self) -> Account:
        return self.configurations.account("main")

    @property
    def export(self) -> Export:
        found = self.configurations.export("news")
        assert found is not None
        return found


def test_missing_resources_are_created_and_recorded() -> None:
    scene = Scene()
    now_s = math.floor(scene.clock.now())
    done = scene.provision(scene.state(list_id="l1"))
    assert done == Provisioned(version=3, fields=("lytics_segments", "ltv"), segments=2)
    assert scene.sendgrid.calls[0] == "create_field lytics_segments"
    assert (scene.account.written_s, scene.account.membership_fields) == (now_s, {"lytics_segments": "e1_T"})
    assert scene.account.audiences == {
        audience: ProvisionedAudience(
            *("lytics_segments", segment, "l1", ("news",)),
            since_ns=(now_s - 900) * 1_000_000_000,
            state_since_s=now_s,
            made=True,
        )
        for audience, segment in ((FIRST, "s1"), (SECOND, "s2"))
    }
    export = scene.export
    assert (export.version, export.list_id, export.list_name) == (3, "l1", "News")
    assert [(field.sendgrid, field.is_custom) for field in export.fields] == [
        ("e2_N", True),
        ("first_name", False),
    ]


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("write", range(1, WRITES + 1))
@pytest.mark.parametrize("error", [AnswerLost("no answer"), ServiceUnavailable("down")])
def test_retry_heals_a_crash_at_any_sendgrid_write(write: int, moment: str, error: RetryLater) -> None:
    scene, calm = Scene(), Scene()
    calm.provision()
    scene.sendgrid.deaths = {(write, moment): error}
    with pytest.raises(type(error)):
        scene.provision()
    scene.provision()
    assert scene.sendgrid.custom_fields == calm.sendgrid.custom_fields
    assert scene.sendgrid.all_segments == calm.sendgrid.all_segments
    assert replace(scene.account, version=0) == replace(calm.account, version=0)


def next_start(scene: Scene) -> ExportRun:
    """Return a start that is planned now: its plan has found the segments by their names."""
    present = {segment.name for segment in scene.sendgrid.all_segments}
    state = scene.state(field="e1_T" if scene.sendgrid.custom_fields else None).document()
    for segment in state["config"]["segments"]:
        segment["exists"] = segment["name"] in present
    return ExportRun.read(state)


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("write", range(1, WRITES + 1))
def test_next_start_knows_the_segments_of_one_that_died(write: int, moment: str) -> None:
    scene = Scene()
    scene.sendgrid.deaths = {(write, moment): AnswerLost("no answer")}
    with pytest.raises(AnswerLost):
        scene.provision()
    scene.provision(next_start(scene))
    assert [known.made for known in scene.account.audiences.values()] == [True, True]
    assert scene.account.segments_begun == set()


def test_segment_that_was_never_begun_is_adopted() -> None:
    scene, other = Scene(), Scene()
    other.provision()
    scene.sendgrid.all_segments = other.sendgrid.all_segments[:1]
    scene.provision(next_start(scene))
    assert {name: known.made for name, known in scene.account.audiences.items()} == {
        FIRST: False,
        SECOND: True,
    }


@pytest.mark.parametrize("write", range(1, 6))
def test_retry_heals_a_crash_at_any_table_write(write: int) -> None:
    scene = Scene()

    def dying(operation: str, _request: Any) -> None:
        writes = len(scene.dynamodb.calls.of("PutItem")) + len(scene.dynamodb.calls.of("UpdateItem"))
        if operation in {"PutItem", "UpdateItem"} and writes == write:
            raise refusal("InternalServerError", operation, 500)

    scene.dynamodb.calls.before = dying
    with pytest.raises(ServiceUnavailable):
        scene.provision()
    done = scene.provision()
    assert (len(scene.sendgrid.custom_fields), len(scene.sendgrid.all_segments)) == (2, 2)
    assert scene.export.version == scene.account.version == done.version


@pytest.mark.parametrize("moment", range(1, 12))
def test_concurrent_runs_create_everything_once(moment: int) -> None:
    """Another run does all its work between two calls of this one."""
    scene, calm = Scene(), Scene()
    calm.provision()
    calls = 0

    class Interrupted:
        def __init__(self, inner: Any) -> None:
            self._inner = inner

        def __getattr__(self, name: str) -> Any:
            def called(*values: Any) -> Any:
                nonlocal calls
                calls += 1
                if calls == moment:
                    scene.provision()
                return getattr(self._inner, name)(*values)

            return called

    def this_run() -> Provisioned:
        sendgrid, configurations = Interrupted(scene.sendgrid), Interrupted(scene.configurations)
        return provision(scene.state(), sendgrid, configurations, scene.clock)

    try:
        done = this_run()
    except RetryLater:
        done = this_run()
    assert calls >= moment
    assert scene.sendgrid.custom_fields == calm.sendgrid.custom_fields
    assert sorted(s.name for s in scene.sendgrid.all_segments) == ["First", "Second"]
    assert replace(scene.account, version=0) == replace(calm.account, version=0)
    assert scene.export.version in {done.version, scene.account.version}


def test_second_call_writes_nothing() -> None:
    scene = Scene()
    scene.provision()
    writes = len(scene.dynamodb.calls.of("PutItem"))
    for run in (scene.state(), scene.state(field="e1_T")):
        assert scene.provision(run) == Provisioned(version=3, fields=(), segments=0)
    assert len(scene.dynamodb.calls.of("PutItem")) == writes
    assert scene.sendgrid.calls.count("rename_field e1_T lytics_segments") == 2


def renamed_run(scene: Scene) -> ExportRun:
    """Return the next run after the first audience was renamed in Lytics."""
    state = scene.state().document()
    state["audiences"][0]["name"] = "First, now"
    state["config"]["segments"] = [
        {"audience": FIRST, "field": "lytics_segments", "rename": True},
        {"audience": SECOND, "field": "lytics_segments"},
    ]
    return ExportRun.read(state)


def test_segment_is_renamed_like_its_audience() -> None:
    scene = Scene()
    scene.provision()
    for renamed in (1, 0):
        done = scene.provision(renamed_run(scene))
        assert (done.renamed, done.segments, done.adopted, done.notes) == (renamed, 0, 0, ())
    assert [segment.name for segment in scene.sendgrid.all_segments] == ["First, now", "Second"]
    assert scene.export.audiences[0].name == "First, now"


@pytest.mark.parametrize("refused", [RequestRefused("too soon"), Throttled("too soon", 300)])
def test_refused_rename_is_noted_and_tried_again(refused: Exception) -> None:
    scene = Scene()
    scene.provision()
    scene.sendgrid.deaths = {(scene.sendgrid._writes + 2, "before"): refused}
    done = scene.provision(renamed_run(scene))
    (note,) = done.notes
    assert note.startswith("the segment 'First' could not be renamed to 'First, now' (too soon)")
    assert done.renamed == 0
    # The next plan compares with this name, and so it tries again.
    assert scene.export.audiences[0].name == "First"
    assert scene.provision(renamed_run(scene)).renamed == 1
    assert scene.export.audiences[0].name == "First, now"


def test_name_of_a_new_segment_follows_from_its_audience() -> None:
    scene = Scene()
    state = scene.state().document()
    for segment in state["config"]["segments"]:
        del segment["name"]
    scene.provision(ExportRun.read(state))
    assert [segment.name for segment in scene.sendgrid.all_segments] == ["First", "Second"]


def test_read_only_key_leaves_nothing() -> None:
    scene = Scene()
    scene.sendgrid.deaths = {(1, "before"): KeyRefused("403")}
    with pytest.raises(KeyRefused):
        scene.provision()
    assert scene.account.membership_fields == {}
    assert (scene.sendgrid.custom_fields, scene.configurations.export("news")) == ([], None)
    assert scene.sendgrid.calls == ["create_field lytics_segments"]


def test_read_only_key_is_reported_even_if_rollback_fails() -> None:
    scene = Scene()
    scene.sendgrid.deaths = {(1, "before"): KeyRefused("403")}

    def once(operation: str, _request: Any) -> None:
        if operation == "PutItem" and len(scene.dynamodb.calls.of(operation)) > 1:
            raise refusal("ConditionalCheckFailedException", operation)

    scene.dynamodb.calls.before = once
    with pytest.raises(KeyRefused):
        scene.provision()
    assert scene.account.membership_fields == {"lytics_segments": None}


def test_key_is_tested_even_if_nothing_is_missing() -> None:
    scene = Scene()
    scene.provision()
    scene.sendgrid.deaths = {(5, "before"): KeyRefused("403")}
    with pytest.raises(KeyRefused):
        scene.provision(scene.state(field="e1_T"))
    assert scene.account.membership_fields == {"lytics_segments": "e1_T"}


def test_refused_rename_to_the_same_name_is_ignored() -> None:
    scene = Scene()
    scene.provision()
    scene.sendgrid.deaths = {(5, "before"): RequestRefused("400")}
    assert scene.provision(scene.state(field="e1_T")).segments == 0


def test_field_created_since_the_plan_is_foreign_unless_adopted() -> None:
    for adopt in (False, True):
        scene = Scene()
        scene.sendgrid.custom_fields.append(CustomField("x1_T", "lytics_segments", "Text"))
        if adopt:
            scene.provision(scene.state(adopt=True))
            assert scene.account.membership_fields == {"lytics_segments": "x1_T"}
        else:
            with pytest.raises(ExportRefused, match="something else has created"):
                scene.provision()
            assert scene.account.membership_fields == {}


def test_deleted_field_is_created_again() -> None:
    scene = Scene(Account("main", 4, {"lytics_segments": "old_T", "lytics_segments_1": "e8_T"}))
    scene.provision()
    assert scene.account.membership_fields == {"lytics_segments": "e1_T", "lytics_segments_1": "e8_T"}


def test_deleted_field_keeps_its_record_if_creation_is_refused() -> None:
    account = Account("main", 4, {"lytics_segments": "old_T", "lytics_segments_1": None})
    scene = Scene(account)
    scene.sendgrid.deaths = {(1, "before"): KeyRefused("403")}
    with pytest.raises(KeyRefused):
        scene.provision()
    assert scene.account.membership_fields == account.membership_fields


@pytest.mark.parametrize(
    ("other", "state"),
    [(None, AudienceState.CLEARED), ("live", AudienceState.LIVE), ("stopped", AudienceState.STOPPED)],
)
def test_removed_audience_stays_only_if_another_export_has_it(
    other: str | None, state: AudienceState
) -> None:
    scene = Scene()
    scene.provision()
    if other is not None:
        second = scene.account.audiences[SECOND]
        account = scene.account.with_audience(SECOND, replace(second, exports=("news", other)))
        scene.configurations.put_account(replace(account, version=4), 3)
        stopped_s = 5 if other == "stopped" else None
        scene.configurations.put_export(replace(scene.export, name=other, stopped_s=stopped_s))
    scene.provision(scene.state(FIRST, field="e1_T"))
    present = scene.account.audiences[SECOND]
    assert (present.state, present.exports) == (state, (other,) if other else ())
    assert set(scene.account.to_clear) == (set() if other else {SECOND})


def test_audience_that_is_added_again_is_live_at_once() -> None:
    scene = Scene()
    scene.provision()
    scene.provision(scene.state(FIRST, field="e1_T"))
    removed_s = scene.account.to_clear[SECOND]
    scene.clock.now_s += 60
    scene.provision(scene.state(field="e1_T"))
    present = scene.account.audiences[SECOND]
    assert (present.state, present.exports, present.made) == (AudienceState.LIVE, ("news",), True)
    assert present.since_ns == (math.floor(scene.clock.now_s) - 900) * 10**9
    assert scene.account.to_clear == {SECOND: removed_s}


def test_stopped_export_that_starts_again_is_live_and_keeps_its_since() -> None:
    scene = Scene()
    scene.provision()
    before = scene.account.audiences
    halted = {name: replace(one, state=AudienceState.STOPPED) for name, one in before.items()}
    scene.configurations.put_account(replace(scene.account, version=4, audiences=halted), 3)
    scene.configurations.put_export(replace(scene.export, stopped_s=7))
    scene.clock.now_s += 60
    scene.provision(scene.state(field="e1_T"))
    assert scene.export.stopped_s is None
    for name, present in scene.account.audiences.items():
        assert (present.state, present.since_ns) == (AudienceState.LIVE, before[name].since_ns)


def moved_run(scene: Scene) -> ExportRun:
    """Return a run that puts the first audience's segment on another list."""
    run = scene.state(FIRST, field="e1_T", list_id="l2")
    segments = tuple(segment.model_copy(update={"replaces": "s1"}) for segment in run.config.segments)
    return run.model_copy(update={"config": run.config.model_copy(update={"segments": segments})})


def moved() -> Scene:
    scene = Scene()
    scene.provision(scene.state(FIRST))
    scene.sendgrid.calls.clear()
    return scene


def test_segment_on_a_list_that_is_given_up_is_created_again() -> None:
    scene = moved()
    done = scene.provision(moved_run(scene))
    assert [(one.id, one.name, one.list_id) for one in scene.sendgrid.all_segments] == [("s2", "First", "l2")]
    present = scene.account.audiences[FIRST]
    assert (done.segments, present.segment_id, present.list_id, present.made) == (1, "s2", "l2", True)
    scene.sendgrid.calls.clear()
    assert scene.provision(moved_run(scene)).segments == 0
    assert "delete_segment s1" not in scene.sendgrid.calls


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("write", [3, 4])
def test_retry_heals_a_crash_while_a_segment_is_created_again(write: int, moment: str) -> None:
    scene = moved()
    scene.sendgrid.deaths = {(write + 2, moment): AnswerLost("lost")}
    with pytest.raises(AnswerLost):
        scene.provision(moved_run(scene))
    scene.provision(moved_run(scene))
    assert [(one.name, one.list_id) for one in scene.sendgrid.all_segments] == [("First", "l2")]
    assert scene.account.audiences[FIRST].segment_id == scene.sendgrid.all_segments[0].id
    assert scene.account.audiences[FIRST].made


def test_deleted_segment_that_sendgrid_still_lists_is_not_found() -> None:
    scene = moved()
    (present,) = scene.sendgrid.all_segments
    scene.sendgrid.delete_segment = lambda segment_id: True  # type: ignore[method-assign]

    def gone(seconds: float) -> None:
        scene.sendgrid.all_segments.remove(present)

    scene.clock.sleep = gone  # type: ignore[method-assign]
    scene.provision(moved_run(scene))
    assert [one.list_id for one in scene.sendgrid.all_segments] == ["l2"]


def test_segment_of_a_scheduled_single_send_is_not_deleted() -> None:
    scene = moved()
    scene.sendgrid.single_sends = [
        SingleSend("1", "Spring sale", "scheduled", frozenset({"s1"})),
        SingleSend("2", "Other", "scheduled", frozenset({"s9"})),
    ]
    with pytest.raises(ExportRefused, match="Single Send 'Spring sale' goes to the segment 'First'"):
        scene.provision(moved_run(scene))
    assert scene.sendgrid.calls == ["scheduled_single_sends", "find_segment s1"]


@pytest.mark.parametrize("query", ["SELECT 1", None])
def test_segment_whose_query_was_changed_is_not_deleted(query: str | None) -> None:
    scene = moved()
    scene.sendgrid.all_segments = [replace(one, query=query) for one in scene.sendgrid.all_segments]
    with pytest.raises(ExportRefused, match="somebody has changed the query of the segment 'First'"):
        scene.provision(moved_run(scene))
    assert len(scene.sendgrid.all_segments) == 1


def test_field_not_listed_yet_is_retried_later() -> None:
    scene = Scene()
    scene.provision()
    scene.sendgrid.custom_fields.clear()
    with pytest.raises(ServiceUnavailable, match="does not list"):
        scene.provision(scene.state(field="e1_T"))


def test_refused_field_quotes_sendgrids_message() -> None:
    scene = Scene()
    scene.sendgrid.deaths = {(2, "before"): RequestRefused("SendGrid answered 400: no")}
    with pytest.raises(
        RequestRefused, match="400: no: create the custom field 'ltv' of type Number in SendGrid"
    ):
        scene.provision()


def test_field_of_wrong_type_created_since_the_plan_is_refused() -> None:
    scene = Scene()
    scene.sendgrid.custom_fields.append(CustomField("x1_T", "LTV", "Text"))
    with pytest.raises(RequestRefused, match="'LTV' of type Text, but the export needs type Number"):
        scene.provision()


def test_segment_creation_waits_for_a_new_field() -> None:
    scene = Scene()
    scene.sendgrid.segment_refusals = 3
    assert scene.provision().segments == 2
    assert scene.clock.sleeps == [2, 3, 5]


def test_refused_segment_quotes_sendgrids_message_after_a_minute() -> None:
    scene = Scene()
    scene.sendgrid.segment_refusals = 100
    with pytest.raises(RequestRefused, match="no such column: fix that and start the export again"):
        scene.provision()
    assert 30 <= sum(scene.clock.sleeps) <= 60
    assert scene.configurations.export("news") is None


def test_invalid_segment_is_refused() -> None:
    scene = Scene()
    scene.sendgrid.validation = "INVALID"
    with pytest.raises(RequestRefused, match="'First' is invalid"):
        scene.provision()


@pytest.mark.parametrize(
    ("query", "list_id"),
    [("SELECT 1", None), (segment_query("lytics_segments", FIRST), "l1"), (None, None)],
)
def test_other_segment_with_the_name_is_refused(query: str | None, list_id: str | None) -> None:
    scene = Scene()
    scene.sendgrid.all_segments.append(Segment("x", "FIRST", list_id, query))
    with pytest.raises(ExportRefused, match="another segment 'FIRST' was created in SendGrid"):
        scene.provision()


def test_segment_left_by_a_lost_answer_is_found() -> None:
    scene = Scene()
    create, made = scene.sendgrid.create_segment, []

    def twice(name: str, query: str, list_id: str | None) -> Segment:
        # SendGrid's list lags behind: it does not show the segment until the name is refused.
        made.append(create(name, query, list_id))
        return create(name, query, list_id)

    scene.sendgrid.create_segment = twice  # type: ignore[method-assign]
    done = scene.provision(scene.state(FIRST))
    assert (done.segments, done.adopted, len(made)) == (0, 0, 1)


def test_exports_share_and_drop_audiences() -> None:
    scene = Scene()
    scene.provision()
    scene.provision(scene.state(FIRST, field="e1_T").model_copy(update={"export": "other"}))
    scene.provision(scene.state(SECOND, field="e1_T"))
    assert scene.account.audiences[FIRST].exports == ("other",)
    assert scene.account.audiences[SECOND].exports == ("news",)
    assert scene.account.audiences[FIRST].segment_id == "s1"


def test_provisioning_keeps_the_webhook_job() -> None:
    scene = Scene()
    scene.provision()
    live = replace(scene.export, lytics_job="j1", lytics_auth="a1")
    scene.configurations.put_export(live)
    scene.provision(scene.state(FIRST, field="e1_T"))
    changed = scene.export
    assert (changed.lytics_job, changed.lytics_auth, len(changed.audiences)) == ("j1", "a1", 1)


def test_configuration_changed_meanwhile_is_not_overwritten() -> None:
    scene = Scene()
    create = scene.sendgrid.create_segment

    def meanwhile(name: str, query: str, list_id: str | None) -> Segment:
        scene.configurations.put_account(replace(scene.account, version=99), scene.account.version)
        return create(name, query, list_id)

    scene.sendgrid.create_segment = meanwhile  # type: ignore[method-assign]
    with pytest.raises(ConfigurationChanged):
        scene.provision()
    assert scene.account.version == 99


def repairing_run(scene: Scene) -> ExportRun:
    """Return the next run after somebody changed the first segment's query in SendGrid."""
    state = scene.state().document()
    state["config"]["segments"] = [
        {"audience": FIRST, "field": "lytics_segments", "repair": True},
        {"audience": SECOND, "field": "lytics_segments"},
    ]
    scene.sendgrid.all_segments[0] = replace(scene.sendgrid.all_segments[0], query="SELECT 1")
    return ExportRun.read(state)


def test_changed_query_is_set_again() -> None:
    scene = Scene()
    scene.provision()
    done = scene.provision(repairing_run(scene))
    assert (done.repaired, done.notes) == (1, ())
    assert scene.sendgrid.all_segments[0].query == segment_query("lytics_segments", FIRST)


@pytest.mark.parametrize("refused", [RequestRefused("too soon"), Throttled("too soon", 300)])
def test_refused_query_is_noted(refused: Exception) -> None:
    scene = Scene()
    scene.provision()
    scene.sendgrid.deaths = {(scene.sendgrid._writes + 2, "before"): refused}
    done = scene.provision(repairing_run(scene))
    assert (done.repaired, len(done.notes)) == (0, 1)
    assert "the query of the segment 'First' could not be set (too soon)" in done.notes[0]
