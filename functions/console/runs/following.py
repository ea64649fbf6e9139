"""Find a run by its name in an address."""

import re
from typing import Final

from functions.console.drafts.draft import run_key
from functions.console.runs.starter import Store
from lytics_sendgrid.domain.execution import Execution, NamedExecutions, is_new

_NAME: Final = re.compile(r"[A-Za-z0-9_-]{1,80}", re.ASCII)


def first_execution(
    executions: NamedExecutions, store: Store, export: str, run: str, now_s: float
) -> Execution | None:
    """Return the execution that a run began with; None: the export has no such run, or AWS has forgotten it.

    Args:
        executions: where they are described.
        store: where it is recorded who started which run in the console.
        export: the run's export.
        run: its name, as it stands in an address.
        now_s: the time, Unix seconds.
    """
    if _NAME.fullmatch(run) is None:
        return None
    arn = executions.arn(run)
    execution = executions.describe(arn) or _just_started(arn, store, run, now_s)
    if execution is None or execution.input.get("export", "default") != export:
        return None
    return execution


def _just_started(arn: str, store: Store, run: str, now_s: float) -> Execution | None:
    """Return a run's first execution if somebody started it in the console a moment ago."""
    known = store.get(run_key(run), now_s)
    if known is None or not is_new(known["started_s"], now_s):
        return None
    document = {"export": known["export"], "action": known["action"]}
    return Execution.just_started(arn, known["started_s"], document)
