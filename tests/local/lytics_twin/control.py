"""Control endpoints for a twin in its own process: `/_twin/…`, JSON, no token."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from tests.local.lytics_twin.account import Unknown
from tests.local.lytics_twin.answers import ApiError, Reply, plain
from tests.local.lytics_twin.routes import Request, Route

if TYPE_CHECKING:
    from tests.local.lytics_twin.twin import LyticsTwin


def control_routes(twin: LyticsTwin) -> list[Route]:
    """Return routes that call the twin's methods: a POST with arguments by name answers `{"result": …}`."""
    return [
        *(Route("POST", f"/_twin/{name}", _call(method)) for name, method in _methods(twin).items()),
        Route("GET", "/_twin/state", lambda _: plain(twin.state())),
        Route("GET", "/_twin/truth", lambda _: plain(twin.truth())),
        Route("GET", "/_twin/requests", lambda _: plain(twin.requests())),
        Route("GET", "/_twin/members/{audience}", lambda request: _members(twin, request)),
    ]


def _methods(twin: LyticsTwin) -> dict[str, Callable[..., object]]:
    return {
        "populate": twin.populate,
        "events": twin.make_events,
        "faults": twin.set_faults,
        "fail-next": lambda statuses: twin.fail_next(*statuses),
        "audiences": twin.add_audience,
        "rename": twin.rename_audience,
        "profiles": twin.add_profile,
        "delete-profile": twin.delete_profile,
        "enter": twin.enter,
        "exit": twin.exit,
        "change": twin.change,
        "jobs": twin.seed_job,
        "drain": twin.drain,
    }


def _call(method: Callable[..., object]) -> Callable[[Request], Reply]:
    def answer(request: Request) -> Reply:
        arguments: dict[str, Any] = request.json()
        try:
            return plain({"result": method(**arguments)})
        except (TypeError, ValueError, Unknown) as error:
            raise ApiError(400, str(error)) from error

    return answer


def _members(twin: LyticsTwin, request: Request) -> Reply:
    try:
        return plain(sorted(twin.members(request.names["audience"])))
    except Unknown as error:
        raise ApiError(404, str(error)) from error
