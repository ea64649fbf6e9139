"""What is queued around each request, so that the end is right in whatever order SendGrid works its jobs off.

Another request may still be in flight for a contact: an earlier one that the ledger names (its ``sent`` is young), one
of this consumer that lost its race, or one of a consumer that died. Then the contact is sent once more, later: a
``refresh``, stamped with this request's ``sent``, is queued before the request.

A message that was put back carries what is left to follow itself: it says that it is uncertain. Its refreshes are
queued with the answer instead, just before the commit: while SendGrid is out, every try of every such message would
leave a refresh, and every refresh would do the same, until the queue is full of them.
"""

from collections.abc import Iterable, Sequence

from functions.deliver.batch import Batch, Summary, Task
from functions.deliver.outbox import Outbox
from functions.deliver.row import without_fields
from functions.deliver.row_queue import Form, Row
from lytics_sendgrid.queues.imports import ImportedContact, ImportMessage


class RequestFollowers:
    """Those of the requests that one batch makes with one authorization."""

    def __init__(self, batch: Batch, authorization: str, outbox: Outbox, summary: Summary) -> None:
        self._batch = batch
        self._authorization = authorization
        self._outbox = outbox
        self._summary = summary
        self._young_ms = outbox.refresh_delay_s * 1000

    def before_request(self, rows: Sequence[Row], sent_ms: int) -> None:
        """Queue a refresh for every contact to whom another request may still be in flight."""
        self._summary.count("requests")
        tasks = [
            task
            for task in self._tasks(rows)
            if task.refresh_ms is None and (task.fresh or task.sent_before) and self._races(task, sent_ms)
        ]
        self._refresh(tasks, sent_ms, sent_ms)

    def accepted(self, rows: Sequence[Row], job: str, sent_ms: int, form: Form) -> None:
        """Have the job followed, before anything is committed: no job goes unread, but one that changes no row.

        A refresh that was stamped with an earlier try of the request would be dropped for this one.
        """
        if form is Form.BARE:
            return
        tasks = list(self._tasks(rows))
        for task in tasks:
            task.uncertain = True
        later = [t for t in tasks if (t.refresh_ms or 0) < sent_ms and self._races(t, sent_ms)]
        self._refresh(later, sent_ms, sent_ms)
        runs = {run for task in tasks for run in task.runs}
        contacts = {
            t.email: ImportedContact(t.view.export.name, _sent_row(t, form), t.attempt) for t in tasks
        }
        self._outbox.follow(ImportMessage(self._authorization, job, sent_ms, tuple(sorted(runs)), contacts))
        self._summary.jobs.append(job)
        # Only now: of a job that nobody follows no run would ever hear that it has ended.
        for run in runs:
            self._batch.jobs.setdefault(run, set()).add(job)

    def answer_lost(self, rows: Sequence[Row], sent_ms: int) -> None:
        """Queue a refresh: the request may have left an import job that nobody follows.

        Once a contact; and none where the message is a refresh, or came back: it is put back as what it is.
        """
        tasks = [t for t in self._tasks(rows) if not (t.uncertain or t.returned or t.refreshes)]
        for task in self._tasks(rows):
            task.uncertain = True
        queue_refresh(self._outbox, tasks, sent_ms, sent_ms)

    def _tasks(self, rows: Sequence[Row]) -> Iterable[Task]:
        return (self._batch.tasks[row.key] for row in rows)

    def _races(self, task: Task, sent_ms: int) -> bool:
        last_ms = max(task.loaded.sent_ms, task.loaded.latest_ms)
        return task.sent_before or task.returned or sent_ms - last_ms < self._young_ms

    def _refresh(self, tasks: Sequence[Task], stamp_ms: int, now_ms: int) -> None:
        queue_refresh(self._outbox, tasks, stamp_ms, now_ms)
        for task in tasks:
            task.refresh_ms = stamp_ms


def _sent_row(task: Task, form: Form) -> str:
    """Return the hash that a job's refusal of the row is tied to its contact by."""
    return without_fields(task.hash) if form is Form.MEMBERSHIPS else task.sent_row


def follow_returned(outbox: Outbox, tasks: Iterable[Task], now_ms: int) -> None:
    """Have the contacts of messages that came back sent once more, where no refresh is queued for them yet.

    A dead consumer may have left a request that nobody knows, so nobody who sends meanwhile takes this duty over: the
    stamp is the time when that request is certainly worked off.
    """
    returned = [task for task in tasks if task.returned and task.refresh_ms is None]
    stamp_ms = now_ms + outbox.refresh_delay_s * 1000
    queue_refresh(outbox, returned, stamp_ms, now_ms)
    for task in returned:
        task.refresh_ms = stamp_ms


def queue_refresh(outbox: Outbox, tasks: Iterable[Task], stamp_ms: int, now_ms: int) -> None:
    """Queue a refresh for contacts, each by the export that its change came by."""
    exports: dict[str, list[tuple[str, int]]] = {}
    for task in tasks:
        exports.setdefault(task.view.export.name, []).append((task.email, task.attempt))
    if exports:
        outbox.refresh(exports, stamp_ms, now_ms)
