"""The account's seats and segments, by the product's own rules: one audience fits into a membership field."""

from dataclasses import replace
from typing import Final

from lytics_sendgrid.domain.account_changes import cleared, stopped, with_audiences, without_audiences
from lytics_sendgrid.domain.configuration import Account, AudienceState, ProvisionedAudience
from tests.simulation.resync.records import Configuration, ExportState

SEATS: Final = 1
"""Ids in a membership field. 30 in the product."""


class Seats:
    """The account as provision and clear write it.

    Attributes:
        segments: the membership field that each audience's segment in SendGrid queries. Starting an export
            creates what is missing, and only a clearing deletes.
    """

    def __init__(self, off: frozenset[str]) -> None:
        self.segments: dict[str, str] = {}
        self._account = Account("acme")
        self._off = off

    @property
    def fields(self) -> dict[str, str]:
        """Each audience's membership field."""
        return {audience: known.membership_field for audience, known in self._account.audiences.items()}

    def write(
        self, before: Configuration, export: int, state: ExportState, now: int, *, keep: bool, delete: bool
    ) -> None:
        """Write an export's audiences, or that it is stopped."""
        name, others = f"export{export}", before.exports[3 - export]
        live = [f"export{3 - export}"] if others.live else []
        account = self._account
        removed = before.exports[export].audiences - state.audiences
        if "seats_stay_taken" in self._off:
            free = frozenset() if keep else removed - others.audiences
            seated = {
                audience: known for audience, known in account.audiences.items() if audience not in free
            }
            account = replace(account, audiences=seated)
        for audience in sorted(state.audiences):
            field = account.field_for(audience)
            self.segments.setdefault(audience, field)
            chosen = ProvisionedAudience(field, audience, None, (), made=True)
            account = with_audiences(account, name, {audience: chosen}, now * 60)
        account = without_audiences(account, name, removed, live, now * 60, keep=keep, delete_segments=delete)
        self._account = (
            account if state.live or not state.audiences else stopped(account, name, live, now * 60)
        )

    def listed(self) -> frozenset[str]:
        """Return the audiences whose ids rows hold."""
        return frozenset(audience for audience, known in self._account.audiences.items() if known.is_listed)

    def finish_clearing(self, audience: str) -> None:
        """Confirm a clearing, and delete the segment if it is to be deleted."""
        known = self._account.audiences.get(audience)
        if known is None:
            return
        deleted = known.state is AudienceState.CLEARED and known.delete_segment
        if deleted:
            del self.segments[audience]
        at_s = self._account.to_clear.get(audience, 0)
        self._account = cleared(self._account, {audience: at_s}, {audience} if deleted else ())
