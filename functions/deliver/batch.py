"""The book-keeping of one batch of messages: which contact each change is for, and how far each has come."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from functions.deliver.row import without_fields
from lytics_sendgrid.domain.change import Change, Kind, Message
from lytics_sendgrid.domain.contact import UNKNOWN, Contact, ContactKey, contact_key

if TYPE_CHECKING:
    from collections.abc import Sequence

    from functions.deliver.export_views import View
    from functions.deliver.row_queue import Row
    from lytics_sendgrid.domain.configuration import Export

SUSPECT_RECEIVES: Final = 3


@dataclass(frozen=True, slots=True)
class Received:
    """A message as SQS handed it over.

    Attributes:
        id: its message id.
        body: its text.
        receives: how often it was received, this time included.
    """

    id: str
    body: str
    receives: int


@dataclass(slots=True)
class Letter:
    """A received message and its content.

    Attributes:
        received: as SQS handed it over.
        message: what is in it.
        tasks: of its changes, in their order; None: they are not taken in.
        delay_s: for how long its changes have to wait; None: they need not.
        unrecorded: what of it is committed could not be recorded, so all of it is done again.
    """

    received: Received
    message: Message
    tasks: list[Task] | None = None
    delay_s: float | None = None
    unrecorded: bool = False

    @property
    def came_back(self) -> bool:
        """Tell whether an earlier consumer may have left a request that the ledger does not name."""
        return self.received.receives > 1 or self.message.uncertain

    @property
    def is_suspect(self) -> bool:
        """Tell whether it may have killed its consumers: it is handled last and alone."""
        receives = self.received.receives
        return receives >= SUSPECT_RECEIVES or (self.message.suspect and receives > 1)

    def leftover(self) -> tuple[Change, ...]:
        """Return the changes that are not done."""
        if self.tasks is None or self.unrecorded:
            return self.message.changes
        pairs = zip(self.message.changes, self.tasks, strict=True)
        return tuple([change for change, task in pairs if not task.decided])

    def is_uncertain(self) -> bool:
        """Tell whether a request that the ledger does not name may be in flight for what is left of it."""
        if self.came_back:
            return True
        return any(not t.decided and (t.sent_before or t.uncertain) for t in self.tasks or ())


@dataclass(slots=True)
class Task:
    """What a batch has for one contact, and how far that has come.

    Attributes:
        key: the contact's.
        email: the contact's.
        view: its export's configuration; of several exports, the first one's.
        changes: each with its export.
        runs: whose backfill wrote one of them.
        returned: one of its messages came back, so a dead consumer may have sent for it.
        fresh: one of its messages is not one that was put back.
        refreshes: one of its changes is a refresh.
        rejects: one of its changes is a reject.
        hops: how often one of its messages was put back.
        attempt: how many import jobs have failed for it in a row.
        sent_before: this consumer has sent for it, and has not committed that.
        uncertain: this consumer may have sent for it: the answer was lost.
        loaded: the ledger's state in this round.
        state: what the changes make of that.
        commits: the state is to be committed.
        row: the row to send; None: none.
        lists: that the row is sent with.
        hash: of the whole row that the state implies.
        reduced: the row to send is e-mail and memberships alone: a job refused the whole one.
        refresh_ms: stamp of the refresh that was queued for it in this round; None: none was.
        decided: it is done.
        outcome: for counting, once it is decided.
        counted: as what its contact was counted before, where nothing has happened to the person since.
    """

    key: ContactKey
    email: str
    view: View
    changes: list[tuple[Change, Export]] = field(default_factory=list)
    runs: tuple[str, ...] = ()
    returned: bool = False
    fresh: bool = False
    refreshes: bool = False
    rejects: bool = False
    hops: int = 0
    attempt: int = 0
    sent_before: bool = False
    uncertain: bool = False
    loaded: Contact = UNKNOWN
    state: Contact = UNKNOWN
    commits: bool = False
    row: Row | None = None
    lists: tuple[str, ...] = ()
    hash: str = ""
    reduced: bool = False
    refresh_ms: int | None = None
    decided: bool = False
    outcome: str = "unchanged"
    counted: str | None = None

    def is_followed_up(self) -> bool:
        """Tell whether there is nothing new of the person, and only what was sent is seen to."""
        if not self.refreshes and not self.rejects:
            return False
        return all(change.kind in {Kind.REFRESH, Kind.REJECT} for change, _ in self.changes)

    @property
    def sent_row(self) -> str:
        """Return the hash of the row to send."""
        return without_fields(self.hash) if self.reduced else self.hash


@dataclass(slots=True)
class RunDone:
    """What a batch has committed of one run."""

    numbers: set[str] = field(default_factory=set)
    counts: Counter[str] = field(default_factory=Counter)


@dataclass(slots=True)
class Summary:
    """What one invocation did.

    Attributes:
        messages: received.
        changes: in them.
        contacts: that they are for, once each.
        counts: of outcomes, requests and lost races.
        failed: ids of the messages that have to be received again.
        put_back: how many messages were put back as new ones.
        oldest_ms: when the changes were first queued that wait longest of those that are not finished, milliseconds
            since 1970; 0: none wait, or nobody knows since when.
        faults: what went wrong, in words.
        stopped: exports whose changes wait, and why.
        requests: that brought the changes, by API Gateway's ids.
        jobs: import jobs that SendGrid has begun.
    """

    messages: int = 0
    changes: int = 0
    contacts: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    failed: list[str] = field(default_factory=list)
    put_back: int = 0
    oldest_ms: int = 0
    faults: list[str] = field(default_factory=list)
    stopped: dict[str, str] = field(default_factory=dict)
    requests: list[str] = field(default_factory=list)
    jobs: list[str] = field(default_factory=list)

    def waits(self, message: Message) -> None:
        """Know that a message is not finished."""
        if message.queued_ms:
            self.oldest_ms = min(self.oldest_ms or message.queued_ms, message.queued_ms)

    def count(self, name: str, by: int = 1) -> None:
        """Add to a count."""
        if by:
            self.counts[name] += by


class Batch:
    """Messages that are delivered together.

    Attributes:
        letters: the messages.
        tasks: what they hold, by contact.
        jobs: run to the import jobs that carry its changes and that the run has not been told of.
        until_epoch_s: when SendGrid takes requests again, where it said so.
    """

    def __init__(self, letters: Sequence[Letter]) -> None:
        self.letters = letters
        self.tasks: dict[ContactKey, Task] = {}
        self.jobs: dict[str, set[str]] = {}
        self.until_epoch_s: float | None = None

    def add(self, letter: Letter, view: View) -> None:
        """Take in a message's changes."""
        message, export = letter.message, view.export
        returned, fresh, run = letter.came_back, message.hops == 0, message.run
        tasks = letter.tasks = []
        for change in message.changes:
            key = contact_key(export.account, change.email)
            task = self.tasks.get(key)
            if task is None:
                task = self.tasks[key] = Task(key, change.email, view)
            tasks.append(task)
            task.changes.append((change, export))
            if returned:
                task.returned = True
            if fresh:
                task.fresh = True
            else:
                task.hops = max(task.hops, message.hops)
            if change.kind is Kind.REFRESH:
                task.refreshes = True
                task.attempt = max(task.attempt, change.attempt or 0)
            elif change.kind is Kind.REJECT:
                task.rejects = True
            if run is not None and run not in task.runs:
                task.runs += (run,)

    def undecided(self) -> list[Task]:
        """Return the tasks that are not done."""
        return [task for task in self.tasks.values() if not task.decided]

    def runs(self) -> dict[str, RunDone]:
        """Return what is committed of each run; a message's number only once all of it is.

        A person counts once: as what SendGrid has last decided.
        """
        runs: dict[str, RunDone] = {}
        for letter in self.letters:
            message = letter.message
            if message.run is not None and message.number is not None and not letter.leftover():
                runs.setdefault(message.run, RunDone()).numbers.add(message.number)
        for task in self.tasks.values():
            for run in task.runs if task.decided else ():
                counts = runs.setdefault(run, RunDone()).counts
                if task.counted is None:
                    counts[task.outcome] += 1
                elif task.outcome not in {"unchanged", task.counted}:
                    counts[task.counted] -= 1
                    counts[task.outcome] += 1
        return runs

    def unrecorded(self, run: str) -> None:
        """Have a run's messages delivered again: that they are committed could not be recorded."""
        for letter in self.letters:
            if letter.message.run == run:
                letter.unrecorded = True
