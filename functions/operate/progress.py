"""What a person sees of an execution: one line for each change, and the result."""

import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC
from typing import Any, Final

from functions.operate.outline import notes_first, outline, printable
from lytics_sendgrid.domain.execution import Execution
from lytics_sendgrid.errors import RetryLater
from lytics_sendgrid.workflow.run_end import why_ended

STATES: Final = {
    "Resume": "continues in a new execution, before the history of the last one is full",
    "Plan": "plan: checks the input against both accounts",
    "Provision": "provision: creates what is missing in SendGrid",
    "Activate": "activate: subscribes to Lytics",
    "WaitForLytics": "waits until Lytics has started the webhook job",
    "Deactivate": "deactivate: stops the export",
    "WaitToClear": "clear: waits until nothing is delivered with the audiences that were removed",
    "Clear": "clear: takes the ids of removed audiences out of everybody's row",
    "Backfill": "backfill: scans the audiences",
    "Sweep": "sweep: compares the ledger with the scans",
    "WaitToSweep": "sweep: waits until Lytics shows everybody who was a member when the scans began",
    "Audit": "audit: compares SendGrid's contacts with the ledger",
    "WaitToAudit": "audit: waits for SendGrid's export of its contacts",
    "SecondScan": "sweep: scans audiences a second time, before anybody is taken out of them",
    "WaitToSettle": "settle: waits until SendGrid has everybody",
    "Finish": "clear: finishes the audiences that were removed",
    "Report": "report: compares the counts",
}
"""The states that a person sees, each with what it does. Settle and Scan show their progress instead."""
_RETRIED: Final = frozenset({RetryLater.__name__, *(kind.__name__ for kind in RetryLater.__subclasses__())})


class ProgressLines:
    """Lines for the events of a run's history, each only if it says something new."""

    def __init__(self) -> None:
        self._last: dict[str, str] = {}

    def lines(self, events: Iterable[Mapping[str, Any]]) -> Iterator[str]:
        """Yield the lines of new events, which are in the order in which they happened."""
        for event in events:
            for subject, line in _news(event):
                if self._last.get(subject) != line:
                    self._last[subject] = line
                    yield f"{event['timestamp'].astimezone(UTC):%H:%M:%SZ}  {line}"


def _news(event: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield what an event says, and the subject that it says it of."""
    if entered := event.get("stateEnteredEventDetails"):
        name = entered["name"]
        if name in STATES:
            yield name, STATES[name]
    elif left := event.get("stateExitedEventDetails"):
        output = _json(left.get("output", ""))
        if left["name"] == "Scan":
            yield from _scan(output)
        elif left["name"] == "Settle":
            yield from _settle(output)
    elif (failed := event.get("lambdaFunctionFailedEventDetails")) and failed.get("error") in _RETRIED:
        yield "retry", f"tries again after {failed['error']}: {_message(failed.get('cause', ''))}"


def _scan(output: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    audience, progress = output.get("audience", {}), output.get("progress", {})
    name = printable(str(progress.get("audience_name") or audience.get("id")))
    done = "done" if progress.get("done") else "goes on"
    if progress.get("trouble"):
        done = f"in trouble: {printable(progress['trouble'])}"
    yield f"scan {audience.get('id')}", f"scan of '{name}': {progress.get('scanned', 0):,} people, {done}"


def _settle(output: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    settle = output.get("settle", {})
    messages, jobs = settle.get("messages", {}), settle.get("jobs", {})
    stop = f". The export is stopped: {printable(settle['stop'])}" if settle.get("stop") else ""
    yield (
        "settle",
        (
            f"settle: {messages.get('done', 0):,} of {messages.get('of', 0):,} messages delivered, "
            f"{jobs.get('done', 0):,} of {jobs.get('of', 0):,} import jobs ended{stop}"
        ),
    )


def result(execution: Execution) -> Iterator[str]:
    """Yield the result of an execution that has ended."""
    status, document = execution.status, execution.output
    if status == "SUCCEEDED":
        if document.get("dry_run") is True:
            yield "Dry run: nothing was changed. This is the plan."
            yield ""
            yield from notes_first(document.get("plan", {}))
        else:
            live = document.get("live")
            yield f"SUCCEEDED  The export is {'live' if live else 'NOT LIVE: read the notes'}."
            yield ""
            yield from notes_first(document)
        return
    yield f"{status}  {execution.error}".rstrip()
    yield from (printable(line) for line in why_ended(status, execution.cause).splitlines())


def inspection(answer: Mapping[str, Any]) -> Iterator[str]:
    """Yield the answer of ``inspect``, the sentence first."""
    yield printable(str(answer.get("answer", "")))
    yield ""
    yield from outline({key: value for key, value in answer.items() if key != "answer"})


def _json(text: str) -> dict[str, Any]:
    try:
        document = json.loads(text)
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}


def _message(cause: str) -> str:
    return printable(str(_json(cause).get("errorMessage", cause)))
