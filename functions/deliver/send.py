"""Send the rows of one round, group by group, and record what SendGrid decided about each.

Rows that are put on the lists of several exports go together, as long as SendGrid takes them. Where it
refuses such a request, the rows are sent list by list, and an export stops only where a request with nothing
but its own list is at fault.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import replace
from typing import Final

from functions.deliver.decide import Decision, accept, refuse
from functions.deliver.exchange import Exchange
from functions.deliver.groups import (
    Group,
    Groups,
    all_accepted,
    by_group,
    by_list,
    exports_of,
    is_own,
    own_group,
)
from functions.deliver.invocation import Invocation
from functions.deliver.known_names import with_names
from functions.deliver.outbox import Outbox
from functions.deliver.stops import Stops
from functions.deliver.upsert import UpsertLimits
from functions.deliver.upsert_result import AcceptedRow, UpsertFault
from lytics_sendgrid.domain.contact import ContactKey

_BELIEVED_AFTER_HOPS: Final = 20
"""These take three and a half hours."""


class Sending:
    """The rows of one round.

    Attributes:
        settled: the decisions whose rows SendGrid has decided, with the state to commit.
    """

    def __init__(
        self, invocation: Invocation, exchange: Exchange, outbox: Outbox, stops: Stops, limits: UpsertLimits
    ) -> None:
        self.settled: dict[ContactKey, Decision] = {}
        self._invocation = invocation
        self._exchange = exchange
        self._outbox = outbox
        self._stops = stops
        self._limits = limits
        self._without_retry = replace(limits, fault_retry_s=0.0)
        self._since_ms = invocation.now_ms()

    def send(self, decisions: Sequence[Decision]) -> None:
        """Send rows; a fault of one group does not affect the others."""
        at_fault: list[Decision] = []
        for group, members in self._shuffled(by_group(decisions)):
            own = is_own(group, members)
            going = [member for member in members if member.view.export.name not in self._stopped()]
            result = self._exchange.upsert(group, going, self._limits if own else self._without_retry)
            undecided = self._settle(members, result.accepted, result.refused)
            if result.fault is None:
                self._resume([member for member in going if member.contact.key in result.accepted])
            elif own:
                self._stop(exports_of(group, undecided), result.fault, undecided)
            else:
                at_fault += [member for member in going if member.contact.key not in self.settled]
        self._send_list_by_list(at_fault)
        self._refuse_unnamed(decisions)

    def _send_list_by_list(self, decisions: Sequence[Decision]) -> None:
        """Send rows with the list of each export that brought them, then with each list of other exports.

        The lists of others count, because this request supersedes what is left to do of their earlier ones.
        Where SendGrid refuses such a list, that is left to the export that owns it.
        """
        own, others = by_list(decisions)
        accepted: dict[ContactKey, AcceptedRow] = {}
        refused: dict[ContactKey, str] = {}
        undecided: set[ContactKey] = set()
        for group, members in self._shuffled(own):
            going = [member for member in members if exports_of(group, [member]) - self._stopped()]
            result = self._exchange.upsert(group, going, self._limits)
            left = [
                member
                for member in members
                if member.contact.key not in result.accepted and member.contact.key not in result.refused
            ]
            undecided |= {member.contact.key for member in left}
            accepted = all_accepted(accepted, result.accepted)
            refused |= result.refused
            if result.fault is None:
                tried = [member for member in going if own_group(member.view.export, member) == group]
                self._resume([member for member in tried if member.contact.key in result.accepted])
            else:
                self._stop(exports_of(group, left), result.fault, left)
        for group, members in others.items():
            going = [m for m in members if m.contact.key in accepted and m.contact.key not in undecided]
            result = self._exchange.upsert(group, going, self._without_retry)
            accepted = all_accepted(accepted, result.accepted)
            left = [member for member in going if member.contact.key not in result.accepted]
            if result.fault is not None and result.fault.of_list:
                self._leave_to_owner(group, left)
            else:
                undecided |= {member.contact.key for member in left}
        self._settle(decisions, _without(accepted, undecided), _without(refused, undecided))

    def _stop(self, exports: AbstractSet[str], fault: UpsertFault, refused: Iterable[Decision]) -> None:
        named = with_names(fault, (decision.view for decision in refused))
        self._stops.stop(self._invocation, exports, named, self._since_ms)

    def _leave_to_owner(self, group: Group, decisions: Iterable[Decision]) -> None:
        """Queue refreshes by the export that owns a refused list.

        It sends the rows when the list is fixed.
        """
        _, (list_id,) = group
        owners: dict[str, list[tuple[str, int]]] = {}
        for decision in decisions:
            owner = decision.view.form.lists[list_id]
            # Exports that share an audience may share its list, too. The one that just sent has its own list.
            if owner not in decision.contact.exports:
                owners.setdefault(owner, []).append((decision.contact.email, decision.contact.attempt))
        if owners:
            now_ms = self._invocation.now_ms()
            self._outbox.queue_refreshes(owners, now_ms, now_ms)

    def _settle(
        self,
        decisions: Iterable[Decision],
        accepted: Mapping[ContactKey, AcceptedRow],
        refused: Mapping[ContactKey, str],
    ) -> list[Decision]:
        """Record what SendGrid decided, and return the decisions whose rows are undecided."""
        now_ms = self._invocation.now_ms()
        undecided = []
        for decision in decisions:
            key = decision.contact.key
            if row := accepted.get(key):
                decision.contact.progress.sent_before = True
                self.settled[key] = accept(decision, row, now_ms)
            elif (refusal := refused.get(key)) is not None:
                self.settled[key] = refuse(decision, refusal, now_ms)
            else:
                undecided.append(decision)
        return undecided

    def _refuse_unnamed(self, decisions: Iterable[Decision]) -> None:
        """Refuse contacts whose address SendGrid refuses without naming it.

        Only where SendGrid accepts other rows, or has not accepted this one for hours: if SendGrid refuses
        every row, the addresses are not the problem.
        """
        now_ms = self._invocation.now_ms()
        some_wait = False
        for decision in decisions:
            contact = decision.contact
            refusal = self._exchange.unnamed.get(contact.key)
            if refusal is None or contact.progress.uncertain:
                continue
            is_accepting = decision.view.export.authorization in self._exchange.accepting
            if is_accepting or contact.hops >= _BELIEVED_AFTER_HOPS:
                self.settled[contact.key] = refuse(decision, refusal, now_ms)
            else:
                some_wait = True
        if some_wait:
            self._invocation.summary.faults.append(
                "rows are left undecided: SendGrid refuses every row and names no address"
            )

    def _resume(self, sent: Iterable[Decision]) -> None:
        self._stops.resume(self._invocation, sent, self._since_ms)

    def _stopped(self) -> AbstractSet[str]:
        return self._invocation.summary.stopped.keys()

    def _shuffled(self, groups: Groups) -> list[tuple[Group, list[Decision]]]:
        """Shuffle groups: an unanswered row uses up the invocation, so the groups behind it must vary."""
        return sorted(groups.items(), key=lambda _: self._invocation.clock.random())


def _without[V](mapping: Mapping[ContactKey, V], keys: Collection[ContactKey]) -> dict[ContactKey, V]:
    return {key: value for key, value in mapping.items() if key not in keys}
