"""The configurations that provision would write for a schedule, and the messages that ingest would queue."""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from lytics_sendgrid.domain.change import Change, Message
from lytics_sendgrid.domain.configuration import (
    Account,
    Audience,
    AudienceState,
    Export,
    FieldKind,
    MappedField,
    ProvisionedAudience,
)
from lytics_sendgrid.domain.configuration_document import account_document, export_document
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


def since_ns(version: int, since_s: int | None) -> Mapping[str, int]:
    """Return each audience's ``since``. Version 3 is the first that adds the second audience again."""
    again_ns = 0 if since_s is None or version < 3 else ns(since_s)
    return dict(zip(AUDIENCES, (0, again_ns), strict=True))


def time_of(event: Event, version: int, since_s: int | None, *, is_scan: bool) -> int:
    """Return an event's time in nanoseconds. A row of a scan has the least time that counts."""
    if is_scan and event.audience is not None:
        return since_ns(version, since_s)[event.audience] + 1
    return ns(event.time_s)


def change(event: Event, time_ns: int) -> Change:
    fields_time_ns = ns(event.fields_time_s)
    return Change(
        event.email,
        time_ns,
        event.kind,
        event.audience,
        event.fields,
        None if fields_time_ns == time_ns else fields_time_ns,
    )


def lists(*, second_list: bool) -> Mapping[str, str]:
    """Return each export's list."""
    return dict(zip(EXPORTS, LISTS[: 1 + second_list], strict=False))


def account(
    version: int,
    *,
    second_field: bool,
    second_list: bool,
    since_s: int | None = None,
    written_s: float = 0.0,
) -> Account:
    since = {**since_ns(version, since_s), _OF_THE_SECOND: 0}
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
            audience: ProvisionedAudience(
                *(names[field], f"segment-{audience[0]}", list_id, names_of_exports),
                since_ns=since[audience],
                state=AudienceState.LIVE if names_of_exports else AudienceState.CLEARED,
            )
            for audience, (field, list_id, names_of_exports) in of.items()
        },
        fields={"newsletter": tuple(FIELD_IDS[name] for name in FIELDS)},
        written_s=int(written_s),
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


def message_body(post: Post, version: int, now_s: float, since_s: int | None) -> str:
    """Encode a message as a version of the configuration would write it."""
    changes = tuple(
        change(event, time_of(event, version, since_s, is_scan=post.is_scan)) for event in post.events
    )
    return encode(
        Message(
            *(post.export, changes, version, int(now_s * 1000)),
            run=post.run,
            number=post.number,
            question=post.question,
        )
    )


def publish(
    table: Table,
    version: int,
    now_s: float,
    *,
    second_field: bool,
    second_list: bool,
    since_s: int | None,
    removed_s: int | None,
) -> None:
    """Write a version of the configuration. The second audience is to be cleared if it was ever removed."""
    form: Any = {"second_field": second_field, "second_list": second_list, "since_s": since_s}
    of_account = account(version, written_s=now_s, **form)
    if removed_s is not None:
        of_account = replace(of_account, to_clear={AUDIENCES[1]: removed_s})
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
