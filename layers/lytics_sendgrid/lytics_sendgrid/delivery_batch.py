"""The book-keeping of one batch of messages: which contact each change is for, and what is left of each message."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from lytics_sendgrid.change import Change, Kind, Message
from lytics_sendgrid.configuration import Export
from lytics_sendgrid.configuration_cache import View
from lytics_sendgrid.contact import UNKNOWN, Contact, ContactKey, contact_key
from lytics_sendgrid.errors import LyticsSendGridError
from lytics_sendgrid.outbox import Outbox
from lytics_sendgrid.upsert import Row

MAX_HOPS: Final = 500
"""How often changes are put back before they are left to the dead-letter queue: over five days at 15 minutes each."""
_FIRST_DELAY_S: Final = 5
_LONGEST_DELAY_S: Final = 900


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
        delay_s: for how long its changes have to wait; None: they need not.
        left: it stays on the queue as it is.
        account: whose contacts its changes are for; None: they are not taken in.
    """

    received: Received
    message: Message
    delay_s: float | None = None
    left: bool = False
    account: str | None = None


@dataclass(slots=True)
class Task:
    """What a batch has for one contact, and how far that has come.

    Attributes:
        key: the contact's.
        email: the contact's.
        view: its export's configuration; of several exports, the first one's.
        changes: each with its export.
        returned: one of its messages came back, so a dead consumer may have sent for it.
        stamp_ns: of its refreshes, the latest stamp.
        sent_before: this consumer has sent for it, and has not committed that.
        uncertain: this consumer may have sent for it: the answer was lost.
        loaded: the ledger's state in this round.
        state: the state to commit; None: none yet.
        row: the row to send; None: none.
        hash: of the row that the state implies.
        decided: it is done.
        outcome: for counting, once it is decided.
    """

    key: ContactKey
    email: str
    view: View
    changes: list[tuple[Change, Export]] = field(default_factory=list)
    returned: bool = False
    stamp_ns: int | None = None
    sent_before: bool = False
    uncertain: bool = False
    loaded: Contact = UNKNOWN
    state: Contact | None = None
    row: Row | None = None
    hash: str = ""
    decided: bool = False
    outcome: str = "unchanged"


