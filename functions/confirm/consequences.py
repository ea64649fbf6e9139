"""Decide what must follow the end of an import job: rejects, refreshes, and contacts to park."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Final, assert_never

from functions.confirm.errors_file import FailedRows
from lytics_sendgrid.domain.backoff import backoff_s
from lytics_sendgrid.domain.change import Change, Kind
from lytics_sendgrid.domain.instants import NANOSECONDS_PER_MS
from lytics_sendgrid.domain.rejection_limits import MIN_REJECT_LIMIT
from lytics_sendgrid.queues.imports import ImportedContact, ImportMessage
from lytics_sendgrid.sendgrid.import_job import Job

MAX_ATTEMPTS: Final = 6
"""A contact is parked when this many of its jobs have failed in a row, over most of an hour."""
MAX_DELAY_S: Final = 900
_FAILED: Final = "SendGrid failed the import job"
_UNREAD: Final = "SendGrid refused rows of the import job, but its errors file does not name all of them"
_FULL: Final = "SendGrid's account has no room for more contacts"


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfirmDelays:
    """Delays in seconds.

    Attributes:
        confirm_s: before a pending job is polled again, and before contacts are resent; doubles with each
            attempt.
        refresh_s: after which no import job of an earlier request is still running.
    """

    confirm_s: int
    refresh_s: int


@dataclass(frozen=True, slots=True)
class EndedJob:
    """An import job that SendGrid has ended, does not know, or has kept pending for too long.

    Attributes:
        message: the contacts of the job, or of one part of it.
        job: SendGrid's answer; its status is ``abandoned`` if the job has been pending for too long.
        now_ms: our clock when SendGrid answered, milliseconds since 1970.
        is_late: the job took longer than the refresh delay, so it may have overwritten rows sent after it.
    """

    message: ImportMessage
    job: Job
    now_ms: int
    is_late: bool

    @property
    def stamp_ns(self) -> int:
        """The stamp of its refreshes: a request sent later than this makes them unnecessary.

        That is the job's ``sent``. For a late job it is now: the job may have overwritten even rows sent
        since.
        """
        return (self.now_ms if self.is_late else self.message.sent_ms) * NANOSECONDS_PER_MS


@dataclass(frozen=True, slots=True)
class Rejects:
    """Rejects to queue, one for each row that SendGrid refused."""

    changes: tuple[Change, ...]


@dataclass(frozen=True, slots=True)
class Refreshes:
    """Refreshes to queue."""

    changes: tuple[Change, ...]
    delay_s: int = 0


@dataclass(frozen=True, slots=True)
class Parked:
    """Contacts that are not sent again until an operator redrives them."""

    contacts: Mapping[str, ImportedContact]
    reason: str


type FollowUp = Rejects | Refreshes | Parked


@dataclass(frozen=True, slots=True)
class Consequences:
    """What must follow the end of a job.

    Attributes:
        follow_ups: what to queue, in this order.
        confirmed: how many contacts SendGrid has accepted.
        no_room: how many contacts were refused only because the account is full.
        is_unread: rows failed that cannot be tied to a contact.
    """

    follow_ups: tuple[FollowUp, ...] = ()
    confirmed: int = 0
    no_room: int = 0
    is_unread: bool = False

    @property
    def counts(self) -> dict[str, int]:
        """How many contacts were rejected, refreshed or parked.

        ``unread`` is 1 if rows failed that could not be tied to a contact.
        """
        counts: dict[str, int] = {}
        for follow_up in self.follow_ups:
            match follow_up:
                case Rejects(changes):
                    counts["rejected"] = counts.get("rejected", 0) + len(changes)
                case Refreshes(changes):
                    counts["refreshed"] = counts.get("refreshed", 0) + len(changes)
                case Parked(contacts):
                    counts["parked"] = counts.get("parked", 0) + len(contacts)
                case _ as never:
                    assert_never(never)
        if self.no_room:
            counts["no_room"] = self.no_room
        if self.is_unread:
            counts["unread"] = 1
        return counts

    def followed_by(self, follow_up: FollowUp) -> "Consequences":
        """Return these consequences with one more follow-up at the end."""
        return replace(self, follow_ups=(*self.follow_ups, follow_up))


def after_errors(ended: EndedJob, rows: FailedRows, delays: ConfirmDelays) -> Consequences:
    """Reject the bad rows of a job; resend all other contacts if some rows cannot be tied to one."""
    message = ended.message
    unnamed = _without(message.contacts, rows.named)
    # A bad row of a stranger may belong to another part of the job: that part's message rejects it.
    named = len(rows.named) + (rows.strangers if message.parts > 1 else 0)
    is_unread = not rows.is_complete or named < ended.job.counts.get("errored", 1)
    follow_ups: list[FollowUp] = [_rejects(ended, rows), *_resend(ended, _full(message, rows), _FULL, delays)]
    if is_unread:
        follow_ups += _resend(ended, unnamed, _UNREAD, delays)
    return Consequences(
        tuple(follow_ups),
        confirmed=0 if is_unread else len(unnamed),
        no_room=len(rows.named) - len(rows.reasons),
        is_unread=is_unread,
    )


def rejectable(message: ImportMessage) -> Mapping[str, ImportedContact]:
    """Return the contacts of a failed job that are rejected if its errors file names them.

    SendGrid also fails a job whose rows are all bad, as that of a single bad row. So contacts on their last
    attempt are rejected, but only from a small job: if every row of a large one is bad, the batch is to blame
    and not its rows.
    """
    if message.parts > 1 or len(message.contacts) > MIN_REJECT_LIMIT:
        return {}
    contacts = message.contacts.items()
    return {email: contact for email, contact in contacts if contact.attempt + 1 >= MAX_ATTEMPTS}


def after_failure(ended: EndedJob, rows: FailedRows | None, delays: ConfirmDelays) -> Consequences:
    """Resend the contacts of a failed job, except those whose rows are rejected.

    Args:
        ended: the job.
        rows: what its errors file says about the contacts that are ``rejectable``; None if it was not read.
        delays: of the resent contacts.
    """
    if rows is None:
        return Consequences(_resend(ended, ended.message.contacts, _FAILED, delays))
    unnamed = _without(ended.message.contacts, rows.named)
    resent = _resend(ended, unnamed, _FAILED, delays)
    resent += _resend(ended, _full(ended.message, rows), _FULL, delays)
    return Consequences((_rejects(ended, rows), *resent), is_unread=not rows.is_complete)


def after_loss(ended: EndedJob, delays: ConfirmDelays) -> Consequences:
    """Resend the contacts of a job whose outcome is unknown, when it cannot be running any more."""
    reason = f"the outcome of SendGrid's import job is unknown: its status is '{ended.job.status}'"
    return Consequences(_resend(ended, ended.message.contacts, reason, delays, delays.refresh_s))


def late_rejects(ended: EndedJob, rows: FailedRows) -> Consequences:
    """Reject the bad rows of a job that ended after it was abandoned: its contacts were resent already."""
    return Consequences((_rejects(ended, rows),), is_unread=not rows.is_complete)


def overwritten(ended: EndedJob) -> Refreshes:
    """Refresh the contacts of a late job: it may have overwritten rows that a later job carried."""
    return Refreshes(
        tuple(
            Change(email, ended.stamp_ns, Kind.REFRESH, row=contact.row, job=ended.message.job)
            for email, contact in ended.message.contacts.items()
        )
    )


def _rejects(ended: EndedJob, rows: FailedRows) -> Rejects:
    """Reject each bad row; ``deliver`` applies it only if the contact still has that row."""
    contacts, now_ns = ended.message.contacts, ended.now_ms * NANOSECONDS_PER_MS
    return Rejects(
        tuple(
            Change(email, now_ns, Kind.REJECT, row=contacts[email].row, reason=reason)
            for email, reason in rows.reasons.items()
        )
    )


def _resend(
    ended: EndedJob,
    contacts: Mapping[str, ImportedContact],
    reason: str,
    delays: ConfirmDelays,
    min_delay_s: int = 0,
) -> tuple[FollowUp, ...]:
    """Refresh contacts, or park those whose jobs have failed too often."""
    by_attempt: dict[int, dict[str, ImportedContact]] = {}
    for email, contact in contacts.items():
        by_attempt.setdefault(contact.attempt + 1, {})[email] = contact
    follow_ups: list[FollowUp] = []
    for attempt, tried in by_attempt.items():
        if attempt < MAX_ATTEMPTS:
            delay_s = int(backoff_s(attempt, delays.confirm_s, MAX_DELAY_S))
            refreshes = (Change(email, ended.stamp_ns, Kind.REFRESH, attempt=attempt) for email in tried)
            follow_ups.append(Refreshes(tuple(refreshes), max(delay_s, min_delay_s)))
        else:
            follow_ups.append(Parked(tried, f"{reason}, {attempt} times in a row"))
    return tuple(follow_ups)


def _full(message: ImportMessage, rows: FailedRows) -> dict[str, ImportedContact]:
    return {email: message.contacts[email] for email in rows.without_room}


def _without(contacts: Mapping[str, ImportedContact], left_out: Iterable[str]) -> dict[str, ImportedContact]:
    names = frozenset(left_out)
    return {email: contact for email, contact in contacts.items() if email not in names}
