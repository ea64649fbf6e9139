"""Exports: the first page."""

from typing import Any

from aws_lambda_powertools.event_handler.api_gateway import Response

from functions.console.render import page
from functions.console.web import Router, console

router = Router()


@router.get("/")
def exports() -> Response[Any]:
    """Return the list of all exports."""
    return page("exports.html", router, names=console(router).exports.export_names())
