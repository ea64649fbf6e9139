"""Count what each side has of a run's audiences; a side that does not answer costs its numbers, not the report."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Protocol

from functions.report.reporting import Counted
from lytics_sendgrid.errors import LyticsSendGridError
from lytics_sendgrid.sendgrid.resources import Segment
from lytics_sendgrid.tables.exports import Progress


class LyticsCounts(Protocol):
    """Lytics' sizes."""

    def sizes(self, audience_ids: Iterable[str]) -> dict[str, int]: ...  # noqa: D102


class SendGridCounts(Protocol):
    """SendGrid's counts."""

    def segments(self) -> tuple[Segment, ...]: ...  # noqa: D102
    def contacts_count(self) -> int: ...  # noqa: D102


class Runs(Protocol):
    """What is kept of a run."""

    def scan(self, run: str, audience: str) -> Mapping[str, Any] | None: ...  # noqa: D102
    def progress(self, run: str) -> Progress: ...  # noqa: D102


def count(state: Mapping[str, Any], lytics: LyticsCounts, sendgrid: SendGridCounts, runs: Runs) -> Counted:
    """Count everything that a report tells.

    Args:
        state: the execution's.
        lytics: its account.
        sendgrid: likewise.
        runs: ours.

    Raises:
        RetryLater: our own table does not answer.
    """
    ids = [audience["id"] for audience in state["audiences"]]
    notes: list[str] = []
    sizes = _tried(lambda: lytics.sizes(ids), "Lytics' sizes", notes)
    segments = _tried(sendgrid.segments, "SendGrid's segments", notes)
    contacts = _tried(sendgrid.contacts_count, "the number of SendGrid's contacts", notes)
    progress = runs.progress(state["run"])
    return Counted(
        sizes,
        None if segments is None else {segment.id: segment for segment in segments},
        contacts,
        {audience: runs.scan(state["run"], audience) for audience in ids},
        progress.counts,
        progress.ended,
        tuple(notes),
    )


def _tried[T](read: Callable[[], T], what: str, notes: list[str]) -> T | None:
    try:
        return read()
    except LyticsSendGridError as error:
        notes.append(f"{what} could not be read: {error}")
        return None
