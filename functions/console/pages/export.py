"""An export: what each side counts, its history, and what can be done with it."""

from typing import Any, Final

from aws_lambda_powertools.event_handler.api_gateway import Response
from aws_lambda_powertools.event_handler.exceptions import NotFoundError

from functions.console import overview
from functions.console.drafts.desk import Desk
from functions.console.export import figures
from functions.console.render import page
from functions.console.runs.report import ReportView, report_view
from functions.console.runs.starter import starter
from functions.console.runs.steps import epoch_s
from functions.console.web import Router, console, form, operators_only, path_of, redirect, visitor
from lytics_sendgrid.domain.configuration import Export
from lytics_sendgrid.domain.execution import current_execution
from lytics_sendgrid.workflow.run_record import RunRecord

router = Router()

_RUNS_READ: Final = 90
"""A resync a night, and as many other runs again, for the charts of 30 days."""
_RUNS_SHOWN: Final = 20
_MAX_DESCRIBED: Final = 5
"""Runs without a report whose end Step Functions is asked for."""


_RESYNC: Final = ("audit", "repair_segments", "restore_deleted")
_ENDS: Final = {
    "keep": {},
    "clear": {"clear": True},
    "delete": {"clear": True, "delete_segments": True},
}
"""What becomes of the segments of an export that is stopped."""


@router.get("/exports/<name>")
def show(name: str) -> Response[Any]:
    """Return the page of an export."""
    export = _export(name)
    collaborators = console(router)
    now_s = int(collaborators.clock.now())
    records = collaborators.history.latest_runs(name, _RUNS_READ)
    report, report_run = _last_report(name, records)
    days = figures.day_rows(records, now_s)
    changes = figures.changes_rows(collaborators.days.days(name, *figures.change_days(now_s)))
    runs = _runs(records[:_RUNS_SHOWN], now_s)
    drift, drift_run = _last_drift(name, records, report, report_run)
    glance = overview.row(collaborators.summaries.summary(name), None)
    return page(
        "exports/export.html",
        router,
        export_name=name,
        base=path_of("exports", name),
        export=export,
        standing=glance.standing,
        warnings=glance.notes,
        heard_s=glance.heard_s,
        busy=next((path_of("runs", name, run.run) for run in runs if run.mark == "now"), None),
        report=report,
        report_path=path_of("runs", name, report_run) if report_run else None,
        runs=[(run, path_of("runs", name, run.run)) for run in runs],
        more_runs=len(records) > _RUNS_SHOWN,
        days=days,
        members=figures.members_chart(days),
        rejected=figures.rejected_chart(days),
        changes=changes,
        changes_chart=figures.changes_chart(changes, now_s),
        drift=drift,
        drift_path=path_of("runs", name, drift_run) if drift_run else None,
    )


@router.post("/exports/<name>/resync", middlewares=[operators_only])
def resync(name: str) -> Response[Any]:
    """Make a draft of a resync. Its page checks it first."""
    _export(name)
    fields = form(router)
    wanted: dict[str, Any] = {"action": "resync", "export": name}
    if "audit" in fields:
        wanted |= {option: True for option in _RESYNC if option in fields}
    return _draft(name, wanted)


@router.post("/exports/<name>/stop", middlewares=[operators_only])
def stop(name: str) -> Response[Any]:
    """Make a draft of a stop. Its page checks it first, and asks for the export's name before it clears."""
    _export(name)
    segments = next(iter(form(router).get("segments", ())), "keep")
    return _draft(name, {"action": "stop", "export": name, **_ENDS.get(segments, {})})


def _draft(name: str, wanted: dict[str, Any]) -> Response[Any]:
    draft = Desk(console(router), visitor(router)).make(wanted, name)
    return redirect(router, path_of("drafts", draft.id))


def _export(name: str) -> Export:
    export = console(router).exports.export(name)
    if export is None:
        raise NotFoundError
    return export


def _last_report(name: str, records: tuple[RunRecord, ...]) -> tuple[ReportView | None, str | None]:
    for record in records:
        if record.finished_at is not None and record.audiences:
            report = console(router).exports.report(name, record.run)
            if report is not None:
                return report_view(report), record.run
    return None, None


def _last_drift(
    name: str, records: tuple[RunRecord, ...], last: ReportView | None, last_run: str | None
) -> tuple[ReportView | None, str | None]:
    """Return the report of the last run that compared everybody with Lytics."""
    for record in records:
        if record.finished_at is not None and record.sweep:
            if record.run == last_run:
                return last, last_run
            report = console(router).exports.report(name, record.run)
            if report is not None and "drift" in report:
                return report_view(report), record.run
    return None, None


def _runs(records: tuple[RunRecord, ...], now_s: int) -> list[figures.RunRow]:
    described = 0
    rows = []
    for record in records:
        status = None
        if record.finished_at is None and described < _MAX_DESCRIBED:
            described += 1
            status = _status(record, now_s)
        rows.append(
            figures.run_row(
                record,
                status,
                None if record.scheduled else starter(console(router).store, record.run, now_s),
            )
        )
    return rows


def _status(record: RunRecord, now_s: int) -> str | None:
    executions = console(router).executions
    arn, started_s = executions.arn(record.run), epoch_s(record.started_at)
    execution = current_execution(executions, arn, started_s, now_s)
    return execution.status if execution is not None else None
