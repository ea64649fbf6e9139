"""Pages and fragments, rendered from templates."""

import json
from functools import cache
from pathlib import Path
from typing import Any, Final

from aws_lambda_powertools.event_handler.api_gateway import Response
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from functions.console import texts
from functions.console.assets import assets

_HTML: Final = "text/html; charset=utf-8"
_TEMPLATES: Final = Path(__file__).with_name("templates")
_FILTERS: Final = (
    texts.number,
    texts.time,
    texts.day,
    texts.duration,
    texts.plural,
    texts.bdi,
    texts.sentence,
)

HTMX: Final = json.dumps(
    {
        "allowEval": False,
        "allowScriptTags": False,
        "historyCacheSize": 0,  # otherwise pages stay in the browser's storage
        "includeIndicatorStyles": False,  # a style element, which the policy forbids
        "selfRequestsOnly": True,
        "timeout": 29_000,
        "responseHandling": [
            {"code": "204", "swap": False},
            {"code": "[23]..", "swap": True},
            {"code": "422", "swap": True},
            {"code": "[45]..", "swap": False, "error": True},
        ],
    }
)
"""How htmx behaves: it reads this from a meta tag. A form with faults answers 422 and is shown."""


def page(name: str, router: Any, status: int = 200, **values: Any) -> Response[Any]:
    """Return a whole page.

    Args:
        name: of its template, which extends ``base.html``.
        router: a router or the application.
        status: of the answer.
        values: the template's own. ``links``, ``settings`` and ``visitor`` are there, too.
    """
    return Response(status, _HTML, _rendered(name, router, values))


def fragment(name: str, router: Any, status: int = 200, **values: Any) -> Response[Any]:
    """Return a part of a page, for htmx. See ``page``."""
    return Response(status, _HTML, _rendered(name, router, values))


def _rendered(name: str, router: Any, values: dict[str, Any]) -> str:
    context = router.context
    links = context["console"].links
    return (
        _environment()
        .get_template(name)
        .render(
            asset=lambda file: links.to(f"/assets/{assets()[file].name}"),
            htmx_config=HTMX,
            links=links,
            settings=context["console"].settings,
            visitor=context.get("visitor"),
            **values,
        )
    )


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    for filter_ in _FILTERS:
        environment.filters[filter_.__name__] = filter_
    return environment
