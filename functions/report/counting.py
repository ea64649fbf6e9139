"""Count what each side has of a run's audiences. If a side does not answer, only its numbers are missing."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol

from functions.report.counted import Counted
from functions.report.drift import GivenUp, Health
from lytics_sendgrid.domain.audit_findings import AuditFindings
from lytics_sendgrid.domain.checkpoint import Checkpoint
from lytics_sendgrid.domain.clearing import Clearing
from lytics_sendgrid.domain.configuration import Account, AudienceState, Export
from lytics_sendgrid.domain.instants import NANOSECONDS_PER_MS, format_rfc3339
from lytics_sendgrid.domain.run_progress import RunProgress
from lytics_sendgrid.domain.sweep_findings import SweepFindings
from lytics_sendgrid.errors import LyticsSendGridError
from lytics_sendgrid.lytics.documents import LyticsJob
from lytics_sendgrid.sendgrid.resources import Segment
from lytics_sendgrid.workflow.export_run import ExportRun

_MAX_TIME_CHARS: Final = 40


class LyticsCounts(Protocol):
    """Lytics' sizes and jobs."""

    def sizes(self, audience_ids: Iterable[str]) -> dict[str, int]: ...  # noqa: D102
    def job(self, job_id: str) -> LyticsJob | None: ...  # noqa: D102


class SendGridCounts(Protocol):
    """SendGrid's counts."""

    def segments(self) -> tuple[Segment, ...]: ...  # noqa: D102
    def find_segment(self, segment_id: str) -> Segment | None: ...  # noqa: D102
    def contacts_count(self) -> int: ...  # noqa: D102


class Runs(Protocol):
    """The records of a run, and its export."""

    def export(self, name: str) -> Export | None: ...  # noqa: D102
    def scan(self, run: str, audience: str) -> Checkpoint | None: ...  # noqa: D102
    def progress(self, run: str) -> RunProgress: ...  # noqa: D102


class Walks(Protocol):
    """The checkpoints of a run's walks through the ledger."""

    def walk(self, run: str, task: str) -> dict[str, Any] | None: ...  # noqa: D102


class LastEvents(Protocol):
    """When the last event of each export came."""

    def heard_ms(self, export: str) -> int | None: ...  # noqa: D102


class Queues(Protocol):
    """The queues of what was given up."""

    def given_up(self) -> GivenUp: ...  # noqa: D102


@dataclass(frozen=True, slots=True)
class Sources:
    """What is counted, and where."""

    lytics: LyticsCounts
    sendgrid: SendGridCounts
    runs: Runs
    walks: Walks
    last_events: LastEvents
    queues: Queues


def count(run: ExportRun, account: Account, sources: Sources) -> Counted:
    """Count everything that a report needs.

    Args:
        run: the execution's state.
        account: as provisioned.
        sources: what is counted, and where.

    Raises:
        RetryLater: our own table does not answer.
    """
    lytics, sendgrid, runs, walks = sources.lytics, sources.sendgrid, sources.runs, sources.walks
    ids = [audience.id for audience in (*run.audiences, *run.swept_only)]
    export = runs.export(run.export)
    job_id = export.lytics_job if export else None
    sizes, sizes_notes = _try(lambda: lytics.sizes(ids), "Lytics' sizes")
    listed, segments_notes = _try(sendgrid.segments, "SendGrid's segments")
    segments = None if listed is None else {segment.id: segment for segment in listed}
    contacts, contacts_notes = _try(sendgrid.contacts_count, "the number of SendGrid's contacts")
    progress = runs.progress(run.run)
    gone, gone_notes = lost_segments(account, ids, segments, sendgrid.find_segment)
    health, health_notes = _health(run, sources, job_id, progress)
    return Counted(
        sizes,
        segments,
        contacts,
        {audience: runs.scan(run.run, audience) for audience in ids},
        progress.counts,
        progress.ended,
        (*sizes_notes, *segments_notes, *contacts_notes, *gone_notes, *health_notes),
        export is not None and export.stopped_s is None and job_id is not None,
        _walked(walks, run, "sweep", SweepFindings.read),
        health,
        _walked(walks, run, "audit", AuditFindings.read) if run.options.audit else None,
        _walked(walks, run, "clear", Clearing.read) if run.finished else None,
        gone,
    )


def _walked[T](walks: Walks, run: ExportRun, task: str, read: Callable[[Mapping[str, Any]], T]) -> T | None:
    """Return what a walk of the run found; None: the run has no such walk."""
    document = walks.walk(run.run, task)
    return None if document is None else read(document)


def lost_segments(
    account: Account,
    audience_ids: Iterable[str],
    listed: Mapping[str, Segment] | None,
    find: Callable[[str], Segment | None],
) -> tuple[frozenset[str], list[str]]:
    """Return the ids of live audiences whose segments do not exist, and what could not be read.

    Args:
        account: as provisioned.
        audience_ids: of the run.
        listed: the segments that SendGrid lists, by id; None: unknown. SendGrid may list a new one late.
        find: reads one segment; None if it does not exist.
    """
    lost, notes = set(), []
    for audience in audience_ids:
        known = account.audiences.get(audience)
        if listed is None or known is None or known.state is not AudienceState.LIVE:
            continue
        segment_id = known.segment_id
        if segment_id is None or segment_id in listed:
            continue
        try:
            if find(segment_id) is None:
                lost.add(audience)
        except LyticsSendGridError as error:
            notes.append(f"the segment {segment_id} could not be read: {error}")
    return frozenset(lost), notes


def _health(
    run: ExportRun, sources: Sources, job_id: str | None, progress: RunProgress
) -> tuple[Health, list[str]]:
    job, job_notes = _try(lambda: _job_state(sources.lytics, job_id), "the webhook job's state")
    heard_ms = sources.last_events.heard_ms(run.export)
    given_up, queues_notes = _try(sources.queues.given_up, "the dead-letter and rejects queues")
    health = Health(
        None if job is None else job[0],
        sum(people for name, people in progress.counts.items() if name.startswith("rejected.")),
        "" if job is None else job[1],
        "" if heard_ms is None else format_rfc3339(heard_ms * NANOSECONDS_PER_MS),
        given_up or GivenUp(),
    )
    return health, [*job_notes, *queues_notes]


def _job_state(lytics: LyticsCounts, job_id: str | None) -> tuple[str, str]:
    """Return a job's status and when it was last changed, as Lytics says; empty texts without a job."""
    job = lytics.job(job_id) if job_id else None
    return (job.status, str(job.document.get("updated") or "")[:_MAX_TIME_CHARS]) if job else ("", "")


def _try[T](read: Callable[[], T], subject: str) -> tuple[T | None, list[str]]:
    """Return what was read, or None and a note."""
    try:
        return read(), []
    except LyticsSendGridError as error:
        return None, [f"{subject} could not be read: {error}"]
