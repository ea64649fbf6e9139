"""Choose the segment and membership field of each audience of an export."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from functions.plan.changed import is_query_changed, segment_notes
from functions.plan.segments import PlannedSegment, moved_segment, own_segment
from lytics_sendgrid.domain.configuration import (
    MEMBERSHIP_FIELD,
    Account,
    AudienceState,
    FieldKind,
    ProvisionedAudience,
)
from lytics_sendgrid.lytics.documents import LyticsAudience
from lytics_sendgrid.sendgrid.resources import (
    CustomField,
    Segment,
    by_name,
    segment_name,
    segment_query,
)
from lytics_sendgrid.workflow.faults import Fault, pointer


def membership_fields(
    account: Account, audiences: Sequence[LyticsAudience]
) -> tuple[dict[str, str], tuple[str, ...]]:
    """Choose the membership field of each audience, in order.

    Returns:
        Audience id to the field's name; and the names of all fields that are needed. The account's first
        field is always
        needed: a contact in no audience has ``none`` there.
    """
    chosen: dict[str, str] = {}
    for audience in audiences:
        chosen[audience.id] = account.field_for(audience.id)
        known = account.audiences.get(audience.id)
        if known is None:
            account = account.with_audience(
                audience.id, ProvisionedAudience(chosen[audience.id], None, None, ())
            )
    return chosen, tuple(dict.fromkeys((MEMBERSHIP_FIELD, *chosen.values())))


def plan_membership_fields(
    account: Account, names: Sequence[str], existing: Sequence[CustomField], *, adopt: bool
) -> tuple[dict[str, str | None], list[Fault], list[str]]:
    """Check the membership fields. If this product did not create a field, something else may write it.

    Returns:
        Name to the id of the existing field, or None: to be created; faults; notes.
    """
    fields: dict[str, str | None] = {}
    faults: list[Fault] = []
    notes: list[str] = []
    present = by_name(existing)
    for name in names:
        field = present.get(name.casefold())
        fields[name] = None if field is None else field.id
        known = account.membership_fields.get(name)
        if field is None:
            if known is not None:
                notes.append(
                    f"the custom field '{name}' was deleted in SendGrid, and with it the record of who is in "
                    "which audience. This run creates it again, and its backfill fills it"
                )
        elif field.type.casefold() != FieldKind.TEXT.casefold() or field.name != name:
            text = (
                f"SendGrid has a custom field '{field.name}' of type {field.type}, but the audiences need a "
                f"field named '{name}' and of type {FieldKind.TEXT}: rename the existing field in SendGrid "
                "(Marketing > Custom Fields)"
            )
            faults.append(Fault(text))
        elif known != field.id and not (known is None and name in account.membership_fields):
            if adopt:
                notes.append(f"the custom field '{name}' already exists and is taken over, as the input says")
            else:
                text = (
                    f"SendGrid has a custom field '{name}' that this product did not create. If something "
                    "else writes it, such as Lytics' own SendGrid export, the wrong people get mail. End "
                    'that first, then put "adopt": true into the input to take the field over'
                )
                faults.append(Fault(text, pointer("adopt")))
    return fields, faults, notes


def segments_to_read(
    audiences: Sequence[LyticsAudience], account: Account, segments: Sequence[Segment]
) -> list[str]:
    """Return the ids of the segments whose queries must be read.

    These are the audiences' own segments, and others that have an audience's name.
    """
    ids = {segment.id for segment in segments}
    named = by_name(segments)
    wanted = []
    for audience in audiences:
        known = account.audiences.get(audience.id)
        if known is not None and known.segment_id in ids:
            wanted.append(str(known.segment_id))
            continue
        same = named.get(segment_name(audience.id, audience.name).casefold())
        if same is not None:
            wanted.append(same.id)
    return wanted


def plan_segment(
    audience: LyticsAudience,
    field: str,
    account: Account,
    list_id: str | None,
    segments: Mapping[str, Segment],
    *,
    at: str,
    export: str,
    list_names: Mapping[str, str],
    delete_segments: bool = False,
    repair_segments: bool = False,
    previous_name: str | None = None,
) -> PlannedSegment | Fault:
    """Choose an audience's segment: its own, an identical one with its name, or a new one.

    Args:
        audience: the audience.
        field: its membership field.
        account: what was provisioned before.
        list_id: the list that the segment must be on; None: all contacts.
        segments: all segments by id. Those that ``segments_to_read`` names have their queries.
        at: where the input names the audience.
        export: the export's name.
        list_names: id to name of SendGrid's lists.
        delete_segments: our own segment may be deleted, to be recreated on another list.
        repair_segments: the query of our own segment is restored, if it was changed.
        previous_name: the audience's name when this export was last provisioned; None: it did not export it.

    Returns:
        The segment, or a fault.
    """
    known = account.audiences.get(audience.id)
    own = segments.get(known.segment_id or "") if known is not None else None
    changes: tuple[str, ...] = ()
    if known is not None and known.state is not AudienceState.DELETING:
        changes = tuple(
            segment_notes(audience, known, own, former_name=previous_name, repair=repair_segments)
        )
    if known is not None and own is not None:
        if own.list_id != list_id:
            moved = moved_segment(
                *(audience, field, own),
                known=known,
                export=export,
                lists=(_on(own.list_id, list_names), _on(list_id, list_names)),
                delete_segments=delete_segments,
            )
            return Fault(moved, pointer("list")) if isinstance(moved, str) else moved
        planned = own_segment(audience, field, own, segments, previous_name)
        repair = repair_segments and is_query_changed(audience.id, known, own)
        return replace(planned, repair=repair, notes=(*changes, *planned.notes))
    name = segment_name(audience.id, audience.name)
    same = by_name(segments.values()).get(name.casefold())
    if same is None:
        return PlannedSegment(audience.id, name, field, None, notes=changes)
    if not same.is_as_made(segment_query(field, audience.id), list_id):
        text = (
            f"SendGrid already has a segment '{same.name}', and it is not this audience's: rename it in "
            f"SendGrid, or rename the audience '{audience.name}' in Lytics"
        )
        return Fault(text, at)
    if same.validation == "INVALID":
        text = (
            f"the segment '{same.name}' is invalid in SendGrid ({same.error}): delete it in SendGrid and "
            "start the export again"
        )
        return Fault(text, at)
    return PlannedSegment(audience.id, same.name, field, same.id, notes=changes)


def _on(list_id: str | None, names: Mapping[str, str]) -> str:
    if list_id is None:
        return "all contacts"
    name = names.get(list_id)
    return (
        f"a list that SendGrid does not have any more ({list_id})" if name is None else f"the list '{name}'"
    )
