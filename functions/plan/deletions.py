"""Segments that a run deletes must not be those that an e-mail goes to later."""

from collections.abc import Iterable, Mapping, Sequence

from functions.plan.facts import Facts
from functions.plan.input import StartInput
from functions.plan.removed import removed_audience
from lytics_sendgrid.lytics.documents import LyticsAudience
from lytics_sendgrid.sendgrid.resources import SingleSend, segment_name


def single_send_faults(sends: Iterable[SingleSend], deleted: Mapping[str, str]) -> list[str]:
    """Return a fault for each segment that a run would delete although a scheduled Single Send goes to it.

    Args:
        sends: the scheduled Single Sends.
        deleted: id to name of the segments that the run would delete.
    """
    return [
        f"the scheduled Single Send '{send.name}' goes to the segment '{deleted[segment_id]}', which this "
        'run would delete: wait until it is sent or cancel it, or start without "delete_segments": true'
        for send in sends
        for segment_id in sorted(send.segment_ids & deleted.keys())
    ]


def deleted_segments(wanted: StartInput, facts: Facts, audiences: Sequence[LyticsAudience]) -> dict[str, str]:
    """Return id and name of the segments of removed audiences that a start deletes."""
    if facts.export is None or not wanted.delete_segments:
        return {}
    kept = {audience.id for audience in audiences}
    return {
        str(known.segment_id): segment_name(audience.id, audience.name)
        for audience in facts.export.audiences
        if audience.id not in kept
        and (known := facts.account.audiences.get(audience.id)) is not None
        and removed_audience(
            facts.export.name,
            known,
            facts.stopped_exports,
            keep=wanted.removed_audiences == "keep",
            delete_segments=True,
            is_swept=wanted.backfill,
        )[0]
        == "deleted"
    }
