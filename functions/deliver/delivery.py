"""Deliver changes: send to SendGrid, then commit to the ledger.

The guarantee: when ``deliver`` returns, every change of every message that it does not report as failed is in SendGrid
and in the ledger, or on a queue. A crash anywhere leaves the messages on the queue and the ledger behind, never ahead.
"""

import itertools
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final, Protocol

from functions.deliver.decide import Decision, decide, needs_consistent_read
from functions.deliver.exchange import Contacts, Exchange
from functions.deliver.export_views import View
from functions.deliver.intake import Intake, Leftover, PendingContact, ReceivedMessage, SqsRecord
from functions.deliver.invocation import DeliverySummary, Invocation
from functions.deliver.outbox import Outbox
from functions.deliver.requeue import Requeuer
from functions.deliver.send import Sending
from functions.deliver.stops import Stops, StopsTable
from functions.deliver.upsert import MIN_TIMEOUT_S, UpsertLimits
from lytics_sendgrid.domain.clock import Clock
from lytics_sendgrid.domain.contact import Commit, Contact, ContactKey
from lytics_sendgrid.errors import LyticsSendGridError, RetryLater, StopRun
from lytics_sendgrid.queues.changes import UnknownVersion, decode

CONTACTS_AT_ONCE: Final = 60_000
"""A full event of bare addresses holds over 200,000. Loaded together they would take 600 MB, and longer to commit than
the time reserved for it. An event of whole profiles holds fewer, and cutting those would cost requests to SendGrid."""
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


