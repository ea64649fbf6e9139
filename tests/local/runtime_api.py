"""The Lambda Runtime API on loopback, with one function process under `awslambdaric` behind it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self


@dataclass(frozen=True, slots=True)
class Answer:
    """What an invocation came to.

    Attributes:
        payload: JSON: the handler's result, or `{"errorType", "errorMessage", ...}`.
        failed: Whether it is an error, as the `X-Amz-Function-Error` header says on AWS.
        request_id: The invocation's id.
        seconds: From handing the event over (a cold start: from starting the process) to the answer.
        cold: Whether this invocation started the process.
    """

    payload: bytes
    failed: bool
    request_id: str
    seconds: float
    cold: bool


class FunctionProcess:
    """One execution environment of a function: at most one process and one invocation at a time."""

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
    ) -> None: ...

    def start(self) -> None:
        """Start the process without waiting for it; `invoke` does so by itself."""

    def invoke(self, event: bytes, request_id: str | None = None, trace_id: str | None = None) -> Answer:
        """Run one invocation, starting the process if there is none."""
        raise NotImplementedError

    def cpu_seconds(self) -> float:
        """Return the process's own CPU time so far, user and system, all threads, in seconds."""
        raise NotImplementedError

    def peak_memory_bytes(self) -> int:
        """Return the process's greatest resident memory so far (VmHWM)."""
        raise NotImplementedError

    def close(self) -> None:
        """Kill the process, and close the sockets. Safe to call twice."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
