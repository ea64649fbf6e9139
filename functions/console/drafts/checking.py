"""How a check ended, and whether a run may be started after it."""

from collections.abc import Mapping
from dataclasses import replace
from enum import StrEnum
from typing import Any, Final

from functions.console.drafts.draft import Check
from lytics_sendgrid.domain.execution import Execution
from lytics_sendgrid.workflow.faults import read_faults

MAX_AGE_S: Final = 1_800
"""How old a check may be when its run is started."""

_REFUSALS: Final = frozenset(
    {"ExportRefused", "InputInvalid", "KeyRefused", "RequestRefused", "SubscriptionRefused", "StopRun"}
)
_PLAN: Final = "plan"
_ENDS: Final[Mapping[str, str]] = {
    "ABORTED": "Somebody stopped this check.",
    "TIMED_OUT": "This check took longer than a check may take.",
}
_LOST: Final = "AWS does not know this check any more."


class Obstacle(StrEnum):
    """Why a run may not be started now."""

    UNCHECKED = "unchecked"
    RUNNING = "running"
    REFUSED = "refused"
    FAILED = "failed"
    CHANGED = "changed"
    OLD = "old"
    CONFIGURATION = "configuration"


def followed(check: Check, execution: Execution | None) -> Check:
    """Return a check after a look at the execution that it is in now.

    Args:
        check: one that was running.
        execution: the one that its run is in now. None: AWS has forgotten it. One that goes on in another
            is in a circle, which no run of ours is: it has not passed.
    """
    if execution is None or execution.goes_on_in is not None:
        return replace(check, status="failed", reason=_LOST)
    check = replace(check, execution=execution.arn)
    if execution.is_running:
        return check
    return _passed(check, execution.output) if execution.status == "SUCCEEDED" else _failed(check, execution)


def obstacle(check: Check | None, wanted: str, version: int | None, now_s: float) -> Obstacle | None:
    """Return why a draft's run may not be started; None: it may.

    Args:
        check: the draft's last one.
        wanted: the digest of the draft's input.
        version: of the account's configuration now; None: unknown.
        now_s: the time, Unix seconds.
    """
    if check is None:
        return Obstacle.UNCHECKED
    if check.digest != wanted:
        return Obstacle.CHANGED
    if check.status != "passed":
        return Obstacle(check.status)
    if not 0 <= now_s - check.begun_s <= MAX_AGE_S:
        return Obstacle.OLD
    if version is None or version != check.version:
        return Obstacle.CONFIGURATION
    return None


def _passed(check: Check, output: Mapping[str, Any]) -> Check:
    version = output.get("planned_version", check.version)
    # Of a start and a stop, the output is the state of the run, in which only the plan is for a person.
    result = output[_PLAN] if isinstance(output.get(_PLAN), dict) else output
    return replace(
        check,
        status="passed",
        version=version,
        account=str(output.get("account", check.account)),
        result=result,
    )


def _failed(check: Check, execution: Execution) -> Check:
    if execution.status != "FAILED":
        return replace(check, status="failed", reason=_ENDS.get(execution.status, execution.cause))
    faults = read_faults(execution.cause)
    if faults:
        return replace(check, status="refused", faults=faults)
    is_refused = execution.error in _REFUSALS
    return replace(check, status="refused" if is_refused else "failed", reason=execution.cause)
