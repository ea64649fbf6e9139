"""Repair the segments of an export."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Final, Protocol

from functions.audit.segments import Repair, SegmentFinding, SegmentOutcome, outcome
from lytics_sendgrid.domain.clock import Clock
from lytics_sendgrid.domain.configuration import ProvisionedAudience
from lytics_sendgrid.errors import RequestRefused, Throttled
from lytics_sendgrid.sendgrid.resources import by_name, segment_name, segment_query
from lytics_sendgrid.sendgrid.segment_maker import SegmentForm, SegmentMaker, Segments
from lytics_sendgrid.workflow.account_book import AccountBook

_TOO_SOON: Final = (
    "SendGrid refuses to change a segment for five minutes after its last change. Resync again after that"
)
type _Refusals = dict[tuple[str, Repair], str]


class RepairableSegments(Segments, Protocol):
    """SendGrid's segments, which a repair creates and changes."""

    def change_segment(self, segment_id: str, *, name: str | None, query: str | None) -> None: ...  # noqa: D102


def repaired(
    findings: Iterable[SegmentFinding],
    names: Mapping[str, str],
    book: AccountBook,
    sendgrid: RepairableSegments,
    clock: Clock,
) -> list[SegmentOutcome]:
    """Repair what can be repaired. Repeated after a crash, it finishes what was begun.

    Args:
        findings: what is wrong.
        names: audience id to the name from which its segment's name is made.
        book: the account's configuration.
        sendgrid: SendGrid's segments.
        clock: ours.

    Returns:
        What was repaired or not.

    Raises:
        ConfigurationChanged: another run has written the configuration. Do it again.
    """
    by_audience: dict[str, list[SegmentFinding]] = {}
    for finding in findings:
        by_audience.setdefault(finding.audience, []).append(finding)
    missing = [audience for audience, found in by_audience.items() if found[0].repair is Repair.CREATE]
    account = book.account
    refusals = _Creation(sendgrid, names, book, clock).create(missing)
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
        self, sendgrid: RepairableSegments, names: Mapping[str, str], book: AccountBook, clock: Clock
    ) -> None:
        self._sendgrid = sendgrid
        self._names = names
        self._book = book
        self._maker = SegmentMaker(sendgrid, _taken, clock)

    def create(self, audiences: Iterable[str]) -> _Refusals:
        """Create the segments of audiences, or find those that an attempt before this one created."""
        forms = {audience: self._form(audience) for audience in audiences}
        if not forms:
            return {}
        present = self._sendgrid.segments()
        names = by_name(present)
        self._book.begin_segments(
            audience for audience, form in forms.items() if form.name.casefold() not in names
        )
        account = self._book.account
        refusals: _Refusals = {}
        for audience, form in forms.items():
            try:
                segment = self._maker.find(form, present) or self._maker.create(form)
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
        self._book.change(account)
        return refusals

    def _form(self, audience: str) -> SegmentForm:
        known = self._book.account.audiences[audience]
        query = segment_query(known.membership_field, audience)
        return SegmentForm(segment_name(audience, self._names[audience]), query, known.list_id)


def _taken(name: str) -> RequestRefused:
    return RequestRefused(
        f"SendGrid has another segment '{name}', which does not show this audience: rename that segment in "
        "SendGrid, then resync again"
    )


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
