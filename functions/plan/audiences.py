"""Which audiences are exported, and the segment, list and membership field of each, checked against both accounts."""

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

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
"""What each reference of the input may mean: one audience where it is clear, none or several where it is not."""


@dataclass(frozen=True, slots=True)
class PlannedSegment:
    """An audience's segment.

    Attributes:
        audience: the audience's id.
        name: the segment's; of one that exists, the name that it has now.
        field: name of the membership field.
        id: of the segment that is used; None: it is to be created.
    """

    audience: str
    name: str
    field: str
    id: str | None


def chosen_audiences(
    matches: Matches, listed: Sequence[LyticsAudience]
) -> tuple[list[LyticsAudience], list[str], list[str]]:
    """Choose the audiences that an input means.

    Args:
        matches: by reference.
        listed: all audiences, for what may have been meant instead.

    Returns:
        The audiences, each once, in the input's order; faults; notes.
    """
    chosen: dict[str, LyticsAudience] = {}
    faults, notes = [], []
    for reference, found in matches.items():
        if not found:
            names = [text for audience in listed for text in (audience.name, audience.slug) if text]
            near = difflib.get_close_matches(reference, names, n=1)
            hint = f"did you mean '{near[0]}'?" if near else "copy it from Audiences in Lytics"
            faults.append(f"Lytics has no audience of people with the id, slug or name '{reference}': {hint}")
        elif len(found) > 1:
            ids = ", ".join(f"{audience.slug or audience.name} ({audience.id})" for audience in found[:5])
            faults.append(
                f"'{reference}' is the name of {len(found)} audiences in Lytics: take the id of one: {ids}"
            )
        elif not is_audience_id(found[0].id):
            faults.append(
                f"the audience '{reference}' has the id '{found[0].id[:64]}' in Lytics, which is not 32 hexadecimal digits: "
                f"it cannot be exported"
            )
        elif found[0].fault:
            faults.append(
                f"Lytics calls the audience '{found[0].name}' invalid ({found[0].fault}): mend its rules in Lytics first"
            )
        elif found[0].id in chosen:
            notes.append(f"'{reference}' is named more than once: it is the audience '{found[0].name}'")
        else:
            chosen[found[0].id] = found[0]
    return list(chosen.values()), faults, notes


def same_name_faults(audiences: Sequence[LyticsAudience]) -> list[str]:
    """Name the audiences whose segments would have the same name: SendGrid wants one name a segment."""
    first: dict[str, LyticsAudience] = {}
    faults = []
    for audience in audiences:
        name = segment_name(audience.id, audience.name)
        other = first.setdefault(name.casefold(), audience)
        if other is not audience:
            faults.append(
                f"the audiences {other.id} and {audience.id} are both named '{name}', and SendGrid wants a name for each "
                f"segment of its own: rename one of them in Lytics"
            )
    return faults


def chosen_list(wanted: str, lists: Sequence[ContactList]) -> tuple[ContactList | None, str | None]:
    """Choose a list by id or name; return it, or what is wrong."""
    for matches in (
        [one for one in lists if one.id == wanted],
        [one for one in lists if one.name == wanted],
        [one for one in lists if one.name.casefold() == wanted.casefold()],
    ):
        if len(matches) == 1:
            return matches[0], None
        if matches:
            ids = ", ".join(one.id for one in matches[:5])
            return (
                None,
                f"\"list\": '{wanted}' is the name of {len(matches)} lists: take the id of one: {ids}",
            )
    near = difflib.get_close_matches(wanted, [one.name for one in lists], n=1)
    hint = f"did you mean '{near[0]}'?" if near else "make it in SendGrid first, or leave it out"
    return None, f"\"list\": SendGrid has no list with the id or name '{wanted}': {hint}"


def membership_fields(
    account: Account, audiences: Sequence[LyticsAudience]
) -> tuple[dict[str, str], tuple[str, ...]]:
    """Choose the membership field of each audience, in order.

    Returns:
        Audience id to the field's name; and the names of the fields that they need, the account's first always among
        them: whoever is in no audience has ``none`` there.
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
    """Check the membership fields: one that this product did not make has another writer.

    Returns:
        Name to the id of the field that exists, or None where it is to be created; faults; notes.
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
                    f"the custom field '{name}' was deleted in SendGrid, and with it who is in which audience: it is made "
                    f"again, and only this run's backfill fills it"
                )
        elif field.type.casefold() != FieldKind.TEXT.casefold() or field.name != name:
            faults.append(
                f"SendGrid has a custom field '{field.name}' of type {field.type}; the audiences need one that is named "
                f"'{name}' and of type {FieldKind.TEXT}: rename that one in SendGrid (Marketing > Custom Fields)"
            )
        elif known != field.id and not (known is None and name in account.membership_fields):
            if adopt:
                notes.append(f"the custom field '{name}' exists already and is taken over, as the input says")
            else:
                faults.append(
                    f"SendGrid has a custom field '{name}' that this product did not make: something else, such as Lytics' own "
                    f"SendGrid export, may write it, and then the wrong people get mail. End that first; then put "
                    f'"adopt": true into the input to take the field over'
                )
    return fields, faults, notes


def segments_to_read(
    audiences: Sequence[LyticsAudience], account: Account, segments: Sequence[Segment]
) -> list[str]:
    """Return the ids of the segments whose query must be known: those that have an audience's name and are not its own."""
    ids = {segment.id for segment in segments}
    named = by_name(segments)
    wanted = []
    for audience in audiences:
        known = account.audiences.get(audience.id)
        if known is not None and known.segment_id in ids:
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
) -> PlannedSegment | str:
    """Choose an audience's segment: its own, or one of its name that is the same, or a new one.

    Args:
        audience: whose.
        field: its membership field.
        account: what was provisioned before.
        list_id: the list that the segment is to be on.
        segments: all of them by id; with their queries those that ``segments_to_read`` names.

    Returns:
        The segment, or what is wrong.
    """
    known = account.audiences.get(audience.id)
    own = segments.get(known.segment_id or "") if known is not None else None
    if known is not None and own is not None:
        if own.list_id != list_id:
            others = f" (export {', '.join(known.exports)})" if known.exports else ""
            return (
                f"the audience '{audience.name}' has a segment '{own.name}' on {_on(own.list_id)}{others}, and the input "
                f"wants it on {_on(list_id)}: SendGrid cannot move a segment. Take the same list, or delete the segment "
                f"in SendGrid first"
            )
        return PlannedSegment(audience.id, own.name, field, own.id)
    name = segment_name(audience.id, audience.name)
    same = by_name(segments.values()).get(name.casefold())
    if same is None:
        return PlannedSegment(audience.id, name, field, None)
    if (
        same.query is None
        or not same_query(same.query, segment_query(field, audience.id))
        or same.list_id != list_id
    ):
        return (
            f"SendGrid has a segment '{same.name}' already, and it is not this audience's: rename it in SendGrid, or the "
            f"audience '{audience.name}' in Lytics"
        )
    if same.validation == "INVALID":
        return f"the segment '{same.name}' is invalid in SendGrid ({same.error}): delete it there and start again"
    return PlannedSegment(audience.id, same.name, field, same.id)


def _on(list_id: str | None) -> str:
    return "all contacts" if list_id is None else f"the list {list_id}"
