"""The configurations of accounts and exports as JSON values, as the exports table keeps them."""

from collections.abc import Mapping
from typing import Any

from lytics_sendgrid.domain.configuration import (
    Account,
    Audience,
    AudienceState,
    Export,
    FieldKind,
    MappedField,
    ProvisionedAudience,
)


def export_document(export: Export) -> dict[str, Any]:
    """Return an export as JSON values."""
    return {
        "name": export.name,
        "authorization": export.authorization,
        "account": export.account,
        "version": export.version,
        "email_field": export.email_field,
        "fields": [
            {
                "lytics": mapped.lytics,
                "sendgrid": mapped.sendgrid,
                "name": mapped.name,
                "kind": mapped.kind.value,
                "max_chars": mapped.max_chars,
            }
            for mapped in export.fields
        ],
        "audiences": [{"id": a.id, "name": a.name, "slug": a.slug} for a in export.audiences],
        "list_id": export.list_id,
        "list_name": export.list_name,
        "lytics_job": export.lytics_job,
        "lytics_auth": export.lytics_auth,
        "stopped_s": export.stopped_s,
    }


def export_from(document: Mapping[str, Any]) -> Export:
    """Read what ``export_document`` returned."""
    return Export(
        **{
            **document,
            "fields": tuple(MappedField(**{**f, "kind": FieldKind(f["kind"])}) for f in document["fields"]),
            "audiences": tuple(Audience(**a) for a in document["audiences"]),
        }
    )


def account_document(account: Account) -> dict[str, Any]:
    """Return an account as JSON values."""
    return {
        "name": account.name,
        "version": account.version,
        "membership_fields": dict(account.membership_fields),
        "audiences": {
            audience: {
                "membership_field": provisioned.membership_field,
                "segment_id": provisioned.segment_id,
                "list_id": provisioned.list_id,
                "exports": list(provisioned.exports),
                "since_ns": provisioned.since_ns,
                "state": provisioned.state.value,
                "state_since_s": provisioned.state_since_s,
                "made": provisioned.made,
                "delete_segment": provisioned.delete_segment,
                **({"dropped_by": provisioned.dropped_by} if provisioned.dropped_by else {}),
            }
            for audience, provisioned in account.audiences.items()
        },
        "fields": {export: list(ids) for export, ids in account.fields.items()},
        "to_clear": dict(account.to_clear),
        "segments_begun": sorted(account.segments_begun),
        "written_s": account.written_s,
    }


def account_from(document: Mapping[str, Any]) -> Account:
    """Read what ``account_document`` returned."""
    return Account(
        name=document["name"],
        version=document["version"],
        membership_fields=document["membership_fields"],
        audiences={
            audience: ProvisionedAudience(
                **{**p, "exports": tuple(p["exports"]), "state": AudienceState(p.get("state", "live"))}
            )
            for audience, p in document["audiences"].items()
        },
        fields={export: tuple(ids) for export, ids in document["fields"].items()},
        to_clear=document.get("to_clear", {}),
        segments_begun=frozenset(document.get("segments_begun", ())),
        written_s=document.get("written_s", 0),
    )
