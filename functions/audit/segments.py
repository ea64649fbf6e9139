"""Compare the segments of an export with what this product made."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Protocol

from lytics_sendgrid.domain.configuration import Account, Audience, AudienceState, ProvisionedAudience
from lytics_sendgrid.sendgrid.resources import Segment, segment_name, segment_query

_HOW: Final = '. Resync with "audit": true and "repair_segments": true'


class SendGridSegments(Protocol):
    """SendGrid's segments."""

    def segments(self) -> tuple[Segment, ...]: ...  # noqa: D102
    def segment(self, segment_id: str) -> Segment: ...  # noqa: D102


class Repair(StrEnum):
    """What repairs a segment."""

    CREATE = "create"
    QUERY = "query"
    NAME = "name"
    BY_HAND = "by hand"
    """Only a person can: SendGrid's API cannot move a segment."""


@dataclass(frozen=True, slots=True)
class SegmentFinding:
    """A segment that is not as this product made it.

    Attributes:
        audience: the audience's id.
        message: what is wrong, for a person.
        repair: what repairs it.
    """

    audience: str
    message: str
    repair: Repair


@dataclass(frozen=True, slots=True)
class SegmentOutcome:
    """What became of a finding.

    Attributes:
        audience: the audience's id.
        message: what was wrong, and whether it is repaired, for a person.
        is_wrong: the segment still shows other people than the audience.
    """

    audience: str
    message: str
    is_wrong: bool


def outcome(finding: SegmentFinding, end: str, *, is_repaired: bool = False) -> SegmentOutcome:
    """Return what became of a finding.

    A segment that is gone is not called wrong here: the report of each export's run says so.
    """
    is_wrong = not is_repaired and finding.repair in {Repair.QUERY, Repair.BY_HAND}
    return SegmentOutcome(finding.audience, finding.message + end, is_wrong)


def segments_of(account: Account, sendgrid: SendGridSegments) -> dict[str, Segment]:
    """Return the segments of an account's audiences by id, with their queries, as far as they exist."""
    ids = {provisioned.segment_id for provisioned in account.audiences.values()}
    return {segment.id: sendgrid.segment(segment.id) for segment in sendgrid.segments() if segment.id in ids}


def segment_findings(
    audiences: Iterable[Audience],
    made_names: Mapping[str, Sequence[str]],
    account: Account,
    segments: Mapping[str, Segment],
    list_names: Mapping[str, str],
) -> list[SegmentFinding]:
    """Return what is not as this product made it.

    Args:
        audiences: of the account's live exports; those of the run with the names that Lytics has now.
        made_names: audience id to the names that it had when its exports were last provisioned. A segment
            whose audience was renamed in Lytics since is as this product made it: the next start renames it.
        account: as provisioned.
        segments: by id, with their queries.
        list_names: id to name of SendGrid's lists.
    """
    findings = []
    for audience in audiences:
        provisioned = account.audiences.get(audience.id)
        if provisioned is not None and provisioned.state is AudienceState.LIVE:
            names = (*made_names.get(audience.id, ()), audience.name)
            findings += _findings(audience, names, provisioned, segments, list_names)
    return findings


def _findings(
    audience: Audience,
    names: Sequence[str],
    provisioned: ProvisionedAudience,
    segments: Mapping[str, Segment],
    list_names: Mapping[str, str],
) -> list[SegmentFinding]:
    segment = segments.get(provisioned.segment_id or "")
    if segment is None:
        message = f"the segment of '{audience.name}' was deleted in SendGrid"
        return [SegmentFinding(audience.id, message, Repair.CREATE)]
    findings = []
    if segment.has_other_query(segment_query(provisioned.membership_field, audience.id)):
        message = (
            f"the query of the segment '{segment.name}' was changed in SendGrid, so it shows other people"
        )
        findings.append(SegmentFinding(audience.id, message, Repair.QUERY))
    if segment.list_id != provisioned.list_id:
        message = (
            f"the segment '{segment.name}' is on {_on(segment.list_id, list_names)}, not on "
            f"{_on(provisioned.list_id, list_names)}, where this product made it. SendGrid cannot move a "
            "segment: delete it there, then repair it"
        )
        findings.append(SegmentFinding(audience.id, message, Repair.BY_HAND))
    if segment.name not in {segment_name(audience.id, name) for name in names}:
        message = f"the segment of '{audience.name}' was renamed to '{segment.name}' in SendGrid"
        findings.append(SegmentFinding(audience.id, message, Repair.NAME))
    return findings


def unrepaired(findings: Iterable[SegmentFinding]) -> list[SegmentOutcome]:
    """Return what was found, where nothing is to be repaired."""
    return [outcome(finding, "" if finding.repair is Repair.BY_HAND else _HOW) for finding in findings]


def _on(list_id: str | None, names: Mapping[str, str]) -> str:
    if list_id is None:
        return "all contacts"
    name = names.get(list_id)
    return f"the list '{name}'" if name else f"a list that SendGrid does not have any more ({list_id})"
