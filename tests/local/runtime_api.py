"""The Lambda Runtime API on loopback, with one function process under `awslambdaric` behind it.

    with FunctionProcess("app.lambda_handler", Path("code"), python=Path(".venv-runtime/bin/python")) as function:
        cold = function.invoke(b"{}")          # cold.seconds: from the start of the process to the answer
        before = function.cpu_seconds()
        function.invoke(b"{}")
        print(function.cpu_seconds() - before, function.peak_memory_bytes())

Nothing here limits CPU or memory as Lambda does. Runs in the emulator's interpreter too, so: standard library only.
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

# Lambda lets a function initialise for 10 s before the time-out of its first invocation starts to count.
INIT_S = 10.0


@dataclass(frozen=True, slots=True)
class Answer:
    """What an invocation came to.

    Attributes:
        payload: JSON: the handler's result, or `{"errorType", "errorMessage", ...}`.
        failed: Whether it is an error, as the `X-Amz-Function-Error` header says on AWS.
        request_id: The invocation's id.
        seconds: From handing the event over (a cold start: from starting the process) to the answer.
        cold: Whether the process was started for this invocation or has not answered before.
    """

    payload: bytes
    failed: bool
    request_id: str
    seconds: float
    cold: bool


class FunctionProcess:
    """One execution environment of a function: one process, one invocation at a time, kept warm.

    A time-out kills the process; it, an exit and a failed initialisation are answers like those of Lambda
    (`Sandbox.Timedout`, `Runtime.ExitError`, `Runtime.ImportModuleError` and so on), and the next invocation
    starts a new process. Not thread-safe: each concurrent invocation wants a process of its own.
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
        """Describe the function; nothing is started yet.

        Args:
            handler: As in the template, `module.path.function`.
            code: The function's built code, also its working directory.
            python: Interpreter with `awslambdaric` and what Lambda's runtime has besides (boto3).
            layers: Built layers, each a folder with a `python` folder in it, first one first on the path.
            environment: The function's variables, the AWS credentials and region with them. Nothing of this
                process's environment but `PATH` is passed on.
            name: The function's name.
            timeout_s: Its time-out; initialisation has 10 s besides.
            memory_mb: What it is told that it has.
            log: File that its output is appended to; without one it is dropped.
            arn: The ARN that it was invoked by.
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
            # Without these two boto3 would read the settings of whoever runs this.
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
        """Return itself; the process starts with `start` or the first invocation."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the process."""
        self.close()

    def start(self) -> None:
        """Start the process, unless one runs, without waiting until it is ready."""
        if self._session is None:
            self._session = _Session(self._command, self._code, self._environment, self._log, self._arn)

    def invoke(self, event: bytes, request_id: str | None = None, trace_id: str | None = None) -> Answer:
        """Run one invocation and return its outcome, whatever it is.

        Args:
            event: JSON.
            request_id: The context's `aws_request_id`; a new one by default.
            trace_id: X-Ray header for the function's `_X_AMZN_TRACE_ID`.
        """
        begun = time.perf_counter()
        if self._session is not None and self._session.process.poll() is not None:
            # Lambda does not count the exit of an idle environment against the next invocation.
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
        """The process's id, None while there is none."""
        return self._session.process.pid if self._session else None

    def cpu_seconds(self) -> float:
        """Return the process's own CPU time so far: user and system, all its threads, in seconds.

        Raises:
            ProcessLookupError: There is no process.
        """
        # Linux's per-process CPU clock, what clock_getcpuclockid(3) makes of a process id: /proc/<pid>/stat
        # has the same figure, but only in steps of 10 ms.
        return time.clock_gettime(~self._running_pid() << 3 | 2)

    def peak_memory_bytes(self) -> int:
        """Return the process's greatest resident memory so far (VmHWM).

        Raises:
            ProcessLookupError: There is no process.
        """
        for line in Path(f"/proc/{self._running_pid()}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
        raise ProcessLookupError("The process has ended.")

    def close(self) -> None:
        """Kill the process, wait for its end and close the sockets. Safe to call twice."""
        session, self._session = self._session, None
        if session is not None:
            session.close()

    def _running_pid(self) -> int:
        if self._session is None:
            raise ProcessLookupError("No process has been started.")
        return self._session.process.pid


class _Session:
    """A process from start to end, and the server that it talks to."""

    def __init__(
        self, command: list[str], code: Path, environment: dict[str, str], log: Path | None, arn: str
    ) -> None:
        self.answered = False
        self._log = log
        self._invocations: queue.SimpleQueue[Invocation | None] = queue.SimpleQueue()
        self._progress: queue.SimpleQueue[Fetched | Exited | Reply] = queue.SimpleQueue()
        self._server = RuntimeApi(self._invocations, self._progress, arn)
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
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
        """Return the reply, and whether the process can take another event."""
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
        self._server.shutdown()
        self._server.server_close()

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
            # As in CloudWatch, where the platform writes this line: the function can no longer do so.
            with self._log.open("a") as log:
                log.write(f"{message}\n")
        return Reply(json.dumps({"errorType": error_type, "errorMessage": message}).encode(), failed=True)
