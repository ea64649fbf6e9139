"""What a start changes in an export that was started before, in sentences and as data."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from functions.plan.facts import Facts
from functions.plan.fields import PlannedField
from functions.plan.frozen import guard_sentence
from functions.plan.input import StartInput
from functions.plan.removed import removed_audience
from lytics_sendgrid.bounded_text import enumerated
from lytics_sendgrid.counted_text import people as people_text
from lytics_sendgrid.domain.configuration import Export
from lytics_sendgrid.lytics.documents import LyticsAudience
from lytics_sendgrid.sendgrid.resources import ContactList
from lytics_sendgrid.workflow.limits import DIFFERENCE_BYTES, json_bytes
from lytics_sendgrid.workflow.plan_summary import AudienceChange, Difference

_NAMES_CHARS: Final = 1_000
_NEW_BYTES: Final = 200
"""The difference without its lists."""


@dataclass(frozen=True, slots=True)
class Planned:
    """What of a plan is compared with the export as it was.

    Attributes:
        audiences: what the export will have.
        fields: its mapping.
        contact_list: the list that its contacts are put on.
    """

    audiences: Sequence[LyticsAudience]
    fields: Sequence[PlannedField]
    contact_list: ContactList | None


def difference(wanted: StartInput, facts: Facts, planned: Planned) -> tuple[Difference | None, list[str]]:
    """Return what a start changes, and the same in sentences; None: the export is new.

    Args:
        wanted: the input.
        facts: what both accounts and our tables hold.
        planned: what the export will have.
    """
    export = facts.export
    if export is None:
        return None, []
    added, added_words = _added(wanted, export, facts, planned.audiences)
    removed, removed_words = _removed(wanted, export, facts, planned.audiences)
    stale, stale_words = _stale(export, facts, planned.fields)
    new, new_words = _new(wanted, export, planned.fields)
    list_words = _list_words(export, planned.contact_list)
    sentences = [
        *removed_words,
        *added_words,
        *list_words,
        *_email_words(wanted, export),
        *stale_words,
        *new_words,
        *_source_words(wanted, export, planned.fields),
    ]
    if sentences and not wanted.backfill:
        sentences.append(
            "without a backfill, this start scans nobody: contacts in SendGrid keep their field values until "
            "the person's next change or the next resync"
        )
    data = Difference(
        audiences_added=added,
        audiences_removed=removed,
        fields_new=new,
        fields_stale=stale,
        list_changed=bool(list_words),
        email_field_changed=wanted.email_field != export.email_field,
    )
    return _bounded(data), sentences


def _added(
    wanted: StartInput, export: Export, facts: Facts, audiences: Sequence[LyticsAudience]
) -> tuple[tuple[AudienceChange, ...], list[str]]:
    changes, sentences = [], []
    for audience in audiences:
        if audience.id in export.audience_ids:
            continue
        known = facts.account.audiences.get(audience.id)
        others = known.exports if known is not None and known.is_listed else ()
        changes.append(AudienceChange(name=audience.name, people=audience.size, becomes="added"))
        subject = f"the audience '{audience.name}' ({people(audience.size)}) is added"
        if others:
            text = f"{subject}: its segment exists already, because {named(others)} has the audience, too"
        elif wanted.backfill:
            text = f"{subject}: all of them enter its segment"
        else:
            text = (
                f"{subject}. Without a backfill, only people who enter it from now on are added to its "
                "segment. To include everybody, start with a backfill or resync the export"
            )
        sentences.append(text)
    return tuple(changes), sentences


def _removed(
    wanted: StartInput, export: Export, facts: Facts, audiences: Sequence[LyticsAudience]
) -> tuple[tuple[AudienceChange, ...], list[str]]:
    sizes = {audience.id: audience.size for audience in facts.listed or ()}
    kept = {audience.id for audience in audiences}
    changes, sentences = [], []
    for audience in export.audiences:
        if audience.id in kept:
            continue
        becomes, consequence = removed_audience(
            export.name,
            facts.account.audiences.get(audience.id),
            facts.stopped_exports,
            keep=wanted.removed_audiences == "keep",
            delete_segments=wanted.delete_segments,
            is_swept=wanted.backfill,
        )
        size = sizes.get(audience.id)
        changes.append(AudienceChange(name=audience.name, people=size, becomes=becomes))
        sentences.append(f"the audience '{audience.name}' ({people(size)}) is removed: {consequence}")
    return tuple(changes), sentences


def _stale(export: Export, facts: Facts, fields: Sequence[PlannedField]) -> tuple[tuple[str, ...], list[str]]:
    """Return the SendGrid fields that nobody writes any more."""
    written = {field.name.casefold() for field in fields}
    gone = [field for field in export.fields if field.name.casefold() not in written]
    others = {
        field: name for name, ids in facts.account.fields.items() if name != export.name for field in ids
    }
    stale = [field.name for field in gone if field.sendgrid not in others]
    sentences = []
    if stale:
        sentences.append(
            f"not updated any more: {enumerated(stale, _NAMES_CHARS)}. SendGrid keeps their last values, "
            "because it has no documented way to clear a field"
        )
    sentences += [
        f"'{field.name}' is not written by this export any more, but still by the export "
        f"'{others[field.sendgrid]}'"
        for field in gone
        if field.sendgrid in others
    ]
    return tuple(stale), sentences


def _new(
    wanted: StartInput, export: Export, fields: Sequence[PlannedField]
) -> tuple[tuple[str, ...], list[str]]:
    written = {field.name.casefold() for field in export.fields}
    new = [field.name for field in fields if field.name.casefold() not in written]
    if not new:
        return (), []
    names = enumerated(new, _NAMES_CHARS)
    filled = (
        "The backfill fills them for everybody"
        if wanted.backfill
        else "Without a backfill they stay empty for everybody until the next change of that person"
    )
    return tuple(new), [f"new fields: {names}. {filled}"]


def _source_words(wanted: StartInput, export: Export, fields: Sequence[PlannedField]) -> list[str]:
    """Return a sentence for each SendGrid field that is filled from another Lytics field now."""
    sources = {field.name.casefold(): field.lytics for field in export.fields}
    when = "the backfill sends" if wanted.backfill else "from each person's next change on, SendGrid gets"
    return [
        f"'{field.name}' now comes from the Lytics field '{field.lytics}' instead of "
        f"'{sources[field.name.casefold()]}': {when} the new values"
        for field in fields
        if sources.get(field.name.casefold(), field.lytics) != field.lytics
    ]


def _list_words(export: Export, contact_list: ContactList | None) -> list[str]:
    if (contact_list.id if contact_list else None) == export.list_id:
        return []
    before = f"the list '{export.list_name or export.list_id}'" if export.list_id else "no list"
    after = f"the list '{contact_list.name}'" if contact_list else "no list"
    sentence = f"the export's contacts now go to {after} instead of {before}. Nobody is taken off a list"
    return [sentence]


def _email_words(wanted: StartInput, export: Export) -> list[str]:
    if wanted.email_field == export.email_field:
        return []
    when = "in this run" if wanted.backfill else "at the next resync"
    sentence = (
        f"people are now identified by the Lytics field '{wanted.email_field}' instead of "
        f"'{export.email_field}'. A person with a different address there becomes a new contact, and the "
        f"contact with the old address leaves the segments {when}{guard_sentence(wanted)}"
    )
    return [sentence]


def people(size: int | None) -> str:
    """Return how many people there are, as text."""
    return "number of people unknown" if size is None else people_text(size)


def named(exports: Sequence[str]) -> str:
    """Return names of exports, as text."""
    names = enumerated([f"'{name}'" for name in exports], _NAMES_CHARS)
    return f"the export {names}" if len(exports) == 1 else f"each of the exports {names}"


def _bounded(data: Difference) -> Difference:
    """Return the difference with as much of its lists as the state has room for, and how much is left out."""
    lists: Mapping[str, Sequence[AudienceChange | str]] = {
        "audiences_removed": data.audiences_removed,
        "audiences_added": data.audiences_added,
        "fields_stale": data.fields_stale,
        "fields_new": data.fields_new,
    }
    room, left_out = DIFFERENCE_BYTES - _NEW_BYTES, 0
    kept: dict[str, tuple[AudienceChange | str, ...]] = {}
    for name, items in lists.items():
        fitting: list[AudienceChange | str] = []
        for item in items:
            room -= json_bytes(item if isinstance(item, str) else item.document()) + len(", ")
            if room < 0:
                break
            fitting.append(item)
        left_out += len(items) - len(fitting)
        kept[name] = tuple(fitting)
    return data.model_copy(update={**kept, **({"left_out": left_out} if left_out else {})})
