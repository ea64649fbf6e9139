"""The exports' summaries give the same answers on moto's DynamoDB and on the double."""

from dataclasses import replace
from typing import Any, cast

import pytest
from mypy_boto3_dynamodb import DynamoDBClient

from functions.console.overview import row
from lytics_sendgrid.domain.configuration import Audience
from lytics_sendgrid.domain.stop import Stop
from lytics_sendgrid.errors import RetryLater
from lytics_sendgrid.tables.exports import ExportsTable
from lytics_sendgrid.tables.heard import HeardTable
from lytics_sendgrid.tables.run_history import RunHistory
from lytics_sendgrid.tables.summaries import SummariesTable
from lytics_sendgrid.workflow.run_record import RunRecord
from lytics_sendgrid.workflow.summary import SummaryPart
from tests.doubles.calls import refusal
from tests.doubles.dynamodb import DynamoDb
from tests.newsletter import NEWSLETTER


@pytest.fixture
def table(client: DynamoDBClient) -> SummariesTable:
    return SummariesTable(client, "exports")


def test_no_exports_have_no_summaries(table: SummariesTable) -> None:
    assert table.summaries() == ()


def test_each_writer_keeps_the_parts_of_the_others(client: DynamoDBClient, table: SummariesTable) -> None:
    exports = ExportsTable(client, "exports")
    table.put_summary("newsletter", SummaryPart.ACTIVATED, {"live": True})
    exports.put_export(replace(NEWSLETTER, stopped_s=5))
    table.put_summary("newsletter", SummaryPart.RUN, {"run": "é"})
    (summary,) = table.summaries()
    assert summary.name == "newsletter"
    assert summary.parts[SummaryPart.ACTIVATED] == {"live": True}
    assert summary.parts[SummaryPart.RUN] == {"run": "é"}
    configured = summary.parts[SummaryPart.CONFIGURED]
    assert configured["stopped_s"] == 5
    assert configured["audiences"] == [audience.name for audience in NEWSLETTER.audiences]
    assert SummaryPart.WATCHED not in summary.parts
    assert table.without_part(SummaryPart.RUN) == ()
    assert table.without_part(SummaryPart.WATCHED) == ("newsletter",)
    assert exports.export_names() == ("newsletter",)


def test_a_summary_has_few_names_of_many_audiences(client: DynamoDBClient, table: SummariesTable) -> None:
    audiences = tuple(Audience(f"{number:032x}", "n" * 900, f"a{number}") for number in range(200))
    ExportsTable(client, "exports").put_export(replace(NEWSLETTER, audiences=audiences))
    configured = table.summaries()[0].parts[SummaryPart.CONFIGURED]
    assert configured["audiences_count"] == 200
    assert configured["audiences"] == ["n" * 200] * 20


def test_stops_and_last_events_are_those_of_now(client: DynamoDBClient, table: SummariesTable) -> None:
    exports, heard = ExportsTable(client, "exports"), HeardTable(client, "exports")
    for name in ("a", "b", "c"):
        exports.put_export(replace(NEWSLETTER, name=name))
    exports.put_stop("a", Stop("refused", 1, 2))
    exports.put_stop("b", Stop("refused", 1, 2))
    exports.lift_stop("b", 3)
    heard.put_heard("c", 1_795_000_000_000)
    a, b, c = table.summaries()
    assert (a.stop, a.heard_ms) == ({"reason": "refused", "since_ms": 1, "until_ms": 2}, None)
    assert (b.stop, b.heard_ms) == (None, None)
    assert (c.stop, c.heard_ms) == (None, 1_795_000_000_000)


def test_counts_of_the_last_report_stay_while_a_run_goes_on(
    client: DynamoDBClient, table: SummariesTable
) -> None:
    ended = {"run": "r1", "started_at": "2026-11-26T02:00:00Z", "finished_at": "2026-11-26T02:09:00Z"}
    begun = {"run": "r2", "started_at": "2026-11-27T02:00:00Z"}
    history = RunHistory(client, "exports")
    history.record_run(
        "a", RunRecord.read(ended | {"audiences": [{"id": "a", "lytics": 4, "sendgrid": 3}]}), 0
    )
    for later in (begun, begun | {"finished_at": "2026-11-27T02:09:00Z"}):
        history.record_run("a", RunRecord.read(later | {"audiences": [{"id": "a"}]}), 0)
        shown = row(table.summary("a"), None)
        assert (shown.lytics, shown.sendgrid) == (4, 3)


def test_a_run_is_shown_with_sums_of_its_audiences(client: DynamoDBClient, table: SummariesTable) -> None:
    record = RunRecord.read(
        {
            "run": "r1",
            "started_at": "2026-11-26T02:00:00Z",
            "audiences": [
                {"id": "a", "lytics": 4, "sendgrid": None},
                {"id": "b", "lytics": 5, "sendgrid": None},
            ],
        }
    )
    RunHistory(client, "exports").record_run("newsletter", record, 1_795_000_000)
    run = table.summaries()[0].parts[SummaryPart.RUN]
    assert run == {"run": "r1", "started_at": "2026-11-26T02:00:00Z", "lytics": 9, "sendgrid": None}


def test_one_export_is_read_as_in_the_list(client: DynamoDBClient, table: SummariesTable) -> None:
    exports = ExportsTable(client, "exports")
    exports.put_export(NEWSLETTER)
    exports.put_stop("newsletter", Stop("a list was gone", 7, 9))
    HeardTable(client, "exports").put_heard("newsletter", 5)
    (listed,) = table.summaries()
    assert table.summary("newsletter") == listed
    nothing = table.summary("unknown")
    assert (nothing.parts, nothing.stop, nothing.heard_ms) == ({}, None, None)


def test_many_exports_are_read_in_few_requests() -> None:
    dynamodb = DynamoDb()
    client = cast(DynamoDBClient, dynamodb)
    for number in range(120):
        ExportsTable(client, "exports").put_export(replace(NEWSLETTER, name=f"export-{number:03}"))
    HeardTable(client, "exports").put_heard("export-119", 7)
    left = ["export#export-119"]
    dynamodb.is_unprocessed = lambda pk: pk in left and not left.remove(pk)  # type: ignore[func-returns-value]
    summaries = SummariesTable(client, "exports").summaries()
    assert len(summaries) == 120
    assert summaries[-1].heard_ms == 7
    assert len(dynamodb.calls.of("BatchGetItem")) <= 4


def test_faults_are_ours() -> None:
    dynamodb: Any = DynamoDb()
    dynamodb.calls.broken = refusal("InternalServerError", "Query", 500)
    table = SummariesTable(dynamodb, "exports")
    with pytest.raises(RetryLater):
        table.summaries()
    with pytest.raises(RetryLater):
        table.put_summary("a", SummaryPart.RUN, {})
