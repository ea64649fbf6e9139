"""Deliver changes: send to SendGrid, then commit to the ledger.

The guarantee: when ``deliver`` returns, every change of every message that it does not name as failed is in SendGrid
and in the ledger, or on a queue, or on the rejects queue with its reason. A crash anywhere leaves the messages on the
queue and the ledger behind, never ahead.
"""

import itertools
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Final, Protocol

from lytics_sendgrid.change import UnknownVersion, decode
from lytics_sendgrid.configuration_cache import View
from lytics_sendgrid.contact import UNKNOWN, Contact, ContactKey, Rejection
from lytics_sendgrid.delivery_batch import Batch, Letter, Received, Summary, Task, put_back
from lytics_sendgrid.errors import RetryLater, StopRun
from lytics_sendgrid.exports_table import Stop
from lytics_sendgrid.ledger import Commit
from lytics_sendgrid.merge import merge
from lytics_sendgrid.outbox import Import, Outbox, Queue
from lytics_sendgrid.rejects import reject_body
from lytics_sendgrid.row import membership_row, row_hash, row_of
from lytics_sendgrid.upsert import Contacts, Pace, Row, Upsert, Upserted

SUSPECT_RECEIVES: Final = 3
"""A message that was received so often may have killed its consumer: it is handled last and alone."""
STOP_S: Final = 900
"""How long a stopped export's changes wait until the next try, which is SQS' longest delay."""
CONTACTS_AT_ONCE: Final = 60_000
"""A full event of bare addresses holds over 200,000: loaded together they would take 600 MB, and longer to commit than
is kept for it. One of whole profiles holds fewer, and cutting those would cost requests to SendGrid."""
_ROUNDS: Final = 8
"""How often a lost race is repeated in one invocation."""


class LedgerTable(Protocol):
    """The ledger."""

    def load(self, keys: Iterable[ContactKey]) -> dict[ContactKey, Contact]: ...  # noqa: D102

    def commit(  # noqa: D102
        self, commits: Sequence[Commit], loaded: dict[ContactKey, Contact]
    ) -> set[ContactKey]: ...


class Views(Protocol):
    """The exports' configurations."""

    def view(self, export: str, at_least_version: int = 0) -> View | None: ...  # noqa: D102

    def forget(self, export: str) -> None: ...  # noqa: D102


class Runs(Protocol):
    """The part of the exports table that deliver writes."""

    def put_stop(self, export: str, stop: Stop) -> None: ...  # noqa: D102

    def clear_stop(self, export: str) -> None: ...  # noqa: D102

    def record_done(  # noqa: D102
        self,
        run: str,
        numbers: Iterable[str],
        jobs: Iterable[str],
        now_s: int,
        counts: dict[str, int] | None = None,
    ) -> None: ...


