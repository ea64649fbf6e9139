"""How a request finds what answers it."""

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
    """A request, its path's names and its query unescaped (the last value of a name that is repeated)."""

    method: str
    path: str
    query: dict[str, str]
    body: bytes
    names: dict[str, str] = dataclasses.field(default_factory=dict)

    @property
    def version(self) -> int:
        """Which of the two shapes the answer has."""
        return 2 if self.path.startswith("/v2/") else 1

    def json(self) -> dict[str, Any]:
        """Read the body as a JSON object; raises `ApiError` 400 for anything else."""
        try:
            content = json.loads(self.body or b"{}")
        except ValueError:
            raise ApiError(400, "the body is not JSON", "JSON-BADREQ-025") from None
        if not isinstance(content, dict):
            raise ApiError(400, "the body is not a JSON object", "JSON-BADREQ-025")
        return content


@dataclasses.dataclass(slots=True, frozen=True)
class Route:
    """One call: `template` has names in braces, each for one segment of the path."""

    method: str
    template: str
    answer: Callable[[Request], Reply]


class Router:
    """Finds routes, the first that fits, and counts requests by method and template."""

    def __init__(self, routes: Iterable[Route]) -> None:
        self._routes = [(re.compile(_pattern(route.template)), route) for route in routes]
        self.counts: Counter[str] = Counter()

    def answer(self, request: Request) -> Reply:
        """Answer a request; raises `ApiError` 404 where no call has this path, 405 for another method."""
        status = 404
        for pattern, route in self._routes:
            found = pattern.fullmatch(request.path)
            if found and route.method == request.method:
                self.counts[f"{route.method} {route.template}"] += 1
                names = {key: urllib.parse.unquote(value) for key, value in found.groupdict().items()}
                return route.answer(dataclasses.replace(request, names=names))
            status = 405 if found else status
        self.counts[f"{request.method} (unknown)"] += 1
        raise ApiError(status, "Not Found" if status == 404 else "Method Not Allowed")


def _pattern(template: str) -> str:
    return re.sub(r"\\{(\w+)\\}", r"(?P<\1>[^/]+)", re.escape(template))
