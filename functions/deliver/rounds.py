"""Load, decide, send and commit contacts, and do it again for those that lose the race of their commit."""

import itertools
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final, Protocol

from functions.deliver.decide import Decision, decide, needs_consistent_read
from functions.deliver.exchange import Contacts, Exchange
from functions.deliver.export_views import View
from functions.deliver.intake import Intake
from functions.deliver.invocation import Invocation
from functions.deliver.outbox import Outbox
from functions.deliver.received import PendingContact
from functions.deliver.send import Sending
from functions.deliver.stops import Stops, StopsTable
from functions.deliver.upsert import UpsertLimits
from lytics_sendgrid.domain.contact import Commit, Contact, ContactKey

CONTACTS_AT_ONCE: Final = 60_000
"""A full event of bare addresses holds over 200,000. Loaded together they would take 600 MB, and longer to
commit than the time reserved for it. An event of whole profiles holds fewer, and cutting those would cost
requests to SendGrid."""
_ROUNDS: Final = 8
"""How often a lost race is repeated in one invocation."""


class LedgerTable(Protocol):
    """The ledger."""

    def load(  # noqa: D102
        self, keys: Iterable[ContactKey], *, consistent: bool = False
    ) -> dict[ContactKey, Contact]: ...

    def commit(  # noqa: D102
        self, commits: Sequence[Commit], loaded: Mapping[ContactKey, Contact]
    ) -> set[ContactKey]: ...


class Views(Protocol):
    """The exports' configurations."""

    def view(self, export: str, at_least_version: int = 0) -> View | None: ...  # noqa: D102

    def forget(self, export: str) -> None: ...  # noqa: D102


class Runs(StopsTable, Protocol):
    """The part of the exports table that deliver writes."""

    def record_done(  # noqa: D102
        self,
        run: str,
        numbers: Iterable[str],
        jobs: Iterable[str],
        now_s: int,
        counts: Mapping[str, int] | None = None,
    ) -> None: ...


class Rounds:
    """Delivers contacts in rounds. One instance serves a process' whole life."""

    def __init__(
        self,
        *,
        ledger: LedgerTable,
        views: Views,
        runs: Runs,
        outbox: Outbox,
        contacts: Callable[[str], Contacts],
        limits: UpsertLimits,
    ) -> None:
        """Keep the collaborators.

        Args:
            ledger: the contacts table.
            views: the exports' configurations.
            runs: the exports table.
            outbox: the queues to write to.
            contacts: returns SendGrid's contacts, by the name of an authorization.
            limits: when a request is at fault, and not its rows.
        """
        self._ledger = ledger
        self._views = views
        self._runs = runs
        self._outbox = outbox
        self._contacts = contacts
        self._limits = limits
        self._stops = Stops(runs, views)

    def deliver(self, invocation: Invocation, intake: Intake) -> None:
        """Deliver as many contacts at a time as memory and the time for a commit allow."""
        for number, part in enumerate(itertools.batched(intake.pending(), CONTACTS_AT_ONCE)):
            if number and invocation.is_late():
                return
            pending = [contact for contact in part if contact.exports[0] not in invocation.summary.stopped]
            for attempt in range(_ROUNDS):
                if not pending or (attempt and invocation.is_late()):
                    break
                # A stale read would lose again: half the price is for the first attempt.
                pending = self._round(invocation, intake, pending, consistent=attempt > 0)

    def answer(self, invocation: Invocation, intake: Intake) -> None:
        """Decide about contacts for a dry run, which only counts: nothing is sent or committed."""
        for part in itertools.batched(intake.pending(), CONTACTS_AT_ONCE):
            if invocation.is_late():
                return
            loaded = self._ledger.load([contact.key for contact in part])
            intake.views = self._newest_views(intake.views, loaded, part)
            for contact in part:
                decide(contact, loaded[contact.key], intake.views).answer()

    def _round(
        self, invocation: Invocation, intake: Intake, contacts: Sequence[PendingContact], *, consistent: bool
    ) -> list[PendingContact]:
        """Load, decide, send and commit contacts; return those that lost the race of their commit."""
        now_s = invocation.clock.now()
        loaded = self._load(contacts, intake.views, now_s, consistent=consistent)
        intake.views = self._newest_views(intake.views, loaded, contacts)
        decisions = {contact.key: decide(contact, loaded[contact.key], intake.views) for contact in contacts}
        rows = [decision for decision in decisions.values() if decision.row]
        exchange = Exchange(invocation, self._contacts, self._outbox, decisions)
        sending = Sending(invocation, exchange, self._outbox, self._stops, self._limits)
        sending.send(rows)
        if exchange.retry_epoch_s is not None:
            intake.retry_epoch_s = max(exchange.retry_epoch_s, intake.retry_epoch_s or 0)
        self._record_jobs(invocation, exchange.jobs)
        final = [
            sending.settled.get(key, decision)
            for key, decision in decisions.items()
            if decision.row is None or key in sending.settled
        ]
        exchange.refreshes.before_commit(final, invocation.now_ms())
        return self._commit(invocation, final, loaded)

    def _load(
        self, contacts: Sequence[PendingContact], views: Mapping[str, View], now_s: float, *, consistent: bool
    ) -> dict[ContactKey, Contact]:
        loaded = self._ledger.load([contact.key for contact in contacts], consistent=consistent)
        if not consistent:
            stale = [
                contact.key
                for contact in contacts
                if needs_consistent_read(contact, loaded[contact.key], views[contact.exports[0]].form, now_s)
            ]
            if stale:
                loaded |= self._ledger.load(stale, consistent=True)
        return loaded

    def _newest_views(
        self,
        views: Mapping[str, View],
        loaded: Mapping[ContactKey, Contact],
        contacts: Sequence[PendingContact],
    ) -> dict[str, View]:
        """Return the configurations, read again where a contact was sent with a newer version."""
        newest: dict[str, int] = {}
        for contact in contacts:
            account, version = views[contact.exports[0]].export.account, loaded[contact.key].configuration
            newest[account] = max(newest.get(account, 0), version)
        newer = {
            export: self._views.view(export, version) or view
            for export, view in views.items()
            if (version := newest.get(view.export.account, 0)) > view.form.version
        }
        return {**views, **newer}

    def _commit(
        self, invocation: Invocation, decisions: Sequence[Decision], loaded: Mapping[ContactKey, Contact]
    ) -> list[PendingContact]:
        """Commit rows that were sent and states that only move a time.

        Return the contacts that lost the race.
        """
        for decision in decisions:
            if not decision.commits:
                decision.finish()
        commits = {decision.contact.key: decision for decision in decisions if decision.commits}
        states = [
            Commit(key, decision.state, decision.first_version, decision.removes)
            for key, decision in commits.items()
        ]
        lost = self._ledger.commit(states, loaded) if states else set()
        invocation.summary.count("lost_races", len(lost))
        for key, decision in commits.items():
            if key not in lost:
                decision.finish()
        return [commits[key].contact for key in commits if key in lost]

    def _record_jobs(self, invocation: Invocation, jobs: Mapping[str, Iterable[str]]) -> None:
        """Record the jobs that carry a run's changes, before anything is committed.

        After a crash in between, the next consumer finds nothing to send and knows no job.
        """
        now_s = int(invocation.clock.now())
        for run, ids in jobs.items():
            self._runs.record_done(run, (), ids, now_s)