class Delivery:
    """Delivers batches of messages. One instance serves a process' whole life."""

    def __init__(
        self,
        *,
        ledger: LedgerTable,
        views: Views,
        runs: Runs,
        outbox: Outbox,
        rejects: Queue,
        contacts: Callable[[str], Contacts],
        pace: Pace,
    ) -> None:
        self._ledger = ledger
        self._views = views
        self._runs = runs
        self._outbox = outbox
        self._rejects = rejects
        self._contacts = contacts
        self._pace = pace

    def deliver(self, received: Sequence[Received], deadline_epoch_s: float) -> Summary:
        """Deliver the changes of a batch of messages.

        Args:
            received: the messages, in any order.
            deadline_epoch_s: when the invocation ends, Unix seconds.

        Returns:
            What was done; ``failed`` names the messages that have to be received again.
        """
        summary = Summary(messages=len(received))
        letters = self._opened(received, summary)
        ordinary = [letter for letter in letters if not _is_suspect(letter)]
        suspects = [letter for letter in letters if _is_suspect(letter)]
        if ordinary:
            self._together(ordinary, deadline_epoch_s, summary)
        if len(suspects) == 1:
            self._together(suspects, deadline_epoch_s, summary)
        elif suspects:
            self._part(suspects, summary)
        return summary

    def _opened(self, received: Sequence[Received], summary: Summary) -> list[Letter]:
        letters = []
        for one in received:
            try:
                letters.append(Letter(one, decode(one.body)))
            except UnknownVersion:
                summary.failed.append(one.id)
            except ValueError as error:
                try:
                    self._rejects.send([reject_body("bad_message", str(error), "deliver", "", one.body)])
                    summary.count("rejected.bad_message")
                except RetryLater:
                    summary.failed.append(one.id)
        return letters

    def _part(self, suspects: Sequence[Letter], summary: Summary) -> None:
        """Put suspects back in two halves, far apart: the half without the killer is delivered, the other halved again."""
        shuffled = sorted(suspects, key=lambda _: self._pace.jitter())
        middle = len(shuffled) // 2
        for half, delay_s in ((shuffled[:middle], 0), (shuffled[middle:], STOP_S)):
            put_back(
                [replace(x.message, suspect=True, uncertain=True) for x in half],
                half,
                delay_s,
                self._outbox,
                summary,
            )

    def _together(self, letters: Sequence[Letter], deadline_epoch_s: float, summary: Summary) -> None:
        batch = Batch(letters)
        try:
            self._address(batch, summary)
            self._announce_returned(batch)
            self._rounds(batch, deadline_epoch_s, summary)
            self._record(batch, summary)
        except RetryLater as error:
            summary.faults.append(str(error))
        except StopRun as error:
            summary.faults.append(str(error))
            batch.delay_s = STOP_S
            summary.stopped |= {task.view.export.name: str(error) for task in batch.undecided()}
        batch.put_back(self._outbox, self._pace.jitter, self._pace.clock(), summary)

    def _address(self, batch: Batch, summary: Summary) -> None:
        """Group the changes by contact, and set aside the messages of exports that are unknown or stopped."""
        now_ms = int(self._pace.clock() * 1000)
        for letter in batch.letters:
            view = self._views.view(letter.message.export, letter.message.config)
            if view is None:
                letter.left = True
                summary.failed.append(letter.received.id)
                summary.faults.append(f"there is no export '{letter.message.export}'")
            elif view.stop is not None and view.stop.until_ms > now_ms:
                letter.delay_s = (view.stop.until_ms - now_ms) / 1000
            else:
                batch.add(letter, view)
        summary.changes += sum(len(letter.message.changes) for letter in batch.letters)
        summary.contacts += len(batch.tasks)

    def _announce_returned(self, batch: Batch) -> None:
        """Have the contacts of messages that came back sent once more: a dead consumer may have left a request."""
        returned: dict[str, list[str]] = {}
        for task in batch.tasks.values():
            if task.returned:
                returned.setdefault(task.view.export.name, []).append(task.email)
        if returned:
            now_ms = int(self._pace.clock() * 1000)
            self._outbox.refresh(returned, now_ms, now_ms)

    def _rounds(self, batch: Batch, deadline_epoch_s: float, summary: Summary) -> None:
        """Decide all contacts, so many at a time as memory and the time that is kept for a commit allow."""
        for number, part in enumerate(itertools.batched(batch.undecided(), CONTACTS_AT_ONCE)):
            if number and self._is_late(deadline_epoch_s):
                return
            tasks = [task for task in part if task.view.export.name not in summary.stopped]
            self._decide(batch, tasks, deadline_epoch_s, summary)
            for task in part:
                task.loaded, task.state, task.row = UNKNOWN, None, None

    def _decide(self, batch: Batch, pending: list[Task], deadline_epoch_s: float, summary: Summary) -> None:
        """Load, plan, send and commit contacts, and again those that lost a race."""
        for number in range(_ROUNDS):
            if not pending or (number and self._is_late(deadline_epoch_s)):
                return
            loaded = self._ledger.load(task.key for task in pending)
            newest = max(contact.configuration for contact in loaded.values())
            for task in pending:
                if newest > task.view.form.version:
                    task.view = self._views.view(task.view.export.name, newest) or task.view
                self._plan(task, loaded[task.key])
            self._send(batch, [task for task in pending if task.row is not None], deadline_epoch_s, summary)
            pending = self._commit(pending, loaded, summary)

    def _is_late(self, deadline_epoch_s: float) -> bool:
        return self._pace.clock() > deadline_epoch_s - self._pace.reserve_s

    def _plan(self, task: Task, contact: Contact) -> None:
        """Decide what is to be done for a contact: send and commit, commit, or nothing."""
        task.loaded, task.row, task.state = contact, None, None
        merged = merge(contact, task.changes)
        forced = task.sent_before
        if task.stamp_ns is not None and contact.version:
            forced = forced or contact.sent_ms * 1_000_000 <= task.stamp_ns
        form = task.view.form
        if (
            merged is contact
            and not forced
            and (contact.configuration == form.version or not contact.version)
        ):
            task.decided = True
            return
        text = row_of(task.email, merged, form)
        task.hash = row_hash(text, merged.lists)
        refused = merged is contact and contact.rejection is not None and contact.rejection.row == task.hash
        task.state = merged
        if forced or not (task.hash == contact.row or refused):
            task.row = Row(task.key, task.email, text, lambda: membership_row(task.email, merged, form))
        elif merged is contact:
            task.decided = True

    def _send(self, batch: Batch, tasks: Sequence[Task], deadline_epoch_s: float, summary: Summary) -> None:
        groups: dict[tuple[str, tuple[str, ...]], list[Task]] = {}
        for task in tasks:
            lists = task.state.lists if task.state is not None else ()
            groups.setdefault((task.view.export.authorization, lists), []).append(task)
        for (authorization, lists), group in groups.items():
            upsert = Upsert(
                self._contacts(authorization),
                _Followers(batch, authorization, self._outbox, summary),
                self._pace,
                lists,
            )
            result = upsert.run([task.row for task in group if task.row is not None], deadline_epoch_s)
            self._take(batch, group, result, summary)

    def _take(self, batch: Batch, group: Sequence[Task], result: Upserted, summary: Summary) -> None:
        now_ms = int(self._pace.clock() * 1000)
        for task in group:
            state = task.state
            if state is None:
                continue
            if sent := result.sent.get(task.key):
                task.sent_before = True
                rejection = None if sent.words is None else Rejection("fields", sent.words, task.hash, now_ms)
                state = replace(state, job=sent.job, sent_ms=sent.sent_ms, row=task.hash, rejection=rejection)
                task.state = replace(state, configuration=task.view.form.version)
            elif (words := result.refused.get(task.key)) is not None:
                task.state = replace(state, rejection=Rejection("address", words, task.hash, now_ms))
            else:
                task.state = None
                task.uncertain = task.uncertain or task.key in result.uncertain
        exports = {task.view.export.name for task in group}
        if result.fault is not None:
            for export in {task.view.export.name for task in group if task.state is None}:
                self._stop(export, result.fault, now_ms, summary)
            batch.delay_s = STOP_S
        else:
            for export in exports if result.sent else ():
                view = self._views.view(export)
                if view is not None and view.stop is not None:
                    self._runs.clear_stop(export)
                    self._views.forget(export)
        if result.until_epoch_s is not None:
            batch.until_epoch_s = result.until_epoch_s

    def _stop(self, export: str, fault: str, now_ms: int, summary: Summary) -> None:
        reason = (
            f"SendGrid refuses the export's requests: {fault}. Nobody is rejected; the changes wait. Mend the cause "
            f"(run the export again to see what is missing); it is tried again every {STOP_S // 60} minutes"
        )
        self._runs.put_stop(export, Stop(reason, now_ms, now_ms + STOP_S * 1000))
        self._views.forget(export)
        summary.stopped[export] = reason

    def _commit(
        self, tasks: Sequence[Task], loaded: dict[ContactKey, Contact], summary: Summary
    ) -> list[Task]:
        """Commit what was sent or only moves a time; return the tasks that lost their race."""
        committing = {t.key: (t, t.state) for t in tasks if t.state is not None and not t.decided}
        commits = [Commit(key, state) for key, (_, state) in committing.items()]
        lost = self._ledger.commit(commits, loaded) if commits else set()
        summary.count("lost_races", len(lost))
        for key, (task, state) in committing.items():
            if key not in lost:
                task.decided = True
                if task.row is not None:
                    task.outcome = (
                        "accepted" if state.rejection is None else f"rejected.{state.rejection.reason}"
                    )
        return [committing[key][0] for key in lost]

    def _record(self, batch: Batch, summary: Summary) -> None:
        """Tell each run what of it is committed. Counts of a part that is delivered later come with that part."""
        for task in batch.tasks.values():
            if task.decided:
                summary.count(task.outcome)
        now_s = int(self._pace.clock())
        try:
            for run, done in batch.runs().items():
                self._runs.record_done(run, done.numbers, done.jobs, now_s, done.counts)
        except RetryLater:
            batch.unrecorded()
            raise


