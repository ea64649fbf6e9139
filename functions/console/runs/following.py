"""Find a run by its name in an address."""

import re
from typing import Final

from lytics_sendgrid.domain.execution import Execution, NamedExecutions

_NAME: Final = re.compile(r"[A-Za-z0-9_-]{1,80}", re.ASCII)


def first_execution(executions: NamedExecutions, export: str, run: str) -> Execution | None:
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
