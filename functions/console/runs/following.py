"""Follow a run, not an execution: a long run goes on in another one."""

import re
from typing import Final, Protocol

from functions.console.aws.executions import Execution

_MAX_EXECUTIONS: Final = 100
"""Of one run: each goes on for hours before the next."""
_NAME: Final = re.compile(r"[A-Za-z0-9_-]{1,80}", re.ASCII)


class Executions(Protocol):
    """The executions of the state machine."""

    def arn(self, name: str) -> str: ...  # noqa: D102
    def describe(self, arn: str) -> Execution | None: ...  # noqa: D102


def first_execution(executions: Executions, export: str, run: str) -> Execution | None:
    """Return the execution that a run began with; None: the export has no such run, or AWS has forgotten it.

    Args:
        executions: where they are described.
        export: the run's export.
        run: its name, as it stands in an address.
    """
    if _NAME.fullmatch(run) is None:
        return None
    execution = executions.describe(executions.arn(run))
    if execution is None or execution.input.get("export", "default") != export:
        return None
    return execution


def last_execution(executions: Executions, first: Execution) -> Execution:
    """Return the execution that a run is in now, or that it ended in."""
    last = first
    for _ in range(_MAX_EXECUTIONS):
        following = executions.describe(last.goes_on_in) if last.goes_on_in is not None else None
        if following is None:
            break
        last = following
    return last
