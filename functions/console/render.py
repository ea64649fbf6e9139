"""Pages and fragments, rendered from templates."""

from functools import cache
from pathlib import Path
from typing import Any

from aws_lambda_powertools.event_handler.api_gateway import Response
from jinja2 import Environment, FileSystemLoader, StrictUndefined

_HTML = "text/html; charset=utf-8"


def page(name: str, router: Any, status: int = 200, **values: Any) -> Response[Any]:
    """Return a whole page."""
    return Response(status, _HTML, _rendered(name, router, values))


def fragment(name: str, router: Any, **values: Any) -> Response[Any]:
    """Return a part of a page, for htmx."""
    return Response(200, _HTML, _rendered(name, router, values))


def _rendered(name: str, router: Any, values: dict[str, Any]) -> str:
    context = router.context
    return (
        _environment()
        .get_template(name)
        .render(
            links=context["console"].links,
            settings=context["console"].settings,
            visitor=context.get("visitor"),
            **values,
        )
    )


@cache
def _environment() -> Environment:
    loader = FileSystemLoader(Path(__file__).with_name("templates"))
    return Environment(loader=loader, autoescape=True, undefined=StrictUndefined)