class Delivery:
    """Delivers messages. One instance serves a process' whole life."""

    def __init__(
        self,
        *,
        ledger: LedgerTable,
        views: Views,
        runs: Runs,
        outbox: Outbox,
        contacts: Callable[[str], Contacts],
        limits: UpsertLimits,
        clock: Clock,
    ) -> None:
        """Keep the collaborators.

        Args:
            ledger: the contacts table.
            views: the exports' configurations.
            runs: the exports table.
            outbox: the queues to write to.
            contacts: returns SendGrid's contacts, by the name of an authorization.
            limits: when a request is at fault, and not its rows.
            clock: wall time, sleeping and chance.
        """
        self._ledger = ledger
        self._views = views
        self._runs = runs
        self._outbox = outbox
        self._contacts = contacts
        self._limits = limits
        self._clock = clock
        self._stops = Stops(runs, views)
        self._requeuer = Requeuer(outbox)

    def deliver(self, records: Sequence[SqsRecord], deadline_epoch_s: float) -> DeliverySummary:
        """Deliver the changes of some messages.

        Args:
            records: the messages, in any order.
            deadline_epoch_s: when the invocation ends, Unix seconds.

        Returns:
            What was done; ``failed`` names the messages that SQS must deliver again.
        """
        summary = DeliverySummary(messages=len(records))
        invocation = Invocation(self._clock, deadline_epoch_s, summary)
        messages = _decoded(records, summary)
        try:
            views = self._read_views(messages)
        except LyticsSendGridError as error:
            summary.faults.append(str(error))
            self._requeuer.requeue(invocation, [Leftover.whole(message) for message in messages])
            return summary
        messages = _without_unknown(messages, views, summary)
        suspects = [message for message in messages if message.is_suspect]
        ordinary = [message for message in messages if not message.is_suspect]
        if ordinary:
            self._deliver_together(invocation, ordinary, views)
        if len(suspects) > 1:
            self._requeuer.part(invocation, suspects)
        elif suspects:
            self._deliver_together(invocation, suspects, views)
        return summary

    def _read_views(self, messages: Sequence[ReceivedMessage]) -> dict[str, View]:
        """Return the configuration of every export that exists, at least as new as the messages' writers knew."""
        versions: dict[str, int] = {}
        for message in messages:
            content = message.content
            versions[content.export] = max(versions.get(content.export, 0), content.config)
        views = {export: self._views.view(export, version) for export, version in versions.items()}
        return {export: view for export, view in views.items() if view is not None}

    def _deliver_together(
        self, invocation: Invocation, messages: Sequence[ReceivedMessage], views: Mapping[str, View]
    ) -> None:
        """Deliver messages, and requeue what cannot be finished."""
        if invocation.clock.now() + MIN_TIMEOUT_S > invocation.sending_ends_s:
            self._requeuer.requeue(invocation, [Leftover.whole(message) for message in messages])
            return
        summary = invocation.summary
        intake = Intake(messages, views, invocation.now_ms())
        summary.contacts += len(intake.contacts)
        try:
            self._deliver_contacts(invocation, intake)
        except RetryLater as error:
            summary.faults.append(str(error))
        except StopRun as error:
            summary.faults.append(str(error))
            summary.stopped |= {contact.exports[0]: str(error) for contact in intake.pending()}
        for contact in intake.contacts.values():
            if contact.progress.outcome is not None:
                summary.count(contact.progress.outcome)
        unrecorded = self._record_runs(invocation, intake)
        self._requeuer.requeue(invocation, intake.leftovers(unrecorded), intake.retry_epoch_s)

    def _deliver_contacts(self, invocation: Invocation, intake: Intake) -> None:
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

    def _round(
        self, invocation: Invocation, intake: Intake, contacts: Sequence[PendingContact], *, consistent: bool
    ) -> list[PendingContact]:
        """Load, decide, send and commit contacts; return those that lost the race of their commit."""
        loaded = self._load(contacts, intake.views, consistent=consistent)
        self._read_newer_views(intake.views, loaded, contacts)
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
        self, contacts: Sequence[PendingContact], views: Mapping[str, View], *, consistent: bool
    ) -> dict[ContactKey, Contact]:
        loaded = self._ledger.load([contact.key for contact in contacts], consistent=consistent)
        if not consistent:
            uncertain = [
                contact.key
                for contact in contacts
                if needs_consistent_read(contact, loaded[contact.key], views[contact.exports[0]].form.version)
            ]
            if uncertain:
                loaded |= self._ledger.load(uncertain, consistent=True)
        return loaded

    def _read_newer_views(
        self,
        views: dict[str, View],
        loaded: Mapping[ContactKey, Contact],
        contacts: Sequence[PendingContact],
    ) -> None:
        """Read configurations again where a contact was sent with a newer version than the one in memory."""
        newest: dict[str, int] = {}
        for contact in contacts:
            account, version = views[contact.exports[0]].export.account, loaded[contact.key].configuration
            newest[account] = max(newest.get(account, 0), version)
        for export, view in list(views.items()):
            version = newest.get(view.export.account, 0)
            if version > view.form.version:
                views[export] = self._views.view(export, version) or view

    def _commit(
        self, invocation: Invocation, decisions: Sequence[Decision], loaded: Mapping[ContactKey, Contact]
    ) -> list[PendingContact]:
        """Commit what was sent, or only moves a time; return the contacts that lost the race."""
        for decision in decisions:
            if not decision.commits:
                decision.finish()
        commits = {decision.contact.key: decision for decision in decisions if decision.commits}
        states = [Commit(key, decision.state) for key, decision in commits.items()]
        lost = self._ledger.commit(states, loaded) if states else set()
        invocation.summary.count("lost_races", len(lost))
        for key, decision in commits.items():
            if key not in lost:
                decision.finish()
        return [commits[key].contact for key in commits if key in lost]

    def _record_jobs(self, invocation: Invocation, jobs: Mapping[str, Iterable[str]]) -> None:
        """Tell each run about the jobs that carry its changes, before anything is committed.

        After a crash in between, the next consumer finds nothing to send, and could not name the job to the run.
        """
        now_s = int(invocation.clock.now())
        for run, ids in jobs.items():
            self._runs.record_done(run, (), ids, now_s)

    def _record_runs(self, invocation: Invocation, intake: Intake) -> list[str]:
        """Tell each run what of it is committed; return the runs that could not be told.

        What is left of a message is counted when it is delivered.
        """
        unrecorded = []
        now_s = int(invocation.clock.now())
        for run, done in intake.runs().items():
            try:
                self._runs.record_done(run, done.numbers, (), now_s, done.counts)
            except LyticsSendGridError as error:
                invocation.summary.faults.append(str(error))
                unrecorded.append(run)
        return unrecorded


def _decoded(records: Iterable[SqsRecord], summary: DeliverySummary) -> list[ReceivedMessage]:
    """Decode messages; one that cannot be read fails, so that the dead-letter queue keeps it whole."""
    messages = []
    for record in records:
        try:
            content = decode(record.body)
        except UnknownVersion as error:
            summary.failed.append(record.id)
            summary.faults.append(str(error))
        except ValueError:  # The error's text may hold personal data.
            summary.failed.append(record.id)
            summary.faults.append("not a change message: left for the dead-letter queue, unchanged")
        else:
            messages.append(ReceivedMessage(record.id, record.receives, content))
            summary.changes += len(content.changes)
            if content.request is not None:
                summary.requests.append(content.request)
    return messages


def _without_unknown(
    messages: Iterable[ReceivedMessage], views: Mapping[str, View], summary: DeliverySummary
) -> list[ReceivedMessage]:
    """Skip messages whose export does not exist: SQS redelivers them until they are dead-lettered."""
    known = []
    unknown: dict[str, None] = {}
    for message in messages:
        export = message.content.export
        if export in views:
            known.append(message)
        else:
            unknown[export] = None
            summary.failed.append(message.id)
            summary.note_unfinished(message.content)
    summary.faults += [f"export '{export}' does not exist" for export in unknown]
    return known
