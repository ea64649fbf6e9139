"""What provision would have written for a schedule, version by version, and what ingest would have queued."""

import json
from typing import Any, Final

from lytics_sendgrid.change import Change, Message
from lytics_sendgrid.change_codec import encode
from lytics_sendgrid.configuration import (
    Account,
    Audience,
    Export,
    FieldKind,
    MappedField,
    ProvisionedAudience,
    account_document,
    export_document,
)
from tests.simulation.dynamodb import Table
from tests.simulation.engine import START_S
from tests.simulation.scenario import AUDIENCES, FIELDS, Event, Post
from tests.simulation.truth import FIELD_IDS, exported, membership_fields

LIST: Final = "list1"
"""The list of the first of the exports; the second has none."""
EXPORTS: Final = ("newsletter", "offers")
_NS: Final = 1_000_000_000


def ns(time_s: int) -> int:
    """Return an event time in nanoseconds: all of them lie before the schedule begins."""
    return (int(START_S) - 1_000 + time_s) * _NS


def change(event: Event) -> Change:
    return Change(
        event.email,
        ns(event.time_s),
        event.kind,
        event.audience,
        event.fields,
        None if event.fields_time_s == event.time_s else ns(event.fields_time_s),
    )


def account(version: int, *, second_field: bool) -> Account:
    fields = membership_fields(version, second_field=second_field)
    names = {"s1_T": "lytics_segments", "s2_T": "lytics_segments_1"}
    return Account(
        name="default",
        version=version,
        membership_fields={name: field_id for field_id, name in names.items()},
        audiences={
            audience: ProvisionedAudience(
                names[fields[audience]],
                f"segment-{audience[0]}",
                LIST,
                ("newsletter",) if audience in exported(version) else (),
            )
            for audience in AUDIENCES
        },
        fields={"newsletter": tuple(FIELD_IDS[name] for name in FIELDS)},
    )


def export(name: str, version: int) -> Export:
    return Export(
        name=name,
        authorization="default",
        account="default",
        version=version,
        email_field="email",
        fields=tuple(MappedField(f, FIELD_IDS[f], f, FieldKind.TEXT, 1000) for f in FIELDS),
        audiences=tuple(Audience(audience, audience[0], audience[0]) for audience in AUDIENCES),
        list_id=LIST if name == EXPORTS[0] else None,
    )


def message_body(post: Post, version: int, now_s: float) -> str:
    """Write a message by a version of the configuration."""
    changes = tuple(map(change, post.events))
    return encode(Message(post.export, changes, version, int(now_s * 1000), run=post.run, number=post.number))


def publish(table: Table, version: int, *, second_field: bool) -> None:
    """Write a version of the configuration."""
    _write(table, "account#default", account_document(account(version, second_field=second_field)))
    for name in EXPORTS:
        _write(table, f"export#{name}", export_document(export(name, version)))


def _write(table: Table, pk: str, document: dict[str, Any]) -> None:
    table.write((pk, "config"), {"pk": {"S": pk}, "sk": {"S": "config"}, "doc": {"S": json.dumps(document)}})


class KnownExports:
    """The exports, for the redrive command."""

    def export(self, name: str) -> Export:
        return export(name, 1)
