"""Compare what the ledger, SendGrid and Lytics know about one person."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from functions.inspect.surroundings import UNKNOWN, Surroundings
from lytics_sendgrid.domain.change import Value
from lytics_sendgrid.domain.configuration import Account, Audience, Export, FieldKind, MappedField
from lytics_sendgrid.domain.contact import Contact
from lytics_sendgrid.domain.erasure import Hold
from lytics_sendgrid.domain.field_values import convert
from lytics_sendgrid.lytics.documents import LyticsPerson
from lytics_sendgrid.sendgrid.resources import SendGridContact


@dataclass(frozen=True, slots=True)
class Findings:
    """What was found about one person.

    Attributes:
        export: the export whose audiences, fields and list are compared.
        account: the SendGrid account, with the membership field and segment of each audience.
        contact: the contact's state in the ledger.
        sendgrid: SendGrid's contact; None if it has none, or if ``sendgrid_fault`` is set.
        sendgrid_fault: why SendGrid's answer is unknown.
        lytics: Lytics' profile; None if it has none, or if ``lytics_fault`` is set.
        lytics_fault: why Lytics' answer is unknown.
        stop: why the export is stopped; None if it is not.
        now_ms: our clock, milliseconds since 1970.
        surroundings: the webhook job, ``deliver`` and the segments.
        hold: the person was erased and is kept out; None if not.
    """

    export: Export
    account: Account
    contact: Contact
    sendgrid: SendGridContact | None
    sendgrid_fault: str | None
    lytics: LyticsPerson | None
    lytics_fault: str | None
    stop: str | None
    now_ms: int
    surroundings: Surroundings = UNKNOWN
    hold: Hold | None = None

    @property
    def is_kept_out(self) -> bool:
        """Whether the person was erased, and no event since has brought the person back."""
        if self.hold is None:
            return False
        at_ns = self.hold.at_ns
        return all(abs(signed_ns) <= at_ns for signed_ns in self.contact.memberships.values())


@dataclass(frozen=True, slots=True)
class MembershipRow:
    """Whether each side has a person in one audience; None if that is unknown.

    Attributes:
        audience: the audience.
        lytics: Lytics has the person in it.
        ledger: the ledger has.
        event_ns: time of the last event in the ledger, nanoseconds since 1970; 0 if there is none.
        sendgrid: SendGrid's membership field has its id.
        segment: the segment listed the person when SendGrid last refreshed it.
    """

    audience: Audience
    lytics: bool | None
    ledger: bool
    event_ns: int
    sendgrid: bool | None
    segment: bool | None


@dataclass(frozen=True, slots=True)
class FieldRow:
    """The value of one mapped field on each side; None if there is none, or if it is unknown."""

    mapped: MappedField
    lytics: Value | None
    ledger: Value | None
    sendgrid: Any

    @property
    def is_same_in_sendgrid(self) -> bool:
        """Whether SendGrid has the ledger's value."""
        return _is_same(self.ledger, self.sendgrid, self.mapped.kind)

    @property
    def is_same_in_lytics(self) -> bool:
        """Whether the ledger has Lytics' value."""
        return self.lytics is None or _is_same(self.lytics, self.ledger, self.mapped.kind)


def membership_rows(found: Findings) -> list[MembershipRow]:
    """Return a row for each audience of the export."""
    rows = []
    for audience in found.export.audiences:
        provisioned = found.account.audiences.get(audience.id)
        in_field, in_segment = None, None
        if found.sendgrid_fault is None and provisioned is not None:
            in_field = audience.id in membership_value(found, provisioned.membership_field).split(",")
            in_segment = found.sendgrid is not None and provisioned.segment_id in found.sendgrid.segment_ids
        rows.append(
            MembershipRow(
                audience,
                None if found.lytics_fault else _is_member(found.lytics, audience),
                found.contact.is_in(audience.id),
                abs(found.contact.memberships.get(audience.id, 0)),
                in_field,
                in_segment,
            )
        )
    return rows


def field_rows(found: Findings) -> list[FieldRow]:
    """Return a row for each mapped field."""
    return [
        FieldRow(
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
    """Return SendGrid's value of a membership field; empty if it has none."""
    if found.sendgrid is None:
        return ""
    return str(_custom(found.sendgrid.custom_fields, field, found.account.membership_fields.get(field)) or "")


def _is_member(person: LyticsPerson | None, audience: Audience) -> bool:
    return person is not None and person.is_in(audience.id, audience.slug)


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
    # SendGrid returns numbers as text, and dates in its own format.
    return convert(one, kind, 0) == convert(other, kind, 0)
