"""A local Lambda Runtime API and one function process that uses it through `awslambdaric`.

    with FunctionProcess("app.lambda_handler", Path("code"), python=Path(".venv-runtime/bin/python")) as
    function:
        cold = function.invoke(b"{}")          # cold.seconds: from the start of the process to the answer
        before = function.cpu_seconds()
        function.invoke(b"{}")
        print(function.cpu_seconds() - before, function.peak_memory_bytes())

CPU and memory are not limited as in Lambda. Standard library only, since the emulator's interpreter runs
this, too.
"""

import json
import os
import queue
import subprocess
import threading
import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.local.runtime_server import Exited, Fetched, Invocation, Reply, RuntimeApi

# Lambda allows 10 s for initialization before the timeout of the first invocation starts.
INIT_S = 10.0


@dataclass(frozen=True, slots=True)
class Answer:
    """The outcome of an invocation.

    Attributes:
        payload: The handler's result or `{"errorType", "errorMessage", ...}` as JSON.
        failed: Whether the payload is an error (on AWS, the `X-Amz-Function-Error` header).
        request_id: The invocation's id.
        seconds: The time from passing the event (in a cold start: from starting the process) to the answer.
        cold: Whether this was the first invocation of the process.
    """

    payload: bytes
    failed: bool
    request_id: str
    seconds: float
    cold: bool


