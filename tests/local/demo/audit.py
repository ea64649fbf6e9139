"""Compare Lytics, the contacts table and SendGrid, person by person.

The expected values are computed here from Lytics' own values, without the code under test.
"""

from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from lytics_sendgrid.domain.contact import Contact, decode
from tests.local.cloud import LocalCloud
from tests.local.lytics_twin.twin import LyticsTwin
from tests.local.sendgrid_twin.twin import SendGridTwin

NAME_CHARS = 50
NO_AUDIENCE = "none"


@dataclass(slots=True)
class Audit:
    """The result of a comparison.

    Attributes:
        audiences: Each audience's id and name, and its number of members in Lytics, in the contacts table, in
            SendGrid and in the SendGrid segment.
        differences: One message for each difference; empty if all sides agree.
        contacts: The number of contacts in SendGrid.
    """

    audiences: list[dict[str, Any]] = field(default_factory=list)
    differences: list[str] = field(default_factory=list)
    contacts: int = 0

    @property
    def ok(self) -> bool:
        """Whether all sides agree about every person."""
        counts = all(a["lytics"] == a["ledger"] == a["sendgrid"] == a["segment"] for a in self.audiences)
        return counts and not self.differences


@dataclass(frozen=True, slots=True, kw_only=True)
class Expectation:
    """What an export should produce.

    Attributes:
        audiences: Names by audience id.
        fields: SendGrid fields by Lytics field, including the names.
        list_id: The list of all contacts, if the export has one.
    """

    audiences: Mapping[str, str]
    fields: Mapping[str, str]
    list_id: str | None


def expectation(start: Mapping[str, Any], lytics: LyticsTwin, list_id: str | None) -> Expectation:
    """Return what an execution with this input should produce in the twins."""
    wanted = set(start["audiences"])
    fields = {
        start.get("first_name_field", "first_name"): "first_name",
        start.get("last_name_field", "last_name"): "last_name",
    }
    return Expectation(
        audiences={a.id: a.name for a in lytics.audiences() if wanted & {a.id, a.slug, a.name}},
        fields=fields | start.get("custom_fields", {}),
        list_id=list_id,
    )


def audit(
    expected: Expectation,
    lytics: LyticsTwin,
    ledger: Mapping[str, Contact],
    sendgrid: SendGridTwin,
    *,
    refused: Set[str] = frozenset(),
) -> Audit:
    """Compare every person. People that SendGrid refuses must be absent."""
    result = Audit()
    truth = {
        email: person
        for email, person in lytics.truth().items()
        if (person["audiences"] or person["announced"]) and email not in refused
    }
    held = {contact["email"]: contact for contact in sendgrid.contacts()}
    result.contacts = len(held)
    result.differences += [f"{email} is missing in SendGrid" for email in sorted(truth.keys() - held.keys())]
    result.differences += [
        f"{email} is in SendGrid, but was never in an audience"
        for email in sorted(held.keys() - truth.keys())
    ]
    for email in sorted(truth.keys() & held.keys()):
        result.differences += [
            f"{email}: {difference}" for difference in _differences(expected, truth[email], held[email])
        ]
    for audience, name in expected.audiences.items():
        members = lytics.members(audience) - refused
        in_ledger = {email for email, contact in ledger.items() if contact.is_in(audience)} - refused
        in_sendgrid = {
            e for e, c in held.items() if audience in c["custom_fields"].get("lytics_segments", "").split(",")
        }
        in_segment = set(sendgrid.segment_members(name))
        counts = {"lytics": members, "ledger": in_ledger, "sendgrid": in_sendgrid, "segment": in_segment}
        result.audiences.append(
            {"id": audience, "name": name, **{who: len(people) for who, people in counts.items()}}
        )
        for who, people in counts.items():
            result.differences += [
                f"{email}: {who} and Lytics disagree about '{name}'" for email in sorted(people ^ members)
            ]
    return result


def ledger(cloud: LocalCloud, table: str, account: str = "default") -> dict[str, Contact]:
    """Return all contacts of a SendGrid account in the contacts table, by e-mail."""
    pages = cloud.client("dynamodb").get_paginator("scan").paginate(TableName=table, ConsistentRead=True)
    return {
        item["pk"]["S"].removeprefix(f"{account}#"): decode(item["state"]["S"], int(item["version"]["N"]))
        for page in pages
        for item in page["Items"]
        if item["pk"]["S"].startswith(f"{account}#")
    }


def _differences(
    expected: Expectation, person: Mapping[str, Any], contact: Mapping[str, Any]
) -> Iterator[str]:
    custom = contact["custom_fields"]
    memberships = ",".join(sorted(a for a in person["audiences"] if a in expected.audiences)) or NO_AUDIENCE
    if custom.get("lytics_segments") != memberships:
        yield f"lytics_segments is {custom.get('lytics_segments')!r}, not {memberships!r}"
    for lytics_field, sendgrid_field in expected.fields.items():
        value = person["fields"].get(lytics_field)
        holds = contact.get(sendgrid_field) or custom.get(sendgrid_field)
        if value is not None and not _equal(value, holds):
            yield f"{sendgrid_field} is {holds!r}, not {value!r}"
    lists = [] if expected.list_id is None else [expected.list_id]
    if sorted(contact["list_ids"] or []) != lists:
        yield f"its lists are {contact['list_ids']}, not {lists}"


def _equal(value: Any, holds: Any) -> bool:
    if isinstance(value, str) and isinstance(holds, str):
        return value[:NAME_CHARS] == holds or _instant(value) == _instant(holds) is not None
    return bool(value == holds)


def _instant(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text).astimezone(UTC).replace(microsecond=0)
    except ValueError:
        return None
