"""Deliver changes: send to SendGrid, then commit to the ledger.

The guarantee: when ``deliver`` returns, every change of every message that it does not name as failed is in SendGrid
and in the ledger, or on a queue. A crash anywhere leaves the messages on the
queue and the ledger behind, never ahead.
"""

import itertools
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final, Protocol

from functions.deliver.batch import Batch, Letter, Received, Summary, Task
from functions.deliver.decide import decide, needs_the_newest
from functions.deliver.export_views import View
from functions.deliver.groups import Sending, Stops
from functions.deliver.outbox import Outbox
from functions.deliver.put_back import Repacker
from functions.deliver.refreshes import follow_returned
from functions.deliver.upsert import LEAST_READ_TIMEOUT_S, Contacts, Pace
from lytics_sendgrid.domain.contact import UNKNOWN, Commit, Contact, ContactKey
from lytics_sendgrid.errors import LyticsSendGridError, RetryLater, StopRun
from lytics_sendgrid.queues.changes import UnknownVersion, decode

CONTACTS_AT_ONCE: Final = 60_000
"""A full event of bare addresses holds over 200,000: loaded together they would take 600 MB, and longer to commit than
is kept for it. One of whole profiles holds fewer, and cutting those would cost requests to SendGrid."""
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


class Runs(Stops, Protocol):
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
    """Delivers batches of messages. One instance serves a process' whole life."""

    def __init__(
        self,
        *,
        ledger: LedgerTable,
        views: Views,
        runs: Runs,
        outbox: Outbox,
        contacts: Callable[[str], Contacts],
        pace: Pace,
    ) -> None:
        self._ledger = ledger
        self._views = views
        self._runs = runs
        self._outbox = outbox
        self._pace = pace
        self._sending = Sending(contacts, outbox, runs, views.forget, pace)
        self._repacker = Repacker(outbox, pace.jitter, pace.clock)

    def deliver(self, received: Sequence[Received], deadline_epoch_s: float) -> Summary:
        """Deliver the changes of a batch of messages.

        Args:
            received: the messages, in any order.
            deadline_epoch_s: when the invocation ends, Unix seconds.

        Returns:
            What was done; ``failed`` names the messages that have to be received again.
        """
        summary = Summary(messages=len(received))
        letters, views = self._known(self._opened(received, summary), summary)
        suspects = [letter for letter in letters if letter.is_suspect]
        ordinary = [letter for letter in letters if not letter.is_suspect]
        if ordinary:
            self._together(ordinary, views, deadline_epoch_s, summary)
        if len(suspects) > 1:
            self._repacker.part(suspects, summary)
        elif suspects:
            self._together(suspects, views, deadline_epoch_s, summary)
        return summary

    def _opened(self, received: Sequence[Received], summary: Summary) -> list[Letter]:
        """Read the messages. One that cannot be read stays, for the dead-letter queue, which keeps it whole."""
        letters = []
        for one in received:
            try:
                letters.append(Letter(one, decode(one.body)))
            except UnknownVersion as error:
                summary.failed.append(one.id)
                summary.faults.append(str(error))
            except ValueError:  # its words may hold anybody's data
                summary.failed.append(one.id)
                summary.faults.append(
                    "a message is none of changes: its dead-letter queue keeps it, with what is wrong"
                )
        return letters

    def _together(
        self,
        letters: Sequence[Letter],
        views: Mapping[str, View],
        deadline_epoch_s: float,
        summary: Summary,
    ) -> None:
        batch = Batch(letters)
        least_s = self._pace.reserve_s + LEAST_READ_TIMEOUT_S
        try:
            if self._pace.clock() + least_s <= deadline_epoch_s:
                self._take_in(batch, views, summary)
                self._rounds(batch, deadline_epoch_s, summary)
        except RetryLater as error:
            summary.faults.append(str(error))
        except StopRun as error:
            summary.faults.append(str(error))
            summary.stopped |= {task.view.export.name: str(error) for task in batch.undecided()}
        self._record(batch, summary)
        self._repacker.put_back(batch, summary)

    def _known(self, letters: Sequence[Letter], summary: Summary) -> tuple[list[Letter], dict[str, View]]:
        """Leave out the messages of exports that there are not: they stay on the queue, for the dead-letter queue."""
        versions: dict[str, int] = {}
        for letter in letters:
            message = letter.message
            versions[message.export] = max(versions.get(message.export, 0), message.config)
            summary.changes += len(message.changes)
            if message.request is not None:
                summary.requests.append(message.request)
        try:
            found = {export: self._views.view(export, version) for export, version in versions.items()}
        except LyticsSendGridError as error:
            summary.faults.append(str(error))
            self._repacker.put_back(Batch(letters), summary)
            return [], {}
        views = {export: view for export, view in found.items() if view is not None}
        for letter in letters:
            if letter.message.export not in views:
                summary.failed.append(letter.received.id)
                summary.waits(letter.message)
        summary.faults += [f"there is no export '{export}'" for export in found.keys() - views.keys()]
        return [letter for letter in letters if letter.message.export in views], views

    def _take_in(self, batch: Batch, views: Mapping[str, View], summary: Summary) -> None:
        """Group the changes by contact, and set aside the messages of stopped exports."""
        now_ms = int(self._pace.clock() * 1000)
        for letter in batch.letters:
            view = views[letter.message.export]
            if view.stop is not None and view.stop.until_ms > now_ms:
                letter.delay_s = (view.stop.until_ms - now_ms) / 1000
            else:
                batch.add(letter, view)
        summary.contacts += len(batch.tasks)

    def _rounds(self, batch: Batch, deadline_epoch_s: float, summary: Summary) -> None:
        """Decide all contacts, so many at a time as memory and the time that is kept for a commit allow."""
        for number, part in enumerate(itertools.batched(batch.undecided(), CONTACTS_AT_ONCE)):
            if number and self._is_late(deadline_epoch_s):
                return
            tasks = [task for task in part if task.view.export.name not in summary.stopped]
            self._bring(batch, tasks, deadline_epoch_s, summary)
            for task in part:
                task.loaded, task.state, task.row = UNKNOWN, UNKNOWN, None

    def _bring(self, batch: Batch, pending: list[Task], deadline_epoch_s: float, summary: Summary) -> None:
        """Load, merge, send and commit; and all over again for those who lost the race of their commit."""
        for number in range(_ROUNDS):
            if not pending or (number and self._is_late(deadline_epoch_s)):
                return
            # A reader that is behind would lose again: half price is for the first try.
            loaded = self._ledger.load([task.key for task in pending], consistent=number > 0)
            if not number and (keys := [t.key for t in pending if needs_the_newest(t, loaded[t.key])]):
                loaded |= self._ledger.load(keys, consistent=True)
            self._read_newer_views(pending, loaded)
            for task in pending:
                decide(task, loaded[task.key])
            self._sending.send(batch, [task for task in pending if task.row], deadline_epoch_s, summary)
            self._record_jobs(batch)
            pending = self._commit(pending, loaded, summary)

    def _record_jobs(self, batch: Batch) -> None:
        """Tell each run of the jobs that carry its changes before anything is committed.

        Whoever comes after a death in between finds nothing to send, and could not tell the run that a job is under way.
        """
        now_s = int(self._pace.clock())
        for run, jobs in batch.jobs.items():
            self._runs.record_done(run, (), jobs, now_s)
        batch.jobs.clear()

    def _is_late(self, deadline_epoch_s: float) -> bool:
        return self._pace.clock() + self._pace.reserve_s > deadline_epoch_s

    def _read_newer_views(self, tasks: Sequence[Task], loaded: Mapping[ContactKey, Contact]) -> None:
        """Read configurations again where a contact was sent with a newer one than is in memory."""
        newest: dict[str, int] = {}
        for task in tasks:
            account, version = task.view.export.account, loaded[task.key].configuration
            newest[account] = max(newest.get(account, 0), version)
        views: dict[str, View | None] = {}
        for task in tasks:
            version = newest[task.view.export.account]
            if version > task.view.form.version:
                for _, export in task.changes:
                    if export.name not in views:
                        views[export.name] = self._views.view(export.name, version)
                task.view = views[task.view.export.name] or task.view
                task.changes = [
                    (change, view.export if (view := views[export.name]) else export)
                    for change, export in task.changes
                ]

    def _commit(
        self, tasks: Sequence[Task], loaded: Mapping[ContactKey, Contact], summary: Summary
    ) -> list[Task]:
        """Commit what was sent or only moves a time; return the tasks that lost their race."""
        idle = [task for task in tasks if not task.commits and task.row is None]
        committing = {task.key: task for task in tasks if task.commits}
        follow_returned(self._outbox, [*idle, *committing.values()], int(self._pace.clock() * 1000))
        for task in idle:
            task.decided = True
        commits = [Commit(key, task.state) for key, task in committing.items()]
        lost = self._ledger.commit(commits, loaded) if commits else set()
        summary.count("lost_races", len(lost))
        for key, task in committing.items():
            task.decided = key not in lost
        return [task for key, task in committing.items() if key in lost]

    def _record(self, batch: Batch, summary: Summary) -> None:
        """Tell each run what of it is committed. Counts of a part that is delivered later come with that part."""
        for task in batch.tasks.values():
            if task.decided:
                summary.count(task.outcome)
        now_s = int(self._pace.clock())
        for run, done in batch.runs().items():
            try:
                self._runs.record_done(run, done.numbers, (), now_s, done.counts)
            except LyticsSendGridError as error:
                summary.faults.append(str(error))
                batch.unrecorded(run)
