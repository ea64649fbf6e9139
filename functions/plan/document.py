"""A plan as JSON: the state of the execution, and the answer of a dry run."""

from typing import Any

from functions.plan.estimate import estimate
from functions.plan.input import ExportInput
from functions.plan.planning import Plan


def plan_document(run: str, started_at: str, wanted: ExportInput, account: str, plan: Plan) -> dict[str, Any]:
    """Write a plan as the state that the following tasks work with, which is also the answer of a dry run."""
    people = sum(audience.size or 0 for audience in plan.audiences)
    largest = max((audience.size or 0 for audience in plan.audiences), default=0)
    return {
        "run": run,
        "started_at": started_at,
        "export": wanted.export,
        "authorization": wanted.authorization,
        "account": account,
        "subscribe": wanted.subscribe,
        "backfill": wanted.backfill,
        "dry_run": wanted.dry_run,
        "audiences": [{"id": a.id, "name": a.name, "slug": a.slug} for a in plan.audiences],
        "plan": {
            "create": {
                "custom_fields": [
                    *(name for name, identity in plan.membership_fields.items() if identity is None),
                    *(line.name for line in plan.fields if line.custom and line.id is None),
                ],
                "segments": [segment.name for segment in plan.segments if segment.id is None],
            },
            "reuse": {
                "custom_fields": [
                    *(name for name, identity in plan.membership_fields.items() if identity is not None),
                    *(line.name for line in plan.fields if line.id is not None),
                ],
                "segments": [segment.name for segment in plan.segments if segment.id is not None],
                "list": plan.contact_list.name if plan.contact_list else None,
            },
            "people": people,
            "estimate": estimate(people, largest, backfill=wanted.backfill),
            "notes": list(plan.notes),
        },
        "config": {
            "adopt": wanted.adopt,
            "email_field": wanted.email_field,
            "mapping": [
                {
                    "lytics": f.lytics,
                    "name": f.name,
                    "kind": f.kind.value,
                    "custom": f.custom,
                    "max_chars": f.max_chars,
                }
                for f in plan.fields
            ],
            "membership_fields": dict(plan.membership_fields),
            "list": {"id": plan.contact_list.id, "name": plan.contact_list.name}
            if plan.contact_list
            else None,
            "segments": [{"audience": s.audience, "name": s.name, "field": s.field} for s in plan.segments],
        },
    }
