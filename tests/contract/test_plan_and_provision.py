"""The tasks plan and provision from their handlers down, on both twins: what a run would do, done once."""

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
import requests

from lytics_sendgrid.errors import (
    AnswerLost,
    ExportRefused,
    InputInvalid,
    KeyRefused,
    ServiceUnavailable,
    StopRun,
)
from lytics_sendgrid.sendgrid.api import sendgrid_at
from lytics_sendgrid.tables.run_history import RunHistory
from lytics_sendgrid.workflow.faults import read_faults
from tests.contract.export_tasks import RUN, Tasks, tasks_of
from tests.local.sendgrid_twin.options import Fault, FaultKind, Options

FIELDS = "/v3/marketing/field_definitions"
SEGMENTS = "/v3/marketing/segments/2.0"


@pytest.fixture
def tasks(monkeypatch: pytest.MonkeyPatch) -> Iterator[Tasks]:
    with tasks_of(monkeypatch) as deployed:
        deployed.lytics.populate(60, 3, seed=1)
        yield deployed


def faults_of(tasks: Tasks, document: Any) -> list[str]:
    """Return the faults of a refused plan, which must not have written to SendGrid."""
    with pytest.raises(StopRun) as refusal:
        tasks.plan_of(document)
    assert tasks.writes() == []
    return [fault.text for fault in read_faults(str(refusal.value))]


def test_audiences_may_be_named_by_id_slug_or_name(tasks: Tasks) -> None:
    ids = [audience.id for audience in tasks.lytics.audiences()]
    state = tasks.plan(ids[0], "newsletter_readers", "Lapsed Customers")
    assert [audience["id"] for audience in state["audiences"]] == ids


def test_plan_says_what_would_be_created_and_changes_nothing(tasks: Tasks) -> None:
    tasks.sendgrid.add_field("city_name")
    list_id = tasks.sendgrid.add_list("Newsletter")
    custom_fields = {"lifetime_value": "ltv", "city": "City_Name", "birthday": "birthday"}
    state = tasks.plan(
        "high_value_users", "lapsed_customers", custom_fields=custom_fields, list="newsletter", dry_run=True
    )
    assert state["dry_run"]
    assert state["plan"]["create"] == {
        "custom_fields": ["lytics_segments", "ltv", "birthday"],
        "segments": ["High Value Users", "Lapsed Customers"],
    }
    assert state["plan"]["reuse"] == {"custom_fields": ["city_name"], "segments": [], "list": "Newsletter"}
    assert state["config"]["list"] == {"id": list_id, "name": "Newsletter"}
    sizes = {audience.slug: len(audience.members) for audience in tasks.lytics.audiences()}
    assert state["plan"]["people"] == sizes["high_value_users"] + sizes["lapsed_customers"]
    assert state["plan"]["estimate"]["aws_dollars"] > 0
    assert tasks.writes() == []
    assert tasks.exports.account("default").version == 0


def test_plan_begins_the_history_of_a_run_but_not_of_a_dry_run(tasks: Tasks) -> None:
    history = RunHistory(boto3.client("dynamodb"), "exports")
    tasks.plan("high_value_users", dry_run=True)
    assert history.latest_runs("default", 9) == ()
    tasks.plan("high_value_users")
    (record,) = history.latest_runs("default", 9)
    assert (record.run, record.action, record.finished_at) == (RUN, "start", None)


def test_every_fault_is_reported_at_once(tasks: Tasks) -> None:
    tasks.sendgrid.add_field("ltv", "Date")
    tasks.sendgrid.add_field("lytics_segments")
    tasks.lytics.seed_job("sendgrid_export_new", name="Hosted export")
    faults = faults_of(
        tasks,
        {
            "audiences": ["lapsed_customer", "high_value_users", 7],
            "email_field": "mail",
            "first_name_field": "given_name",
            "custom_fields": {"interests": "interests", "lifetime_value": "ltv", "city": "external_id"},
            "list": "Newsletter",
            "backfil": True,
        },
    )
    expected = [
        '"audiences", entry 3 must be text in quotes, not a number',
        '"backfil" is not a valid key: did you mean "backfill"?',
        "'lapsed_customer': did you mean 'lapsed_customers'?",
        "\"email_field\": Lytics has no field 'mail': did you mean 'email'?",
        "of type []string, which SendGrid cannot hold",
        "SendGrid has a custom field 'ltv' of type Date",
        "SendGrid finds contacts by external_id",
        "\"first_name_field\": Lytics has no field 'given_name'",
        "SendGrid has no list with the id or name 'Newsletter'",
        "Lytics' own SendGrid export 'Hosted export'",
        "custom field 'lytics_segments' that this product did not create",
    ]
    assert len(faults) == len(expected)
    for text in expected:
        assert any(text in fault for fault in faults), text


