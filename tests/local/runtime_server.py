"""The HTTP server of the local Lambda Runtime API: passes events to one function process, receives replies.

Protocol: <https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html>.
"""

import http.server
import json
import queue
import sys
import time
from dataclasses import dataclass

# Lambda's limit on a synchronous invocation's request and response: "6 MB".
MAX_PAYLOAD_BYTES = 6 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Invocation:
    request_id: str
    event: bytes
    trace_id: str


@dataclass(frozen=True, slots=True)
class Fetched:
    """The runtime has fetched the event. The time-out starts now."""

    expires_monotonic_s: float


@dataclass(frozen=True, slots=True)
class Exited:
    reason: str


@dataclass(frozen=True, slots=True)
class Reply:
    payload: bytes
    failed: bool
    during_init: bool = False


class RuntimeApi(http.server.ThreadingHTTPServer):
    """The server of one process, on a free loopback port.

    It passes each item of `invocations` once (None ends the waiting connection) and reports to `progress` in
    order.
    """

    # server_close() waits for the connections' threads, which end with the process before.
    daemon_threads = False

    def __init__(
        self,
        invocations: "queue.SimpleQueue[Invocation | None]",
        progress: "queue.SimpleQueue[Fetched | Exited | Reply]",
        arn: str,
    ) -> None:
        super().__init__(("127.0.0.1", 0), _Endpoint)
        self.invocations, self.progress, self.arn = invocations, progress, arn
        # Of the next invocation. The caller sets it before queueing the invocation.
        self.timeout_s = 0.0

    def handle_error(self, request: object, client_address: object) -> None:
        if not isinstance(sys.exception(), ConnectionError):  # the process was killed: its owner reports that
            super().handle_error(request, client_address)  # type: ignore[arg-type]


class _Endpoint(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    # Head and body in one write: two writes would wake the function's process twice and cost CPU time.
    wbufsize = -1
    server: RuntimeApi

    def do_GET(self) -> None:
        """`/runtime/invocation/next`: wait for an event."""
        invocation = self.server.invocations.get()
        if invocation is None:
            self.close_connection = True
            return
        timeout_s = self.server.timeout_s
        self.server.progress.put(Fetched(time.monotonic() + timeout_s))
        headers = {
            "Lambda-Runtime-Aws-Request-Id": invocation.request_id,
            "Lambda-Runtime-Deadline-Ms": str(int((time.time() + timeout_s) * 1000)),
            "Lambda-Runtime-Invoked-Function-Arn": self.server.arn,
            "Content-Type": "application/json",
        }
        if invocation.trace_id:
            headers["Lambda-Runtime-Trace-Id"] = invocation.trace_id
        self._answer(200, invocation.event, headers)

    def do_POST(self) -> None:
        """`/runtime/invocation/<id>/response`, `.../error` and `/runtime/init/error`."""
        payload = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        failed = not self.path.endswith("/response")
        if not failed and len(payload) > MAX_PAYLOAD_BYTES:
            message = f"Response payload size ({len(payload)} bytes) exceeded maximum allowed payload size."
            payload = json.dumps(
                {"errorType": "Function.ResponseSizeTooLarge", "errorMessage": message}
            ).encode()
            failed = True
        self._answer(202, b"{}", {})
        self.server.progress.put(Reply(payload, failed, during_init=self.path.endswith("/init/error")))

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002 - named by the base class
        pass

    def _answer(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()
