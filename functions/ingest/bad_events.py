"""What of a webhook's body can never become a change, as it goes to the rejects queue."""

import itertools
from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from lytics_sendgrid.domain.email_address import normalise
from lytics_sendgrid.errors import LyticsSendGridError
from lytics_sendgrid.queues.rejects import excerpt

MAX_APART: Final = 200
"""Lytics' envelopes hold one to three segment events."""
MAX_TOGETHER: Final = 250
"""So many, with what is kept of their envelope, fit the 64 KB that a reject may have."""
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
    """What can never become a change.

    Attributes:
        reason: a stable word for counting.
        detail: what was wrong and what to do, for a person; no profile's values in it.
        element: the envelope as it came; of a bad segment event, that and what matters of its envelope.
        count: how many segment events or envelopes it stands for.
    """

    reason: str
    detail: str
    element: Any
    count: int = 1


class BadEvents:
    """The bad segment events of one envelope, which may be millions: what is kept of it must not be, too."""

    def __init__(self) -> None:
        self._events: dict[tuple[str, str], list[Any]] = {}

    def add(self, reason: str, detail: str, event: Any) -> None:
        """Take in one segment event."""
        self._events.setdefault((reason, detail), []).append(event)

    def rejected(
        self, envelope: Mapping[str, Any], data: Mapping[str, Any], names: Sequence[str]
    ) -> Iterator[Rejected]:
        """Return them by reason: each for itself, or 250 together where there are more than 200.

        Args:
            envelope: that they came in.
            data: its profile.
            names: of the fields that are kept of the profile. Where the address is missing or bad, so are others that hold
                one: the export's ``email_field`` may be the wrong one, and be mended.
        """
        if not self._events:
            return
        needed = {name: excerpt(data[name]) for name in names if name in data}
        about = {name: excerpt(envelope[name]) for name in ("id", "time", "meta") if name in envelope}
        kept = {**about, "data": needed}
        with_addresses = kept
        if any(reason in _ABOUT_EMAIL for reason, _ in self._events):
            addresses = dict(itertools.islice(_addresses(data, needed), MAX_ADDRESSES))
            with_addresses = {**about, "data": needed | addresses}
        is_crowded = sum(map(len, self._events.values())) > MAX_APART
        for (reason, detail), events in self._events.items():
            envelope_kept = with_addresses if reason in _ABOUT_EMAIL else kept
            for some in itertools.batched(events, MAX_TOGETHER if is_crowded else 1):
                what = {"segment_events": some} if is_crowded else {"segment_event": some[0]}
                yield Rejected(reason, detail, {**what, "envelope": envelope_kept}, len(some))


def _addresses(data: Mapping[str, Any], names: Container[str]) -> Iterator[tuple[str, str]]:
    """Return the fields that hold an address, but for some."""
    for name, value in data.items():
        if isinstance(value, str) and "@" in value and name not in names and normalise(value) is not None:
            yield name, value