@pytest.mark.parametrize("document", [None, [], "high_value_users", {}, {"audiences": "high_value_users"}])
def test_malformed_input_is_refused(tasks: Tasks, document: Any) -> None:
    started = "export" if isinstance(document, dict) else "run"
    with pytest.raises(InputInvalid, match=f"The {started} cannot start"):
        tasks.plan_of(document)


def test_two_wrong_keys_are_reported_together(tasks: Tasks) -> None:
    tasks.put_secret(sendgrid_api_key="SG.old", lytics_api_token="old")
    faults = faults_of(tasks, {"audiences": ["high_value_users"]})
    assert [fault.split(" ")[0] for fault in faults] == ["Lytics", "SendGrid"]
    assert "sendgrid_api_key" in faults[-1]
    assert "lytics_api_token" in faults[0]


def test_key_without_marketing_is_refused_with_a_remedy(tasks: Tasks) -> None:
    tasks.put_secret(sendgrid_api_key="SG.no-marketing")
    with pytest.raises(KeyRefused, match="Restricted Access > Marketing: Full Access"):
        tasks.plan("high_value_users")


def test_incomplete_secret_is_refused(tasks: Tasks) -> None:
    tasks.put_secret(sendgrid_api_key="")
    tasks.put_webhook_secret([])
    faults = faults_of(tasks, {"audiences": ["high_value_users"]})
    assert [f[: f.index(" in")] for f in faults] == [
        '"sendgrid_api_key" is empty',
        '"webhook_secrets" is empty',
    ]


def test_missing_secret_is_reported_with_input_faults(tasks: Tasks) -> None:
    faults = faults_of(tasks, {"audiences": ["high_value_users"], "authorization": "other", "adapt": True})
    assert '"adapt" is not a valid key' in faults[0]
    assert "'stack/other' cannot be read" in faults[1]


def test_full_account_is_refused(tasks: Tasks) -> None:
    sendgrid = sendgrid_at(tasks.sendgrid.url, "SG.full")
    for number in range(199):
        sendgrid.create_segment(f"Segment {number}", "SELECT contact_id, updated_at FROM contact_data", None)
    tasks.sendgrid.forget_exchanges()
    faults = faults_of(tasks, {"audiences": ["high_value_users", "lapsed_customers"]})
    assert faults == [
        (
            "a SendGrid account holds 200 segments and this one has 199; 2 more are needed: delete segments "
            "that are not used (Marketing > Segments), or export fewer audiences"
        )
    ]


def test_segment_with_the_name_is_refused_unless_identical(tasks: Tasks) -> None:
    sendgrid = sendgrid_at(tasks.sendgrid.url, "SG.full")
    (audience, other, _) = [audience.id for audience in tasks.lytics.audiences()]
    tasks.sendgrid.add_field("lytics_segments")
    query = f"select contact_id,updated_at  from contact_data\nwhere LYTICS_SEGMENTS like '%{audience}%'"  # noqa: S608
    sendgrid.create_segment("High Value Users", query, None)
    sendgrid.create_segment("newsletter readers", query, None)
    tasks.sendgrid.forget_exchanges()

    (fault,) = faults_of(tasks, {"audiences": [audience, other], "adopt": True})
    state = tasks.plan(audience, adopt=True)

    assert "already has a segment 'newsletter readers', and it is not this audience's" in fault
    assert state["plan"]["reuse"]["segments"] == ["High Value Users"]
    assert tasks.provision(state)["adopted"] == 1


