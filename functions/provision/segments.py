"""Make the segments of a plan, or find them."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

from lytics_sendgrid.domain.configuration import ProvisionedAudience
from lytics_sendgrid.errors import ExportRefused, RequestRefused
from lytics_sendgrid.sendgrid.resources import Segment, by_name, same_query, segment_query

_WAITS_S: Final = (2.0, 3.0, 5.0, 10.0, 10.0, 15.0)
"""A field is known to segments some seconds after it was made; about 5 s were seen (StrongGrid's integration tests)."""


class SendGridSegments(Protocol):
    """SendGrid's segments."""

    def segments(self) -> tuple[Segment, ...]: ...  # noqa: D102
    def segment(self, segment_id: str) -> Segment: ...  # noqa: D102
    def create_segment(self, name: str, query: str, list_id: str | None) -> Segment: ...  # noqa: D102


@dataclass(slots=True)
class SegmentProvisioning:
    """Makes segments, each on the same list.

    Attributes:
        list_id: that list; None: all contacts.
        sleep: waits some seconds, where SendGrid does not know a new field yet.
        created: how many were made.
    """

    sendgrid: SendGridSegments
    list_id: str | None
    sleep: Callable[[float], None]
    created: int = 0
    _waited: int = 0

    def make(
        self, planned: Sequence[Mapping[str, Any]], known: Mapping[str, ProvisionedAudience]
    ) -> dict[str, str]:
        """Make every segment that is missing.

        Args:
            planned: ``audience``, ``name`` and membership ``field`` of each.
            known: what was provisioned before: a segment that somebody renamed is still the audience's.

        Returns:
            Audience id to segment id.

        Raises:
            ExportRefused: somebody else has made a segment of a needed name since the plan.
            RequestRefused: SendGrid does not take a segment.
        """
        listed = self.sendgrid.segments()
        ids = {segment.id for segment in listed}
        found = {}
        for plan in planned:
            provisioned = known.get(plan["audience"])
            if (
                provisioned is not None
                and provisioned.segment_id in ids
                and provisioned.segment_id is not None
            ):
                found[plan["audience"]] = provisioned.segment_id
                continue
            query = segment_query(plan["field"], plan["audience"])
            segment = self._existing(plan["name"], query, listed) or self._create(plan["name"], query)
            if segment.validation == "INVALID":
                raise RequestRefused(
                    f"SendGrid says that the query of segment '{segment.name}' is invalid ({segment.error}): delete the "
                    f"segment there and start the export again"
                )
            found[plan["audience"]] = segment.id
        return found

    def _existing(self, name: str, query: str, listed: Iterable[Segment]) -> Segment | None:
        same = by_name(listed).get(name.casefold())
        if same is None:
            return None
        segment = self.sendgrid.segment(same.id)
        if segment.query is None or not same_query(segment.query, query) or segment.list_id != self.list_id:
            raise ExportRefused(
                f"SendGrid has a segment '{segment.name}' now that is not the audience's: rename it and start the export again"
            )
        return segment

    def _create(self, name: str, query: str) -> Segment:
        while True:
            try:
                segment = self.sendgrid.create_segment(name, query, self.list_id)
            except RequestRefused as refusal:
                existing = self._existing(name, query, self.sendgrid.segments())
                if existing is not None:
                    return existing
                if self._waited == len(_WAITS_S):
                    raise RequestRefused(f"{refusal}: mend that and start the export again") from refusal
                self.sleep(_WAITS_S[self._waited])
                self._waited += 1
            else:
                self.created += 1
                return segment