@dataclass(slots=True)
class RunDone:
    """What a batch has committed of one run."""

    numbers: set[str] = field(default_factory=set)
    jobs: set[str] = field(default_factory=set)
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
        faults: what went wrong, in words.
        stopped: exports whose changes wait, and why.
    """

    messages: int = 0
    changes: int = 0
    contacts: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    failed: list[str] = field(default_factory=list)
    put_back: int = 0
    faults: list[str] = field(default_factory=list)
    stopped: dict[str, str] = field(default_factory=dict)

    def count(self, name: str, by: int = 1) -> None:
        """Add to a count."""
        if by:
            self.counts[name] += by


class Batch:
    """Messages that are delivered together.

    Attributes:
        letters: the messages.
        tasks: what they hold, by contact.
        jobs: run to the import jobs that carry its changes.
        delay_s: for how long what is left has to wait; None: a back-off.
        until_epoch_s: when SendGrid takes requests again, where it said so.
    """

    def __init__(self, letters: Sequence[Letter]) -> None:
        self.letters = letters
        self.tasks: dict[ContactKey, Task] = {}
        self.jobs: dict[str, set[str]] = {}
        self.delay_s: float | None = None
        self.until_epoch_s: float | None = None
        self._runs_of: dict[ContactKey, set[str]] = {}

    def add(self, letter: Letter, view: View) -> None:
        """Take in a message's changes."""
        message = letter.message
        returned = letter.received.receives > 1 or message.uncertain
        account, export = view.export.account, view.export
        letter.account = account
        for change in message.changes:
            key = contact_key(account, change.email)
            task = self.tasks.get(key)
            if task is None:
                task = self.tasks[key] = Task(key, change.email, view, returned=returned)
            task.changes.append((change, export))
            if returned:
                task.returned = True
            if change.kind is Kind.REFRESH:
                task.stamp_ns = max(task.stamp_ns or 0, change.time_ns)
            if message.run is not None:
                self._runs_of.setdefault(key, set()).add(message.run)

    def undecided(self) -> list[Task]:
        """Return the tasks that are not done."""
        return [task for task in self.tasks.values() if not task.decided]

    def runs_of(self, task: Task) -> Iterable[str]:
        """Return the runs whose backfill wrote one of a task's changes."""
        return self._runs_of.get(task.key, ())

    def runs(self) -> dict[str, RunDone]:
        """Return what is committed of each run."""
        runs: dict[str, RunDone] = {run: RunDone(jobs=jobs) for run, jobs in self.jobs.items()}
        for letter in self.letters:
            message = letter.message
            if message.run is not None and message.number is not None and not self._leftover(letter):
                runs.setdefault(message.run, RunDone()).numbers.add(message.number)
        for key, names in self._runs_of.items():
            task = self.tasks[key]
            for run in names if task.decided else ():
                runs.setdefault(run, RunDone()).counts[task.outcome] += 1
        return runs

    def unrecorded(self) -> None:
        """Have the messages of runs delivered again: that they are committed could not be recorded."""
        for letter in self.letters:
            if letter.message.run is not None:
                letter.account = None

    def put_back(
        self, outbox: Outbox, jitter: Callable[[], float], now_epoch_s: float, summary: Summary
    ) -> None:
        """Pack what is left of each message into a new, delayed one."""
        by_delay: dict[float, list[tuple[Letter, Message]]] = {}
        for letter in self.letters:
            changes = () if letter.left else self._leftover(letter)
            if not changes:
                continue
            if letter.message.hops >= MAX_HOPS:
                summary.failed.append(letter.received.id)
                summary.faults.append(
                    f"changes of export '{letter.message.export}' were put back {MAX_HOPS} times"
                )
                continue
            message = replace(
                letter.message,
                changes=changes,
                hops=letter.message.hops + 1,
                uncertain=self._is_uncertain(letter),
            )
            by_delay.setdefault(self._delay_s(letter, now_epoch_s), []).append((letter, message))
        for delay_s, group in by_delay.items():
            letters = [letter for letter, _ in group]
            put_back([m for _, m in group], letters, int(delay_s * (1 + jitter() / 4)), outbox, summary)

    def _leftover(self, letter: Letter) -> tuple[Change, ...]:
        account = letter.account
        if account is None:
            return letter.message.changes
        tasks = self.tasks
        return tuple(c for c in letter.message.changes if not tasks[contact_key(account, c.email)].decided)

    def _is_uncertain(self, letter: Letter) -> bool:
        if letter.message.uncertain or letter.received.receives > 1:
            return True
        account = letter.account
        if account is None:
            return False
        tasks = (self.tasks[contact_key(account, change.email)] for change in letter.message.changes)
        return any(not task.decided and (task.sent_before or task.uncertain) for task in tasks)

    def _delay_s(self, letter: Letter, now_epoch_s: float) -> float:
        if letter.delay_s is not None:
            return letter.delay_s
        if self.delay_s is not None:
            return self.delay_s
        if self.until_epoch_s is not None:
            return min(max(self.until_epoch_s - now_epoch_s, 1), _LONGEST_DELAY_S)
        return float(min(_FIRST_DELAY_S << min(letter.message.hops, 8), _LONGEST_DELAY_S))


def put_back(
    messages: Sequence[Message], letters: Sequence[Letter], delay_s: int, outbox: Outbox, summary: Summary
) -> None:
    """Put messages back as new ones; where that fails too, name the ones they came from as failed."""
    try:
        outbox.requeue(messages, delay_s)
        summary.put_back += len(messages)
    except LyticsSendGridError as error:
        summary.failed += [letter.received.id for letter in letters]
        summary.faults.append(str(error))
