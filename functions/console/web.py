"""What every page's module uses: its router, the visitor, the form, redirects."""

import json
from collections.abc import Callable
from typing import Any, Final
from urllib.parse import parse_qs, quote

from aws_lambda_powertools.event_handler.api_gateway import Response
from aws_lambda_powertools.event_handler.router import APIGatewayRouter

from functions.console.context import Console, Role, Visitor


class Router(APIGatewayRouter):
    """The routes of one page's module."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]


MAX_FORM_FIELDS: Final = 5_000
"""A form with 500 audiences and a row for each of Lytics' fields fits."""
MAX_FORM_BYTES: Final = 200_000
"""Step Functions and DynamoDB accept a form of this size as JSON. 200 audiences and 500 rows fit."""
MAX_NAME_CHARS: Final = 128
"""The longest part of a path. All names are shorter, and DynamoDB refuses keys that are much longer."""


class FormTooLarge(Exception):
    """A form has more fields or more text than an input may have."""


class OperatorsOnly(Exception):
    """A viewer asked for what only operators may do."""


def console(router: Any) -> Console:
    """Return the collaborators, from a router or the application."""
    found: Console = router.context["console"]
    return found


def visitor(router: Any) -> Visitor:
    """Return the visitor, from a router or the application. Only pages behind the sign-in have a visitor."""
    found: Visitor = router.context["visitor"]
    return found


def operators_only(app: Any, next_middleware: Callable[[Any], Response[Any]]) -> Response[Any]:
    """Let only operators through: ``@router.post("/x", middlewares=[operators_only])``.

    Raises:
        OperatorsOnly: the visitor is a viewer.
    """
    if visitor(app).role is not Role.OPERATOR:
        raise OperatorsOnly
    return next_middleware(app)


def redirect(router: Any, path: str) -> Response[Any]:
    """Return a redirect to one of our pages.

    Args:
        router: a router or the application.
        path: of the page, escaped, such as ``/exports/newsletter``.
    """
    return Response(303, headers={"Location": console(router).links.to(path)})


def path_of(*parts: str) -> str:
    """Return a path made of parts, each escaped: ``path_of("exports", name)``."""
    return "".join(f"/{quote(part, safe='')}" for part in parts)


def form(router: Any) -> dict[str, list[str]]:
    """Return the fields of a form that was posted, each with all its values, empty ones included.

    Returns:
        Nothing for a body that is not a form's.

    Raises:
        FormTooLarge: it has too many fields or too much text.
    """
    body = router.current_event.decoded_body or ""
    try:
        fields = parse_qs(body, keep_blank_values=True, max_num_fields=MAX_FORM_FIELDS)
    except ValueError as error:
        raise FormTooLarge from error
    if len(json.dumps(fields)) > MAX_FORM_BYTES:
        raise FormTooLarge
    return fields


def header(router: Any, name: str) -> str:
    """Return a header of the request, or an empty text."""
    return str(router.current_event.headers.get(name) or "")


def cookies(router: Any) -> str:
    """Return the request's cookies as one header. HTTP/2 lets a browser split them over several."""
    lines = (router.current_event.raw_event.get("multiValueHeaders") or {}).items()
    return "; ".join(value for name, values in lines if name.lower() == "cookie" for value in values)


def is_fragment(router: Any) -> bool:
    """Return whether htmx asks, for a part of a page."""
    return header(router, "HX-Request") == "true"
