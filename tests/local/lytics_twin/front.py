"""The checks before each API call: token and API faults. Control endpoints skip both."""

import hmac
import threading
from collections import Counter
from collections.abc import Iterable

from tests.local.lytics_twin.answers import ApiError, Reply, refusal
from tests.local.lytics_twin.faults import Dice, Faults
from tests.local.lytics_twin.routes import Request, Route, Router


class Front:
    """Answers every request to the server.

    Attributes:
        struck: How often each API fault has struck.
    """

    def __init__(
        self, token: str, faults: Faults, dice: Dice, *, calls: Iterable[Route], controls: Iterable[Route]
    ) -> None:
        self.token = token
        self.next_statuses: list[int] = []
        self.struck: Counter[str] = Counter()
        self.calls = Router(calls)
        self.closing = threading.Event()
        self._controls = Router(controls)
        self._faults, self._dice = faults, dice

    def answer(self, request: Request, authorization: str | None) -> Reply | None:
        """Answer a request with its `Authorization`; None closes the connection without an answer."""
        if request.path.startswith("/_twin/"):
            return _guarded(self._controls, request)
        if authorization is None or not hmac.compare_digest(authorization.encode(), self.token.encode()):
            return refusal(request.version, ApiError(401, "Not authorized"))
        faults = self._faults
        if faults.api_paths not in request.path:
            return _guarded(self.calls, request)
        if faults.api_slow_s:
            self.closing.wait(faults.api_slow_s)
        if self.next_statuses:
            return refusal(request.version, ApiError(self.next_statuses.pop(0), "requested by a test"))
        return self._perhaps_faulty(request)

    def _perhaps_faulty(self, request: Request) -> Reply | None:
        faults = self._faults
        fault = self._dice.pick(
            {
                "429": faults.api_429_rate,
                "500": faults.api_5xx_rate,
                "html": faults.api_html_rate,
                "truncate": faults.api_truncate_rate,
                "drop": faults.api_drop_rate,
            }
        )
        if fault is not None:
            self.struck[fault] += 1
        match fault:
            case "429" | "500":
                return refusal(request.version, ApiError(int(fault), "injected"))
            case "html":
                return Reply(502, b"<html><body><h1>502 Bad Gateway</h1></body></html>", "text/html")
        reply = _guarded(self.calls, request)
        if fault == "truncate":
            return reply._replace(body=reply.body[: len(reply.body) // 2])
        return None if fault == "drop" else reply


def _guarded(router: Router, request: Request) -> Reply:
    try:
        return router.answer(request)
    except ApiError as error:
        return refusal(request.version, error)
