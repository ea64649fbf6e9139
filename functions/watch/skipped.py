"""How many nights in a row an export's nightly resync did nothing."""

from datetime import timedelta
from typing import Final

from lytics_sendgrid.domain.execution import NamedExecutions
from lytics_sendgrid.domain.nights import night_at, resync_name

ALARMED_NIGHTS: Final = 3


def skipped_text(executions: NamedExecutions, export: str, now_s: float) -> str:
    """Return what to do about resyncs that were skipped three nights in a row; empty if fewer were.

    Tonight's may not have been started yet; then the last three before it count.
    """
    night, reasons = night_at(now_s), list[str]()
    if executions.describe(executions.arn(resync_name(export, night))) is None:
        night -= timedelta(days=1)
    while len(reasons) < ALARMED_NIGHTS:
        execution = executions.describe(executions.arn(resync_name(export, night)))
        reason = "" if execution is None else str(execution.output.get("skipped") or "")
        if not reason:
            return ""
        reasons.append(reason)
        night -= timedelta(days=1)
    return (
        f"The nightly resync of the export '{export}' was skipped {ALARMED_NIGHTS} nights in a row. See what "
        f"the other run waits for, or stop it, then start a resync. The last one says: {reasons[0]}"
    )
