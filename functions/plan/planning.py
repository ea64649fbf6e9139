"""Plan a run from its input and what both accounts hold, or find its faults."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from functions.plan.audiences import membership_fields, plan_membership_fields, plan_segment
from functions.plan.changed import field_notes, list_note
from functions.plan.chosen import audience_places, chosen_audiences, chosen_list, same_name_faults
from functions.plan.deletions import deleted_segments, single_send_faults
from functions.plan.difference import Planned, difference
from functions.plan.facts import Facts
from functions.plan.faults import Places
from functions.plan.fields import FieldsPlan, PlannedField, plan_fields
from functions.plan.frozen import frozen_notes
from functions.plan.input import StartInput
from functions.plan.segments import PlannedSegment
from functions.plan.webhook_job import stopped_job
from lytics_sendgrid.domain.configuration import Account, Audience, Export
from lytics_sendgrid.lytics.documents import LyticsAudience, LyticsJob
from lytics_sendgrid.sendgrid.resources import FIELDS_LIMIT, SEGMENTS_LIMIT, ContactList, CustomField, Segment
from lytics_sendgrid.workflow.faults import Fault, pointer
from lytics_sendgrid.workflow.plan_summary import Difference

_ENDED: Final = frozenset({"completed", "deleted", "deleting", "failed", "killed"})
_HOSTED_EXPORT: Final = "sendgrid_export"


@dataclass(frozen=True, slots=True)
class Plan:
    """What a run would do.

    Attributes:
        audiences: what it exports.
        fields: its mapping.
        membership_fields: name to id; None: to be created.
        segments: one for each audience, in their order.
        contact_list: the list that its contacts are put on.
        notes: for a person.
        swept_only: audiences that the export no longer has, but other exports of the account.
        difference: what the run changes in the export; None: the export is new.
    """

    audiences: tuple[LyticsAudience, ...]
    fields: tuple[PlannedField, ...]
    membership_fields: Mapping[str, str | None]
    segments: tuple[PlannedSegment, ...]
    contact_list: ContactList | None
    notes: tuple[str, ...]
    swept_only: tuple[Audience, ...] = ()
    difference: Difference | None = None


def make_plan(
    wanted: StartInput, facts: Facts, faulty: Collection[str] = frozenset(), places: Places | None = None
) -> tuple[Plan, list[Fault]]:
    """Plan a start.

    Args:
        wanted: the input.
        facts: what both accounts and our tables hold.
        faulty: keys of the input that have a fault of their own. ``wanted`` has their defaults, which must
            not lead to another fault.
        places: where the input names audiences and fields; None: as in ``wanted``, which has no faulty parts.

    Returns:
        The plan and its faults. A plan with faults must not be carried out.
    """
    places = places or Places.of(wanted.model_dump())
    mapping = plan_fields(wanted, facts.schema, facts.fields, faulty, places)
    audiences, faults, notes = chosen_audiences(facts.matches, facts.listed or (), places)
    at = audience_places(facts.matches, places)
    faults += mapping.faults
    notes += [*facts.notes, *mapping.notes]
    faults += same_name_faults(audiences, at)
    list_names = {contact_list.id: contact_list.name for contact_list in facts.lists or ()}
    contact_list, list_fault = None, None
    changed_list = list_note(facts.export, list_names) if facts.lists is not None else ""
    if wanted.contact_list is not None and facts.lists is not None:
        contact_list, list_fault = chosen_list(wanted.contact_list, facts.lists)
    if list_fault:
        text = f"{list_fault}{f' ({changed_list})' if changed_list else ''}"
        faults.append(Fault(text, pointer("list")))
    elif changed_list:
        notes.append(changed_list)
    may_adopt = wanted.adopt or "adopt" in faulty
    hosted = _hosted_exports(facts.jobs or ())
    if may_adopt:
        notes += map(_hosted_note, hosted)
    else:
        faults += map(_hosted_fault, hosted)
    job_faults, job_notes = stopped_job(facts.job, facts.export, subscribe=wanted.subscribe)
    faults += map(Fault, job_faults)
    notes += job_notes
    fields: dict[str, str | None] = {}
    segments: list[PlannedSegment] = []
    account = facts.account
    faults += _export_faults(wanted, facts.export, account)
    field_of, names = membership_fields(account, audiences)
    if facts.fields is not None:
        fields, field_faults, membership_notes = plan_membership_fields(
            account, names, facts.fields, adopt=may_adopt
        )
        faults += [*field_faults, *_field_limit_faults(facts.fields, fields, mapping)]
        notes += [
            *membership_notes,
            *field_notes(facts.export, mapping.fields, facts.fields, backfill=wanted.backfill),
        ]
    previous_names = (
        {audience.id: audience.name for audience in facts.export.audiences} if facts.export else {}
    )
    if facts.segments is not None and list_fault is None and "list" not in faulty:
        list_id = contact_list.id if contact_list else None
        for audience in audiences:
            segment = plan_segment(
                audience,
                field_of[audience.id],
                account,
                list_id,
                facts.segments,
                at=at[audience.id],
                export=wanted.export,
                list_names=list_names,
                delete_segments=wanted.delete_segments,
                repair_segments=wanted.repair_segments,
                previous_name=previous_names.get(audience.id),
            )
            if isinstance(segment, Fault):
                faults.append(segment)
            else:
                segments.append(segment)
                notes += segment.notes
        faults += _segment_limit_faults(facts.segments, segments)
    change, words = difference(wanted, facts, Planned(audiences, mapping.fields, contact_list))
    deleted = _replaced(segments) | deleted_segments(wanted, facts, audiences)
    faults += [
        Fault(text, pointer("delete_segments"))
        for text in single_send_faults(facts.single_sends or (), deleted)
    ]
    return (
        Plan(
            tuple(audiences),
            mapping.fields,
            fields,
            tuple(segments),
            contact_list,
            # What the run changes comes first: there may not be room for all.
            (*words, *frozen_notes(wanted, account, audiences), *notes),
            _swept_only(audiences, facts.export, account),
            change,
        ),
        faults,
    )


def _replaced(segments: Sequence[PlannedSegment]) -> dict[str, str]:
    """Return id and name of the segments that are deleted to be created again on another list."""
    return {segment.replaces: segment.name for segment in segments if segment.replaces is not None}


def _swept_only(
    audiences: Sequence[LyticsAudience], export: Export | None, account: Account
) -> tuple[Audience, ...]:
    if export is None:
        return ()
    chosen = {audience.id for audience in audiences}
    return tuple(
        audience
        for audience in export.audiences
        if audience.id not in chosen
        and audience.id in account.audiences
        and set(account.audiences[audience.id].exports) - {export.name}
    )


def _hosted_exports(jobs: Iterable[LyticsJob]) -> list[LyticsJob]:
    """Return the jobs of Lytics' own SendGrid export that have not ended."""
    return [
        job
        for job in jobs
        if job.workflow.replace("-", "_").casefold().startswith(_HOSTED_EXPORT)
        and job.status.casefold() not in _ENDED
    ]


