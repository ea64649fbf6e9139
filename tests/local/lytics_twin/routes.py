"""Requests, routes and the router."""

import dataclasses
import json
import re
import urllib.parse
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

from tests.local.lytics_twin.answers import ApiError, Reply


@dataclasses.dataclass(slots=True, frozen=True)
class Request:
    """A request with unescaped path and query parameters. The last value wins if a name is repeated."""

    method: str
    path: str
    query: dict[str, str]
    body: bytes
    names: dict[str, str] = dataclasses.field(default_factory=dict)

    @property
    def version(self) -> int:
        """The API version, which decides the answer's format."""
        return 2 if self.path.startswith("/v2/") else 1

    def json(self) -> dict[str, Any]:
        """Parse the body as a JSON object. Raises `ApiError` 400 for anything else."""
        try:
            content = json.loads(self.body or b"{}")
        except ValueError:
            raise ApiError(400, "the body is not JSON", "JSON-BADREQ-025") from None
        if not isinstance(content, dict):
            raise ApiError(400, "the body is not a JSON object", "JSON-BADREQ-025")
        return content


@dataclasses.dataclass(slots=True, frozen=True)
class Route:
    """One endpoint. Each name in braces in `template` matches one path segment."""

    method: str
    template: str
    answer: Callable[[Request], Reply]


class Router:
    """Calls the first matching route, and counts requests by method and template."""

    def __init__(self, routes: Iterable[Route]) -> None:
        self._routes = [(re.compile(_pattern(route.template)), route) for route in routes]
        self.counts: Counter[str] = Counter()

    def answer(self, request: Request) -> Reply:
        """Answer a request. Raises `ApiError` 404 for an unknown path, 405 for a wrong method."""
        status = 404
        for pattern, route in self._routes:
            match = pattern.fullmatch(request.path)
            if match and route.method == request.method:
                self.counts[f"{route.method} {route.template}"] += 1
                names = {key: urllib.parse.unquote(value) for key, value in match.groupdict().items()}
                return route.answer(dataclasses.replace(request, names=names))
            status = 405 if match else status
        self.counts[f"{request.method} (unknown)"] += 1
        raise ApiError(status, "Not Found" if status == 404 else "Method Not Allowed")


def _pattern(template: str) -> str:
    return re.sub(r"\\{(\w+)\\}", r"(?P<\1>[^/]+)", re.escape(template))
