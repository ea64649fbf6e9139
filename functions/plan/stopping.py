"""What a stop does, in sentences: to the webhook job, and to each audience, alone or shared."""

from typing import Final

from functions.plan.difference import named, people
from functions.plan.facts import StoredFacts
from functions.plan.input import StopInput
from lytics_sendgrid.bounded_text import enumerated
from lytics_sendgrid.domain.configuration import Export
from lytics_sendgrid.domain.instants import NANOSECONDS_PER_S, format_rfc3339
from lytics_sendgrid.lytics.documents import LyticsJob
from lytics_sendgrid.lytics.webhook_jobs import is_made

_NAMES_CHARS: Final = 1_000


def stop_notes(wanted: StopInput, export: Export, facts: StoredFacts) -> list[str]:
    """Return notes about the webhook job, and about the segments of each audience.

    Args:
        wanted: the input.
        export: the export that is stopped.
        facts: what both accounts and our tables hold.
    """
    sizes = {audience.id: audience.size for audience in facts.listed}
    alone, with_live, with_stopped = [], [], []
    for audience in export.audiences:
        provisioned = facts.account.audiences.get(audience.id)
        others = sorted({*(provisioned.exports if provisioned else ())} - {export.name})
        live = [name for name in others if name not in facts.stopped_exports]
        text = f"'{audience.name}' ({people(sizes.get(audience.id))})"
        if live:
            with_live.append(f"{text}, which {named(live)} has, too")
        elif others:
            with_stopped.append(f"{text}, which {named(others)} has, too")
        else:
            alone.append(text)
    notes = _job_notes(wanted, export, facts.job)
    if alone:
        consequence = _consequence(wanted)
        notes.append(f"of the export '{export.name}' alone: {enumerated(alone, _NAMES_CHARS)}. {consequence}")
    dropped = dropped_earlier(export, facts)
    if dropped and wanted.clear and wanted.delete_segments:
        them = [f"'{name}' ({people(sizes.get(audience))})" for audience, name in dropped.items()]
        notes.append(
            f"dropped earlier by the export '{export.name}', and of no export now: "
            f"{enumerated(them, _NAMES_CHARS)}. Everybody who is still in them is taken out, then their "
            "segments, which this product made, are deleted"
        )
    if with_live:
        leave = (
            f". People who are in them only through the e-mail field of '{export.name}' leave at the "
            "next resync of the other export. If the guard stops that, start a resync with a higher "
            '"max_leavers_percent"'
        )
        notes.append(
            f"shared with a live export: {enumerated(with_live, _NAMES_CHARS)}. Their segments stay, and the "
            f"other exports update them{leave if wanted.clear else ''}"
        )
    if with_stopped:
        empty = ' To empty them, stop those exports with "clear": true, too'
        notes.append(
            f"shared with a stopped export: {enumerated(with_stopped, _NAMES_CHARS)}. Their segments stay as "
            "they are now: nobody enters or leaves them until one of the exports is started again."
            f"{empty if wanted.clear else ''}".rstrip(".")
        )
    return notes


def dropped_earlier(export: Export, facts: StoredFacts) -> dict[str, str]:
    """Return the audiences that the removal of an export takes with it, besides its own: id to name.

    Their names are Lytics' own. One that Lytics does not have any more is called by its id.
    """
    names = {audience.id: audience.name for audience in facts.listed}
    return {
        audience: names.get(audience, audience)
        for audience, known in facts.account.audiences.items()
        if known.is_dropped_by(export.name) and audience not in export.audience_ids
    }


def _job_notes(wanted: StopInput, export: Export, job: LyticsJob | None) -> list[str]:
    """Return what becomes of the webhook job, as ``deactivate`` will have it."""
    notes = []
    if export.stopped_s is not None:
        since = format_rfc3339(export.stopped_s * NANOSECONDS_PER_S)
        notes.append(f"the export '{export.name}' is stopped since {since} already")
    if job is None:
        return notes
    named_job = f"Lytics' webhook job '{job.name}' ({job.id}, {job.status})"
    removes = wanted.clear and wanted.delete_segments
    if job.id != export.lytics_job:
        notes.append(f"{named_job} was made by hand, so it is left: pause or delete it in Lytics")
    elif removes and is_made(job):
        notes.append(f"{named_job} will be deleted")
    elif removes:
        notes.append(f"{named_job} was made by hand, so it will be paused, not deleted")
    elif export.stopped_s is None:
        notes.append(f"{named_job} will be paused")
    return notes


def _consequence(wanted: StopInput) -> str:
    if not wanted.clear:
        return (
            "Their segments stay as they are now: nobody enters or leaves them until the export is started "
            'again. To empty them, use "clear": true'
        )
    if wanted.delete_segments:
        return (
            "Everybody is taken out of them, then each segment that this product made is deleted. SendGrid "
            "does not say which automations use a segment: check that yourself"
        )
    return "Everybody is taken out of them. The empty segments stay"
