"""Create a segment, or find the one that an attempt before created."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from lytics_sendgrid.domain.clock import Clock
from lytics_sendgrid.errors import RequestRefused, StopRun
from lytics_sendgrid.sendgrid.resources import Segment, by_name


class Segments(Protocol):
    """SendGrid's segments."""

    def segments(self) -> tuple[Segment, ...]: ...  # noqa: D102
    def segment(self, segment_id: str) -> Segment: ...  # noqa: D102
    def create_segment(self, name: str, query: str, list_id: str | None) -> Segment: ...  # noqa: D102


@dataclass(frozen=True, slots=True)
class SegmentForm:
    """A segment as it is made.

    Attributes:
        name: the segment's.
        query: the segment's.
        list_id: the list that it is on; None: all contacts.
    """

    name: str
    query: str
    list_id: str | None


@dataclass(slots=True)
class SegmentMaker:
    """Makes segments.

    Attributes:
        sendgrid: SendGrid's segments.
        taken: the error if another segment has the name, from that segment's name.
        clock: to wait before another attempt.
        waits_s: before the attempts that follow refusals, for all segments together. After them, or without
            them, a refusal is final.
        ignored: ids of segments that count as deleted: SendGrid may list them for a while.
        created: how many segments were created.
    """

    sendgrid: Segments
    taken: Callable[[str], StopRun]
    clock: Clock
    waits_s: Sequence[float] = ()
    ignored: frozenset[str] = frozenset()
    created: int = 0
    _waits: int = 0

    def listed(self, segments: Iterable[Segment]) -> tuple[Segment, ...]:
        """Return the segments without those that count as deleted."""
        return tuple(segment for segment in segments if segment.id not in self.ignored)

    def find(self, form: SegmentForm, listed: Iterable[Segment]) -> Segment | None:
        """Return the listed segment that has this form; None: no segment has its name.

        Raises:
            StopRun: ``taken``: another segment has the name.
        """
        same = by_name(listed).get(form.name.casefold())
        if same is None:
            return None
        segment = self.sendgrid.segment(same.id)
        if not segment.is_as_made(form.query, form.list_id):
            raise self.taken(segment.name)
        return segment

    def create(self, form: SegmentForm) -> Segment:
        """Create a segment. If SendGrid refuses, it may have created it before and listed it late.

        Raises:
            RequestRefused: SendGrid refuses the segment.
            StopRun: ``taken``: another segment has the name.
        """
        while True:
            try:
                segment = self.sendgrid.create_segment(form.name, form.query, form.list_id)
            except RequestRefused:
                existing = self.find(form, self.listed(self.sendgrid.segments()))
                if existing is not None:
                    return existing
                if self._waits == len(self.waits_s):
                    raise
                self.clock.sleep(self.waits_s[self._waits])
                self._waits += 1
            else:
                self.created += 1
                return segment
