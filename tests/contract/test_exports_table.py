"""The exports table's adapter gives the same answers on moto's DynamoDB and on the double."""

import dataclasses

import pytest
from botocore.exceptions import EndpointConnectionError
from mypy_boto3_dynamodb import DynamoDBClient

from lytics_sendgrid.domain.checkpoint import Checkpoint
from lytics_sendgrid.domain.configuration import Account, ProvisionedAudience
from lytics_sendgrid.domain.execution import RunPlace
from lytics_sendgrid.domain.stop import Stop
from lytics_sendgrid.errors import ConfigurationChanged, RetryLater, StopRun
from lytics_sendgrid.tables.exports import RUN_KEPT_S, ExportsTable
from tests.newsletter import HIGH_VALUE, NEWSLETTER

NOW_S = 1_795_000_000
CHECKPOINT = Checkpoint(cursor="é", pages=2, expected=(("0.a", 3),))


@pytest.fixture
def table(client: DynamoDBClient) -> ExportsTable:
    return ExportsTable(client, "exports")


def test_missing_items_are_none_or_empty(table: ExportsTable) -> None:
    assert table.export("newsletter") is None
    assert table.stop("newsletter") is None
    assert table.report("newsletter", "run-1") is None
    assert table.scan("run-1", HIGH_VALUE) is None
    assert table.account("default") == Account("default")
    progress = table.progress("run-1")
    assert (progress.numbers, progress.jobs) == (frozenset(), frozenset())


def test_export_is_read_as_it_was_written(table: ExportsTable) -> None:
    table.put_export(NEWSLETTER)
    assert table.export("newsletter") == NEWSLETTER
    newer = dataclasses.replace(NEWSLETTER, version=9)
    table.put_export(newer)
    assert table.export("newsletter") == newer


def test_names_of_exports_are_listed_once_and_in_order(table: ExportsTable) -> None:
    assert table.export_names() == ()
    for name in ("b", "a", "b"):
        table.put_export(dataclasses.replace(NEWSLETTER, name=name))
    assert table.export_names() == ("a", "b")


def test_second_writer_of_an_account_gets_a_conflict(table: ExportsTable) -> None:
    first = Account("default", 1, {"lytics_segments": "e1_T"})
    table.put_account(first, read_version=0)
    with pytest.raises(ConfigurationChanged):
        table.put_account(Account("default", 1), read_version=0)
    assert table.account("default") == first
    second = dataclasses.replace(first, version=2).with_audience(
        HIGH_VALUE, ProvisionedAudience("lytics_segments", "s", None, ("newsletter",))
    )
    table.put_account(second, read_version=1)
    assert table.account("default") == second


def test_stop_is_put_and_lifted(table: ExportsTable) -> None:
    stop = Stop("SendGrid refuses the key: give it the right", 1, 2)
    assert table.put_stop("newsletter", stop)
    assert table.stop("newsletter") == stop
    table.lift_stop("newsletter", 5)
    table.lift_stop("newsletter", 5)
    assert table.stop("newsletter") is None


def test_stop_is_not_put_by_an_attempt_older_than_its_lift(table: ExportsTable) -> None:
    table.lift_stop("newsletter", 100)
    assert not table.put_stop("newsletter", Stop("a list was gone", 99, 1_000))
    assert table.stop("newsletter") is None
    again = Stop("a list is gone", 100, 1_000)
    assert table.put_stop("newsletter", again)
    assert table.put_stop("newsletter", again)
    assert table.stop("newsletter") == again


def test_report_and_checkpoint_are_read_as_written(table: ExportsTable) -> None:
    table.put_report("newsletter", "run-1", {"ok": True, "rate": 0.25})
    table.put_scan("run-1", HIGH_VALUE, CHECKPOINT, NOW_S)
    assert table.report("newsletter", "run-1") == {"ok": True, "rate": 0.25}
    assert table.scan("run-1", HIGH_VALUE) == CHECKPOINT


def test_progress_is_the_union_of_all_records(table: ExportsTable) -> None:
    table.record_done("run-1", ["1", "2"], ["job-1"], NOW_S)
    table.record_done("run-1", ["2", "3"], ["job-1", "job-2"], NOW_S)
    table.record_job("run-1", "job-1", (1, 1), {"status": "completed"}, NOW_S)
    table.record_done("run-2", ["9"], ["job-9"], NOW_S)
    table.put_scan("run-1", HIGH_VALUE, CHECKPOINT, NOW_S)
    progress = table.progress("run-1")
    assert progress.numbers == {"1", "2", "3"}
    assert progress.jobs == {"job-1", "job-2"}
    assert {job: outcome["status"] for job, outcome in progress.ended.items()} == {"job-1": "completed"}


def test_run_waits_for_what_its_scans_and_walks_queued(table: ExportsTable, client: DynamoDBClient) -> None:
    table.put_scan("run-1", HIGH_VALUE, CHECKPOINT, NOW_S)
    table.put_scan("run-1", HIGH_VALUE, Checkpoint(done=True), NOW_S, scan=1)
    walk = {"pk": {"S": "run#run-1"}, "sk": {"S": "walk#clear"}, "doc": {"S": '{"expected":[["clear.a",2]]}'}}
    client.put_item(TableName="exports", Item=walk)
    progress = table.progress("run-1")
    assert progress.expected == {"0.a.0", "0.a.1", "0.a.2", "clear.a.0", "clear.a.1"}
    assert progress.scans == {HIGH_VALUE: CHECKPOINT}
    assert table.scan("run-1", HIGH_VALUE, scan=1) == Checkpoint(done=True)


