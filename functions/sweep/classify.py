"""Compare one contact's last event in an audience with what the run's scan of the audience has seen."""

from array import array
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

from lytics_sendgrid.domain.instants import NANOSECONDS_PER_S
from lytics_sendgrid.domain.seen import is_seen

YOUNG_NS: Final = 24 * 3_600 * NANOSECONDS_PER_S
"""A scan that lags must not put back a person who has just left. An older exit is certainly in the scan."""


class Standing(Enum):
    """What the ledger and the scan together say of a contact and an audience."""

    NOTHING = auto()
    """Not in the audience, or the event is ignored."""
    MEMBER = auto()
    """In the audience, and the scan does not contradict."""
    SUSPECT = auto()
    """In the audience by an event that the scan must show, but the scan has not seen the person."""
    RETURNER = auto()
    """Out by an event of more than 24 hours before the scan, but the scan has seen the person."""
    YOUNG_RETURNER = auto()
    """The same with a younger exit: the scan may lag."""


@dataclass(frozen=True, slots=True)
class ScanView:
    """What decides about an audience.

    Attributes:
        since_ns: events not later than this are ignored.
        stamp_ns: the scan shows every event up to this time.
        seen: hashes of the people that the scan returned, in ascending order.
    """

    since_ns: int
    stamp_ns: int
    seen: "array[int]"


def standing(event_ns: int, view: ScanView, person: int) -> Standing:
    """Compare.

    Args:
        event_ns: the time of the last event in the ledger, negative if that was an exit.
        view: of the audience.
        person: the hash of the contact's address in this run.
    """
    time_ns, is_in = abs(event_ns), event_ns > 0
    if time_ns <= view.since_ns:
        return Standing.NOTHING
    if time_ns > view.stamp_ns or is_seen(view.seen, person) == is_in:
        return Standing.MEMBER if is_in else Standing.NOTHING
    if is_in:
        return Standing.SUSPECT
    return Standing.RETURNER if view.stamp_ns - time_ns > YOUNG_NS else Standing.YOUNG_RETURNER
