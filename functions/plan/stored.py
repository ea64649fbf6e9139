"""Plan a resync or a stop from an export's stored configuration."""

from typing import Any

from functions.plan.deletions import single_send_faults
from functions.plan.estimate import estimate
from functions.plan.facts import StoredFacts
from functions.plan.input import ResyncInput, StopInput
from functions.plan.scan_orders import Scanned, pages_in_a_row, scan_orders
from functions.plan.state import Beginning, chosen_options
from functions.plan.stopping import dropped_earlier, stop_notes
from lytics_sendgrid.domain.configuration import Audience, Export
from lytics_sendgrid.domain.instants import NANOSECONDS_PER_S, format_rfc3339
from lytics_sendgrid.lytics.documents import LyticsAudience
from lytics_sendgrid.lytics.webhook_jobs import RUNNING, STOPPED
from lytics_sendgrid.sendgrid.resources import segment_name
from lytics_sendgrid.workflow.activation import Activation
from lytics_sendgrid.workflow.export_run import ExportRun
from lytics_sendgrid.workflow.faults import Fault, pointer
from lytics_sendgrid.workflow.limits import PLAN_NOTES_CHARS, bounded_notes
from lytics_sendgrid.workflow.plan_summary import PlanSummary, ToCreate, ToReuse
from lytics_sendgrid.workflow.run_config import FieldConfig, ListConfig, Provisioned, RunConfig, SegmentConfig


def no_such_export(name: str, action: str) -> str:
    """Return the fault of a resync or stop of an export that does not exist."""
    return (
        f"\"export\": there is no export '{name}', so there is nothing to {action}: check the name in the "
        "input of the execution that started it, or start it first"
    )


def stored_faults(wanted: ResyncInput | StopInput, export: Export, facts: StoredFacts) -> list[Fault]:
    """Return a fault if the state of an export, or of its segments, does not allow an action."""
    if isinstance(wanted, StopInput):
        texts = single_send_faults(facts.single_sends, _deleted(export, facts))
        return [Fault(text, pointer("delete_segments")) for text in texts]
    if export.stopped_s is None:
        return []
    since = format_rfc3339(export.stopped_s * NANOSECONDS_PER_S)
    text = (
        f"the export '{export.name}' is stopped since {since}, so a resync has nothing to do: "
        "start it again with its input, which also brings everybody up to date"
    )
    return [Fault(text, pointer("export"))]


def plan_resync(beginning: Beginning, wanted: ResyncInput, export: Export, facts: StoredFacts) -> ExportRun:
    """Return the state of a resync."""
    notes = [*_lost_notes(export, facts), *_job_notes(export, facts), *facts.notes]
    return _planned(beginning, wanted, export, facts, notes, backfill=True)


def plan_stop(beginning: Beginning, wanted: StopInput, export: Export, facts: StoredFacts) -> ExportRun:
    """Return the state of a stop."""
    notes = [*facts.notes, *stop_notes(wanted, export, facts)]
    return _planned(beginning, wanted, export, facts, notes, backfill=False)


def _planned(
    beginning: Beginning,
    wanted: ResyncInput | StopInput,
    export: Export,
    facts: StoredFacts,
    notes: list[str],
    *,
    backfill: bool,
) -> ExportRun:
    known = {audience.id: audience for audience in facts.listed}
    audiences = tuple(_named(audience, known.get(audience.id)) for audience in export.audiences)
    sizes = [(known[a.id].size or 0) if a.id in known else 0 for a in audiences]
    membership = facts.account.membership_fields
    parallelism = wanted.scan_parallelism if isinstance(wanted, ResyncInput) else 1
    scanned = [Scanned(audience.id, size) for audience, size in zip(audiences, sizes, strict=True)]
    optional: dict[str, Any] = scan_orders(scanned, parallelism) if backfill else {}
    if facts.is_job_known:
        optional["activation"] = _activation(export, facts)
    if wanted.dry_run:
        optional["planned_version"] = facts.account.version
    return ExportRun(
        run=beginning.run,
        started_at=beginning.started_at,
        export=export.name,
        authorization=export.authorization,
        account=export.account,
        subscribe=export.lytics_job is not None,
        backfill=backfill,
        dry_run=wanted.dry_run,
        audiences=audiences,
        plan=PlanSummary(
            create=ToCreate(custom_fields=(), segments=()),
            reuse=ToReuse(
                custom_fields=(*membership, *(field.name for field in export.fields if field.is_custom)),
                segments=tuple(segment_name(audience.id, audience.name) for audience in audiences),
                list=export.list_name,
            ),
            people=sum(sizes),
            estimate=estimate(sum(sizes), pages_in_a_row(sizes, parallelism), backfill=backfill),
            notes=bounded_notes(notes, PLAN_NOTES_CHARS),
        ),
        config=_config(export, facts),
        action=wanted.action,
        # Nothing is provisioned or activated. The report shows what there is.
        provision=Provisioned(version=facts.account.version, fields=(), segments=0),
        **optional,
        **chosen_options(wanted),
    )