class FunctionProcess:
    """One execution environment of a function: one process, one invocation at a time, kept warm.

    A timeout kills the process. Timeouts, exits and failed initializations return the errors that Lambda
    does (`Sandbox.Timedout`, `Runtime.ExitError`, `Runtime.ImportModuleError` …), and the next invocation
    starts a new process. Not thread-safe: each concurrent invocation needs its own process.
    """

    def __init__(
        self,
        handler: str,
        code: Path,
        *,
        python: Path,
        layers: Sequence[Path] = (),
        environment: Mapping[str, str] | None = None,
        name: str = "function",
        timeout_s: float = 10.0,
        memory_mb: int = 512,
        log: Path | None = None,
        arn: str | None = None,
    ) -> None:
        """Describe the function without starting it.

        Args:
            handler: The handler as in the template, `module.path.function`.
            code: The folder of the built code, which is the working directory, too.
            python: The interpreter with `awslambdaric` and boto3, as in Lambda's runtime.
            layers: Built layers, each a folder with a `python` folder, in the order of the path.
            environment: The function's variables, including AWS credentials and region. Of this process's
                environment, only `PATH` is passed on.
            name: The function's name.
            timeout_s: The function's timeout. Initialization has another 10 s.
            memory_mb: The memory that the function's environment reports.
            log: The file to append output to; None drops it.
            arn: The ARN of the invocations.
        """
        self._command = [str(python), "-m", "awslambdaric", handler]
        self._code = code
        self._timeout_s = timeout_s
        self._log = log
        self._arn = arn or f"arn:aws:lambda:us-east-1:000000000000:function:{name}"
        self._environment = {
            "PATH": os.environ.get("PATH", "/usr/bin:/bin"),
            "LANG": "C.UTF-8",
            "TZ": ":UTC",
            # Without these two, boto3 would read the caller's settings.
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "AWS_EXECUTION_ENV": "AWS_Lambda_python3.13",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(memory_mb),
            "AWS_LAMBDA_FUNCTION_NAME": name,
            "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
            "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
            "AWS_LAMBDA_LOG_GROUP_NAME": f"/aws/lambda/{name}",
            "LAMBDA_TASK_ROOT": str(code),
            "PYTHONPATH": os.pathsep.join([str(code), *(str(layer / "python") for layer in layers)]),
            "_HANDLER": handler,
            **(environment or {}),
        }
        self._session: _Session | None = None

    def __enter__(self) -> Self:
        """Return itself. `start` or the first invocation starts the process."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the process."""
        self.close()

    def start(self) -> None:
        """Start the process unless one runs. Does not wait until it is ready."""
        if self._session is None:
            self._session = _Session(self._command, self._code, self._environment, self._log, self._arn)

    def invoke(self, event: bytes, request_id: str | None = None, trace_id: str | None = None) -> Answer:
        """Run one invocation and return its outcome, even if it fails.

        Args:
            event: The event as JSON.
            request_id: The context's `aws_request_id`; by default a new one.
            trace_id: The X-Ray header for the function's `_X_AMZN_TRACE_ID`.
        """
        begun = time.perf_counter()
        if self._session is not None and self._session.process.poll() is not None:
            # In Lambda, the exit of an idle environment does not fail the next invocation.
            self.close()
        self.start()
        session = self._session
        assert session is not None
        if not session.answered:
            begun = session.started
        invocation = Invocation(request_id or str(uuid.uuid4()), event, trace_id or "")
        reply, usable = session.run(invocation, self._timeout_s)
        answer = Answer(
            payload=reply.payload,
            failed=reply.failed,
            request_id=invocation.request_id,
            seconds=time.perf_counter() - begun,
            cold=not session.answered,
        )
        session.answered = True
        if not usable:
            self.close()
        return answer

    @property
    def pid(self) -> int | None:
        """The id of the process; None if none runs."""
        return self._session.process.pid if self._session else None

    def cpu_seconds(self) -> float:
        """Return the process's CPU time so far (user and system, all threads) in seconds.

        Raises:
            ProcessLookupError: No process runs.
        """
        # Linux's CPU clock of a process id, see clock_getcpuclockid(3). /proc/<pid>/stat has the same figure
        # in steps of 10 ms.
        return time.clock_gettime(~self._running_pid() << 3 | 2)

    def peak_memory_bytes(self) -> int:
        """Return the process's peak resident memory so far (VmHWM).

        Raises:
            ProcessLookupError: No process runs.
        """
        for line in Path(f"/proc/{self._running_pid()}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
        raise ProcessLookupError("The process has ended.")

    def close(self) -> None:
        """Kill the process, wait for its end, and close the sockets. Safe to call twice."""
        session, self._session = self._session, None
        if session is not None:
            session.close()

    def _running_pid(self) -> int:
        if self._session is None:
            raise ProcessLookupError("No process has been started.")
        return self._session.process.pid


class _Session:
    """A process and its server, from start to end."""

    def __init__(
        self, command: list[str], code: Path, environment: dict[str, str], log: Path | None, arn: str
    ) -> None:
        self.answered = False
        self._log = log
        self._invocations: queue.SimpleQueue[Invocation | None] = queue.SimpleQueue()
        self._progress: queue.SimpleQueue[Fetched | Exited | Reply] = queue.SimpleQueue()
        self._server = RuntimeApi(self._invocations, self._progress, arn)
        environment = {
            **environment,
            "AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{self._server.server_port}",
            "AWS_LAMBDA_LOG_STREAM_NAME": f"{time.strftime('%Y/%m/%d')}/[$LATEST]{uuid.uuid4().hex}",
        }
        self.started = time.perf_counter()
        with Path(log or os.devnull).open("ab") as output:
            self.process = subprocess.Popen(
                command,
                cwd=code,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        threading.Thread(target=self._watch, daemon=True).start()

    def run(self, invocation: Invocation, timeout_s: float) -> tuple[Reply, bool]:
        """Return the reply, and whether the process can process another event."""
        self._server.timeout_s = timeout_s
        self._invocations.put(invocation)
        expires = time.monotonic() + INIT_S + timeout_s
        while True:
            try:
                progress = self._progress.get(timeout=max(0.0, expires - time.monotonic()))
            except queue.Empty:
                return self._failure(
                    invocation, "Sandbox.Timedout", f"Task timed out after {timeout_s:.2f} seconds"
                ), False
            match progress:
                case Fetched():
                    expires = progress.expires_monotonic_s
                case Exited():
                    return self._failure(invocation, "Runtime.ExitError", progress.reason), False
                case Reply():
                    return progress, not progress.during_init

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        self._invocations.put(None)
        self._server.close()

    def _watch(self) -> None:
        code = self.process.wait()
        if code == 0:
            reason = "Runtime exited without providing a reason"
        elif code < 0:
            reason = f"Runtime exited with error: signal: {'killed' if code == -9 else -code}"
        else:
            reason = f"Runtime exited with error: exit status {code}"
        self._progress.put(Exited(reason))

    def _failure(self, invocation: Invocation, error_type: str, reason: str) -> Reply:
        message = f"RequestId: {invocation.request_id} Error: {reason}"
        if self._log is not None:
            # As in CloudWatch: the platform writes this line, since the function no longer can.
            with self._log.open("a") as log:
                log.write(f"{message}\n")
        return Reply(json.dumps({"errorType": error_type, "errorMessage": message}).encode(), failed=True)
