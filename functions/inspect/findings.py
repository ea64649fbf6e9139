"""What the ledger, SendGrid and Lytics each say about one person, side by side."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lytics_sendgrid.domain.change import Value
from lytics_sendgrid.domain.configuration import Account, Audience, Export, FieldKind, MappedField
from lytics_sendgrid.domain.contact import Contact
from lytics_sendgrid.domain.field_values import convert
from lytics_sendgrid.lytics.documents import Person
from lytics_sendgrid.sendgrid.resources import SendGridContact


@dataclass(frozen=True, slots=True)
class Findings:
    """All that was found about one person.

    Attributes:
        export: whose audiences, mapping and list count here.
        account: with the membership field and segment of each audience.
        contact: the ledger's.
        sendgrid: SendGrid's contact; None: it has none, or see ``sendgrid_fault``.
        sendgrid_fault: why SendGrid's answer is not known.
        lytics: Lytics' profile; None: it has none, or see ``lytics_fault``.
        lytics_fault: why Lytics' answer is not known.
        stop: why the export's changes wait, where they do.
        now_ms: our clock, milliseconds since 1970.
    """

    export: Export
    account: Account
    contact: Contact
    sendgrid: SendGridContact | None
    sendgrid_fault: str | None
    lytics: Person | None
    lytics_fault: str | None
    stop: str | None
    now_ms: int


@dataclass(frozen=True, slots=True)
class Seat:
    """Where a person stands in one audience, as each side has it; None: not known.

    Attributes:
        audience: which.
        lytics: Lytics has the person in it.
        ledger: the ledger has.
        event_ns: time of the last event that the ledger knows, nanoseconds since 1970; 0: none.
        sendgrid: the membership field says so.
        segment: the segment listed the person when SendGrid last counted it.
    """

    audience: Audience
    lytics: bool | None
    ledger: bool
    event_ns: int
    sendgrid: bool | None
    segment: bool | None


@dataclass(frozen=True, slots=True)
class Column:
    """One mapped field, as each side has it; None: it has none, or is not known."""

    mapped: MappedField
    lytics: Value | None
    ledger: Value | None
    sendgrid: Any

    @property
    def is_same_in_sendgrid(self) -> bool:
        """Tell whether SendGrid holds what the ledger says was sent."""
        return _is_same(self.ledger, self.sendgrid, self.mapped.kind)

    @property
    def is_same_in_lytics(self) -> bool:
        """Tell whether the ledger holds what Lytics has."""
        return self.lytics is None or _is_same(self.lytics, self.ledger, self.mapped.kind)


def seats(found: Findings) -> list[Seat]:
    """Return where the person stands in each audience of the export."""
    everything = []
    for audience in found.export.audiences:
        provisioned = found.account.audiences.get(audience.id)
        in_field, in_segment = None, None
        if found.sendgrid_fault is None and provisioned is not None:
            in_field = audience.id in membership_value(found, provisioned.membership_field).split(",")
            in_segment = found.sendgrid is not None and provisioned.segment_id in found.sendgrid.segment_ids
        everything.append(
            Seat(
                audience,
                None if found.lytics_fault else _is_member(found.lytics, audience),
                found.contact.is_in(audience.id),
                abs(found.contact.memberships.get(audience.id, 0)),
                in_field,
                in_segment,
            )
        )
    return everything


def columns(found: Findings) -> list[Column]:
    """Return what each side has in each mapped field."""
    return [
        Column(
            mapped,
            convert(found.lytics.fields.get(mapped.lytics), mapped.kind, mapped.max_chars)
            if found.lytics
            else None,
            found.contact.fields.get(mapped.sendgrid, (0, None))[1],
            _sendgrid_value(found.sendgrid, mapped),
        )
        for mapped in found.export.fields
    ]


def membership_value(found: Findings, field: str) -> str:
    """Return what SendGrid has in a membership field, empty where it has nothing."""
    if found.sendgrid is None:
        return ""
    return str(_custom(found.sendgrid.custom_fields, field, found.account.membership_fields.get(field)) or "")


def _is_member(person: Person | None, audience: Audience) -> bool:
    if person is None:
        return False
    return audience.id in person.audience_ids or (
        not person.audience_ids and audience.slug in person.audience_slugs
    )


def _sendgrid_value(contact: SendGridContact | None, mapped: MappedField) -> Any:
    if contact is None:
        return None
    if mapped.is_custom:
        return _custom(contact.custom_fields, mapped.name, mapped.sendgrid)
    return contact.values.get(mapped.name) or None


def _custom(values: Mapping[str, Any], name: str, identity: str | None) -> Any:
    return values.get(name, values.get(identity or ""))


def _is_same(one: Any, other: Any, kind: FieldKind) -> bool:
    if one is None or other is None:
        return one is other
    if kind is FieldKind.TEXT:
        return str(one) == str(other)
    # SendGrid reads numbers back as texts, and dates in its own form.
    return convert(one, kind, 0) == convert(other, kind, 0)
