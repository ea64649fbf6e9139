"""The console's routes: every page's module, the gate in front of them, and what a fault looks like."""

from collections.abc import Iterable
from typing import Any, Final

from aws_lambda_powertools.event_handler.api_gateway import APIGatewayRestResolver, Response

from functions.console import assets
from functions.console.context import Console
from functions.console.headers import with_headers
from functions.console.pages import checks, drafts, export, exports, health, person, rejected, run
from functions.console.render import page
from functions.console.signin import routes as signin
from functions.console.signin.gate import gate
from functions.console.web import FormTooLarge, OperatorsOnly, Router
from lytics_sendgrid.errors import RetryLater

PAGES: Final = (signin, assets, exports, drafts, checks, export, rejected, run, person, health)
"""The modules of all pages. A new one adds itself here."""
ROUTERS: Final = tuple(module.router for module in PAGES)


class Application:
    """The console: from a request of API Gateway to its answer."""

    def __init__(self, console: Console, routers: Iterable[Router]) -> None:
        self._console = console
        prefix = console.links.prefix
        self._resolver = APIGatewayRestResolver(strip_prefixes=[prefix] if prefix else None)
        self._resolver.use([gate])
        for router in routers:
            self._resolver.include_router(router)
        self._resolver.exception_handler(OperatorsOnly)(self._for_operators)
        self._resolver.exception_handler(FormTooLarge)(self._too_large)
        self._resolver.exception_handler(RetryLater)(self._busy)
        self._resolver.not_found(self._not_found)

    def answer(self, event: dict[str, Any], context: Any) -> dict[str, Any]:
        """Return the answer to a request. An unexpected error is the gateway's 502, and rings the alarm."""
        self._resolver.append_context(console=self._console)  # type: ignore[no-untyped-call]
        return with_headers(self._resolver.resolve(event, context))

    def _for_operators(self, _: Exception) -> Response[Any]:
        return page("faults/operators_only.html", self._resolver, status=403)

    def _too_large(self, _: Exception) -> Response[Any]:
        return page("faults/too_large.html", self._resolver, status=413, path=self._resolver.context["_path"])

    def _busy(self, _: Exception) -> Response[Any]:
        return page("faults/busy.html", self._resolver, status=503)

    def _not_found(self, _: Exception) -> Response[Any]:
        return page("faults/not_found.html", self._resolver, status=404)