def _is_suspect(letter: Letter) -> bool:
    receives = letter.received.receives
    return receives >= SUSPECT_RECEIVES or (letter.message.suspect and receives > 1)


class _Followers:
    """Writes what the rules of order ask for around each request."""

    def __init__(self, batch: Batch, authorization: str, outbox: Outbox, summary: Summary) -> None:
        self._batch = batch
        self._authorization = authorization
        self._outbox = outbox
        self._summary = summary

    def before_request(self, rows: Sequence[Row], sent_ms: int) -> None:
        """Queue a refresh for every contact to whom another request may still be in flight."""
        self._summary.count("requests")
        young_ms = self._outbox.refresh_delay_s * 1000
        exports: dict[str, list[str]] = {}
        for row in rows:
            task = self._batch.tasks[row.key]
            if task.sent_before or task.returned or sent_ms - task.loaded.sent_ms < young_ms:
                exports.setdefault(task.view.export.name, []).append(row.email)
        if exports:
            self._outbox.refresh(exports, sent_ms, sent_ms)

    def accepted(self, rows: Sequence[Row], job: str, sent_ms: int) -> None:
        """Have the job followed, before anything is committed: no job goes unread."""
        tasks = [self._batch.tasks[row.key] for row in rows]
        for task in tasks:
            task.uncertain = True
        runs = {run for task in tasks for run in self._batch.runs_of(task)}
        for run in runs:
            self._batch.jobs.setdefault(run, set()).add(job)
        contacts = {task.email: (task.view.export.name, task.hash) for task in tasks}
        self._outbox.follow(Import(self._authorization, job, sent_ms, tuple(sorted(runs)), contacts))

    def answer_lost(self, rows: Sequence[Row], sent_ms: int) -> None:
        """Queue a refresh: the request may have left an import job that nobody follows."""
        exports: dict[str, list[str]] = {}
        for row in rows:
            exports.setdefault(self._batch.tasks[row.key].view.export.name, []).append(row.email)
        self._outbox.refresh(exports, sent_ms, sent_ms)
