"""Make the requests of one round, and queue around each what must be queued before and after it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Protocol

from functions.deliver.decide import Decision
from functions.deliver.groups import Group
from functions.deliver.invocation import Invocation
from functions.deliver.outbox import Outbox
from functions.deliver.refreshes import Refreshes
from functions.deliver.row_queue import RowExtent
from functions.deliver.upsert import Upsert, UpsertLimits, UpsertRequest
from functions.deliver.upsert_result import UpsertFault, UpsertResult
from lytics_sendgrid.domain.contact import ContactKey
from lytics_sendgrid.errors import RetryLater, StopRun
from lytics_sendgrid.queues.imports import ImportedContact, ImportMessage
from lytics_sendgrid.sendgrid.row import without_fields
from lytics_sendgrid.sendgrid.upsert_answer import Accepted, Unanswered, Verdict


class Contacts(Protocol):
    """SendGrid's contacts."""

    def not_before(self) -> float: ...  # noqa: D102

    def upsert(self, body: bytes, timeout_s: float) -> Verdict: ...  # noqa: D102


class Exchange:
    """The requests of one round.

    Attributes:
        refreshes: the refreshes that the round has queued.
        jobs: run to the import jobs that carry its changes.
        accepting: authorizations with which SendGrid has accepted a row.
        unnamed: contacts whose address SendGrid refuses without naming it, with its message.
        retry_epoch_s: when SendGrid takes requests again, where it said so.
    """

    def __init__(
        self,
        invocation: Invocation,
        contacts: Callable[[str], Contacts],
        outbox: Outbox,
        decisions: Mapping[ContactKey, Decision],
    ) -> None:
        """Begin a round.

        Args:
            invocation: the invocation that it is part of.
            contacts: returns SendGrid's contacts, by the name of an authorization.
            outbox: where refreshes and import jobs are queued.
            decisions: the round's decisions.
        """
        self.refreshes = Refreshes(outbox, decisions)
        self.jobs: dict[str, set[str]] = {}
        self.accepting: set[str] = set()
        self.unnamed: dict[ContactKey, str] = {}
        self.retry_epoch_s: float | None = None
        self._invocation = invocation
        self._contacts = contacts
        self._outbox = outbox
        self._decisions = decisions

    def upsert(self, group: Group, decisions: Sequence[Decision], limits: UpsertLimits) -> UpsertResult:
        """Send the rows of one group until all are decided, time is up, or the request is at fault."""
        authorization, lists = group
        rows = [decision.row for decision in decisions if decision.row]
        upsert = Upsert(rows, lists, limits, self._invocation.clock)
        summary = self._invocation.summary
        try:
            result = self._send(upsert, authorization)
        except RetryLater as error:
            summary.faults.append(str(error))
            result = upsert.result()
        except StopRun as error:
            result = replace(upsert.result(), fault=UpsertFault(str(error)))
        if result.accepted:
            self.accepting.add(authorization)
        self.unnamed |= result.unnamed
        if result.last_error and result.fault is None:
            summary.faults.append(f"rows are left undecided: {result.last_error}")
        if result.retry_epoch_s is not None:
            self.retry_epoch_s = max(result.retry_epoch_s, self.retry_epoch_s or 0)
        return result

    def _send(self, upsert: Upsert, authorization: str) -> UpsertResult:
        """Make one request after the other.

        Raises:
            RetryLater: a queue or the authorization is not available; nothing more is sent.
            StopRun: a queue or the authorization needs an operator.
        """
        invocation, contacts = self._invocation, self._contacts(authorization)
        while request := upsert.next_request(contacts.not_before(), invocation.sending_ends_s):
            if (wait_s := request.start_epoch_s - invocation.clock.now()) > 0:
                invocation.clock.sleep(wait_s)
            sent_ms = invocation.now_ms()
            invocation.summary.count("requests")
            self.refreshes.before_request(request.rows, sent_ms)
            verdict = contacts.upsert(request.body, request.timeout_s)
            match verdict:
                # A bare address changes no row, so nothing follows it.
                case Accepted(job) if request.extent is not RowExtent.BARE:
                    self.refreshes.after_acceptance(request.rows, sent_ms)
                    self._queue_import(authorization, request, job, sent_ms)
                case Unanswered():
                    self.refreshes.after_lost_answer(request.rows, sent_ms)
            upsert.settle(request, verdict, sent_ms)
        return upsert.result(contacts.not_before())

    def _queue_import(self, authorization: str, request: UpsertRequest, job: str, sent_ms: int) -> None:
        """Have confirm follow the job, before anything is committed: no job goes unread."""
        decisions = [self._decisions[row.key] for row in request.rows]
        runs = {run for decision in decisions for run in decision.contact.runs}
        contacts = {
            decision.contact.email: ImportedContact(
                decision.view.export.name, _sent_row(decision, request.extent), decision.contact.attempt
            )
            for decision in decisions
        }
        self._outbox.queue_import(ImportMessage(authorization, job, sent_ms, tuple(sorted(runs)), contacts))
        self._invocation.summary.jobs.append(job)
        # Only now: a run would wait forever for a job that nobody follows.
        for run in runs:
            self.jobs.setdefault(run, set()).add(job)


def _sent_row(decision: Decision, extent: RowExtent) -> str:
    """Return the hash by which the job's refusal of the row is tied to its contact."""
    return without_fields(decision.hash) if extent is RowExtent.MEMBERSHIPS else decision.sent_row
