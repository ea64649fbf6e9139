"""Create the segments of a plan, or find them. One on a list that was given up is deleted first."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol

from lytics_sendgrid.domain.clock import Clock
from lytics_sendgrid.domain.configuration import AudienceState, ProvisionedAudience
from lytics_sendgrid.errors import ExportRefused, RequestRefused, Throttled
from lytics_sendgrid.sendgrid.resources import (
    Segment,
    SingleSend,
    by_name,
    segment_name,
    segment_query,
)
from lytics_sendgrid.sendgrid.segment_maker import SegmentForm, SegmentMaker, Segments
from lytics_sendgrid.workflow.run_config import SegmentConfig

_WAITS_S: Final = (2.0, 3.0, 5.0, 10.0, 10.0, 15.0)
"""Segments accept a new field only after some seconds; StrongGrid's integration tests saw about 5 s.

This is no back-off: SendGrid is not in trouble, and doubled waits would be too short before these 5 s or too
long after them."""


class SendGridSegments(Segments, Protocol):
    """SendGrid's segments."""

    def rename_segment(self, segment_id: str, name: str) -> None: ...  # noqa: D102
    def set_segment_query(self, segment_id: str, query: str) -> None: ...  # noqa: D102
    def find_segment(self, segment_id: str) -> Segment | None: ...  # noqa: D102
    def delete_segment(self, segment_id: str) -> bool: ...  # noqa: D102
    def scheduled_single_sends(self) -> tuple[SingleSend, ...]: ...  # noqa: D102


