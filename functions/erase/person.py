"""Decide what is left to do for a person who is to be erased, and say so.

A person is *back* if the ledger has the person in an audience by an event that is later than the erasure: she
signed up again.

An erasure has ended when two delays are over and neither the ledger nor SendGrid has the address. After the
first, no invocation of ``deliver`` is left that does not know of the erasure. After the second, SendGrid has
processed every import job of such invocations.
"""

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from lytics_sendgrid.domain.contact import Contact
from lytics_sendgrid.domain.erasure import Hold
from lytics_sendgrid.domain.instants import format_rfc3339, format_s, parse_rfc3339_ns
from lytics_sendgrid.sendgrid.resources import SendGridContact

MIN_WAIT_S: Final = 60
"""SendGrid processes a deletion within about a minute (recorded for one contact, 2026-07-15)."""


_ANOTHER: Final = (
    "SendGrid has this only as an alternate address of another contact, which was not touched: remove the "
    "alternate address in SendGrid. The ledger's contact is erased."
)
_THEN_AGAIN: Final = "SendGrid may still have the contact: do that, then run it again"
_LOOKS: Final = (
    "it looks whether SendGrid and the ledger still have the address, and deletes it there if they do"
)


class Status(StrEnum):
    """What became of an address."""

    ERASED = "erased"
    NOT_FOUND = "not_found"
    UNDER_WAY = "under_way"
    BACK = "back"
    INVALID = "invalid"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class EraseDelays:
    """How long an erasure takes at least, in seconds.

    Attributes:
        clear_s: until no invocation of ``deliver`` is left that does not know of it.
        refresh_s: from then until no import job of an earlier invocation is in flight any more.
    """

    clear_s: int
    refresh_s: int


@dataclass(frozen=True, slots=True)
class Person:
    """What is known about an address.

    Attributes:
        address: as the ledger writes it.
        contact: the state in the ledger.
        sendgrid: SendGrid's contact, or None.
        hold: of an earlier erasure or, once it is written, of this one.
        unanswered: why SendGrid's side is unknown or its contact was not deleted; empty if neither is so.
        is_refusal: running it again does not help before a person has done something about that.
    """

    address: str
    contact: Contact
    sendgrid: SendGridContact | None = None
    hold: Hold | None = None
    unanswered: str = ""
    is_refusal: bool = False

    @property
    def last_event_ns(self) -> int:
        """The time of the last event in the ledger, nanoseconds since 1970; 0 if there is none."""
        return max(map(abs, self.contact.memberships.values()), default=0)

    @property
    def back_ns(self) -> int:
        """The time of the last event, if an enter after the erasure has put the person in; otherwise 0."""
        if self.hold is None or not any(at > self.hold.at_ns for at in self.contact.memberships.values()):
            return 0
        return self.last_event_ns

    @property
    def has_only_left_since(self) -> bool:
        """Whether the ledger has events after the erasure, but none by which the person is in an audience.

        An invocation without the erasure has written an exit; or the person came back and left.
        """
        return self.hold is not None and not self.back_ns and self.last_event_ns > self.hold.at_ns

    @property
    def is_another(self) -> bool:
        """Whether SendGrid's contact has this address only as an alternate."""
        if self.sendgrid is None:
            return False
        return str(self.sendgrid.values.get("email") or "").strip().lower() != self.address

    @property
    def is_known(self) -> bool:
        """Whether the ledger or SendGrid has the address, or may have it."""
        return self.contact.version > 0 or self.sendgrid is not None or bool(self.unanswered)

    def needs_hold(self, *, again: bool) -> bool:
        """Return whether an erasure is to begin."""
        return self.hold is None or self.has_only_left_since or (again and self.back_ns > 0)

    @property
    def is_old_in_sendgrid(self) -> bool:
        """Whether SendGrid's contact is from before the erasure."""
        created = None if self.sendgrid is None else self.sendgrid.values.get("created_at")
        try:
            return self.hold is not None and parse_rfc3339_ns(str(created)) < self.hold.at_ns
        except ValueError:
            return False

    def id_to_delete(self) -> str | None:
        """Return the id of SendGrid's contact, if that is to be deleted.

        Of a person who is back, that is the contact from before the erasure: an earlier run has not come to
        its deletion, and the row of today is sent again after it.
        """
        if self.sendgrid is None or self.is_another or (self.back_ns and not self.is_old_in_sendgrid):
            return None
        return self.sendgrid.id

    def without_answer(self, why: str, *, is_refusal: bool) -> "Person":
        """Return the person, with the reason why SendGrid's contact was not deleted."""
        return replace(self, unanswered=why, is_refusal=is_refusal)


def check_after_s(person: Person, hold: Hold, now_s: float, delays: EraseDelays) -> int | None:
    """Return when to look at a person again, Unix seconds; None if there is nothing to wait for."""
    ends_s = hold.at_s + delays.clear_s + delays.refresh_s
    is_gone = person.contact.version == 0 and person.sendgrid is None and not person.unanswered
    if is_gone and now_s >= ends_s:
        return None
    return max(ends_s, int(now_s) + min(MIN_WAIT_S, delays.refresh_s))


def answer(person: Person, now_s: float, delays: EraseDelays) -> tuple[Status, str, int | None]:
    """Return what became of a person whose hold is written: status, message, and when to look again."""
    hold = person.hold
    if hold is None:
        raise ValueError("a person without a hold is not being erased")
    until = f"kept out until {format_s(hold.until_s)}"
    if person.back_ns and person.id_to_delete() is None:
        return Status.BACK, _back(person.back_ns, hold), None
    if person.is_another:
        return Status.REFUSED, f"{_ANOTHER} The address is {until}", None
    if person.is_refusal:
        return Status.REFUSED, f"{person.unanswered}. {_THEN_AGAIN}", None
    again_s = check_after_s(person, hold, now_s, delays)
    if again_s is not None:
        why = f"{person.unanswered}. " if person.unanswered else ""
        return Status.UNDER_WAY, f"{why}run it again after {format_s(again_s)}: {_LOOKS}", again_s
    if hold.was_known:
        return Status.ERASED, f"neither SendGrid nor the ledger has the address any more; {until}", None
    return Status.NOT_FOUND, f"neither SendGrid nor the ledger had the address; {until}", None


def _back(back_ns: int, hold: Hold) -> str:
    return (
        f"an event of {format_rfc3339(back_ns)}, after the erasure of {format_s(hold.at_s)}, brought the "
        'person back. To erase the person again, add "again": true'
    )
