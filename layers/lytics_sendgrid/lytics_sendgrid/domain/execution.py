"""Executions of the state machine, and the run that they are: a long run goes on in another execution."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Protocol, Self

GOES_ON_IN: Final = "goes_on_in"
"""The key of an execution's output that holds the ARN of the execution in which the run continues."""
MAX_EXECUTIONS: Final = 1_000
"""Executions of one run. Each takes hours, so the timeout of a week ends a run long before."""

MAX_UNKNOWN_S: Final = 60
"""How long Step Functions may not know an execution after its start. Its answers are eventually consistent
(API reference of DescribeExecution, 2026-11); AWS names no time."""


def goes_on_in(output: Mapping[str, Any]) -> str | None:
    """Return the ARN of the execution that a run continues in, from an execution's output; None: in none."""
    following = output.get(GOES_ON_IN)
    return following if isinstance(following, str) else None


@dataclass(frozen=True, slots=True)
class Execution:
    """An execution of the state machine.

    Attributes:
        arn: its ARN.
        name: its name; that of a run's first execution is the run's name.
        status: ``RUNNING``, ``SUCCEEDED``, ``FAILED``, ``TIMED_OUT`` or ``ABORTED``.
        started_s: Unix seconds.
        ended_s: Unix seconds; None: it still runs.
        input: what it was started with.
        output: of one that succeeded; otherwise empty.
        error: the name of the error that it failed with; empty: it did not fail.
        cause: of the failure, for a person.
    """

    arn: str
    name: str
    status: str
    started_s: int
    ended_s: int | None = None
    input: Mapping[str, Any] = field(default_factory=dict)
    output: Mapping[str, Any] = field(default_factory=dict)
    error: str = ""
    cause: str = ""

    @property
    def is_running(self) -> bool:
        """Whether it has not ended yet."""
        return self.status == "RUNNING"

    @property
    def goes_on_in(self) -> str | None:
        """The ARN of the execution in which the run goes on, if it does."""
        return goes_on_in(self.output)

    @classmethod
    def just_started(cls, arn: str, started_s: int, document: Mapping[str, Any] | None = None) -> Self:
        """Return an execution that was started, and that Step Functions does not know yet.

        Args:
            arn: its ARN.
            started_s: Unix seconds.
            document: its input, as far as it is known.
        """
        return cls(arn, arn.rpartition(":")[2], "RUNNING", started_s, input=document or {})


@dataclass(frozen=True, slots=True)
class RunPlace:
    """The place of an export's run: an export has one run at a time.

    Attributes:
        execution: the ARN of the run's first execution, which may have ended.
        begun_s: when the run began, Unix seconds.
    """

    execution: str
    begun_s: int


class Executions(Protocol):
    """Where executions are described."""

    def describe(self, arn: str) -> Execution | None:
        """Return an execution, or None: it does not exist any more, or was started a moment ago."""


class NamedExecutions(Executions, Protocol):
    """The executions of one state machine."""

    def arn(self, name: str) -> str:
        """Return the ARN of the execution with a name."""


def last_execution(executions: Executions, first: Execution) -> Execution:
    """Return the execution that a run is in now.

    Step Functions forgets a run's executions in the order in which they ended. So an execution that a known
    one names, and that is not known itself, was just started: it runs.

    Args:
        executions: where they are described.
        first: any execution of the run.
    """
    last = first
    for _ in range(MAX_EXECUTIONS):
        following = last.goes_on_in
        if following is None:
            break
        known = executions.describe(following)
        if known is None:
            return Execution.just_started(following, last.ended_s or last.started_s)
        last = known
    return last


def current_execution(executions: Executions, arn: str, started_s: float, now_s: float) -> Execution | None:
    """Return the execution that a run is in now; None: AWS has forgotten the run.

    Args:
        executions: where they are described.
        arn: of the run's first execution. One that was started a moment ago runs, also if AWS does not know
            it yet.
        started_s: when it was started, Unix seconds. The clock may be another machine's.
        now_s: the time, Unix seconds.
    """
    first = executions.describe(arn)
    if first is None:
        return Execution.just_started(arn, int(started_s)) if is_new(started_s, now_s) else None
    return last_execution(executions, first)


def is_new(started_s: float, now_s: float) -> bool:
    """Return whether Step Functions may not know yet what was started at a time. Both are Unix seconds."""
    return abs(now_s - started_s) < MAX_UNKNOWN_S
