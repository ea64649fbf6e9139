"""The steps of each request, in order: draw a fault, check the key and rate limit, handle, record."""

import threading
from dataclasses import replace

from tests.local.sendgrid_twin.account import Account, Route
from tests.local.sendgrid_twin.exchange import Answer, Exchange, Request, general_error, refusal
from tests.local.sendgrid_twin.faults import FaultPlan
from tests.local.sendgrid_twin.options import Fault, FaultKind
from tests.local.sendgrid_twin.rate_limits import RateLimits, rate_limit_headers, too_many_requests
from tests.local.sendgrid_twin.record import Record


class Answering:
    """Answers requests, each in the thread of its connection. Only pauses run outside the lock.

    Attributes:
        faults: The faults that requests draw from.
        closing: Set when the twin closes; ends every pause.
    """

    def __init__(self, account: Account, record: Record, faults: FaultPlan, lock: threading.RLock) -> None:
        self._account = account
        self._record = record
        self._limits = RateLimits(account.situation)
        self._lock = lock
        self.faults = faults
        self.closing = threading.Event()

    def respond(self, request: Request) -> Answer | None:
        """Answer one request; `None` closes the connection without an answer."""
        if request.path.startswith("/_files/"):
            return self._file(request)
        with self._lock:
            self._account.situation.catch_up()
            self._account.segments.refresh_due()
            matched = self._account.route(request.method, request.path)
            if matched is None:
                return self._recorded(f"{request.method} (unknown)", request, general_error(404, "not found"))
            route, values = matched
            fault, job_fault = self.faults.draw(route.endpoint)
            if fault is None or fault.kind is not FaultKind.HANG or fault.work == "before":
                answer = self._handled(request, route, values, fault, job_fault)
        if fault is not None and fault.kind is FaultKind.HANG:
            self.closing.wait(fault.seconds)
            if fault.work != "before":
                work = fault.work == "after"
                with self._lock:
                    answer = self._handled(request, route, values, None, job_fault) if work else None
        with self._lock:
            return self._recorded(route.endpoint, request, answer)

    def _handled(
        self, request: Request, route: Route, values: list[str], fault: Fault | None, job_fault: Fault | None
    ) -> Answer | None:
        """Handle a request or apply its fault; `None` closes the connection without an answer."""
        kind = fault.kind if fault is not None else None
        if kind is FaultKind.DROP_BEFORE:
            return None
        if (refused := self._account.refused_key(request, route)) is not None:
            return self._with_limits(route.endpoint, refused)
        if not self._limits.take(route.endpoint):
            return self._with_limits(route.endpoint, too_many_requests())
        if (
            fault is not None
            and (fault_answer := _fault_answer(fault, self._account.situation.now())) is not None
        ):
            return self._with_limits(route.endpoint, fault_answer)
        answer = self._account.answer(request, route, values, job_fault)
        return None if kind is FaultKind.DROP_AFTER else self._with_limits(route.endpoint, answer)

    def _with_limits(self, endpoint: str, answer: Answer) -> Answer:
        return replace(answer, headers={**self._limits.headers(endpoint), **answer.headers})

    def _recorded(self, endpoint: str, request: Request, answer: Answer | None) -> Answer | None:
        sent = Answer(0) if answer is None else replace(answer, body=answer.encoded())
        status = None if answer is None else answer.status
        self._record.add(
            Exchange(
                endpoint,
                request.method,
                request.path,
                request.query,
                request.body,
                status,
                sent.headers,
                sent.encoded(),
            )
        )
        return answer

    def _file(self, request: Request) -> Answer:
        """Serve a job's or an export's file as S3 serves a signed URL: refuse an Authorization header."""
        kind, _, name = request.path.removeprefix("/_files/").partition("/")
        if "authorization" in request.headers:
            return Answer(
                400, b"<Error><Code>InvalidArgument</Code></Error>", {"Content-Type": "application/xml"}
            )
        with self._lock:
            self._account.situation.catch_up()
            if kind == "imports":
                content, media = self._account.jobs.errors_file(name.partition("/")[0]), "text/csv"
            else:
                content, media = self._account.exports.file(name), "application/gzip"
        if content is None or "X-Signature" not in request.query:
            return Answer(
                403, b"<Error><Code>AccessDenied</Code></Error>", {"Content-Type": "application/xml"}
            )
        return Answer(200, content, {"Content-Type": media})


def _fault_answer(fault: Fault, now: float) -> Answer | None:
    """Return the error answer of a fault; `None` for faults that let the request be handled."""
    match fault.kind:
        case FaultKind.RATE_LIMITED:
            limited = too_many_requests()
            return replace(limited, headers=rate_limit_headers(1, 0, now + fault.seconds))
        case FaultKind.SERVER_ERROR:
            return refusal(fault.status, "internal server error", "")
        case FaultKind.FORBIDDEN:
            return general_error(403, "access forbidden")
        case FaultKind.NAMELESS_400:
            return refusal(400, "invalid input", "")
    return None