def _named(stored: Audience, listed: LyticsAudience | None) -> Audience:
    """Return an audience with the name that it has in Lytics now."""
    return stored if listed is None else Audience(stored.id, listed.name, listed.slug)


def _config(export: Export, facts: StoredFacts) -> RunConfig:
    provisioned = facts.account.audiences
    return RunConfig(
        adopt=False,
        email_field=export.email_field,
        mapping=tuple(
            FieldConfig(
                lytics=field.lytics,
                name=field.name,
                kind=field.kind,
                custom=field.is_custom,
                max_chars=field.max_chars,
            )
            for field in export.fields
        ),
        membership_fields=dict(facts.account.membership_fields),
        list=ListConfig(id=export.list_id, name=export.list_name or "") if export.list_id else None,
        segments=tuple(
            SegmentConfig(audience=audience, field=provisioned[audience].membership_field, exists=True)
            for audience in (a.id for a in export.audiences)
            if audience in provisioned
        ),
    )


def _activation(export: Export, facts: StoredFacts) -> Activation:
    job = facts.job
    return Activation(
        live=export.stopped_s is None and job is not None and job.status in RUNNING,
        running=True,
        job_id=job.id if job else None,
        state=job.status if job else "NOT LIVE",
        webhook_url=str(job.config.get("webhook_url") or "") if job else "",
        paste=None,
        waited=0,
    )


def _deleted(export: Export, facts: StoredFacts) -> dict[str, str]:
    """Return id and name of the segments that a removal may delete."""
    names = {audience.id: audience.name for audience in export.audiences} | dropped_earlier(export, facts)
    return {
        str(known.segment_id): segment_name(audience, name)
        for audience, name in names.items()
        if (known := facts.account.audiences.get(audience)) is not None
        and known.made
        and set(known.exports) <= {export.name}
    }


def _lost_notes(export: Export, facts: StoredFacts) -> list[str]:
    """Return a note for each audience that Lytics cannot scan."""
    known = {audience.id: audience for audience in facts.listed}
    notes = []
    for audience in export.audiences:
        listed = known.get(audience.id)
        if listed is None:
            fault = "is gone in Lytics"
        elif listed.fault:
            fault = f"is invalid in Lytics ({listed.fault})"
        else:
            continue
        notes.append(
            f"the audience '{audience.name}' {fault}, so it is left as it is and nobody is taken out of it. "
            f"To take everybody out, start the export '{export.name}' again without it"
        )
    return notes


def _job_notes(export: Export, facts: StoredFacts) -> list[str]:
    job = facts.job
    if job is None:
        if not facts.is_job_known:
            return []
        return [
            (
                f"Lytics has no webhook job of the export '{export.name}', so no event reaches it. This run "
                "brings SendGrid up to date once. Start the export again to create the job"
            )
        ]
    if job.status not in STOPPED:
        return []
    return [
        (
            f"Lytics' webhook job '{job.name}' ({job.id}) is {job.status}, so no event reaches the export. "
            "This run brings SendGrid up to date once. Resume or restart the job in Lytics"
        )
    ]