@dataclass(slots=True)
class SegmentProvisioning:
    """Creates segments, all on the same list.

    Attributes:
        list_id: that list; None: all contacts.
        clock: to wait while SendGrid does not know a new field yet.
        created: how many segments were created.
        adopted: how many segments were found by their names.
        renamed: how many segments were renamed like their audiences.
        repaired: how many segments' queries were restored.
        names: audience id to the name of its segment.
        notes: for a person: what could not be renamed or repaired.
    """

    sendgrid: SendGridSegments
    list_id: str | None
    clock: Clock
    created: int = 0
    adopted: int = 0
    renamed: int = 0
    repaired: int = 0
    names: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def check(self, planned: Iterable[SegmentConfig]) -> None:
        """Make sure that every segment that is to be deleted is still ours, and that nothing waits for it.

        Raises:
            ExportRefused: a query was changed in SendGrid, or a scheduled Single Send goes to the segment.
        """
        replaced = [plan for plan in planned if plan.replaces is not None]
        used: dict[str, str] = {}
        for send in self.sendgrid.scheduled_single_sends() if replaced else ():
            used |= dict.fromkeys(send.segment_ids, send.name)
        for plan in replaced:
            segment = self.sendgrid.find_segment(plan.replaces or "")
            if segment is None:
                continue
            if segment.id in used:
                raise ExportRefused(
                    f"the scheduled Single Send '{used[segment.id]}' goes to the segment '{segment.name}', "
                    "which must be created again on another list: wait until it is sent or cancel it, then "
                    "start the export again"
                )
            if not segment.has_query(segment_query(plan.field, plan.audience)):
                raise ExportRefused(
                    f"somebody has changed the query of the segment '{segment.name}' in SendGrid, so it is "
                    "not deleted to create it again on another list: delete it there and start the export "
                    "again"
                )

    def make(
        self,
        planned: Sequence[SegmentConfig],
        known: Mapping[str, ProvisionedAudience],
        audience_names: Mapping[str, str],
        begin: Callable[[Sequence[str]], None],
    ) -> dict[str, str]:
        """Create every segment that is missing, and rename those whose audiences were renamed.

        Args:
            planned: the segments.
            audience_names: audience id to its name in Lytics.
            known: what was provisioned before. A segment that a person renamed is still the audience's.
            begin: records the audiences whose segments are about to be created.

        Returns:
            Audience id to segment id.

        Raises:
            ExportRefused: since the plan, something else has created a segment with a name that is needed.
            RequestRefused: SendGrid refuses a segment.
        """
        replaced = frozenset(plan.replaces for plan in planned if plan.replaces is not None)
        present = self.sendgrid.segments()
        for segment in present:
            if segment.id in replaced:
                self.sendgrid.delete_segment(segment.id)
        maker = SegmentMaker(self.sendgrid, _taken, self.clock, _WAITS_S, replaced)
        listed = maker.listed(present)
        ids = {segment.id: segment for segment in listed}
        owned = {audience: ids[one.segment_id] for audience, one in known.items() if one.segment_id in ids}
        names = {
            plan.audience: plan.name or segment_name(plan.audience, audience_names[plan.audience])
            for plan in planned
        }
        # One that the plan has found may be gone by now.
        present_names = by_name(listed)
        missing = [
            plan.audience
            for plan in planned
            if not (plan.exists and names[plan.audience].casefold() in present_names)
        ]
        begin([audience for audience in missing if audience not in owned])
        segment_ids = {}
        to_rename = []
        for plan in planned:
            name = names[plan.audience]
            own = owned.get(plan.audience)
            if own is not None:
                segment_ids[plan.audience] = own.id
                self.names[plan.audience] = own.name
                if plan.repair:
                    self._repair(own, segment_query(plan.field, plan.audience))
                if plan.rename and own.name != name:
                    to_rename.append((plan.audience, own, name))
                continue
            form = SegmentForm(name, segment_query(plan.field, plan.audience), self.list_id)
            segment = self._made(form, listed, maker)
            if segment.validation == "INVALID":
                raise RequestRefused(
                    f"SendGrid says that the query of the segment '{segment.name}' is invalid "
                    f"({segment.error}): delete the segment in SendGrid and start the export again"
                )
            segment_ids[plan.audience] = segment.id
            self.names[plan.audience] = segment.name
        # Last, because SendGrid may make a rename wait, and nothing depends on it.
        for audience, own, name in to_rename:
            self._rename(audience, own, name)
        self.created = maker.created
        return segment_ids

    def _repair(self, own: Segment, query: str) -> None:
        """Restore a segment's query. SendGrid refuses that for five minutes after its last change."""
        try:
            self.sendgrid.set_segment_query(own.id, query)
        except (RequestRefused, Throttled) as refusal:
            self.notes.append(
                f"the query of the segment '{own.name}' could not be set ({refusal}): start the export again "
                "after five minutes"
            )
        else:
            self.repaired += 1

    def _rename(self, audience: str, own: Segment, name: str) -> None:
        """Rename a segment. SendGrid refuses that for five minutes after the segment's last change."""
        try:
            self.sendgrid.rename_segment(own.id, name)
        except (RequestRefused, Throttled) as refusal:
            self.notes.append(
                f"the segment '{own.name}' could not be renamed to '{name}' ({refusal}): start the export "
                "again after five minutes"
            )
        else:
            self.renamed += 1
            self.names[audience] = name

    def _made(self, form: SegmentForm, listed: Iterable[Segment], maker: SegmentMaker) -> Segment:
        segment = maker.find(form, listed)
        if segment is not None:
            self.adopted += 1
            return segment
        try:
            return maker.create(form)
        except RequestRefused as refusal:
            raise RequestRefused(f"{refusal}: fix that and start the export again") from refusal


def _taken(name: str) -> ExportRefused:
    return ExportRefused(
        f"since the plan, another segment '{name}' was created in SendGrid, and it does not show this "
        "audience: rename that segment and start the export again"
    )


def without_ending(
    planned: Iterable[SegmentConfig], known: Mapping[str, ProvisionedAudience]
) -> list[SegmentConfig]:
    """Plan another segment in place of each that a run of the account is about to delete.

    Args:
        planned: the segments.
        known: what was provisioned before.
    """
    return [_made_again(plan, known.get(plan.audience)) for plan in planned]


def _made_again(plan: SegmentConfig, before: ProvisionedAudience | None) -> SegmentConfig:
    if before is None or before.state is not AudienceState.DELETING:
        return plan
    changes = {"exists": False, "rename": False, "repair": False, "replaces": before.segment_id}
    return plan.model_copy(update=changes)
