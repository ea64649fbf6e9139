"""The configurations that provision would write for a schedule, and the messages that ingest would queue."""

import json
from collections.abc import Mapping
from typing import Any, Final

from lytics_sendgrid.domain.change import Change, Message
from lytics_sendgrid.domain.configuration import (
    Account,
    Audience,
    Export,
    FieldKind,
    MappedField,
    ProvisionedAudience,
    account_document,
    export_document,
)
from lytics_sendgrid.queues.changes import encode
from tests.doubles.dynamodb import Table
from tests.simulation.engine import START_S
from tests.simulation.scenario import AUDIENCES, FIELDS, Event, Post
from tests.simulation.sendgrid import LISTS
from tests.simulation.truth import FIELD_IDS, exported, membership_fields

EXPORTS: Final = ("newsletter", "offers")
_OF_THE_SECOND: Final = "c" * 32
"""An audience without events, which the second export puts on its list."""
_NS: Final = 1_000_000_000


def ns(time_s: int) -> int:
    """Return an event time in nanoseconds. All event times are before the schedule starts."""
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


def lists(*, second_list: bool) -> Mapping[str, str]:
    """Return each export's list."""
    return dict(zip(EXPORTS, LISTS[: 1 + second_list], strict=False))


def account(version: int, *, second_field: bool, second_list: bool) -> Account:
    fields = membership_fields(version, second_field=second_field)
    of = {
        audience: (fields[audience], LISTS[0], EXPORTS[:1] if audience in exported(version) else ())
        for audience in AUDIENCES
    }
    if second_list:
        of[_OF_THE_SECOND] = (fields[AUDIENCES[0]], LISTS[1], EXPORTS[1:])
    names = {"s1_T": "lytics_segments", "s2_T": "lytics_segments_1"}
    return Account(
        name="default",
        version=version,
        membership_fields={name: field_id for field_id, name in names.items()},
        audiences={
            audience: ProvisionedAudience(names[field], f"segment-{audience[0]}", list_id, names_of_exports)
            for audience, (field, list_id, names_of_exports) in of.items()
        },
        fields={"newsletter": tuple(FIELD_IDS[name] for name in FIELDS)},
    )


def export(name: str, version: int, *, second_list: bool) -> Export:
    return Export(
        name=name,
        authorization="default",
        account="default",
        version=version,
        email_field="email",
        fields=tuple(MappedField(f, FIELD_IDS[f], f, FieldKind.TEXT, 1000) for f in FIELDS),
        audiences=tuple(Audience(audience, audience[0], audience[0]) for audience in AUDIENCES),
        list_id=lists(second_list=second_list).get(name),
    )


def message_body(post: Post, version: int, now_s: float) -> str:
    """Encode a message as a version of the configuration would write it."""
    changes = tuple(map(change, post.events))
    return encode(Message(post.export, changes, version, int(now_s * 1000), run=post.run, number=post.number))


def publish(table: Table, version: int, *, second_field: bool, second_list: bool) -> None:
    """Write a version of the configuration."""
    of_account = account(version, second_field=second_field, second_list=second_list)
    _write(table, "account#default", account_document(of_account))
    for name in EXPORTS:
        of_export = export(name, version, second_list=second_list)
        _write(table, f"export#{name}", export_document(of_export))


def _write(table: Table, pk: str, document: dict[str, Any]) -> None:
    table.write({"pk": {"S": pk}, "sk": {"S": "config"}, "doc": {"S": json.dumps(document)}})


class KnownExports:
    """The exports, for the redrive command."""

    def export(self, name: str) -> Export:
        return export(name, 1, second_list=False)
