"""Say what a run cleared, kept, deleted and left, and what stopping an export did."""

from collections.abc import Iterable, Mapping
from typing import Any, Final, Literal

from lytics_sendgrid.bounded_text import enumerated, shortened
from lytics_sendgrid.counted_text import people as people_text
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
    segment: Literal["empty", "deleted", "gone", "left"]
    name: str = ""


def cleared_audiences(checkpoint: Mapping[str, Any]) -> tuple[ClearedAudience, ...]:
    """Read the checkpoint of a clearing that is finished. At most ``MAX_LISTED`` are returned."""
    people = checkpoint["people"]
    found = []
    for audience, segment in list(checkpoint["segments"].items())[:MAX_LISTED]:
        optional = {"name": segment["name"]} if "name" in segment else {}
        found.append(
            ClearedAudience(
                id=audience, people=people.get(audience, 0), segment=segment["outcome"], **optional
            )
        )
    return tuple(found)


def clearing_notes(checkpoint: Mapping[str, Any]) -> list[str]:
    """Return notes about a clearing, what was left first."""
    people, segments = checkpoint["people"], checkpoint["segments"]

    def named(outcome: str) -> list[str]:
        return [
            f"'{segment.get('name') or audience}' ({people_text(people.get(audience, 0))})"
            for audience, segment in segments.items()
            if segment["outcome"] == outcome
        ]

    notes = [
        f"the segment '{segment['name']}' was left in SendGrid, with nobody in it: "
        f"{shortened(segment['reason'], _REASON_CHARS)}"
        for segment in segments.values()
        if segment["outcome"] == "left"
    ]
    for outcome, text in (
        ("deleted", "cleared, and their segments were deleted: {}"),
        ("empty", "cleared, and their segments stay, with nobody in them: {}"),
        ("gone", "cleared; somebody had deleted their segments in SendGrid: {}"),
    ):
        if names := named(outcome):
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
