"""The two functions that a schedule calls, on the local cloud: nightly and watch."""

import json
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import requests

from functions.nightly.resyncs import resync_input
from lytics_sendgrid.aws.executions import MachineExecutions
from lytics_sendgrid.domain.execution import Execution
from lytics_sendgrid.domain.nights import resync_name
from lytics_sendgrid.tables.heard import HeardTable
from tests.e2e.customer import Customer, sendgrid_key
from tests.local.build import REPOSITORY
from tests.local.polling import poll
from tests.local.sendgrid_twin.options import Capability
from tests.newsletter import LAPSED

EVENT: dict[str, Any] = json.loads((REPOSITORY / "events" / "eventbridge" / "schedule.json").read_text())


def nightly(customer: Customer, night: str) -> dict[str, Any]:
    """Call the function as its schedule does. Meanwhile the stack has no exports of other tests."""
    deployment = customer.product.deployment
    client, table = deployment.cloud.client("dynamodb"), deployment.outputs["ExportsTable"]
    listed = client.query(
        TableName=table,
        KeyConditionExpression="pk = :pk",
        ExpressionAttributeValues={":pk": {"S": "exports"}},
    )["Items"]
    others = [item for item in listed if item["sk"]["S"] != customer.name]
    for item in others:
        client.delete_item(TableName=table, Key={"pk": item["pk"], "sk": item["sk"]})
    try:
        error, answer = customer.product.invoke("NightlyFunction", EVENT | {"time": f"{night}T03:10:00Z"})
    finally:
        for item in others:
            client.put_item(TableName=table, Item=item)
    assert error is None, answer
    assert isinstance(answer, dict)
    return answer


def resyncs(customer: Customer, night: str) -> list[dict[str, Any]]:
    """Return the input of each execution that a night has started for a customer."""
    deployment = customer.product.deployment
    client = deployment.cloud.client("stepfunctions")
    listed = client.list_executions(stateMachineArn=deployment.outputs["StateMachineArn"], maxResults=1000)
    name = f"resync-{customer.name}-{night.replace('-', '')}"
    arns = [found["executionArn"] for found in listed["executions"] if found["name"] == name]
    return [json.loads(client.describe_execution(executionArn=arn)["input"]) for arn in arns]


def watch(customer: Customer) -> dict[str, Any]:
    """Call the function as its schedule does, and return what it says of a customer."""
    error, answer = customer.product.invoke("WatchFunction", EVENT)
    assert error is None, answer
    assert customer.name in answer["exports"]
    found = [trouble for trouble, *exports in answer["findings"] if customer.name in exports]
    return {"found": found, "restarted": customer.name in answer["restarted"]}


def texts(customer: Customer, trouble: str) -> list[str]:
    """Return what the log says of a customer's trouble."""
    return [
        line["text"] for line in customer.product.logged("watch", trouble) if customer.name in line["exports"]
    ]


def command(customer: Customer, name: str) -> None:
    """Give the customer's webhook job a command in Lytics, as a person does there."""
    (job,) = customer.lytics.jobs()
    answer = requests.post(
        f"{customer.lytics.url}/v2/job/{job.id}/{name}",
        headers={"Authorization": customer.lytics.token},
        timeout=10,
    )
    assert answer.ok, answer.text


def test_watch_finds_a_paused_job_and_changes_nothing(customer: Customer) -> None:
    customer.lytics.populate(10, 3, seed=4)
    customer.succeed(customer.input(list=None))
    assert watch(customer) == {"found": [], "restarted": False}
    command(customer, "pause")
    before = customer.subscriptions()
    assert watch(customer) == {"found": ["webhook_job_trouble"], "restarted": False}
    assert customer.subscriptions() == before
    (text,) = texts(customer, "webhook_job_trouble")
    assert f"'SendGrid export {customer.name}'" in text
    assert "is paused, although the export is not stopped" in text
    log = customer.product.deployment.cloud.function_log(f"{customer.product.deployment.stack}-watch")
    metrics = [json.loads(line) for line in log.splitlines() if '"_aws"' in line]
    assert metrics[-1]["WebhookJobTrouble"] >= [1.0]
    command(customer, "resume")
    assert watch(customer)["found"] == []


def test_watch_resumes_a_paused_job_only_if_it_may(customer: Customer) -> None:
    customer.lytics.populate(10, 3, seed=4)
    customer.succeed(customer.input(list=None))
    command(customer, "pause")
    with customer.product.variable("watch", "RESTART_WEBHOOK_JOBS", lambda _: "true"):
        assert watch(customer) == {"found": ["webhook_job_trouble"], "restarted": True}
        assert watch(customer) == {"found": [], "restarted": False}