def _hosted_note(job: LyticsJob) -> str:
    return (
        f"Lytics' own SendGrid export '{job.name}' ({job.status}) also writes lytics_segments: end that job "
        "in Lytics"
    )


def _hosted_fault(job: LyticsJob) -> Fault:
    text = (
        f"Lytics' own SendGrid export '{job.name}' (job {job.id}, {job.status}) also writes the field "
        "lytics_segments. Two writers put the wrong people into segments. End that job in Lytics. If it "
        'exports to another SendGrid account, put "adopt": true into the input instead'
    )
    return Fault(text, pointer("adopt"))


def _export_faults(wanted: StartInput, export: Export | None, account: Account) -> list[Fault]:
    if export is None or (export.authorization, export.account) == (wanted.authorization, account.name):
        return []
    fault = (
        f"\"export\": there is already an export '{wanted.export}' with the authorization "
        f"'{export.authorization}' and the SendGrid account '{export.account}': choose another name"
    )
    return [Fault(fault, pointer("export"))]


def _field_limit_faults(
    existing: Sequence[CustomField], membership: Mapping[str, str | None], mapping: FieldsPlan
) -> list[Fault]:
    missing = [name for name, identity in membership.items() if identity is None]
    missing += [line.name for line in mapping.fields if line.custom and line.id is None]
    if not missing or len(existing) + len(missing) <= FIELDS_LIMIT:
        return []
    fault = (
        f"a SendGrid account holds {FIELDS_LIMIT} custom fields and this one has {len(existing)}; "
        f"{len(missing)} more are needed ({', '.join(missing[:10])}): delete fields that are not used "
        "(Marketing > Custom Fields)"
    )
    return [Fault(fault, pointer("custom_fields"))]


def _segment_limit_faults(existing: Mapping[str, Segment], planned: Sequence[PlannedSegment]) -> list[Fault]:
    missing = sum(1 for segment in planned if segment.id is None and segment.replaces is None)
    if not missing or len(existing) + missing <= SEGMENTS_LIMIT:
        return []
    fault = (
        f"a SendGrid account holds {SEGMENTS_LIMIT} segments and this one has {len(existing)}; {missing} "
        "more are needed: delete segments that are not used (Marketing > Segments), or export fewer "
        "audiences"
    )
    return [Fault(fault, pointer("audiences"))]
