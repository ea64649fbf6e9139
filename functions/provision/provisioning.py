"""Create the fields and segments that a plan needs, adopt those that exist, and write the configuration.

Every step can be repeated: if a run dies, the next one finishes its work. Before anything is created, and
after each refusal, it is looked up by name. The account's configuration is written last, then the export's.
"""

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Protocol

from functions.provision.fields import FieldProvisioning, SendGridFields
from functions.provision.segments import SegmentProvisioning, SendGridSegments, without_ending
from lytics_sendgrid.domain.account_changes import with_audiences, without_audiences
from lytics_sendgrid.domain.clock import Clock
from lytics_sendgrid.domain.configuration import Account, Export, MappedField, ProvisionedAudience
from lytics_sendgrid.sendgrid.resources import segment_name
from lytics_sendgrid.workflow.account_book import AccountBook, Accounts
from lytics_sendgrid.workflow.export_run import ExportRun
from lytics_sendgrid.workflow.limits import PROVISION_NOTES_CHARS, bounded_notes
from lytics_sendgrid.workflow.run_config import Provisioned


class SendGridAccount(SendGridFields, SendGridSegments, Protocol):
    """The SendGrid account to provision."""


class Configurations(Accounts, Protocol):
    """Where the configurations are kept."""

    def export(self, name: str) -> Export | None: ...  # noqa: D102
    def put_export(self, export: Export) -> None: ...  # noqa: D102


def provision(
    run: ExportRun, sendgrid: SendGridAccount, configurations: Configurations, clock: Clock
) -> Provisioned:
    """Carry out a plan.

    Raises:
        KeyRefused: the key may not write. If the first request shows it, nothing was created.
        ExportRefused: since the plan, something else has created a field or a segment with a name that is
            needed; or a scheduled Single Send goes to a segment that must be deleted.
        RequestRefused: SendGrid refuses a field or a segment; the message quotes it.
        RetryLater: call again.
    """
    config = run.config
    list_id = config.contact_list.id if config.contact_list else None
    book = AccountBook(run.account, configurations, clock)
    segments = SegmentProvisioning(sendgrid, list_id, clock)
    planned = without_ending(config.segments, book.account.audiences)
    segments.check(planned)
    fields = FieldProvisioning(sendgrid, book, adopt=config.adopt)
    fields.make_membership_fields(config.membership_fields)
    for field in config.mapping:
        if field.custom:
            fields.make(field.name, field.kind)
    audience_names = {audience.id: audience.name for audience in run.audiences}
    segment_ids = segments.make(planned, book.account.audiences, audience_names, book.begin_segments)
    begun = book.account.segments_begun
    membership = {name: fields.id_of(name) for name in config.membership_fields}
    account = replace(book.account, membership_fields={**book.account.membership_fields, **membership})
    now_s = math.floor(clock.now())
    account = with_audiences(
        _without_removed(account, run, configurations, now_s),
        run.export,
        {
            segment.audience: ProvisionedAudience(
                *(segment.field, segment_ids[segment.audience], list_id, ()),
                made=not segment.exists or segment.audience in begun,
            )
            for segment in planned
        },
        now_s,
    )
    before = configurations.export(run.export)
    export = _export(run, fields, before, segments.names)
    custom_ids = tuple(mapped.sendgrid for mapped in export.fields if mapped.is_custom)
    account = replace(
        account,
        fields={**account.fields, export.name: custom_ids},
        segments_begun=begun.difference(segment_ids),
    )
    if account != book.account or export != before:
        book.write(account)
        configurations.put_export(replace(export, version=book.account.version))
    optional: dict[str, Any] = {
        "adopted": segments.adopted,
        "renamed": segments.renamed,
        "repaired": segments.repaired,
        "notes": bounded_notes(segments.notes, PROVISION_NOTES_CHARS),
    }
    return Provisioned(
        version=book.account.version,
        fields=tuple(fields.created),
        segments=segments.created,
        **{name: value for name, value in optional.items() if value},
    )


def _without_removed(account: Account, run: ExportRun, configurations: Configurations, now_s: int) -> Account:
    """Return the account without the audiences that the export no longer has."""
    chosen = {audience.id for audience in run.audiences}
    removed = [
        audience
        for audience, provisioned in account.audiences.items()
        if run.export in provisioned.exports and audience not in chosen
    ]
    others = {name for audience in removed for name in account.audiences[audience].exports} - {run.export}
    live = [
        name
        for name in sorted(others)
        if (other := configurations.export(name)) is not None and other.stopped_s is None
    ]
    return without_audiences(
        account,
        run.export,
        removed,
        live,
        now_s,
        keep=run.options.removed_audiences == "keep",
        delete_segments=run.options.delete_segments,
    )


def _export(
    run: ExportRun, fields: FieldProvisioning, before: Export | None, segment_names: Mapping[str, str]
) -> Export:
    """Return the export's configuration with its present version.

    An audience whose segment could not be renamed keeps its former name here. So the next run tries again.
    """
    config = run.config
    former_names = {audience.id: audience.name for audience in before.audiences} if before else {}
    audiences = []
    for audience in run.audiences:
        former = segment_name(audience.id, former_names.get(audience.id, audience.name))
        is_outdated = segment_names[audience.id] == former != segment_name(audience.id, audience.name)
        audiences.append(replace(audience, name=former_names[audience.id]) if is_outdated else audience)
    return Export(
        name=run.export,
        authorization=run.authorization,
        account=run.account,
        version=before.version if before else 0,
        email_field=config.email_field,
        fields=tuple(
            MappedField(
                field.lytics,
                fields.id_of(field.name) if field.custom else field.name,
                field.name,
                field.kind,
                field.max_chars,
            )
            for field in config.mapping
        ),
        audiences=tuple(audiences),
        list_id=config.contact_list.id if config.contact_list else None,
        list_name=config.contact_list.name if config.contact_list else None,
        lytics_job=before.lytics_job if before else None,
        lytics_auth=before.lytics_auth if before else None,
    )