def test_job_has_ended_when_all_its_parts_have(table: ExportsTable) -> None:
    counted = {"status": "failed", "requested": 9}
    table.record_job("run-1", "job-1", (2, 2), {**counted, "refreshed": 4, "again": ["again.b"]}, NOW_S)
    assert not table.progress("run-1").ended
    table.record_job("run-1", "job-1", (1, 2), {**counted, "refreshed": 5, "again": ["again.a"]}, NOW_S)
    table.record_job("run-1", "job-1", (1, 2), {**counted, "refreshed": 5, "again": ["again.a"]}, NOW_S)
    progress = table.progress("run-1")
    assert progress.again == {"again.a", "again.b"}
    assert progress.ended["job-1"]["refreshed"] == 9
    assert progress.ended["job-1"]["requested"] == 9


def test_rows_without_room_count_as_read(table: ExportsTable) -> None:
    outcome = {"status": "errored", "errored": 2, "rejected": 1, "no_room": 1}
    table.record_job("run-1", "job-1", (1, 1), outcome, NOW_S)
    table.record_job("run-1", "job-2", (1, 1), {**outcome, "no_room": 0}, NOW_S)
    ended = table.progress("run-1").ended
    assert (ended["job-1"]["unread"], ended["job-2"]["unread"]) == (0, 1)


def test_later_of_two_lifts_counts(table: ExportsTable) -> None:
    table.lift_stop("newsletter", 100)
    table.lift_stop("newsletter", 50)
    assert not table.put_stop("newsletter", Stop("a list was gone", 99, 1_000))


def test_jobs_are_read_after_numbers_and_ended_jobs(table: ExportsTable, client: DynamoDBClient) -> None:
    """Each item is written before what follows from it, so a page older than the next hides no open job."""
    table.record_done("run-1", [], ["job-1"], NOW_S)
    table.record_done("run-1", ["1"], [], NOW_S)
    table.record_job("run-1", "job-1", (1, 1), {"status": "failed", "again": ["again.1"]}, NOW_S)
    items = client.scan(TableName="exports")["Items"]
    assert [sk.partition("#")[0] for sk in sorted(item["sk"]["S"] for item in items)] == [
        "done",
        "job",
        "started",
    ]
    assert table.progress("run-1").jobs == {"job-1"}


def test_progress_is_read_across_pages(table: ExportsTable) -> None:
    for part in range(30):
        table.record_done("run-1", [f"{part}-{n}" for n in range(4_000)], [], NOW_S)
    assert len(table.progress("run-1").numbers) == 120_000


def test_only_progress_of_runs_expires(table: ExportsTable, client: DynamoDBClient) -> None:
    table.put_export(NEWSLETTER)
    table.put_account(Account("default", 1), read_version=0)
    table.put_report("newsletter", "run-1", {})
    table.put_stop("newsletter", Stop("x", 1, 2))
    table.put_scan("run-1", HIGH_VALUE, CHECKPOINT, NOW_S)
    table.record_done("run-1", ["1"], [], NOW_S)
    table.record_job("run-1", "job-1", (1, 1), {}, NOW_S)
    items = client.scan(TableName="exports")["Items"]
    expiring = {item["pk"]["S"]: item["expires_epoch_s"]["N"] for item in items if "expires_epoch_s" in item}
    assert expiring == {"run#run-1": str(NOW_S + RUN_KEPT_S)}
    assert sum("expires_epoch_s" in item for item in items) == 3


def test_missing_table_stops_the_run_with_a_message(client: DynamoDBClient) -> None:
    with pytest.raises(StopRun, match="deploy the template again"):
        ExportsTable(client, "elsewhere").export("newsletter")


def test_unreachable_service_is_retried_later(moto_client: DynamoDBClient) -> None:
    def refuse(**_: object) -> None:
        raise EndpointConnectionError(endpoint_url="http://127.0.0.1:9")

    moto_client.meta.events.register_first("before-send.dynamodb.GetItem", refuse)
    with pytest.raises(RetryLater):
        ExportsTable(moto_client, "exports").export("newsletter")


def test_running_execution_is_replaced_only_if_it_was_read(table: ExportsTable) -> None:
    assert table.running("newsletter") is None
    assert table.put_running("newsletter", RunPlace("arn:1", 1), None)
    assert not table.put_running("newsletter", RunPlace("arn:2", 2), None)
    assert not table.put_running("newsletter", RunPlace("arn:2", 2), "arn:0")
    assert table.put_running("newsletter", RunPlace("arn:2", 2), "arn:1")
    assert table.running("newsletter") == RunPlace("arn:2", 2)
    assert table.running("other") is None


def test_place_that_an_older_release_wrote_began_long_ago(
    table: ExportsTable, client: DynamoDBClient
) -> None:
    key = {"pk": {"S": "export#newsletter"}, "sk": {"S": "running"}}
    item = {**key, "execution": {"S": "arn:1"}, "doc": {"S": '{"execution":"arn:1"}'}}
    client.put_item(TableName="exports", Item=item)
    assert table.running("newsletter") == RunPlace("arn:1", 0)
    assert table.put_running("newsletter", RunPlace("arn:2", 2), "arn:1")
