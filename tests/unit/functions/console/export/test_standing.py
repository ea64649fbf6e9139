"""How an export stands."""

from dataclasses import replace
from typing import Any

from functions.console.export.figures import run_row
from functions.console.export.standing import Standing, standing
from lytics_sendgrid.domain.stop import Stop
from lytics_sendgrid.workflow.run_record import RunRecord
from tests.newsletter import NEWSLETTER


def record(finished: bool = True, **more: Any) -> RunRecord:
    base = {"run": "r", "started_at": "2026-11-26T02:00:00Z", "backfill": True, "live": True}
    return RunRecord.read(base | {"finished_at": "2026-11-26T03:00:00Z" if finished else None} | more)


def stands(
    *records: RunRecord, stop: Stop | None = None, status: str | None = None, **changes: Any
) -> Standing:
    runs = [run_row(one, status, None) for one in records]
    return standing(replace(NEWSLETTER, **changes), stop, records, runs)


def test_export_with_a_live_report_is_live() -> None:
    assert stands(record()) == Standing("good", "Live")
    failed_since = stands(record(finished=False), record(), status="FAILED")
    assert failed_since == Standing("good", "Live")


def test_export_with_a_run_under_way_is_running() -> None:
    found = stands(record(finished=False), record(), status="RUNNING", stopped_s=1)
    assert (found.kind, found.text) == ("busy", "Running")


def test_stops_come_before_what_the_last_report_said() -> None:
    stop = Stop("SendGrid refuses the key", 0, 0)
    assert stands(record(), stop=stop) == Standing("bad", "Stopped by a fault", "SendGrid refuses the key")
    assert stands(record(), stop=stop, stopped_s=1).text == "Stopped"


def test_export_is_not_live_before_its_first_report_and_without_a_job() -> None:
    assert stands().why == "No run of it has come to its end yet."
    found = stands(record(live=False))
    assert (found.kind, found.text) == ("warn", "Not live")
    assert "report of the last run" in found.why
