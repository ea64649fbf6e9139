"""The record of a run in its export's history."""

import pytest

from lytics_sendgrid.workflow.export_run import ExportRun
from lytics_sendgrid.workflow.run_record import RunRecord
from tests.run_state import run_state


def test_record_of_a_run_that_begins_has_what_the_page_needs() -> None:
    run = ExportRun.read(run_state())
    record = RunRecord.of(run)
    assert (record.run, record.started_at, record.action) == ("first-run", run.started_at, "start")
    assert (record.scheduled, record.backfill, record.sweep, record.audit) == (False, True, False, False)
    assert record.people == 9_700
    assert record.audiences[0].name == "High Value Users"
    assert (record.finished_at, record.live) == (None, False)
    assert RunRecord.read(record.document()) == record


@pytest.mark.parametrize(
    ("changes", "sweep"),
    [
        ({"again": True}, True),
        ({"action": "resync"}, True),
        ({"action": "resync", "backfill": False}, False),
        ({"again": True, "backfill": False}, False),
    ],
)
def test_a_run_of_a_known_export_is_swept_if_it_scans(changes: dict[str, object], sweep: bool) -> None:
    assert RunRecord.of(ExportRun.read(run_state(**changes))).sweep is sweep


def test_record_says_what_the_schedule_and_the_audit_do() -> None:
    record = RunRecord.of(ExportRun.read(run_state(options={"scheduled": True, "audit": True})))
    assert (record.scheduled, record.audit) == (True, True)
