"""One run of an export at a time.

An item in the exports table names the execution of the export's last run. A run replaces it if that execution
has ended: a run that was stopped or has died tidies up nothing. A long run continues in another execution,
which the output of the former one names: it holds the place, too. An execution that was just started holds it
also while Step Functions does not know it yet.
"""

from datetime import UTC, datetime
from typing import Final, Protocol

from lytics_sendgrid.domain.execution import Execution, Executions, RunPlace, current_execution
from lytics_sendgrid.errors import ConfigurationChanged

_ATTEMPTS: Final = 3


class Runs(Protocol):
    """Which run is the last of each export."""

    def running(self, export: str) -> RunPlace | None: ...  # noqa: D102
    def put_running(self, export: str, place: RunPlace, expected: str | None) -> bool: ...  # noqa: D102


def other_run(export: str, place: RunPlace, runs: Runs, executions: Executions) -> str:
    """Take an export's place for a run, unless another run holds it.

    Args:
        export: its name.
        place: the run's execution and beginning. A repeated call for the same execution changes nothing.
        runs: which run is the last.
        executions: whether it still runs.

    Returns:
        Which other run holds the place and how to stop it, in words; empty: the place is taken.

    Raises:
        ConfigurationChanged: other runs are beginning at this moment.
        RetryLater: AWS does not answer now.
    """
    for _ in range(_ATTEMPTS):
        known = runs.running(export)
        if known is not None:
            if known.execution == place.execution:
                return ""
            other = _running(known, place.begun_s, executions)
            if other is not None:
                return _words(export, known.execution, other)
        if runs.put_running(export, place, known.execution if known is not None else None):
            return ""
    raise ConfigurationChanged(f"several runs of the export '{export}' begin at the same time")


def _running(place: RunPlace, now_s: int, executions: Executions) -> Execution | None:
    """Return the execution that a run is in now, or None: the run has ended."""
    last = current_execution(executions, place.execution, place.begun_s, now_s)
    return last if last is not None and last.is_running else None


def _words(export: str, first: str, now: Execution) -> str:
    name = first.rpartition(":")[2]
    started = f"{datetime.fromtimestamp(now.started_s, UTC):%Y-%m-%d %H:%M} UTC"
    return (
        f"another run of the export '{export}' is under way: '{name}', started {started}. Wait for its "
        "end, or stop it (in the Step Functions console: Stop execution; or: aws stepfunctions "
        f"stop-execution --execution-arn {now.arn}). Stopping a run is safe: what it has queued is still "
        "delivered, and the next run of the export does the rest"
    )
