"""Say what a run cleared, kept, deleted and left, and what stopping an export did."""

from collections.abc import Iterable
from typing import Final

from lytics_sendgrid.bounded_text import enumerated, shortened
from lytics_sendgrid.counted_text import people as people_text
from lytics_sendgrid.domain.clearing import Clearing, SegmentEnd
from lytics_sendgrid.workflow.export_run import ExportRun
from lytics_sendgrid.workflow.state_part import StatePart

_NAMES_CHARS: Final = 1_500
_REASON_CHARS: Final = 400
MAX_LISTED: Final = 100


class ClearedAudience(StatePart):
    """An audience that was removed from the account, and whose id nobody's row holds any more.

    Attributes:
        id: the audience's.
        people: how many contacts had the id in this run, and were sent again without it.
        segment: ``empty``: it stays, with nobody in it; ``deleted``; ``gone``: somebody else had deleted it;
            ``left``: it was to be deleted, but something stands against it, which a note says.
        name: the segment's. Missing if the segment is gone.
    """

    id: str
    people: int
    segment: SegmentEnd
    name: str = ""


def cleared_audiences(clearing: Clearing) -> tuple[ClearedAudience, ...]:
    """Return what became of the audiences of a finished clearing, at most ``MAX_LISTED``."""
    found = []
    for audience, segment in list(clearing.segments.items())[:MAX_LISTED]:
        optional = {"name": segment.name} if segment.name else {}
        people = clearing.people.get(audience, 0)
        found.append(ClearedAudience(id=audience, people=people, segment=segment.end, **optional))
    return tuple(found)


def clearing_notes(clearing: Clearing) -> list[str]:
    """Return notes about a clearing, what was left first."""

    def named(end: SegmentEnd) -> list[str]:
        return [
            f"'{segment.name or audience}' ({people_text(clearing.people.get(audience, 0))})"
            for audience, segment in clearing.segments.items()
            if segment.end is end
        ]

    notes = [
        f"the segment '{segment.name}' was left in SendGrid, with nobody in it: "
        f"{shortened(segment.reason, _REASON_CHARS)}"
        for segment in clearing.segments.values()
        if segment.end is SegmentEnd.LEFT
    ]
    for end, text in (
        (SegmentEnd.DELETED, "cleared, and their segments were deleted: {}"),
        (SegmentEnd.EMPTY, "cleared, and their segments stay, with nobody in them: {}"),
        (SegmentEnd.GONE, "cleared; somebody had deleted their segments in SendGrid: {}"),
    ):
        if names := named(end):
            notes.append(text.format(enumerated(names, _NAMES_CHARS)))
    return notes


def stop_notes(run: ExportRun) -> list[str]:
    """Return notes about a stop: what became of the webhook job, and what stays."""
    done = run.deactivation
    if done is None:
        return []
    again = "To start the export again, start its input again"
    texts = {
        "paused": f"the export is stopped, and its webhook job in Lytics is paused. {again}: that resumes "
        "the job, or creates another if Lytics has deleted it, which it may do after 90 days",
        "deleted": f"the export is removed: its webhook job in Lytics is deleted. {again}",
        "none": f"the export is stopped. It had no webhook job in Lytics. {again}",
        "left": f"the export is stopped, but its webhook job in Lytics was not. {again}",
    }
    return [*done.notes, texts[done.job], *(_kept(run) if _is_removed(run) else ())]


def _is_removed(run: ExportRun) -> bool:
    return run.options.clear and run.options.delete_segments


def _kept(run: ExportRun) -> Iterable[str]:
    custom = [f"'{field.name}'" for field in run.config.mapping if field.custom]
    fields = enumerated([*custom, *(f"'{name}'" for name in run.config.membership_fields)], _NAMES_CHARS)
    yield (
        f"SendGrid keeps the contacts, and the custom fields {fields}. Deleting a custom field destroys its "
        "values and breaks segments, templates and automations that use it, and SendGrid's API does not show "
        "all of these. Delete fields that nothing uses in SendGrid: Marketing > Custom Fields"
    )