def test_segment_follows_its_renamed_audience(tasks: Tasks, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lytics_sendgrid.sendgrid.api._MAX_WAIT_S", 0.0)
    audience = tasks.lytics.add_audience("Big spenders")
    tasks.provision(tasks.plan(audience))
    tasks.lytics.rename_audience(audience, name="Large spenders")
    renaming = tasks.plan(audience)
    refused = tasks.provision(renaming)
    tasks.sendgrid.set_options(segment_patch_wait_s=0.0)
    done = tasks.provision(tasks.plan(audience))
    again = tasks.plan(audience)
    (segment,) = sendgrid_at(tasks.sendgrid.url, "SG.full").segments()

    assert "Its segment is renamed from 'Big spenders' to 'Large spenders'" in renaming["plan"]["notes"][0]
    assert "could not be renamed to 'Large spenders'" in refused["notes"][0]
    assert (done["renamed"], segment.name) == (1, "Large spenders")
    assert again["plan"]["notes"] == []


def test_hosted_exports_field_is_adopted_only_on_request(tasks: Tasks) -> None:
    field = tasks.sendgrid.add_field("lytics_segments")
    tasks.lytics.seed_job("sendgrid_export_new", status="paused")
    tasks.lytics.seed_job("sendgrid_export_new", status="completed")
    assert len(faults_of(tasks, {"audiences": ["high_value_users"]})) == 2
    state = tasks.plan("high_value_users", adopt=True)
    assert len(state["plan"]["notes"]) == 2
    tasks.provision(state)
    assert tasks.exports.account("default").membership_fields == {"lytics_segments": field}


def test_provisioning_creates_everything_once(tasks: Tasks) -> None:
    list_id = tasks.sendgrid.add_list("Newsletter")
    state = tasks.plan(
        "high_value_users", "lapsed_customers", custom_fields={"lifetime_value": "ltv"}, list=list_id
    )
    first = tasks.provision(state)
    made = tasks.writes()
    again = tasks.provision(state)
    new_plan = tasks.provision(
        tasks.plan(
            "high_value_users", "lapsed_customers", custom_fields={"lifetime_value": "ltv"}, list=list_id
        )
    )

    assert (first["fields"], first["segments"]) == (["lytics_segments", "ltv"], 2)
    assert all("adopted" not in done for done in (first, again, new_plan))
    assert made == [f"POST {FIELDS} 200"] * 2 + [f"POST {SEGMENTS} 201"] * 2
    assert {done["version"] for done in (first, again, new_plan)} == {first["version"]}
    assert all(not done["fields"] and not done["segments"] for done in (again, new_plan))
    assert tasks.writes()[len(made) :] == [f"PATCH {FIELDS}/{{custom_field_id}} 200"] * 2


def test_provisioned_resources_are_recorded(tasks: Tasks) -> None:
    list_id = tasks.sendgrid.add_list("Newsletter")
    done = tasks.provision(
        tasks.plan(
            "high_value_users", export="news", custom_fields={"lifetime_value": "ltv"}, list="Newsletter"
        )
    )
    (audience, *_) = [audience.id for audience in tasks.lytics.audiences()]
    account, export = tasks.exports.account("default"), tasks.exports.export("news")
    assert export is not None
    provisioned = account.audiences[audience]
    segment = sendgrid_at(tasks.sendgrid.url, "SG.full").segment(provisioned.segment_id or "")
    assert segment.name == "High Value Users"
    assert (
        segment.query
        == f"SELECT contact_id, updated_at FROM contact_data WHERE lytics_segments LIKE '%{audience}%'"  # noqa: S608
    )
    assert segment.list_id == provisioned.list_id == export.list_id == list_id
    assert provisioned.exports == ("news",)
    assert account.version == export.version == done["version"]
    assert {mapped.name: mapped.is_custom for mapped in export.fields} == {
        "ltv": True,
        "first_name": False,
        "last_name": False,
    }


def test_read_only_key_fails_at_the_first_write(tasks: Tasks) -> None:
    tasks.put_secret(sendgrid_api_key="SG.read-only")
    state = tasks.plan("high_value_users")
    with pytest.raises(KeyRefused, match="Marketing: Full Access"):
        tasks.provision(state)
    assert tasks.writes() == [f"POST {FIELDS} 403"]
    assert tasks.exports.account("default").membership_fields == {}
    assert tasks.exports.export("default") is None


def test_lost_permission_is_found_with_nothing_to_create(tasks: Tasks) -> None:
    tasks.provision(tasks.plan("high_value_users"))
    tasks.put_secret(sendgrid_api_key="SG.read-only")
    with pytest.raises(KeyRefused):
        tasks.provision(tasks.plan("high_value_users"))
    assert tasks.exports.account("default").membership_fields == {"lytics_segments": "e1_T"}


@pytest.mark.parametrize("kind", [FaultKind.DROP_BEFORE, FaultKind.DROP_AFTER, FaultKind.SERVER_ERROR])
@pytest.mark.parametrize("writes_before", range(5))
def test_retry_heals_a_lost_write(tasks: Tasks, kind: FaultKind, writes_before: int) -> None:
    state = tasks.plan("high_value_users", "lapsed_customers", custom_fields={"lifetime_value": "ltv"})
    writes = [f"POST {FIELDS}"] * 2 + [f"POST {SEGMENTS}"] * 2
    endpoint = writes[min(writes_before, 3)]
    tasks.sendgrid.set_faults(Fault(kind=kind, on=endpoint, max_count=1 + writes_before % 2))
    attempts = 0
    while True:
        attempts += 1
        try:
            done = tasks.provision(state)
            break
        except (ServiceUnavailable, AnswerLost):
            assert attempts < 6
    account = tasks.exports.account("default")
    assert account.membership_fields == {"lytics_segments": "e1_T"}
    counts = tasks.sendgrid.state()
    assert (counts["custom_fields"], counts["segments"]) == (2, 2)
    assert tasks.provision(state)["version"] == done["version"]


def test_field_created_since_the_plan_is_foreign(tasks: Tasks) -> None:
    state = tasks.plan("high_value_users")
    tasks.sendgrid.add_field("lytics_segments")
    with pytest.raises(ExportRefused, match="something else has created"):
        tasks.provision(state)
    assert tasks.exports.account("default").membership_fields == {}
    assert len(faults_of_after(tasks)) == 1


def faults_of_after(tasks: Tasks) -> list[str]:
    tasks.sendgrid.forget_exchanges()
    return faults_of(tasks, {"audiences": ["high_value_users"]})


def test_renamed_audience_keeps_its_segment(tasks: Tasks) -> None:
    tasks.provision(tasks.plan("high_value_users"))
    (audience, *_) = [audience.id for audience in tasks.lytics.audiences()]
    segment = tasks.exports.account("default").audiences[audience].segment_id
    tasks.lytics.rename_audience(audience, name="Best Customers")
    done = tasks.provision(tasks.plan(audience))
    assert (done["segments"], tasks.exports.account("default").audiences[audience].segment_id) == (0, segment)


def test_dropped_audience_is_no_longer_updated(tasks: Tasks) -> None:
    first = tasks.provision(tasks.plan("high_value_users", "lapsed_customers"))
    ids = {audience.slug: audience.id for audience in tasks.lytics.audiences()}
    state = tasks.plan("lapsed_customers")
    done = tasks.provision(state)
    account = tasks.exports.account("default")
    assert done["version"] > first["version"]
    assert account.audiences[ids["high_value_users"]].exports == ()
    assert account.audiences[ids["lapsed_customers"]].exports == ("default",)
    assert (
        "the audience 'High Value Users' (26 people) is removed: everybody is taken out"
        in state["plan"]["notes"][0]
    )


def test_exports_share_an_audience_but_cannot_move_it(tasks: Tasks) -> None:
    tasks.sendgrid.add_list("Newsletter")
    tasks.provision(tasks.plan("high_value_users", export="one"))
    tasks.provision(tasks.plan("high_value_users", export="two"))
    (provisioned,) = tasks.exports.account("default").audiences.values()
    assert provisioned.exports == ("one", "two")
    tasks.sendgrid.forget_exchanges()
    (fault,) = faults_of(tasks, {"audiences": ["high_value_users"], "export": "two", "list": "Newsletter"})
    assert "SendGrid cannot move a segment" in fault


def test_export_name_belongs_to_its_account(tasks: Tasks) -> None:
    tasks.provision(tasks.plan("high_value_users"))
    tasks.put_secret(sendgrid_account="other")
    tasks.sendgrid.forget_exchanges()
    faults = faults_of(tasks, {"audiences": ["high_value_users"], "adopt": True})
    assert "there is already an export 'default'" in faults[0]


def test_deleted_segment_and_field_are_created_again(tasks: Tasks) -> None:
    tasks.provision(tasks.plan("high_value_users"))
    (provisioned,) = tasks.exports.account("default").audiences.values()
    session_delete(tasks, f"{SEGMENTS}/{provisioned.segment_id}")
    session_delete(tasks, f"{FIELDS}/e1_T")
    state = tasks.plan("high_value_users")
    assert "was deleted in SendGrid" in state["plan"]["notes"][0]
    done = tasks.provision(state)
    assert (done["fields"], done["segments"]) == (["lytics_segments"], 1)
    assert tasks.exports.account("default").membership_fields == {"lytics_segments": "e2_T"}


def session_delete(tasks: Tasks, path: str) -> None:
    answer = requests.delete(
        tasks.sendgrid.url + path, headers={"Authorization": "Bearer SG.full"}, timeout=5
    )
    assert answer.ok


def test_provisioning_waits_for_sendgrids_rate_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    options = Options(field_delay_s=0.0, limits={"*": (1, 1.0)})
    with tasks_of(monkeypatch, options) as tasks:
        tasks.lytics.populate(20, 1, seed=1)
        assert tasks.provision(tasks.plan("high_value_users"))["segments"] == 1
