"""The HTTP server of the local Lambda Runtime API: passes events to one function process, receives replies.

Protocol: <https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html>.
"""

import json
import queue
import time
from dataclasses import dataclass

from tests.http_server import Handler, HttpServer

# Lambda's limit on a synchronous invocation's request and response: "6 MB".
MAX_PAYLOAD_BYTES = 6 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Invocation:
    request_id: str
    event: bytes
    trace_id: str


@dataclass(frozen=True, slots=True)
class Fetched:
    """The runtime has fetched the event. The timeout starts now."""

    expires_monotonic_s: float


@dataclass(frozen=True, slots=True)
class Exited:
    reason: str


@dataclass(frozen=True, slots=True)
class Reply:
    payload: bytes
    failed: bool
    during_init: bool = False


class RuntimeApi(HttpServer):
    """The server of one process, on a free loopback port.

    It passes each item of `invocations` once (None ends the waiting connection) and reports to `progress` in
    order.
    """

    # server_close() waits for the connections' threads, which end with the process before.
    daemon_threads = False
    block_on_close = True

    def __init__(
        self,
        invocations: "queue.SimpleQueue[Invocation | None]",
        progress: "queue.SimpleQueue[Fetched | Exited | Reply]",
        arn: str,
    ) -> None:
        super().__init__(_Endpoint)
        self.invocations, self.progress, self.arn = invocations, progress, arn
        # Of the next invocation. The caller sets it before queueing the invocation.
        self.timeout_s = 0.0


class _Endpoint(Handler):
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
        self.answer(200, invocation.event, headers)

    def do_POST(self) -> None:
        """`/runtime/invocation/<id>/response`, `.../error` and `/runtime/init/error`."""
        payload = self.body()
        failed = not self.path.endswith("/response")
        if not failed and len(payload) > MAX_PAYLOAD_BYTES:
            message = f"Response payload size ({len(payload)} bytes) exceeded maximum allowed payload size."
            payload = json.dumps(
                {"errorType": "Function.ResponseSizeTooLarge", "errorMessage": message}
            ).encode()
            failed = True
        self.answer(202, b"{}")
        self.server.progress.put(Reply(payload, failed, during_init=self.path.endswith("/init/error")))
