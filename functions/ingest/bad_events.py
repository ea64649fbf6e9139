"""Parts of a webhook body that can never become a change, in the form that goes to the rejects queue."""

import itertools
from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from lytics_sendgrid.domain.email_address import normalise
from lytics_sendgrid.errors import LyticsSendGridError
from lytics_sendgrid.queues.rejects import excerpt

MAX_SEPARATE: Final = 200
"""Real envelopes hold one to three segment events."""
MAX_PER_REJECT: Final = 250
"""This many, with the excerpt of their envelope, fit the 64 KB of a reject."""
MAX_ADDRESSES: Final = 10
_ABOUT_EMAIL: Final = frozenset({"no_email", "bad_email"})


class RejectRecord(LyticsSendGridError):
    """A segment event or envelope can never become a change.

    Attributes:
        reason: a short stable word for counting, such as ``no_email``.
        detail: what is wrong and where, for a person. Holds no profile values.
    """

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail


@dataclass(frozen=True, slots=True)
class Rejected:
    """A reject.

    Attributes:
        reason: a stable word for counting.
        detail: what is wrong and what to do, for a person. Holds no profile values.
        element: the envelope as received; for bad segment events, these and an excerpt of their envelope.
        count: how many segment events or envelopes it stands for.
    """

    reason: str
    detail: str
    element: Any
    count: int = 1


class BadEvents:
    """The bad segment events of one envelope.

    There may be millions, so the envelope is not repeated for each.
    """

    def __init__(self) -> None:
        self._events: dict[tuple[str, str], list[Any]] = {}

    def add(self, reason: str, detail: str, event: Any) -> None:
        """Add one segment event."""
        self._events.setdefault((reason, detail), []).append(event)

    def rejected(
        self, envelope: Mapping[str, Any], data: Mapping[str, Any], names: Sequence[str]
    ) -> Iterator[Rejected]:
        """Yield the rejects by reason: one for each event, or one for 250 if there are more than 200.

        Args:
            envelope: the envelope of the events.
            data: its profile.
            names: the profile's fields to keep. If the address is missing or bad, other fields that hold an
                address are kept, too: the export's ``email_field`` may be wrong, and be fixed before a
                redrive.
        """
        if not self._events:
            return
        needed = {name: excerpt(data[name]) for name in names if name in data}
        head = {name: excerpt(envelope[name]) for name in ("id", "time", "meta") if name in envelope}
        kept = {**head, "data": needed}
        with_addresses = kept
        if any(reason in _ABOUT_EMAIL for reason, _ in self._events):
            addresses = dict(itertools.islice(_addresses(data, needed), MAX_ADDRESSES))
            with_addresses = {**head, "data": needed | addresses}
        is_crowded = sum(map(len, self._events.values())) > MAX_SEPARATE
        for (reason, detail), events in self._events.items():
            envelope_kept = with_addresses if reason in _ABOUT_EMAIL else kept
            for group in itertools.batched(events, MAX_PER_REJECT if is_crowded else 1):
                element = {"segment_events": group} if is_crowded else {"segment_event": group[0]}
                yield Rejected(reason, detail, {**element, "envelope": envelope_kept}, len(group))


def _addresses(data: Mapping[str, Any], names: Container[str]) -> Iterator[tuple[str, str]]:
    """Yield the fields that hold an address, except those in ``names``."""
    for name, value in data.items():
        if isinstance(value, str) and "@" in value and name not in names and normalise(value) is not None:
            yield name, value
