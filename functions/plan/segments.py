"""The segment of an audience, and what it is called after the audience was renamed in Lytics."""

from collections.abc import Mapping
from dataclasses import dataclass

from lytics_sendgrid.lytics.documents import LyticsAudience
from lytics_sendgrid.sendgrid.resources import Segment, by_name, segment_name


@dataclass(frozen=True, slots=True)
class PlannedSegment:
    """An audience's segment.

    Attributes:
        audience: the audience's id.
        name: the segment's name after the run.
        field: name of the membership field.
        id: of the existing segment; None: to be created.
        rename_from: the segment's present name, if it must be renamed.
        note: for a person; empty if there is none.
    """

    audience: str
    name: str
    field: str
    id: str | None
    rename_from: str | None = None
    note: str = ""


def own_segment(
    audience: LyticsAudience,
    field: str,
    own: Segment,
    segments: Mapping[str, Segment],
    previous_name: str | None,
) -> PlannedSegment:
    """Plan the name of a segment that was provisioned before.

    It follows the audience's name, unless a person gave the segment another name in SendGrid.

    Args:
        audience: the audience.
        field: its membership field.
        own: its segment.
        segments: all segments by id.
        previous_name: the audience's name when this export was last provisioned; None: it did not export it.
    """
    name = segment_name(audience.id, audience.name)
    if own.name == name or previous_name is None or segment_name(audience.id, previous_name) == name:
        return PlannedSegment(audience.id, own.name, field, own.id)
    renamed = f"the audience '{previous_name}' is named '{audience.name}' in Lytics now. Its segment"
    if own.name != segment_name(audience.id, previous_name):
        note = f"{renamed} keeps the name '{own.name}', which it was given in SendGrid"
        return PlannedSegment(audience.id, own.name, field, own.id, note=note)
    other = by_name(segments.values()).get(name.casefold(), own)
    if other.id != own.id:
        note = (
            f"{renamed} keeps the name '{own.name}', because SendGrid already has another segment "
            f"'{other.name}'. Rename that segment or the audience, then start the export again"
        )
        return PlannedSegment(audience.id, own.name, field, own.id, note=note)
    note = f"{renamed} is renamed from '{own.name}' to '{name}'"
    return PlannedSegment(audience.id, name, field, own.id, own.name, note)
