"""Health: what waits, what was given up, and which alarms are on."""

from typing import Any

from aws_lambda_powertools.event_handler.api_gateway import Response

from functions.console.health import alarm_rows, queues
from functions.console.render import page
from functions.console.versions import versions
from functions.console.web import Router, console
from lytics_sendgrid.errors import LyticsSendGridError

router = Router()


@router.get("/health")
def health() -> Response[Any]:
    """Return the page. It only counts: looking into a queue takes rights to read people's changes."""
    collaborators = console(router)
    settings = collaborators.settings
    urls = {
        "changes": settings.changes_queue_url,
        "imports": settings.imports_queue_url,
        "changes_given_up": settings.changes_dead_letter_queue_url,
        "imports_given_up": settings.imports_dead_letter_queue_url,
        "rejects": settings.rejects_queue_url,
    }
    try:
        alarms = alarm_rows(collaborators.monitoring.alarms(), settings.alarm_prefix)
    except LyticsSendGridError:
        alarms = None
    rows = queues(collaborators.monitoring, urls, collaborators.clock.now())
    return page(
        "health/health.html",
        router,
        waiting=rows[:2],
        given_up=rows[2:],
        alarms=alarms,
        stack=settings.alarm_prefix.removesuffix("-"),
        versions=versions(),
    )
