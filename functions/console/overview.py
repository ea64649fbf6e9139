"""What the page Exports shows of each export: how it stands, its last run, its last event."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from lytics_sendgrid.domain.execution import Execution
from lytics_sendgrid.workflow.run_end import why_ended
from lytics_sendgrid.workflow.summary import Summary, SummaryPart

ACTIONS: Final = {"start": "Copy everybody", "resync": "Resync", "stop": "Stop"}
_CHANGED: Final = "Change without a copy"
_NIGHTLY: Final = "Nightly resync"

_NOT_LIVE: Final = (
    "No webhook job in Lytics sends this export's changes. The report of the last run says what to enter "
    "in Lytics."
)
_NEVER_RAN: Final = "It has not been started yet, or its first run did not get that far."
_BY_A_PERSON: Final = "Somebody stopped it: what Lytics sends is dropped, and it is not resynced."
_NOT_KNOWN: Final = "This is known after its next run, or within an hour."


@dataclass(frozen=True, slots=True)
class Standing:
    """How an export stands.

    Attributes:
        kind: of the sign: ``good``, ``warn``, ``bad`` or ``off``.
        text: in one or two words.
        why: what happened and what to do; empty: nothing needs to be said.
    """

    kind: str
    text: str
    why: str = ""


@dataclass(frozen=True, slots=True)
class LastRun:
    """The last run of an export.

    Attributes:
        name: of the run.
        what: what it did or does.
        is_running: it has not ended.
        at_s: when it ended, or when it started if it runs; Unix seconds.
        kind: of the sign: ``good``, ``warn``, ``bad`` or ``busy``.
        result: how it ended, in one or two words.
        why: why it did not succeed; empty: it did.
    """

    name: str
    what: str
    is_running: bool
    at_s: float
    kind: str
    result: str
    why: str = ""


@dataclass(frozen=True, slots=True)
class ExportRow:
    """An export on the page.

    Attributes:
        name: the export's.
        standing: how it stands.
        notes: what the hourly look found, for a person.
        audiences: names of the first audiences.
        more_audiences: how many more there are.
        lytics: people in all audiences as Lytics counts; None: unknown.
        sendgrid: people in all segments as SendGrid counts; None: unknown.
        run: the last run; None: none is known.
        heard_s: when the last event came, Unix seconds; None: none has.
        is_resynced: the schedule resyncs it.
    """

    name: str
    standing: Standing
    notes: tuple[str, ...]
    audiences: tuple[str, ...]
    more_audiences: int
    lytics: int | None
    sendgrid: int | None
    run: LastRun | None
    heard_s: float | None
    is_resynced: bool


def unfinished_run(summary: Summary) -> str | None:
    """Return the run whose execution must be looked at: it runs, or it ended without a report."""
    run = summary.parts.get(SummaryPart.RUN)
    return str(run["run"]) if run and not run.get("finished_at") else None


def row(summary: Summary, execution: Execution | None) -> ExportRow:
    """Return what the page shows of an export.

    Args:
        summary: of the export.
        execution: the last one of the ``unfinished_run``; None: there is none, or AWS has forgotten it.
    """
    configured = summary.parts.get(SummaryPart.CONFIGURED, {})
    names = tuple(configured.get("audiences", ()))
    run = summary.parts.get(SummaryPart.RUN)
    counts = summary.parts.get(SummaryPart.COUNTED) or run or {}  # an older release wrote them into the run
    standing = _standing(summary)
    return ExportRow(
        name=summary.name,
        standing=standing,
        notes=_notes(summary, standing),
        audiences=names,
        more_audiences=configured.get("audiences_count", len(names)) - len(names),
        lytics=counts.get("lytics"),
        sendgrid=counts.get("sendgrid"),
        run=_last_run(run, execution) if run else None,
        heard_s=None if summary.heard_ms is None else summary.heard_ms / 1000,
        is_resynced=bool(configured) and configured["stopped_s"] is None,
    )


def _standing(summary: Summary) -> Standing:
    configured = summary.parts.get(SummaryPart.CONFIGURED)
    if configured is not None and configured["stopped_s"] is not None:
        return Standing("off", "Stopped", _BY_A_PERSON)
    if summary.stop is not None:
        return Standing("bad", "Stopped by a fault", str(summary.stop["reason"]))
    trouble = _found(summary, "webhook_job_trouble")
    if trouble:
        return Standing("warn", "Not live", trouble[0])
    live = _is_live(summary)
    if live is None:
        if configured is None:
            return Standing("warn", "Not live", _NEVER_RAN)
        return Standing("off", "Not known yet", _NOT_KNOWN)
    return Standing("good", "Live") if live else Standing("warn", "Not live", _NOT_LIVE)


def _is_live(summary: Summary) -> bool | None:
    """Return whether Lytics sends the events, as the hourly look or a later start found. None: unknown."""
    activated, watched = summary.parts.get(SummaryPart.ACTIVATED), summary.parts.get(SummaryPart.WATCHED)
    if watched is not None and watched["live"] is not None and not _is_outdated(summary):
        return bool(watched["live"])
    return None if activated is None else bool(activated["live"])


def _is_outdated(summary: Summary) -> bool:
    """Return whether the export was started after the last hourly look."""
    activated, watched = summary.parts.get(SummaryPart.ACTIVATED), summary.parts.get(SummaryPart.WATCHED)
    return activated is not None and watched is not None and activated["at_s"] > watched["at_s"]


def _notes(summary: Summary, standing: Standing) -> tuple[str, ...]:
    """Return what the hourly look found beside what the standing says already."""
    if standing.text == "Stopped":
        return ()
    return (
        *_found(summary, "key_trouble"),
        *_found(summary, "export_silent"),
        *_found(summary, "resync_skipped"),
    )


def _found(summary: Summary, trouble: str) -> tuple[str, ...]:
    """Return what the last hourly look found of a kind, if no start was later."""
    watched = summary.parts.get(SummaryPart.WATCHED)
    if watched is None or _is_outdated(summary):
        return ()
    return tuple(finding["text"] for finding in watched["findings"] if finding["trouble"] == trouble)


def _last_run(run: Mapping[str, Any], execution: Execution | None) -> LastRun:
    name, what = str(run["run"]), _what(run)
    started_s = datetime.fromisoformat(run["started_at"]).timestamp()
    finished_at = run.get("finished_at")
    if finished_at:
        ended_s = datetime.fromisoformat(finished_at).timestamp()
        if run.get("trouble"):
            return LastRun(
                name, what, False, ended_s, "warn", "With trouble", "Its report says which audiences."
            )
        return LastRun(name, what, False, ended_s, "good", "Done")
    if execution is None:
        return LastRun(name, what, False, started_s, "off", "Ended", "It left no report.")
    if execution.is_running:
        return LastRun(name, what, True, started_s, "busy", "Running")
    ended_s = execution.ended_s or started_s
    if execution.status == "ABORTED":
        return LastRun(name, what, False, ended_s, "off", "Cancelled", why_ended("ABORTED", execution.cause))
    return LastRun(name, what, False, ended_s, "bad", "Failed", why_ended(execution.status, execution.cause))


def _what(run: Mapping[str, Any]) -> str:
    if run.get("scheduled"):
        return _NIGHTLY
    action = run.get("action", "start")
    return _CHANGED if action == "start" and not run.get("backfill") else ACTIONS[action]
