"""What an execution that has ended says of its run: where it goes on, or why it ended so."""

from collections.abc import Mapping
from typing import Any, Final

_AGAIN: Final = "Start the same input again: nothing is created or sent twice."
_ENDS: Final = {
    "ABORTED": f"Somebody stopped this run. What was queued is still delivered. {_AGAIN}",
    "TIMED_OUT": f"This run took longer than a run may take. What was queued is still delivered. {_AGAIN}",
}


def goes_on_in(output: Mapping[str, Any]) -> str | None:
    """Return the ARN of the execution that a run continues in, from an execution's output; None: in none."""
    following = output.get("goes_on_in")
    return following if isinstance(following, str) else None


def why_ended(status: str, cause: str) -> str:
    """Return why a run did not succeed, and what to do.

    Args:
        status: of its last execution.
        cause: of that execution's failure; empty if Step Functions knows none.
    """
    return cause or _ENDS.get(status, _AGAIN)
