"""Compare the segments of an export with what this product made, and repair them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Final, Protocol

from lytics_sendgrid.domain.configuration import Account, Audience, ProvisionedAudience
from lytics_sendgrid.errors import RequestRefused
from lytics_sendgrid.sendgrid.resources import Segment, same_query, segment_name, segment_query

_HOW: Final = '. Resync with "audit": true and "repair_segments": true'


class SendGridSegments(Protocol):
    """SendGrid's segments."""

    def segments(self) -> tuple[Segment, ...]: ...  # noqa: D102
    def segment(self, segment_id: str) -> Segment: ...  # noqa: D102
    def create_segment(self, name: str, query: str, list_id: str | None) -> Segment: ...  # noqa: D102
    def set_segment_query(self, segment_id: str, query: str) -> None: ...  # noqa: D102


@dataclass(frozen=True, slots=True)
class SegmentFinding:
    """A segment that is not as this product made it.

    Attributes:
        audience: the audience's id.
        message: what is wrong, for a person.
        repair: ``create``, ``query``, or empty: only a person can repair it, or nothing needs to be.
    """

    audience: str
    message: str
    repair: str = ""


def segments_of(account: Account, sendgrid: SendGridSegments) -> dict[str, Segment]:
    """Return the segments of an account's audiences by id, with their queries, as far as they exist."""
    ids = {provisioned.segment_id for provisioned in account.audiences.values()}
    return {segment.id: sendgrid.segment(segment.id) for segment in sendgrid.segments() if segment.id in ids}


def segment_findings(
    audiences: Iterable[Audience],
    account: Account,
    segments: Mapping[str, Segment],
    list_names: Mapping[str, str],
) -> list[SegmentFinding]:
    """Return what is not as this product made it.

    Args:
        audiences: of the export.
        account: as provisioned.
        segments: by id, with their queries.
        list_names: id to name of SendGrid's lists.
    """
    findings = []
    for audience in audiences:
        provisioned = account.audiences.get(audience.id)
        if provisioned is not None and provisioned.is_listed:
            findings += _findings(audience, provisioned, segments, list_names)
    return findings


def _findings(
    audience: Audience,
    provisioned: ProvisionedAudience,
    segments: Mapping[str, Segment],
    list_names: Mapping[str, str],
) -> list[SegmentFinding]:
    segment = segments.get(provisioned.segment_id or "")
    if segment is None:
        message = f"the segment of '{audience.name}' was deleted in SendGrid"
        return [SegmentFinding(audience.id, message, "create")]
    findings = []
    if segment.query is not None and not same_query(
        segment.query, segment_query(provisioned.membership_field, audience.id)
    ):
        message = (
            f"the query of the segment '{segment.name}' was changed in SendGrid, so it shows other people"
        )
        findings.append(SegmentFinding(audience.id, message, "query"))
    if segment.list_id != provisioned.list_id:
        message = (
            f"the segment '{segment.name}' is on {_on(segment.list_id, list_names)}, not on "
            f"{_on(provisioned.list_id, list_names)}, where this product made it. SendGrid cannot move a "
            "segment: delete it there, then repair it"
        )
        findings.append(SegmentFinding(audience.id, message))
    name = segment_name(audience.id, audience.name)
    if segment.name != name:
        message = (
            f"the segment of '{audience.name}' was renamed to '{segment.name}' in SendGrid, and keeps that"
        )
        findings.append(SegmentFinding(audience.id, message))
    return findings


def repaired(
    findings: Iterable[SegmentFinding],
    audiences: Iterable[Audience],
    account: Account,
    sendgrid: SendGridSegments,
) -> tuple[Account, list[str]]:
    """Repair what can be repaired.

    Returns:
        The account with the ids of new segments; and for a person, what was done or not.
    """
    names = {audience.id: audience.name for audience in audiences}
    messages = []
    for finding in findings:
        provisioned = account.audiences[finding.audience]
        name = segment_name(finding.audience, names[finding.audience])
        query = segment_query(provisioned.membership_field, finding.audience)
        try:
            if finding.repair == "create":
                made = sendgrid.create_segment(name, query, provisioned.list_id)
                present = replace(provisioned, segment_id=made.id, made=True)
                account = account.with_audience(finding.audience, present)
            elif finding.repair == "query" and provisioned.segment_id is not None:
                sendgrid.set_segment_query(provisioned.segment_id, query)
            else:
                messages.append(finding.message)
                continue
        except RequestRefused as refusal:
            messages.append(f"{finding.message}. It could not be repaired: {refusal}")
        else:
            messages.append(f"{finding.message}. It is repaired")
    return account, messages


def unrepaired(findings: Iterable[SegmentFinding]) -> list[str]:
    """Return what was found, for a person, where nothing is to be repaired."""
    return [finding.message + (_HOW if finding.repair else "") for finding in findings]


def _on(list_id: str | None, names: Mapping[str, str]) -> str:
    if list_id is None:
        return "all contacts"
    name = names.get(list_id)
    return f"the list '{name}'" if name else f"a list that SendGrid does not have any more ({list_id})"
