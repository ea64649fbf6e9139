"""Create the fields and segments that a plan misses, adopt what exists, and write down what was provisioned.

Every step can be repeated: a run that dies anywhere is healed by running it again. What is created is looked for by its
name first and after each refusal; only then is the account's configuration written, and then the export's.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Protocol

from functions.provision.fields import AccountBook, Accounts, FieldProvisioning, SendGridFields
from functions.provision.segments import SegmentProvisioning, SendGridSegments
from lytics_sendgrid.domain.configuration import (
    Account,
    Audience,
    Export,
    FieldKind,
    MappedField,
    ProvisionedAudience,
)


class SendGridAccount(SendGridFields, SendGridSegments, Protocol):
    """SendGrid, to be provisioned."""


class Configurations(Accounts, Protocol):
    """Where what was provisioned is written down."""

    def export(self, name: str) -> Export | None: ...  # noqa: D102
    def put_export(self, export: Export) -> None: ...  # noqa: D102


@dataclass(frozen=True, slots=True)
class Provisioned:
    """What was done.

    Attributes:
        version: of the account's configuration.
        fields: names of the custom fields that were created.
        segments: how many segments were created.
        adopted: how many existed and are used.
    """

    version: int
    fields: tuple[str, ...]
    segments: int
    adopted: int


def provision(
    state: Mapping[str, Any],
    sendgrid: SendGridAccount,
    configurations: Configurations,
    sleep: Callable[[float], None],
) -> Provisioned:
    """Carry out a plan.

    Args:
        state: what ``plan_document`` wrote.
        sendgrid: the account.
        configurations: ours.
        sleep: waits some seconds, where a field is too new to be known.

    Raises:
        KeyRefused: the key may not write; where that shows at the first request, nothing was created.
        ExportRefused: what the plan saw has changed meanwhile: somebody else made a field or a segment of a needed name.
        RequestRefused: SendGrid does not take a field or a segment, with its words.
        RetryLater: run it again.
    """
    config: Mapping[str, Any] = state["config"]
    list_id = config["list"]["id"] if config["list"] else None
    book = AccountBook(state["account"], configurations)
    fields = FieldProvisioning(sendgrid, book, adopt=config["adopt"])
    fields.make_membership_fields(config["membership_fields"])
    for line in config["mapping"]:
        if line["custom"]:
            fields.make(line["name"], line["kind"])
    segments = SegmentProvisioning(sendgrid, list_id, sleep)
    segment_ids = segments.make(config["segments"], book.account.audiences)
    membership = {name: fields.id_of(name) for name in config["membership_fields"]}
    account = _with_audiences(
        replace(book.account, membership_fields={**book.account.membership_fields, **membership}),
        state["export"],
        {
            plan["audience"]: ProvisionedAudience(plan["field"], segment_ids[plan["audience"]], list_id, ())
            for plan in config["segments"]
        },
    )
    before = configurations.export(state["export"])
    export = _export(state, fields, before)
    written = tuple(mapped.sendgrid for mapped in export.fields if mapped.is_custom)
    account = replace(account, fields={**account.fields, export.name: written})
    if account != book.account or export != before:
        book.write(account)
        configurations.put_export(replace(export, version=book.account.version))
    return Provisioned(
        book.account.version, tuple(fields.created), segments.created, len(segment_ids) - segments.created
    )


def _with_audiences(account: Account, export: str, made: Mapping[str, ProvisionedAudience]) -> Account:
    """Return the account in which an export exports these audiences and no others."""
    audiences = {
        audience: replace(provisioned, exports=tuple(name for name in provisioned.exports if name != export))
        for audience, provisioned in account.audiences.items()
    }
    for audience, provisioned in made.items():
        others = audiences[audience].exports if audience in audiences else ()
        audiences[audience] = replace(provisioned, exports=tuple(sorted({export, *others})))
    return replace(account, audiences=audiences)


def _export(state: Mapping[str, Any], fields: FieldProvisioning, before: Export | None) -> Export:
    """Return the export's configuration, with the version that it has: a later one only if something else differs."""
    config = state["config"]
    chosen = config["list"] or {"id": None, "name": None}
    return Export(
        name=state["export"],
        authorization=state["authorization"],
        account=state["account"],
        version=before.version if before else 0,
        email_field=config["email_field"],
        fields=tuple(
            MappedField(
                line["lytics"],
                fields.id_of(line["name"]) if line["custom"] else line["name"],
                line["name"],
                FieldKind(line["kind"]),
                line["max_chars"],
            )
            for line in config["mapping"]
        ),
        audiences=tuple(Audience(**audience) for audience in state["audiences"]),
        list_id=chosen["id"],
        list_name=chosen["name"],
        lytics_job=before.lytics_job if before else None,
        lytics_auth=before.lytics_auth if before else None,
    )
