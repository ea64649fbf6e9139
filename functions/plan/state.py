"""Turn a plan into the state of its run, which is also the output of a dry run."""

from functions.plan.estimate import estimate
from functions.plan.input import ExportInput
from functions.plan.planning import Plan
from lytics_sendgrid.domain.configuration import Audience
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
        notes=plan.notes,
    )


def _config(wanted: ExportInput, plan: Plan) -> RunConfig:
    contact_list = plan.contact_list
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
        segments=tuple(
            SegmentConfig(audience=segment.audience, name=segment.name, field=segment.field)
            for segment in plan.segments
        ),
    )
