"""What surrounds a person: the export, its webhook job, ``deliver``, and the segments in SendGrid."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol

from lytics_sendgrid.domain.configuration import Account, AudienceState, Export
from lytics_sendgrid.domain.instants import format_s
from lytics_sendgrid.errors import LyticsSendGridError
from lytics_sendgrid.lytics.api import WEBHOOK_WORKFLOW
from lytics_sendgrid.lytics.documents import LyticsJob
from lytics_sendgrid.lytics.webhook_jobs import PAUSED, RUNNING, job_of
from lytics_sendgrid.sendgrid.resources import Segment, segment_query

RESYNC: Final = 'a resync with {{"action": "resync", "export": "{export}"}}'


class Segments(Protocol):
    """SendGrid's segments."""

    def find_segment(self, segment_id: str) -> Segment | None: ...  # noqa: D102


class Jobs(Protocol):
    """Lytics' jobs."""

    def jobs(self, workflow: str | None = None) -> Sequence[LyticsJob]: ...  # noqa: D102


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What was found around a person. What could not be read is left out.

    Attributes:
        job_status: of the export's webhook job in Lytics; empty if there is none; None: unknown.
        is_deliver_paused: a person has paused ``deliver`` on AWS.
        segments: audience id to its segment; None: it is gone.
        job: the webhook job's id; empty if there is none, or if that is unknown.
    """

    job_status: str | None = None
    is_deliver_paused: bool = False
    segments: Mapping[str, Segment | None] = field(default_factory=dict)
    job: str = ""


UNKNOWN: Final = Surroundings()


def look_around(
    export: Export,
    account: Account,
    audience_ids: Sequence[str],
    sendgrid: Segments,
    lytics: Jobs,
    *,
    url: str,
    is_deliver_paused: bool,
) -> Surroundings:
    """Read what surrounds a person. A vendor that does not answer leaves its part out.

    Args:
        export: its webhook job is looked up.
        account: its segments.
        audience_ids: of the segments to read.
        sendgrid: its segments.
        lytics: its jobs.
        url: where the job sends its events: one that a person made is found by that.
        is_deliver_paused: a person has paused ``deliver``.
    """
    segments: dict[str, Segment | None] = {}
    for audience in audience_ids:
        provisioned = account.audiences.get(audience)
        if provisioned is None or provisioned.segment_id is None:
            continue
        try:
            segments[audience] = sendgrid.find_segment(provisioned.segment_id)
        except LyticsSendGridError:
            break
    try:
        job = job_of(lytics.jobs(WEBHOOK_WORKFLOW), export.lytics_job, url)
    except LyticsSendGridError:
        return Surroundings(None, is_deliver_paused, segments)
    if job is None:
        return Surroundings("", is_deliver_paused, segments)
    return Surroundings(job.status, is_deliver_paused, segments, job.id)


def obstacles(export: Export, account: Account, found: Surroundings) -> Iterator[str]:
    """Yield a sentence for everything that keeps the export's segments from being right."""
    if export.stopped_s is not None:
        yield (
            f"The export was stopped by a person at {format_s(export.stopped_s)}: nobody enters or leaves "
            "its segments until it is started again"
        )
    elif found.job_status is not None and found.job_status not in RUNNING:
        yield _job_obstacle(export, found.job_status, found.job)
    if found.is_deliver_paused:
        yield (
            "The function deliver is paused on AWS: changes of all exports wait on the queue. Enable its "
            "event source mapping"
        )
    names = {audience.id: audience.name for audience in export.audiences}
    for audience, segment in found.segments.items():
        name = names.get(audience, audience)
        if segment is None:
            yield f"The segment of '{name}' was deleted in SendGrid. {_REPAIR}"
        elif segment.has_other_query(segment_query(account.audiences[audience].membership_field, audience)):
            yield f"The query of the segment '{segment.name}' was changed in SendGrid. {_REPAIR}"


def _job_obstacle(export: Export, status: str, job: str) -> str:
    if status:
        action = "Resume it in Lytics" if status in PAUSED else "Restart it in Lytics"
        return (
            f"The webhook job {job or export.lytics_job} in Lytics is {status}, so no events arrive. "
            f"{action}, then resync the export"
        )
    if export.lytics_job is None:
        return (
            "Lytics has no webhook job that sends this export's events, so none arrive. Start the export "
            "again: the report says which job to create"
        )
    return (
        f"The webhook job {export.lytics_job} in Lytics is gone, so no events arrive. Start the export again"
    )


_REPAIR: Final = 'Resync the export with "audit": true and "repair_segments": true'


def removed_audiences(
    export: Export, account: Account, memberships: Mapping[str, int], found: Surroundings
) -> Iterator[str]:
    """Yield a sentence for each audience that a person was in and that no export has any more."""
    for audience, signed_ns in memberships.items():
        provisioned = account.audiences.get(audience)
        if signed_ns <= 0 or audience in export.audience_ids:
            continue
        if provisioned is None:
            yield (
                f"The audience {audience} was removed, and its segment is deleted: no export has it any "
                "more. The report of the run that removed it has its name"
            )
            continue
        if not provisioned.is_cleared and provisioned.state is not AudienceState.KEPT:
            continue
        segment = found.segments.get(audience)
        name = f"'{segment.name}'" if segment is not None else audience
        what = "its id is taken out of everybody's field, so its segment is empty"
        if audience in account.to_clear:
            what = (
                "its id is being taken out of everybody's field. A run of the account that is under way, or "
                "the next one, completes that"
            )
        if provisioned.state is AudienceState.KEPT:
            what = "its segment keeps the people it had then, because the input said so"
        yield f"The audience {name} was removed at {format_s(provisioned.state_since_s)}: {what}"
