"""The line of a run that has ended, from its report."""

from typing import Any

from functions.report.document import RunReport
from functions.report.history import reported_run
from functions.report.reporting import run_report
from lytics_sendgrid.domain.clearing import ClearedSegment, Clearing, SegmentEnd
from lytics_sendgrid.domain.sweep_findings import SweepFindings, SweptAudience
from lytics_sendgrid.workflow.export_run import ExportRun
from lytics_sendgrid.workflow.run_record import RunRecord
from tests.unit.functions.report.test_reporting import ACCOUNT, FIRST, STATE, counted


def reported(changes: dict[str, Any] | None = None, **sides: Any) -> RunRecord:
    run = ExportRun.read(STATE | (changes or {}))
    report = run_report(run, ACCOUNT, counted(**sides), "2026-11-23T09:05:00Z")
    return reported_run(run, report)


def test_start_counts_whom_sendgrid_accepted_and_rejected() -> None:
    record = reported()
    assert (record.added, record.removed, record.rejected) == (6, 0, 2)
    assert (record.finished_at, record.live, record.trouble) == ("2026-11-23T09:05:00Z", True, True)
    (audience,) = record.audiences
    assert (audience.id, audience.name, audience.lytics, audience.sendgrid) == (FIRST, "", 10, 7)


def test_sweep_knows_who_was_added_and_removed() -> None:
    sweep = SweepFindings(9, audiences={FIRST: SweptAudience(leavers=3, returned=1, suspects=3)})
    record = reported(
        {"action": "resync"}, sweep=sweep, counts={"accepted": 6, f"missing.{FIRST}": 4, "rejected.row": 1}
    )
    assert (record.action, record.added, record.removed, record.rejected) == ("resync", 5, 3, 1)


def test_run_without_a_backfill_adds_nobody() -> None:
    record = reported({"backfill": False}, counts={}, scans={})
    assert (record.added, record.removed, record.rejected, record.trouble) == (0, 0, 0, False)


def test_cleared_people_are_removed() -> None:
    segments = {FIRST: ClearedSegment(SegmentEnd.EMPTY, "First")}
    clearing = Clearing({}, people={FIRST: 12}, segments=segments)
    assert reported({"backfill": False}, counts={}, scans={}, clearing=clearing).removed == 12


def test_count_that_is_no_number_is_not_counted() -> None:
    run = ExportRun.read(STATE)
    report = run_report(run, ACCOUNT, counted(), "2026-11-23T09:05:00Z")
    odd: RunReport = report.model_copy(update={"people": {"accepted": {}, "rejected": 7}})
    record = reported_run(run, odd)
    assert (record.added, record.rejected) == (0, 0)
