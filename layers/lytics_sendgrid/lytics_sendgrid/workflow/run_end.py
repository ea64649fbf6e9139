"""Why a run ended without success."""

from typing import Final

_AGAIN: Final = "Start the same input again: nothing is created or sent twice."
_ENDS: Final = {
    "ABORTED": f"Somebody stopped this run. What was queued is still delivered. {_AGAIN}",
    "TIMED_OUT": f"This run took longer than a run may take. What was queued is still delivered. {_AGAIN}",
}


def why_ended(status: str, cause: str) -> str:
    """Return why a run did not succeed, and what to do.

    Args:
        status: of its last execution.
        cause: of that execution's failure; empty if Step Functions knows none.
    """
    return cause or _ENDS.get(status, _AGAIN)
