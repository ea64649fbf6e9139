"""The segment of an audience, and what it is called after the audience was renamed in Lytics."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from lytics_sendgrid.bounded_text import enumerated
from lytics_sendgrid.domain.configuration import ProvisionedAudience
from lytics_sendgrid.lytics.documents import LyticsAudience
from lytics_sendgrid.sendgrid.resources import Segment, by_name, segment_name

_NAMES_CHARS: Final = 300


@dataclass(frozen=True, slots=True)
class PlannedSegment:
    """An audience's segment.

    Attributes:
        audience: the audience's id.
        name: the segment's name after the run.
        field: name of the membership field.
        id: of the existing segment; None: to be created.
        replaces: our present segment on another list, which is deleted first.
        rename_from: the segment's present name, if it must be renamed.
        repair: the query was changed in SendGrid, and the run gives it back.
        notes: for a person.
    """

    audience: str
    name: str
    field: str
    id: str | None
    rename_from: str | None = None
    replaces: str | None = None
    repair: bool = False
    notes: tuple[str, ...] = ()


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
        return PlannedSegment(audience.id, own.name, field, own.id, notes=(note,))
    other = by_name(segments.values()).get(name.casefold(), own)
    if other.id != own.id:
        note = (
            f"{renamed} keeps the name '{own.name}', because SendGrid already has another segment "
            f"'{other.name}'. Rename that segment or the audience, then start the export again"
        )
        return PlannedSegment(audience.id, own.name, field, own.id, notes=(note,))
    note = f"{renamed} is renamed from '{own.name}' to '{name}'"
    return PlannedSegment(audience.id, name, field, own.id, own.name, notes=(note,))


def moved_segment(
    audience: LyticsAudience,
    field: str,
    own: Segment,
    *,
    known: ProvisionedAudience,
    export: str,
    lists: tuple[str, str],
    delete_segments: bool,
) -> PlannedSegment | str:
    """Plan a segment that is on another list than the input's: SendGrid cannot move it.

    Args:
        audience: the audience.
        field: its membership field.
        own: its segment.
        known: what was provisioned before.
        export: the export's name.
        lists: where the segment is, and where it must be, for a person.
        delete_segments: the input allows to delete segments.

    Returns:
        The segment to make in place of the present one, or a fault.
    """
    present, wanted = lists
    fact = (
        f"the segment '{own.name}' of the audience '{audience.name}' is on {present}, but the input wants it "
        f"on {wanted}. SendGrid cannot move a segment"
    )
    others = enumerated([name for name in known.exports if name != export], _NAMES_CHARS)
    if others:
        return (
            f"{fact}. It is also the segment of another export ({others}): use the same list in all of them, "
            "or export the audience by one of them only"
        )
    if not known.made:
        return (
            f"{fact}. This product did not create it: use the same list, or delete the segment in SendGrid "
            "and start the export again"
        )
    if not delete_segments:
        return (
            f'{fact}: use the same list, or put "delete_segments": true into the input. The segment is then '
            "deleted and created again on the other list. Automations that use it must be pointed to the new "
            "one"
        )
    note = f"{fact}: it is deleted and created again. Point automations that use it to the new one"
    return PlannedSegment(audience.id, own.name, field, None, replaces=own.id, notes=(note,))
