"""After a clearing has settled: delete the segments that are to be deleted, and free the seats.

Nothing that others made or use is deleted: not a segment that was adopted or whose query was changed, nor
one that a scheduled Single Send goes to. SendGrid's API does not show what automations use.

Another export may add an audience again meanwhile. So the configuration says first that a segment is about to
be deleted: a start that comes later creates another one, and after one that came earlier the write fails.
"""

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import cache
from typing import Final, Protocol

from functions.clear.clearing import TASK
from lytics_sendgrid.bounded_text import shortened
from lytics_sendgrid.domain.account_changes import claimed, cleared
from lytics_sendgrid.domain.clearing import ClearedSegment, Clearing, SegmentEnd
from lytics_sendgrid.domain.clock import Clock
from lytics_sendgrid.domain.configuration import ProvisionedAudience
from lytics_sendgrid.domain.walking import Walks
from lytics_sendgrid.errors import StopRun
from lytics_sendgrid.sendgrid.resources import Segment, SingleSend, segment_query
from lytics_sendgrid.workflow.account_book import AccountBook, Accounts
from lytics_sendgrid.workflow.clear_progress import Finished

_REASON_CHARS: Final = 300


class SendGridSegments(Protocol):
    """SendGrid's segments, and what uses them."""

    def segments(self) -> tuple[Segment, ...]: ...  # noqa: D102

    def find_segment(self, segment_id: str) -> Segment | None: ...  # noqa: D102

    def delete_segment(self, segment_id: str) -> bool: ...  # noqa: D102

    def scheduled_single_sends(self) -> tuple[SingleSend, ...]: ...  # noqa: D102


def finish(
    run: str,
    account_name: str,
    sendgrid: SendGridSegments,
    accounts: Accounts,
    walks: Walks,
    *,
    clock: Clock,
) -> Finished:
    """Confirm what a run has cleared. Another call completes what an earlier one began.

    Raises:
        ConfigurationChanged: another run wrote the configuration; call again.
        RetryLater: AWS or SendGrid did not answer; call again.
        KeyRefused: SendGrid refuses the key.
    """
    document = walks.walk(run, TASK)
    clearing = Clearing({}) if document is None else Clearing.read(document)
    book = AccountBook(account_name, accounts, clock)
    account = book.account
    # One that was removed again since is left to the run that did so.
    settled = {
        audience for audience, at_s in clearing.confirmed.items() if account.to_clear.get(audience) == at_s
    }
    candidates = {
        audience: known
        for audience, known in account.audiences.items()
        if known.is_cleared and (audience in settled or audience not in account.to_clear)
    }
    checked = _checked(candidates, sendgrid)
    # The configuration says so before a segment is deleted.
    book.change(claimed(account, _with_end(checked, SegmentEnd.DELETED)))
    account = book.account
    closed = {
        audience: _deleted(segment, account.audiences[audience], sendgrid)
        for audience, segment in checked.items()
    }
    # A segment that stays was reported by the run that cleared it.
    segments = {
        audience: segment
        for audience, segment in closed.items()
        if audience in settled or segment.end is not SegmentEnd.EMPTY
    }
    # An earlier call may have deleted a segment and died: it is not gone by somebody else's hand.
    for audience, earlier in clearing.segments.items():
        if audience not in segments or segments[audience].end is SegmentEnd.GONE:
            segments[audience] = earlier
    kept = replace(clearing, segments=segments).document()
    walks.put_walk(run, TASK, kept, math.floor(clock.now()), finished=True)
    gone = _with_end(closed, SegmentEnd.DELETED, SegmentEnd.GONE)
    left = _with_end(closed, SegmentEnd.LEFT)
    changed = cleared(account, {audience: account.to_clear[audience] for audience in settled}, gone, left)
    book.change(changed)
    return Finished(
        cleared=len(clearing.confirmed),
        deleted=len(_with_end(segments, SegmentEnd.DELETED)),
        left=len(_with_end(segments, SegmentEnd.LEFT)),
    )


def _with_end(segments: Mapping[str, ClearedSegment], *ends: SegmentEnd) -> set[str]:
    """Return the audiences whose segments ended so."""
    return {audience for audience, segment in segments.items() if segment.end in ends}


def _checked(
    candidates: Mapping[str, ProvisionedAudience], sendgrid: SendGridSegments
) -> dict[str, ClearedSegment]:
    """Return what becomes of each audience's segment. ``DELETED``: nothing stands against it."""
    if not candidates:
        return {}
    segments = {segment.id: segment for segment in sendgrid.segments()}
    uses = cache(lambda: _uses(sendgrid))
    checked = {}
    for audience, known in candidates.items():
        segment = segments.get(known.segment_id or "")
        if segment is None:
            checked[audience] = ClearedSegment(SegmentEnd.GONE)
        elif not (known.delete_segment and known.made):
            checked[audience] = ClearedSegment(SegmentEnd.EMPTY, segment.name)
        else:
            checked[audience] = _checked_use(audience, known, segment, uses, sendgrid)
    return checked


def _checked_use(
    audience: str,
    known: ProvisionedAudience,
    segment: Segment,
    uses: Callable[[], Callable[[str], str]],
    sendgrid: SendGridSegments,
) -> ClearedSegment:
    """Return whether a segment is used or not ours any more."""
    try:
        read = sendgrid.find_segment(segment.id)
        if read is None:
            return ClearedSegment(SegmentEnd.GONE, segment.name)
        reason = uses()(segment.id)
        if not read.has_query(segment_query(known.membership_field, audience)):
            reason = "somebody has changed its query in SendGrid, so it is not this product's any more"
    except StopRun as error:
        reason = f"SendGrid refused it: {error}"
    if reason:
        return ClearedSegment(SegmentEnd.LEFT, segment.name, shortened(reason, _REASON_CHARS))
    return ClearedSegment(SegmentEnd.DELETED, segment.name)


def _deleted(
    checked: ClearedSegment, known: ProvisionedAudience, sendgrid: SendGridSegments
) -> ClearedSegment:
    """Delete a segment against which nothing stands."""
    if checked.end is not SegmentEnd.DELETED:
        return checked
    try:
        sendgrid.delete_segment(known.segment_id or "")
    except StopRun as error:
        reason = shortened(f"SendGrid refused it: {error}", _REASON_CHARS)
        return replace(checked, end=SegmentEnd.LEFT, reason=reason)
    return checked


def _uses(sendgrid: SendGridSegments) -> Callable[[str], str]:
    """Return a function from a segment's id to why it must stay; empty text if it need not."""
    try:
        sends = sendgrid.scheduled_single_sends()
    except StopRun as error:
        unread = f"the scheduled Single Sends could not be read, so one of them may go to it: {error}"
        return lambda _: unread
    return lambda segment_id: _use(segment_id, sends)


def _use(segment_id: str, sends: Iterable[SingleSend]) -> str:
    names = [f"'{send.name}'" for send in sends if segment_id in send.segment_ids]
    if not names:
        return ""
    return (
        f"the scheduled Single Send {', '.join(names)} goes to it. Once it is sent or cancelled, the next "
        "run of the account deletes the segment"
    )
