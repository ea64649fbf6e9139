"""Turn a plan into the state of its run, which is also the output of a dry run."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from functions.plan.estimate import estimate
from functions.plan.facts import Facts
from functions.plan.frozen import is_listed_already
from functions.plan.input import ExportInput, StartInput
from functions.plan.planning import Plan
from functions.plan.scan_orders import Scanned, pages_in_a_row, scan_orders
from functions.plan.segments import PlannedSegment
from lytics_sendgrid.domain.configuration import Audience
from lytics_sendgrid.sendgrid.resources import segment_name
from lytics_sendgrid.workflow.export_run import ExportRun, RunOptions
from lytics_sendgrid.workflow.limits import PLAN_NOTES_CHARS, bounded_notes
from lytics_sendgrid.workflow.plan_summary import PlanSummary, ToCreate, ToReuse
from lytics_sendgrid.workflow.run_config import FieldConfig, ListConfig, RunConfig, SegmentConfig


@dataclass(frozen=True, slots=True)
class Beginning:
    """How a run begins.

    Attributes:
        run: the execution's name.
        execution: its ARN; empty outside a state machine.
        started_at: ISO 8601.
    """

    run: str
    execution: str
    started_at: str


def planned_run(
    beginning: Beginning, wanted: StartInput, account: str, facts: Facts, plan: Plan
) -> ExportRun:
    """Return the state of a start, which the other tasks read.

    Args:
        beginning: of the run.
        wanted: the execution's input.
        account: the SendGrid account.
        facts: what the plan was made from.
        plan: without faults.
    """
    # Every field that is set takes room in the state.
    is_again = facts.export is not None or is_listed_already(facts.account, plan.audiences)
    optional: dict[str, Any] = {"again": True} if is_again else {}
    if wanted.dry_run:
        optional["planned_version"] = facts.version
    if plan.swept_only:
        optional["swept_only"] = plan.swept_only
    audiences = tuple(Audience(a.id, a.name, a.slug) for a in plan.audiences)
    if wanted.backfill:
        sizes = {audience.id: audience.size or 0 for audience in facts.listed or ()}
        scanned = [Scanned(audience.id, audience.size or 0) for audience in plan.audiences]
        scanned += [Scanned(a.id, sizes.get(a.id, 0), queues=False) for a in plan.swept_only]
        optional |= scan_orders(scanned, wanted.scan_parallelism)
    return ExportRun(
        run=beginning.run,
        started_at=beginning.started_at,
        export=wanted.export,
        authorization=wanted.authorization,
        account=account,
        subscribe=wanted.subscribe,
        backfill=wanted.backfill,
        dry_run=wanted.dry_run,
        audiences=audiences,
        plan=_summary(wanted, plan),
        config=_config(wanted, plan),
        **optional,
        **chosen_options(wanted),
    )


def chosen_options(wanted: ExportInput) -> Mapping[str, Any]:
    """Return the options of an input that differ from their defaults, as a part of the state."""
    given = {
        name: getattr(wanted, name)
        for name, field in RunOptions.model_fields.items()
        if getattr(wanted, name, field.default) != field.default
    }
    return {"options": RunOptions(**given)} if given else {}


def _summary(wanted: StartInput, plan: Plan) -> PlanSummary:
    sizes = [audience.size or 0 for audience in plan.audiences]
    pages = pages_in_a_row(sizes, wanted.scan_parallelism)
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
        estimate=estimate(sum(sizes), pages, backfill=wanted.backfill),
        notes=bounded_notes(plan.notes, PLAN_NOTES_CHARS),
        **({"difference": plan.difference} if plan.difference is not None else {}),
    )


def _config(wanted: StartInput, plan: Plan) -> RunConfig:
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
    if segment.repair:
        optional["repair"] = True
    if segment.replaces is not None:
        optional["replaces"] = segment.replaces
    return SegmentConfig(audience=segment.audience, field=segment.field, **optional)
