"""Deliver changes: send to SendGrid, then commit to the ledger.

The guarantee: when ``deliver`` returns, every change of every message that it does not report as failed is in
SendGrid and in the ledger, or on a queue. A crash anywhere leaves the messages on the queue and the ledger
behind, never ahead.
"""

from collections.abc import Iterable, Mapping, Sequence

from functions.deliver.export_views import View
from functions.deliver.intake import Intake, Leftover
from functions.deliver.invocation import Invocation, InvocationSummary
from functions.deliver.received import ReceivedMessage, SqsRecord
from functions.deliver.requeue import Requeuer
from functions.deliver.rounds import Rounds, Runs, Views
from functions.deliver.upsert import MIN_TIMEOUT_S
from lytics_sendgrid.domain.clock import Clock
from lytics_sendgrid.errors import LyticsSendGridError, RetryLater, StopRun
from lytics_sendgrid.queues.changes import UnknownVersion, decode


class Deliverer:
    """Delivers messages. One instance serves a process' whole life."""

    def __init__(
        self,
        *,
        rounds: Rounds,
        views: Views,
        runs: Runs,
        requeuer: Requeuer,
        clock: Clock,
    ) -> None:
        """Keep the collaborators.

        Args:
            rounds: load, send and commit contacts.
            views: the exports' configurations.
            runs: the exports table.
            requeuer: puts what is left back on the queue.
            clock: wall time, sleeping and chance, for each invocation.
        """
        self._rounds = rounds
        self._views = views
        self._runs = runs
        self._requeuer = requeuer
        self._clock = clock

    def deliver(self, records: Sequence[SqsRecord], deadline_epoch_s: float) -> InvocationSummary:
        """Deliver the changes of some messages.

        Args:
            records: the messages, in any order.
            deadline_epoch_s: when the invocation ends, Unix seconds.

        Returns:
            What was done; ``failed`` names the messages that SQS must deliver again.
        """
        summary = InvocationSummary(messages=len(records))
        invocation = Invocation(self._clock, deadline_epoch_s, summary)
        messages = _decoded(records, summary)
        try:
            views = self._read_views(messages)
        except LyticsSendGridError as error:
            summary.faults.append(str(error))
            self._requeuer.requeue(invocation, [Leftover.whole(message) for message in messages])
            return summary
        messages = _without_unknown(messages, views, summary)
        ordinary: list[ReceivedMessage] = []
        questions: list[ReceivedMessage] = []
        suspects: list[ReceivedMessage] = []
        for message in messages:
            unsuspected = questions if message.content.question else ordinary
            (suspects if message.is_suspect else unsuspected).append(message)
        for together in (ordinary, questions):
            if together:
                self._deliver_together(invocation, together, views)
        if len(suspects) > 1:
            self._requeuer.part(invocation, suspects)
        elif suspects:
            self._deliver_together(invocation, suspects, views)
        return summary

    def _read_views(self, messages: Sequence[ReceivedMessage]) -> dict[str, View]:
        """Return the configuration of each existing export, at least as new as the messages' writers knew."""
        versions: dict[str, int] = {}
        for message in messages:
            content = message.content
            versions[content.export] = max(versions.get(content.export, 0), content.config)
        views = {export: self._views.view(export, version) for export, version in versions.items()}
        return {export: view for export, view in views.items() if view is not None}

    def _deliver_together(
        self, invocation: Invocation, messages: Sequence[ReceivedMessage], views: Mapping[str, View]
    ) -> None:
        """Deliver messages, and requeue what cannot be finished.

        Args:
            invocation: the present one.
            messages: either all questions or none.
            views: the configuration of every export.
        """
        questions = messages[0].content.question
        if invocation.clock.now() + MIN_TIMEOUT_S > invocation.sending_ends_s:
            self._requeuer.requeue(invocation, [Leftover.whole(message) for message in messages])
            return
        summary = invocation.summary
        intake = Intake(messages, views, invocation.now_ms())
        summary.contacts += len(intake.contacts)
        try:
            if questions:
                self._rounds.answer(invocation, intake)
            else:
                self._rounds.deliver(invocation, intake)
        except RetryLater as error:
            summary.faults.append(str(error))
        except StopRun as error:
            summary.faults.append(str(error))
            summary.stopped |= {contact.exports[0]: str(error) for contact in intake.pending()}
        for contact in intake.contacts.values():
            progress = contact.progress
            if progress.outcome is not None and not questions:
                summary.count(progress.outcome)
                summary.note_outcome(contact.exports, progress.outcome, progress.counted_before)
        unrecorded = self._record_runs(invocation, intake)
        self._requeuer.requeue(invocation, intake.leftovers(unrecorded), intake.retry_epoch_s)

    def _record_runs(self, invocation: Invocation, intake: Intake) -> list[str]:
        """Record what is committed of each run; return the runs whose record failed.

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


def _decoded(records: Iterable[SqsRecord], summary: InvocationSummary) -> list[ReceivedMessage]:
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
    messages: Iterable[ReceivedMessage], views: Mapping[str, View], summary: InvocationSummary
) -> list[ReceivedMessage]:
    """Skip messages whose export does not exist: SQS redelivers them until they are dead-lettered."""
    known = []
    unknown: dict[str, None] = {}
    for message in messages:
        export = message.content.export
        if export in views:
            known.append(message)
            summary.note_heard(message.content)
        else:
            unknown[export] = None
            summary.failed.append(message.id)
            summary.note_unfinished(message.content)
    summary.faults += [f"export '{export}' does not exist" for export in unknown]
    return known
