"""Repair the segments of an export."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Final, Protocol

from functions.audit.segments import Repair, SegmentFinding, SegmentOutcome, SendGridSegments, outcome
from lytics_sendgrid.domain.configuration import Account, ProvisionedAudience
from lytics_sendgrid.errors import RequestRefused, Throttled
from lytics_sendgrid.sendgrid.resources import Segment, by_name, segment_name, segment_query

_TOO_SOON: Final = (
    "SendGrid refuses to change a segment for five minutes after its last change. Resync again after that"
)
type _Refusals = dict[tuple[str, Repair], str]


class RepairableSegments(SendGridSegments, Protocol):
    """SendGrid's segments, which a repair creates and changes."""

    def create_segment(self, name: str, query: str, list_id: str | None) -> Segment: ...  # noqa: D102
    def change_segment(self, segment_id: str, *, name: str | None, query: str | None) -> None: ...  # noqa: D102


def repaired(
    findings: Iterable[SegmentFinding],
    names: Mapping[str, str],
    account: Account,
    sendgrid: RepairableSegments,
    write: Callable[[Account], Account],
) -> list[SegmentOutcome]:
    """Repair what can be repaired. Repeated after a crash, it finishes what was begun.

    Args:
        findings: what is wrong.
        names: audience id to the name from which its segment's name is made.
        account: as it was read.
        sendgrid: SendGrid's segments.
        write: writes the account's configuration, and returns it as written.

    Returns:
        What was repaired or not.

    Raises:
        ConfigurationChanged: another run has written the configuration. Do it again.
    """
    by_audience: dict[str, list[SegmentFinding]] = {}
    for finding in findings:
        by_audience.setdefault(finding.audience, []).append(finding)
    missing = [audience for audience, found in by_audience.items() if found[0].repair is Repair.CREATE]
    creation = _Creation(sendgrid, names, account, write)
    refusals = creation.create(missing)
    outcomes = []
    for audience, found in by_audience.items():
        wanted = {finding.repair for finding in found} & {Repair.QUERY, Repair.NAME}
        if wanted:
            name = segment_name(audience, names[audience])
            refusals |= _changed(audience, account.audiences[audience], name, wanted, sendgrid)
        for finding in found:
            refusal = refusals.get((audience, finding.repair))
            if finding.repair is Repair.BY_HAND:
                outcomes.append(outcome(finding, ""))
            elif refusal is None:
                outcomes.append(outcome(finding, ". It is repaired", is_repaired=True))
            else:
                outcomes.append(outcome(finding, f". It could not be repaired: {refusal}"))
    return outcomes


class _Creation:
    """Creates segments so that a crash in between leaves none that nobody knows."""

    def __init__(
        self,
        sendgrid: RepairableSegments,
        names: Mapping[str, str],
        account: Account,
        write: Callable[[Account], Account],
    ) -> None:
        self._sendgrid = sendgrid
        self._names = names
        self._account = account
        self._write = write

    def create(self, audiences: Iterable[str]) -> _Refusals:
        """Create the segments of audiences, or find those that an attempt before this one created."""
        audiences = list(audiences)
        if not audiences:
            return {}
        present = by_name(self._sendgrid.segments())
        new = [audience for audience in audiences if self._name(audience).casefold() not in present]
        begun = self._account.segments_begun.union(new)
        if begun != self._account.segments_begun:
            self._account = self._write(replace(self._account, segments_begun=begun))
        account = self._account
        refusals: _Refusals = {}
        for audience in audiences:
            try:
                segment = self._found(audience, present) or self._created(audience)
            except RequestRefused as refusal:
                refusals[(audience, Repair.CREATE)] = str(refusal)
                continue
            provisioned = replace(
                account.audiences[audience], segment_id=segment.id, made=audience in account.segments_begun
            )
            account = replace(
                account.with_audience(audience, provisioned),
                segments_begun=account.segments_begun - {audience},
            )
        if account != self._account:
            self._write(account)
        return refusals

    def _name(self, audience: str) -> str:
        return segment_name(audience, self._names[audience])

    def _query(self, audience: str) -> str:
        return segment_query(self._account.audiences[audience].membership_field, audience)

    def _found(self, audience: str, present: Mapping[str, Segment]) -> Segment | None:
        named = present.get(self._name(audience).casefold())
        if named is None:
            return None
        segment = self._sendgrid.segment(named.id)
        list_id = self._account.audiences[audience].list_id
        if not segment.is_as_made(self._query(audience), list_id):
            raise RequestRefused(
                f"SendGrid has another segment '{segment.name}', which does not show this audience: rename "
                "that segment in SendGrid, then resync again"
            )
        return segment

    def _created(self, audience: str) -> Segment:
        list_id = self._account.audiences[audience].list_id
        try:
            return self._sendgrid.create_segment(self._name(audience), self._query(audience), list_id)
        except RequestRefused:
            # SendGrid may list a segment late.
            segment = self._found(audience, by_name(self._sendgrid.segments()))
            if segment is None:
                raise
            return segment


def _changed(
    audience: str,
    provisioned: ProvisionedAudience,
    name: str,
    wanted: set[Repair],
    sendgrid: RepairableSegments,
) -> _Refusals:
    """Give a segment back its query, its name or both, and return what was refused.

    Both are one request, because SendGrid refuses a second change for five minutes. If the name is taken, the
    query is set alone.
    """
    query = segment_query(provisioned.membership_field, audience) if Repair.QUERY in wanted else None
    attempts = [wanted, {Repair.QUERY}] if wanted == {Repair.QUERY, Repair.NAME} else [wanted]
    refusals: _Refusals = {}
    for repairs in attempts:
        new_name = name if Repair.NAME in repairs else None
        try:
            sendgrid.change_segment(provisioned.segment_id or "", name=new_name, query=query)
        except Throttled:
            return {(audience, repair): _TOO_SOON for repair in wanted}
        except RequestRefused as refusal:
            refusals |= {(audience, repair): str(refusal) for repair in repairs}
        else:
            return {key: refusal for key, refusal in refusals.items() if key[1] not in repairs}
    return refusals
