"""A run: how far it is, what it did, or why it failed."""

from collections.abc import Mapping
from typing import Any, Final

from aws_lambda_powertools.event_handler.api_gateway import Response
from aws_lambda_powertools.event_handler.exceptions import NotFoundError

from functions.console.context import Role
from functions.console.drafts.desk import Desk
from functions.console.drafts.draft import RUN_PREFIX
from functions.console.export.figures import ACTIONS
from functions.console.render import fragment, page
from functions.console.runs.following import first_execution
from functions.console.runs.report import report_view
from functions.console.runs.starter import starter
from functions.console.runs.steps import epoch_s, run_view
from functions.console.web import Router, console, operators_only, path_of, redirect, visitor
from lytics_sendgrid.domain.execution import Execution, last_execution
from lytics_sendgrid.workflow.run_end import why_ended
from lytics_sendgrid.workflow.run_record import RunRecord

router = Router()

_RECENT: Final = 10
"""A run under way is always among the export's last 10: an export has one run at a time."""
_ALL: Final = 1_000
"""Reports are kept longer than records of runs, so the oldest report's run may be unknown."""
_CAUSE: Final = "Cancelled in the console"
_MAX_STOPS: Final = 3
"""A run may hand over to its next execution just before the stop, but not again within seconds."""
_STOPPED: Final = frozenset({"ABORTED", "RUNNING"})
"""An execution after its stop. Step Functions may answer what it was a moment ago."""


@router.get("/runs/<export>/<run>")
def show(export: str, run: str) -> Response[Any]:
    """Return the page of a run. It ends in the report."""
    first = _first(export, run)
    last = last_execution(console(router).executions, first) if first is not None else None
    values = _about(export, run, first)
    if first is not None and last is not None and last.is_running:
        return page("runs/running.html", router, **values, **_progress(export, run, first, last))
    report = console(router).exports.report(export, run)
    if report is None and last is None:
        raise NotFoundError
    return page("runs/ended.html", router, **values, **_end(export, run, last, report))


@router.get("/runs/<export>/<run>/progress")
def progress(export: str, run: str) -> Response[Any]:
    """Return how far a run is; once it has ended, lead to its report."""
    first = _first(export, run)
    if first is None:
        raise NotFoundError
    last = last_execution(console(router).executions, first)
    if not last.is_running:
        return Response(200, headers={"HX-Redirect": console(router).links.to(path_of("runs", export, run))})
    return fragment(
        "runs/progress.html", router, base=path_of("runs", export, run), **_progress(export, run, first, last)
    )


@router.post("/runs/<export>/<run>/cancel", middlewares=[operators_only])
def cancel(export: str, run: str) -> Response[Any]:
    """Stop the execution that a run is in. A run that has ended, or that AWS does not know yet, is left."""
    executions = console(router).executions
    first = _first(export, run)
    if first is None:
        raise NotFoundError
    last = last_execution(executions, first)
    for _ in range(_MAX_STOPS):
        if not last.is_running:
            break
        if not executions.stop(last.arn, _CAUSE):
            break
        stopped = executions.describe(last.arn)
        if stopped is None or stopped.status in _STOPPED:
            console(router).audit.record(
                "run_cancelled", visitor(router).subject, export=export, execution=last.name
            )
            break
        last = last_execution(executions, stopped)
    return redirect(router, path_of("runs", export, run))


def _first(export: str, run: str) -> Execution | None:
    collaborators = console(router)
    return first_execution(
        collaborators.executions, collaborators.store, export, run, collaborators.clock.now()
    )


def _about(export: str, run: str, first: Execution | None) -> dict[str, Any]:
    document = first.input if first is not None else _forgotten(export, run)
    by_schedule = document.get("scheduled") is True
    who = None if by_schedule else starter(console(router).store, run, console(router).clock.now())
    return {
        "export": export,
        "run": run,
        "base": path_of("runs", export, run),
        "what": ACTIONS.get(document.get("action", "start"), "Run"),
        "dry": document.get("dry_run") is True,
        "who": "the nightly schedule" if by_schedule else who,
        "started_s": first.started_s if first is not None else None,
    }


def _forgotten(export: str, run: str) -> dict[str, Any]:
    """Return what is left of the input of a run that Step Functions does not know any more."""
    record = _record(export, run, _ALL)
    return {"action": record.action, "scheduled": record.scheduled} if record is not None else {}


def _progress(export: str, run: str, first: Execution, last: Execution) -> dict[str, Any]:
    collaborators = console(router)
    record = _record(export, run)
    view = run_view(
        record,
        collaborators.executions.entered(last.arn),
        collaborators.exports.progress(run),
        epoch_s(record.started_at) if record is not None else last.started_s,
        int(collaborators.clock.now()),
        action=str(first.input.get("action", "start")),
    )
    stop = collaborators.exports.stop(export)
    return {"view": view, "stop": stop.reason if stop is not None else ""}


def _record(export: str, run: str, among: int = _RECENT) -> RunRecord | None:
    records = console(router).history.latest_runs(export, among)
    return next((record for record in records if record.run == run), None)


def _end(export: str, run: str, last: Execution | None, report: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return how a run ended: with a report, with a plan that changed nothing, or why it failed."""
    output = last.output if last is not None else {}
    if report is None and "import_jobs" in output:
        report = output  # a dry run's report is kept nowhere else
    plan = output.get("plan", {}) if report is None else {}
    status = last.status if last is not None else "SUCCEEDED"
    failed = status != "SUCCEEDED"
    return {
        "report": report_view(report) if report is not None else None,
        "notes": plan.get("notes", ()),
        "skipped": output.get("skipped", ""),
        "outcome": status,
        "cause": why_ended(status, last.cause if last is not None else "").splitlines() if failed else [],
        "ended_s": last.ended_s if last is not None else None,
        "exists": console(router).exports.export(export) is not None,
        "again": _form_again(run) if failed else None,
    }


def _form_again(run: str) -> str | None:
    """Return the path that copies the form of a run; None: it has none, or it is somebody else's."""
    if visitor(router).role is not Role.OPERATOR or not run.startswith(RUN_PREFIX):
        return None
    draft = Desk(console(router), visitor(router)).open(run.removeprefix(RUN_PREFIX))
    return path_of("drafts", draft.id, "again") if draft is not None and draft.action == "start" else None
