"""Exports: the first page."""

from typing import Any

from aws_lambda_powertools.event_handler.api_gateway import Response

from functions.console.context import Console
from functions.console.overview import ExportRow, row, unfinished_run
from functions.console.render import fragment, page
from functions.console.runs.steps import epoch_s
from functions.console.schedule import NEVER, next_resync
from functions.console.web import Router, console, is_fragment
from lytics_sendgrid.domain.execution import current_execution
from lytics_sendgrid.workflow.summary import Summary, SummaryPart

router = Router()


@router.get("/")
def exports() -> Response[Any]:
    """Return the list of all exports. It asks again while one runs."""
    collaborators = console(router)
    rows = [_row(collaborators, summary) for summary in collaborators.summaries.summaries()]
    schedule = collaborators.settings.resync_schedule
    values: dict[str, Any] = {
        "rows": rows,
        "is_busy": any(row.run is not None and row.run.is_running for row in rows),
        "schedule": schedule if schedule != NEVER else "",
        "next_resync": next_resync(schedule, collaborators.clock.now()),
    }
    if is_fragment(router):
        return fragment("exports/list.html", router, **values)
    return page("exports/exports.html", router, **values)


def _row(collaborators: Console, summary: Summary) -> ExportRow:
    run = unfinished_run(summary)
    if run is None:
        return row(summary, None)
    executions, started_s = collaborators.executions, epoch_s(summary.parts[SummaryPart.RUN]["started_at"])
    now_s = collaborators.clock.now()
    return row(summary, current_execution(executions, executions.arn(run), started_s, now_s))
