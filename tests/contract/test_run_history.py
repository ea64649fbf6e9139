"""The history of an export's runs gives the same answers on moto's DynamoDB and on the double."""

from typing import cast

import pytest
from mypy_boto3_dynamodb import DynamoDBClient

from lytics_sendgrid.errors import ServiceUnavailable
from lytics_sendgrid.tables.run_history import HISTORY_KEPT_S, RunHistory
from lytics_sendgrid.workflow.run_record import AudienceCount, RunRecord
from tests.doubles.calls import refusal
from tests.doubles.dynamodb import DynamoDb

NOW_S = 1_795_000_000


def run(name: str, started_at: str, **more: object) -> RunRecord:
    return RunRecord.read({"run": name, "started_at": started_at, **more})


def test_runs_are_returned_newest_first_up_to_a_limit(client: DynamoDBClient) -> None:
    history = RunHistory(client, "exports")
    for day in (3, 1, 2):
        history.record_run("a", run(f"r{day}", f"2026-11-0{day}T02:00:00Z"), NOW_S)
    history.record_run("b", run("other", "2026-11-09T02:00:00Z"), NOW_S)
    assert [record.run for record in history.latest_runs("a", 9)] == ["r3", "r2", "r1"]
    assert [record.run for record in history.latest_runs("a", 2)] == ["r3", "r2"]
    assert history.latest_runs("c", 9) == ()


def test_end_of_a_run_replaces_its_beginning(client: DynamoDBClient) -> None:
    history = RunHistory(client, "exports")
    begun = run("r1", "2026-11-01T02:00:00Z", audiences=[{"id": "5f", "name": "Käufer 🛒"}])
    history.record_run("a", begun, NOW_S)
    assert history.latest_runs("a", 9) == (begun,)
    ended = begun.model_copy(
        update={"finished_at": "2026-11-01T02:09:00Z", "audiences": (AudienceCount(id="5f", lytics=9),)}
    )
    history.record_run("a", ended, NOW_S)
    assert history.latest_runs("a", 9) == (ended,)


def test_a_run_that_was_planned_twice_is_one_run(client: DynamoDBClient) -> None:
    history = RunHistory(client, "exports")
    history.record_run("a", run("r1", "2026-11-01T02:00:00Z"), NOW_S)
    history.record_run("a", run("r1", "2026-11-01T02:00:07Z", finished_at="2026-11-01T03:00:00Z"), NOW_S)
    (found,) = history.latest_runs("a", 9)
    assert found.finished_at == "2026-11-01T03:00:00Z"


def test_a_run_expires(client: DynamoDBClient) -> None:
    RunHistory(client, "exports").record_run("a", run("r1", "2026-11-01T02:00:00Z"), NOW_S)
    key = {"pk": {"S": "export#a"}, "sk": {"S": "ran#2026-11-01T02:00:00Z#r1"}}
    item = client.get_item(TableName="exports", Key=key)["Item"]
    assert item["expires_epoch_s"] == {"N": str(NOW_S + HISTORY_KEPT_S)}


def test_faults_are_ours() -> None:
    dynamodb = DynamoDb()
    dynamodb.calls.broken = refusal("InternalServerError", "PutItem", 500)
    history = RunHistory(cast(DynamoDBClient, dynamodb), "exports")
    with pytest.raises(ServiceUnavailable):
        history.record_run("a", run("r1", "2026-11-01T02:00:00Z"), NOW_S)
    with pytest.raises(ServiceUnavailable):
        history.latest_runs("a", 1)
