"""Choose the audiences of an export, and the segment, list and membership field of each."""

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import replace

from functions.plan.changed import is_query_changed, segment_notes
from functions.plan.segments import PlannedSegment, moved_segment, own_segment
from lytics_sendgrid.domain.configuration import MEMBERSHIP_FIELD, Account, FieldKind, ProvisionedAudience
from lytics_sendgrid.lytics.documents import LyticsAudience
from lytics_sendgrid.sendgrid.resources import (
    ContactList,
    CustomField,
    Segment,
    by_name,
    is_audience_id,
    same_query,
    segment_name,
    segment_query,
)

type Matches = Mapping[str, tuple[LyticsAudience, ...]]
"""Each audience in the input, and what it may refer to: one audience, or none or several if it is unclear."""


def chosen_audiences(
    matches: Matches, listed: Sequence[LyticsAudience]
) -> tuple[list[LyticsAudience], list[str], list[str]]:
    """Choose the audiences of an input.

    Args:
        matches: what each audience in the input may refer to.
        listed: all audiences, to suggest another name.

    Returns:
        The audiences, each once, in the input's order; faults; notes.
    """
    chosen: dict[str, LyticsAudience] = {}
    faults, notes = [], []
    for reference, candidates in matches.items():
        if not candidates:
            names = [text for audience in listed for text in (audience.name, audience.slug) if text]
            near = difflib.get_close_matches(reference, names, n=1)
            hint = f"did you mean '{near[0]}'?" if near else "copy it from Audiences in Lytics"
            faults.append(f"Lytics has no audience of people with the id, slug or name '{reference}': {hint}")
        elif len(candidates) > 1:
            ids = ", ".join(
                f"{audience.slug or audience.name} ({audience.id})" for audience in candidates[:5]
            )
            faults.append(
                f"{len(candidates)} audiences in Lytics are named '{reference}': use the id of one of them: "
                f"{ids}"
            )
        elif not is_audience_id(candidates[0].id):
            faults.append(
                f"the audience '{reference}' cannot be exported: its id in Lytics is "
                f"'{candidates[0].id[:64]}' instead of 32 hexadecimal digits. Remove it from the input"
            )
        elif candidates[0].fault:
            faults.append(
                f"Lytics calls the audience '{candidates[0].name}' invalid ({candidates[0].fault}): fix its "
                "rules in Lytics first"
            )
        elif candidates[0].id in chosen:
            notes.append(
                f"'{reference}' is in the input more than once: it is the audience '{candidates[0].name}'"
            )
        else:
            chosen[candidates[0].id] = candidates[0]
    return list(chosen.values()), faults, notes


def same_name_faults(audiences: Sequence[LyticsAudience]) -> list[str]:
    """Return a fault for each two audiences whose segments would have the same name."""
    first: dict[str, LyticsAudience] = {}
    faults = []
    for audience in audiences:
        name = segment_name(audience.id, audience.name)
        other = first.setdefault(name.casefold(), audience)
        if other is not audience:
            faults.append(
                f"the audiences {other.id} and {audience.id} are both named '{name}', but SendGrid needs a "
                "different name for each segment: rename one of them in Lytics"
            )
    return faults


def chosen_list(wanted: str, lists: Sequence[ContactList]) -> tuple[ContactList | None, str | None]:
    """Return the list with an id or name, or a fault."""
    for matches in (
        [candidate for candidate in lists if candidate.id == wanted],
        [candidate for candidate in lists if candidate.name == wanted],
        [candidate for candidate in lists if candidate.name.casefold() == wanted.casefold()],
    ):
        if len(matches) == 1:
            return matches[0], None
        if matches:
            ids = ", ".join(match.id for match in matches[:5])
            fault = f"{len(matches)} lists in SendGrid are named '{wanted}': use the id of one of them: {ids}"
            return None, f'"list": {fault}'
    near = difflib.get_close_matches(wanted, [candidate.name for candidate in lists], n=1)
    hint = f"did you mean '{near[0]}'?" if near else "create it in SendGrid first, or leave it out"
    return None, f"\"list\": SendGrid has no list with the id or name '{wanted}': {hint}"


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
) -> tuple[dict[str, str | None], list[str], list[str]]:
    """Check the membership fields. If this product did not create a field, something else may write it.

    Returns:
        Name to the id of the existing field, or None: to be created; faults; notes.
    """
    fields, faults, notes = {}, [], []
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
            faults.append(
                f"SendGrid has a custom field '{field.name}' of type {field.type}, but the audiences need a "
                f"field named '{name}' and of type {FieldKind.TEXT}: rename the existing field in SendGrid "
                "(Marketing > Custom Fields)"
            )
        elif known != field.id and not (known is None and name in account.membership_fields):
            if adopt:
                notes.append(f"the custom field '{name}' already exists and is taken over, as the input says")
            else:
                faults.append(
                    f"SendGrid has a custom field '{name}' that this product did not create. If something "
                    "else writes it, such as Lytics' own SendGrid export, the wrong people get mail. End "
                    "that first, then put "
                    f'"adopt": true into the input to take the field over'
                )
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
    export: str,
    list_names: Mapping[str, str],
    delete_segments: bool = False,
    repair_segments: bool = False,
    previous_name: str | None = None,
) -> PlannedSegment | str:
    """Choose an audience's segment: its own, an identical one with its name, or a new one.

    Args:
        audience: the audience.
        field: its membership field.
        account: what was provisioned before.
        list_id: the list that the segment must be on; None: all contacts.
        segments: all segments by id. Those that ``segments_to_read`` names have their queries.
        export: the export's name.
        list_names: id to name of SendGrid's lists.
        delete_segments: our own segment may be deleted, to be made again on another list.
        repair_segments: our own segment gets its query back, if it was changed.
        previous_name: the audience's name when this export was last provisioned; None: it did not export it.

    Returns:
        The segment, or a fault.
    """
    known = account.audiences.get(audience.id)
    own = segments.get(known.segment_id or "") if known is not None else None
    changes: tuple[str, ...] = ()
    if known is not None and known.is_listed:
        changes = tuple(
            segment_notes(audience, known, own, former_name=previous_name, repair=repair_segments)
        )
    if known is not None and own is not None:
        if own.list_id != list_id:
            return moved_segment(
                *(audience, field, own),
                known=known,
                export=export,
                lists=(_on(own.list_id, list_names), _on(list_id, list_names)),
                delete_segments=delete_segments,
            )
        planned = own_segment(audience, field, own, segments, previous_name)
        repair = repair_segments and is_query_changed(audience.id, known, own)
        return replace(planned, repair=repair, notes=(*changes, *planned.notes))
    name = segment_name(audience.id, audience.name)
    same = by_name(segments.values()).get(name.casefold())
    if same is None:
        return PlannedSegment(audience.id, name, field, None, notes=changes)
    if (
        same.query is None
        or not same_query(same.query, segment_query(field, audience.id))
        or same.list_id != list_id
    ):
        return (
            f"SendGrid already has a segment '{same.name}', and it is not this audience's: rename it in "
            f"SendGrid, or rename the audience '{audience.name}' in Lytics"
        )
    if same.validation == "INVALID":
        return (
            f"the segment '{same.name}' is invalid in SendGrid ({same.error}): delete it in SendGrid and "
            "start the export again"
        )
    return PlannedSegment(audience.id, same.name, field, same.id, notes=changes)


def _on(list_id: str | None, names: Mapping[str, str]) -> str:
    if list_id is None:
        return "all contacts"
    name = names.get(list_id)
    return (
        f"a list that SendGrid does not have any more ({list_id})" if name is None else f"the list '{name}'"
    )
