"""Take messages in: group their changes by contact, and know what is left of each message at the end."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Self

from functions.deliver.export_views import View
from functions.deliver.received import PendingContact, ReceivedMessage, pending_contact
from lytics_sendgrid.domain.change import Change, Kind
from lytics_sendgrid.domain.contact import ContactKey, contact_key


@dataclass(frozen=True, slots=True)
class Leftover:
    """The changes of a message that are not done.

    Attributes:
        message: the message that they came in.
        changes: the changes.
        uncertain: a request that the ledger does not name may be in flight for their contacts.
        delay_s: how long they must wait at least; None: no longer than any other.
    """

    message: ReceivedMessage
    changes: tuple[Change, ...]
    uncertain: bool
    delay_s: float | None = None

    @classmethod
    def whole(cls, message: ReceivedMessage) -> Self:
        """Return all changes of a message, none of which was taken in."""
        return cls(message, message.content.changes, is_uncertain(message, ()))


@dataclass(slots=True)
class RunDone:
    """What an invocation has committed of one run: whole messages by number, people by outcome and drift."""

    numbers: set[str] = field(default_factory=set)
    counts: Counter[str] = field(default_factory=Counter)


class _Taken(NamedTuple):
    """A message that was taken in: the contact of each change, or how long it must wait."""

    message: ReceivedMessage
    keys: Sequence[ContactKey]
    delay_s: float | None = None


class Intake:
    """Messages that are delivered together.

    Attributes:
        views: the exports' configurations, by name; replaced when a newer version is read.
        contacts: what the messages say, by contact.
        retry_epoch_s: when SendGrid takes requests again, where it said so.
    """

    def __init__(self, messages: Sequence[ReceivedMessage], views: Mapping[str, View], now_ms: int) -> None:
        """Group changes by contact, and set aside the messages of stopped exports."""
        self.views = dict(views)
        self.retry_epoch_s: float | None = None
        self._taken: list[_Taken] = []
        arrivals: dict[ContactKey, list[tuple[Change, ReceivedMessage]]] = {}
        for message in messages:
            view, changes = views[message.content.export], message.content.changes
            if view.stop is not None and view.stop.until_ms > now_ms and not _is_erasure(message):
                self._taken.append(_Taken(message, (), (view.stop.until_ms - now_ms) / 1000))
                continue
            keys = [contact_key(view.export.account, change.email) for change in changes]
            self._taken.append(_Taken(message, keys))
            for key, change in zip(keys, changes, strict=True):
                arrivals.setdefault(key, []).append((change, message))
        self.contacts = {key: pending_contact(key, arrived) for key, arrived in arrivals.items()}

    def pending(self) -> list[PendingContact]:
        """Return the contacts that are not done."""
        return [contact for contact in self.contacts.values() if not contact.progress.is_done]

    def leftovers(self, unrecorded: Collection[str] = ()) -> list[Leftover]:
        """Return what is left of the messages.

        Args:
            unrecorded: runs whose record failed: their messages are processed again, whole.
        """
        pending = {contact.key: contact for contact in self.pending()}
        leftovers = []
        for taken in self._taken:
            message, changes = taken.message, taken.message.content.changes
            if taken.delay_s is None and message.content.run not in unrecorded:
                pairs = zip(changes, taken.keys, strict=True)
                changes = tuple([change for change, key in pairs if key in pending]) if pending else ()
            if changes:
                contacts = [pending[key] for key in taken.keys if key in pending]
                leftovers.append(Leftover(message, changes, is_uncertain(message, contacts), taken.delay_s))
        return leftovers

    def runs(self) -> dict[str, RunDone]:
        """Return what is committed of each run.

        A message's number counts only once all its changes are committed. A person counts
        once: by what SendGrid decided last.
        """
        runs: dict[str, RunDone] = {}
        unfinished = {leftover.message.id for leftover in self.leftovers()}
        for taken in self._taken:
            run, number = taken.message.content.run, taken.message.content.number
            if run is not None and number is not None and taken.message.id not in unfinished:
                runs.setdefault(run, RunDone()).numbers.add(number)
        for contact in self.contacts.values():
            outcome, before = contact.progress.outcome, contact.progress.counted_before
            if outcome is None:
                continue
            for run, found in contact.progress.drift:
                runs.setdefault(run, RunDone()).counts[found] += 1
            for run in contact.runs:
                counts = runs.setdefault(run, RunDone()).counts
                if before is None:
                    counts[outcome] += 1
                elif outcome not in {"unchanged", before}:
                    counts[before] -= 1
                    counts[outcome] += 1
        return runs


def _is_erasure(message: ReceivedMessage) -> bool:
    """Return whether a message only erases people: that needs nothing of a stopped export."""
    return all(change.kind is Kind.ERASE for change in message.content.changes)


def is_uncertain(message: ReceivedMessage, pending: Iterable[PendingContact]) -> bool:
    """Return whether an unrecorded request may be in flight for what is left of a message."""
    return message.returned or any(contact.progress.uncertain for contact in pending)
