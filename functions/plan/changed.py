"""What was changed in SendGrid since an export was last provisioned, and what a start does about it."""

from collections.abc import Mapping, Sequence

from functions.plan.fields import PlannedField
from lytics_sendgrid.domain.configuration import Export, ProvisionedAudience
from lytics_sendgrid.lytics.documents import LyticsAudience
from lytics_sendgrid.sendgrid.resources import (
    CustomField,
    Segment,
    segment_name,
    segment_query,
)


def is_query_changed(audience: str, known: ProvisionedAudience, segment: Segment) -> bool:
    """Return whether somebody changed the query of an audience's segment."""
    return segment.has_other_query(segment_query(known.membership_field, audience))


def segment_notes(
    audience: LyticsAudience,
    known: ProvisionedAudience,
    segment: Segment | None,
    *,
    former_name: str | None,
    repair: bool,
) -> list[str]:
    """Return what was changed of an audience's segment.

    Args:
        audience: the audience.
        known: what was provisioned for it.
        segment: its segment; None: it is gone.
        former_name: the audience's name when the export was last provisioned; None: it did not export it.
        repair: the run restores a changed segment's query.
    """
    if segment is None:
        if not known.segment_id:
            return []
        note = (
            f"the segment of the audience '{audience.name}' was deleted in SendGrid: this run creates it "
            "again. Point Single Sends and automations that used it to the new one"
        )
        return [note]
    notes = []
    if is_query_changed(audience.id, known, segment):
        consequence = (
            "this run restores it"
            if repair
            else 'it is left as it is. Put "repair_segments": true into the input to restore it'
        )
        notes.append(
            f"the query of the segment '{segment.name}' was changed in SendGrid, so it shows other people "
            f"than the audience '{audience.name}': {consequence}"
        )
    if segment.validation == "INVALID":
        notes.append(
            f"SendGrid calls the segment '{segment.name}' invalid ({segment.error}): delete it in SendGrid "
            "and start the export again"
        )
    # If the audience was renamed, too, ``own_segment`` says so.
    if former_name in (None, audience.name) and segment.name != segment_name(audience.id, audience.name):
        notes.append(
            f"the segment of the audience '{audience.name}' is named '{segment.name}' in SendGrid, and keeps "
            "that name"
        )
    return notes


def field_notes(
    export: Export | None, fields: Sequence[PlannedField], present: Sequence[CustomField], *, backfill: bool
) -> list[str]:
    """Return what was changed of the custom fields that an export already filled.

    Args:
        export: as last provisioned.
        fields: the mapping of the run.
        present: SendGrid's custom fields.
        backfill: the run sends every person.
    """
    if export is None:
        return []
    names: Mapping[str, str] = {field.id: field.name for field in present}
    former = {field.name.casefold(): field for field in export.fields if field.is_custom}
    filled = "its backfill fills it" if backfill else "without a backfill, it stays empty for now"
    notes = []
    for field in fields:
        before = former.get(field.name.casefold())
        if before is None or field.id == before.sendgrid:
            continue
        if before.sendgrid in names:
            what = f"was renamed to '{names[before.sendgrid]}' in SendGrid"
        else:
            what = "was deleted in SendGrid, and its values with it"
        does = "this run creates it again" if field.id is None else "this run uses the new field of that name"
        notes.append(f"the custom field '{before.name}' {what}: {does}, and {filled}")
    return notes


def list_note(export: Export | None, lists: Mapping[str, str]) -> str:
    """Return that the export's list was deleted or renamed in SendGrid; empty if it was not.

    Args:
        export: as last provisioned.
        lists: id to name of SendGrid's lists.
    """
    if export is None or export.list_id is None:
        return ""
    name = lists.get(export.list_id)
    former = export.list_name or export.list_id
    if name is None:
        return f"the list '{former}', to which the export's contacts went, was deleted in SendGrid"
    return f"the list '{former}' is named '{name}' in SendGrid now" if name != former else ""
