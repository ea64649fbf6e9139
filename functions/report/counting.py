"""Count what each side has of a run's audiences. If a side does not answer, only its numbers are missing."""

from collections.abc import Callable, Iterable
from typing import Protocol

from functions.report.reporting import Counted
from lytics_sendgrid.domain.checkpoint import Checkpoint
from lytics_sendgrid.errors import LyticsSendGridError
from lytics_sendgrid.sendgrid.resources import Segment
from lytics_sendgrid.tables.exports import Progress
from lytics_sendgrid.workflow.export_run import ExportRun


class LyticsCounts(Protocol):
    """Lytics' sizes."""

    def sizes(self, audience_ids: Iterable[str]) -> dict[str, int]: ...  # noqa: D102


class SendGridCounts(Protocol):
    """SendGrid's counts."""

    def segments(self) -> tuple[Segment, ...]: ...  # noqa: D102
    def contacts_count(self) -> int: ...  # noqa: D102


class Runs(Protocol):
    """The records of a run."""

    def scan(self, run: str, audience: str) -> Checkpoint | None: ...  # noqa: D102
    def progress(self, run: str) -> Progress: ...  # noqa: D102


def count(run: ExportRun, lytics: LyticsCounts, sendgrid: SendGridCounts, runs: Runs) -> Counted:
    """Count everything that a report needs.

    Raises:
        RetryLater: our own table does not answer.
    """
    ids = [audience.id for audience in run.audiences]
    notes: list[str] = []
    sizes = _try(lambda: lytics.sizes(ids), "Lytics' sizes", notes)
    segments = _try(sendgrid.segments, "SendGrid's segments", notes)
    contacts = _try(sendgrid.contacts_count, "the number of SendGrid's contacts", notes)
    progress = runs.progress(run.run)
    return Counted(
        sizes,
        None if segments is None else {segment.id: segment for segment in segments},
        contacts,
        {audience: runs.scan(run.run, audience) for audience in ids},
        progress.counts,
        progress.ended,
        tuple(notes),
    )


def _try[T](read: Callable[[], T], subject: str, notes: list[str]) -> T | None:
    try:
        return read()
    except LyticsSendGridError as error:
        notes.append(f"{subject} could not be read: {error}")
        return None
