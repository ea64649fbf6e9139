"""Turn a plan into the state of its run, which is also the output of a dry run."""

from typing import Any

from functions.plan.estimate import estimate
from functions.plan.input import ExportInput
from functions.plan.planning import Plan
from functions.plan.segments import PlannedSegment
from lytics_sendgrid.domain.configuration import Audience
from lytics_sendgrid.sendgrid.resources import segment_name
from lytics_sendgrid.workflow.export_run import (
    ExportRun,
    FieldConfig,
    ListConfig,
    PlanSummary,
    RunConfig,
    SegmentConfig,
    ToCreate,
    ToReuse,
)
from lytics_sendgrid.workflow.limits import PLAN_NOTES_CHARS, bounded_notes


def planned_run(run: str, started_at: str, wanted: ExportInput, account: str, plan: Plan) -> ExportRun:
    """Return the state that the other tasks read.

    Args:
        run: the execution's name.
        started_at: ISO 8601.
        wanted: the execution's input.
        account: the SendGrid account.
        plan: without faults.
    """
    return ExportRun(
        run=run,
        started_at=started_at,
        export=wanted.export,
        authorization=wanted.authorization,
        account=account,
        subscribe=wanted.subscribe,
        backfill=wanted.backfill,
        dry_run=wanted.dry_run,
        audiences=tuple(Audience(a.id, a.name, a.slug) for a in plan.audiences),
        plan=_summary(wanted, plan),
        config=_config(wanted, plan),
    )


def _summary(wanted: ExportInput, plan: Plan) -> PlanSummary:
    sizes = [audience.size or 0 for audience in plan.audiences]
    new_fields = [field.name for field in plan.fields if field.custom and field.id is None]
    return PlanSummary(
        create=ToCreate(
            custom_fields=(
                *(name for name, field_id in plan.membership_fields.items() if field_id is None),
                *new_fields,
            ),
            segments=tuple(segment.name for segment in plan.segments if segment.id is None),
        ),
        reuse=ToReuse(
            custom_fields=(
                *(name for name, field_id in plan.membership_fields.items() if field_id is not None),
                *(field.name for field in plan.fields if field.id is not None),
            ),
            segments=tuple(segment.name for segment in plan.segments if segment.id is not None),
            list=plan.contact_list.name if plan.contact_list else None,
        ),
        people=sum(sizes),
        estimate=estimate(sum(sizes), max(sizes, default=0), backfill=wanted.backfill),
        notes=bounded_notes(plan.notes, PLAN_NOTES_CHARS),
    )


def _config(wanted: ExportInput, plan: Plan) -> RunConfig:
    contact_list = plan.contact_list
    names = {audience.id: audience.name for audience in plan.audiences}
    return RunConfig(
        adopt=wanted.adopt,
        email_field=wanted.email_field,
        mapping=tuple(
            FieldConfig(
                lytics=field.lytics,
                name=field.name,
                kind=field.kind,
                custom=field.custom,
                max_chars=field.max_chars,
            )
            for field in plan.fields
        ),
        membership_fields=dict(plan.membership_fields),
        list=ListConfig(id=contact_list.id, name=contact_list.name) if contact_list else None,
        segments=tuple(_segment(segment, names[segment.audience]) for segment in plan.segments),
    )


def _segment(segment: PlannedSegment, audience_name: str) -> SegmentConfig:
    """Return a segment for ``provision``, without a name that follows from the audience's."""
    optional: dict[str, Any] = {}
    if segment.name != segment_name(segment.audience, audience_name):
        optional["name"] = segment.name
    if segment.rename_from is not None:
        optional["rename"] = True
    if segment.id is not None:
        optional["exists"] = True
    return SegmentConfig(audience=segment.audience, field=segment.field, **optional)
