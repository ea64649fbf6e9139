"""After a clearing has settled: delete the segments that are to be deleted, and free the seats.

Nothing that others made or use is deleted: not a segment that was adopted or whose query was changed, nor
one that a scheduled Single Send goes to. SendGrid's API does not show what automations use.

Another export may add an audience again meanwhile. So the configuration says first that a segment is about to
be deleted: a start that comes later creates another one, and after one that came earlier the write fails.
"""

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cache
from typing import Any, Final, Protocol

from functions.clear.clearing import TASK, Accounts, Walks
from functions.clear.state import Clearing, clearing_document, clearing_from
from lytics_sendgrid.bounded_text import shortened
from lytics_sendgrid.domain.account_changes import claimed, cleared, next_version
from lytics_sendgrid.domain.clock import Clock
from lytics_sendgrid.domain.configuration import Account, ProvisionedAudience
from lytics_sendgrid.errors import StopRun
from lytics_sendgrid.sendgrid.resources import Segment, SingleSend, segment_query
from lytics_sendgrid.workflow.clear_progress import Finished

_REASON_CHARS: Final = 300


class SendGridSegments(Protocol):
    """SendGrid's segments, and what uses them."""

    def segments(self) -> tuple[Segment, ...]: ...  # noqa: D102

    def find_segment(self, segment_id: str) -> Segment | None: ...  # noqa: D102

    def delete_segment(self, segment_id: str) -> bool: ...  # noqa: D102

    def scheduled_single_sends(self) -> tuple[SingleSend, ...]: ...  # noqa: D102


class Configurations(Accounts, Protocol):
    """Where the accounts' configurations are kept and written."""

    def put_account(self, account: Account, read_version: int) -> None: ...  # noqa: D102


class Outcome(StrEnum):
    """What became of a cleared audience's segment."""

    EMPTY = "empty"
    """It stays, with nobody in it."""
    DELETED = "deleted"
    GONE = "gone"
    """Somebody else has deleted it."""
    LEFT = "left"
    """It was to be deleted, but something stands against it."""


@dataclass(frozen=True, slots=True)
class SegmentOutcome:
    """What became of a cleared audience's segment.

    Attributes:
        audience: the audience's id.
        name: the segment's name; empty if it is gone.
        outcome: what became of it.
        reason: why it was left, and what to do; otherwise empty.
    """

    audience: str
    name: str
    outcome: Outcome
    reason: str = ""


def finish(
    run: str,
    account_name: str,
    sendgrid: SendGridSegments,
    accounts: Configurations,
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
    clearing = clearing_from(document) or Clearing({})
    account = accounts.account(account_name)
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
    account = _claim(account, checked, accounts, clock)
    outcomes = tuple(_deleted(one, account, sendgrid) for one in checked)
    gone = {closed.audience for closed in outcomes if closed.outcome in {Outcome.DELETED, Outcome.GONE}}
    # An earlier call may have deleted a segment and died: it is not gone by somebody else's hand.
    # A segment that stays was reported by the run that cleared it.
    news = [
        closed for closed in outcomes if closed.audience in settled or closed.outcome is not Outcome.EMPTY
    ]
    segments = {closed.audience: _document(closed) for closed in news}
    for audience, earlier in (document or {}).get("segments", {}).items():
        if segments.get(audience, {}).get("outcome", Outcome.GONE) == Outcome.GONE:
            segments[audience] = earlier
    kept = clearing_document(clearing) | {"segments": segments}
    walks.put_walk(run, TASK, kept, math.floor(clock.now()), finished=True)
    left = {closed.audience for closed in outcomes if closed.outcome is Outcome.LEFT}
    changed = cleared(account, {audience: account.to_clear[audience] for audience in settled}, gone, left)
    if changed != account:
        _write(changed, accounts, clock)
    endings = [segment["outcome"] for segment in segments.values()]
    return Finished(
        cleared=len(clearing.confirmed),
        deleted=endings.count(Outcome.DELETED),
        left=endings.count(Outcome.LEFT),
    )


def _claim(
    account: Account, checked: Iterable[SegmentOutcome], accounts: Configurations, clock: Clock
) -> Account:
    """Write that segments are about to be deleted, and return the configuration that says so."""
    ending = {one.audience for one in checked if one.outcome is Outcome.DELETED}
    claims = claimed(account, ending)
    return account if claims == account else _write(claims, accounts, clock)


def _write(account: Account, accounts: Configurations, clock: Clock) -> Account:
    written = next_version(account, account.version, math.floor(clock.now()))
    accounts.put_account(written, account.version)
    return written


def _checked(
    candidates: Mapping[str, ProvisionedAudience], sendgrid: SendGridSegments
) -> tuple[SegmentOutcome, ...]:
    """Return what becomes of each segment. ``DELETED``: nothing stands against it."""
    if not candidates:
        return ()
    segments = {segment.id: segment for segment in sendgrid.segments()}
    uses = cache(lambda: _uses(sendgrid))
    outcomes = []
    for audience, known in candidates.items():
        segment = segments.get(known.segment_id or "")
        if segment is None:
            outcomes.append(SegmentOutcome(audience, "", Outcome.GONE))
        elif not (known.delete_segment and known.made):
            outcomes.append(SegmentOutcome(audience, segment.name, Outcome.EMPTY))
        else:
            outcomes.append(_checked_use(audience, known, segment, uses, sendgrid))
    return tuple(outcomes)


def _checked_use(
    audience: str,
    known: ProvisionedAudience,
    segment: Segment,
    uses: Callable[[], Callable[[str], str]],
    sendgrid: SendGridSegments,
) -> SegmentOutcome:
    """Return whether a segment is used or not ours any more."""
    try:
        read = sendgrid.find_segment(segment.id)
        if read is None:
            return SegmentOutcome(audience, segment.name, Outcome.GONE)
        reason = uses()(segment.id)
        if not read.has_query(segment_query(known.membership_field, audience)):
            reason = "somebody has changed its query in SendGrid, so it is not this product's any more"
    except StopRun as error:
        reason = f"SendGrid refused it: {error}"
    if reason:
        return SegmentOutcome(audience, segment.name, Outcome.LEFT, shortened(reason, _REASON_CHARS))
    return SegmentOutcome(audience, segment.name, Outcome.DELETED)


def _deleted(checked: SegmentOutcome, account: Account, sendgrid: SendGridSegments) -> SegmentOutcome:
    """Delete a segment against which nothing stands."""
    if checked.outcome is not Outcome.DELETED:
        return checked
    try:
        sendgrid.delete_segment(account.audiences[checked.audience].segment_id or "")
    except StopRun as error:
        reason = shortened(f"SendGrid refused it: {error}", _REASON_CHARS)
        return replace(checked, outcome=Outcome.LEFT, reason=reason)
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


def _document(closed: SegmentOutcome) -> dict[str, Any]:
    document = {"name": closed.name, "outcome": closed.outcome.value, "reason": closed.reason}
    return {name: value for name, value in document.items() if value}