def test_watch_finds_a_job_that_is_gone_and_keys_that_are_refused(customer: Customer) -> None:
    customer.lytics.populate(10, 3, seed=4)
    customer.succeed(customer.input(list=None))
    command(customer, "kill")
    assert watch(customer)["found"] == ["webhook_job_trouble"]
    assert "any more" in texts(customer, "webhook_job_trouble")[-1]
    customer.put_secret(sendgrid_api_key=sendgrid_key(customer.name, Capability.NO_MARKETING))
    assert watch(customer)["found"] == ["key_trouble", "webhook_job_trouble"]
    assert "SendGrid answered 403" in texts(customer, "key_trouble")[-1]
    customer.put_secret(lytics_api_token="wrong")
    assert watch(customer)["found"] == ["key_trouble"]
    assert "lytics_api_token" in texts(customer, "key_trouble")[-1]


def test_last_event_of_an_export_is_kept(customer: Customer) -> None:
    customer.lytics.populate(10, 3, seed=4)
    customer.succeed(customer.input(list=None))
    deployment = customer.product.deployment
    heard = HeardTable(deployment.cloud.client("dynamodb"), deployment.outputs["ExportsTable"])
    assert heard.heard_ms(customer.name) is None
    customer.lytics.add_profile({"email": "new.one@example.com"}, [])
    customer.lytics.enter("new.one@example.com", LAPSED)
    assert customer.lytics.drain(10)
    customer.product.wait_until_idle()
    assert (heard.heard_ms(customer.name) or 0) > (time.time() - 120) * 1000
    watch(customer)
    rhythm = heard.rhythm(customer.name)
    assert rhythm is not None
    assert rhythm["heard_s"] == (heard.heard_ms(customer.name) or 0) // 1000


def test_third_night_in_a_row_that_is_skipped_is_found(customer: Customer) -> None:
    customer.lytics.populate(10, 3, seed=4)
    runs = runs_of(customer)
    tonight = datetime.now(UTC).date()
    nights = [resync_name(customer.name, tonight - timedelta(days=days)) for days in (2, 1, 0)]
    with customer.product.paused("deliver"):
        other = customer.start(customer.input(list=None))
        poll(lambda: "WaitToSettle" in customer.states(other), "settle", 60, interval_s=0.1)
        for number, night in enumerate(nights, 1):
            assert runs.start(night, resync_input(customer.name))
            ended(runs, night)
            assert watch(customer)["found"] == (["resync_skipped"] if number == 3 else [])
    (text,) = texts(customer, "resync_skipped")
    assert "was skipped 3 nights in a row" in text
    assert f"'{other.rpartition(':')[2]}'" in text
    assert customer.end(other).status == "SUCCEEDED"


def runs_of(customer: Customer) -> MachineExecutions:
    deployment = customer.product.deployment
    return MachineExecutions(deployment.cloud.client("stepfunctions"), deployment.outputs["StateMachineArn"])


def ended(runs: MachineExecutions, name: str) -> Execution:
    """Wait for the end of an execution."""

    def has_ended() -> Execution | None:
        execution = runs.describe(runs.arn(name))
        return None if execution is None or execution.status == "RUNNING" else execution

    return poll(has_ended, name, 60, interval_s=0.1)


def test_nightly_starts_one_run_for_each_live_export(customer: Customer) -> None:
    """The last of this file: it starts a resync for the customers of other tests, too."""
    customer.lytics.populate(10, 3, seed=4)
    customer.succeed(customer.input(list=None))
    first = nightly(customer, "2027-01-01")
    again = nightly(customer, "2027-01-01")
    assert customer.name in first["started"]
    assert customer.name in [*again["started"], *again["before"]]
    # It is the only export of its account, so it audits the account every night.
    expected = {"action": "resync", "export": customer.name, "scheduled": True, "audit": True}
    assert resyncs(customer, "2027-01-01") == [expected]
    resync = ended(runs_of(customer), f"resync-{customer.name}-20270101")
    assert (resync.status, resync.output.get("skipped")) == ("SUCCEEDED", None)
    assert resync.output["audit"]["trouble"] == ""
    assert customer.name in nightly(customer, "2027-01-02")["started"]
    assert resyncs(customer, "2027-01-02") == [expected]
