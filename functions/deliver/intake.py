"""Take messages in: group their changes by contact, and know what is left of each message at the end."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Self

from functions.deliver.export_views import View
from lytics_sendgrid.domain.change import Change, Kind, Message
from lytics_sendgrid.domain.contact import ContactKey, contact_key

SUSPECT_RECEIVES: Final = 3


@dataclass(frozen=True, slots=True)
class SqsRecord:
    """A message as SQS delivers it.

    Attributes:
        id: its message id.
        body: its text.
        receives: how often it has been received, this time included.
    """

    id: str
    body: str
    receives: int


@dataclass(frozen=True, slots=True)
class ReceivedMessage:
    """A received message and its content.

    Attributes:
        id: SQS' message id.
        receives: how often it has been received, this time included.
        content: the decoded body.
    """

    id: str
    receives: int
    content: Message

    @property
    def returned(self) -> bool:
        """Return whether an earlier consumer may have left a request that the ledger does not name."""
        return self.receives > 1 or self.content.uncertain

    @property
    def is_suspect(self) -> bool:
        """Return whether the message may have killed its consumers: suspects are handled last and alone."""
        return self.receives >= SUSPECT_RECEIVES or (self.content.suspect and self.receives > 1)


@dataclass(slots=True)
class Progress:
    """How far this invocation has come with a contact.

    Attributes:
        sent_before: SendGrid accepted a row for the contact, and the ledger does not name it yet.
        uncertain: SendGrid may have accepted one: every row that was sent, or whose answer was lost.
        outcome: the outcome to count, once the contact is done; None: it is not done.
        counted_before: the outcome already counted for this contact, if this is only a refresh or reject.
    """

    sent_before: bool = False
    uncertain: bool = False
    outcome: str | None = None
    counted_before: str | None = None

    @property
    def is_done(self) -> bool:
        """Return whether nothing is left to do for the contact."""
        return self.outcome is not None


@dataclass(frozen=True, slots=True)
class PendingContact:
    """What the messages say about one contact.

    Attributes:
        key: the ledger's key.
        email: the address.
        changes: every change, with the name of the export that brought it.
        exports: the names of those exports, once each; rows are made with the configuration of the first.
        runs: the runs whose backfill wrote one of the changes.
        returned: one of its messages came back, so a consumer that died may have sent a row.
        fresh: at least one of its messages has never been requeued.
        hops: how often one of its messages was requeued, at most.
        attempt: how many import jobs in a row have failed for the contact.
        has_refresh: one of its changes is a refresh.
        has_reject: one of its changes is a reject.
        progress: how far this invocation has come.
    """

    key: ContactKey
    email: str
    changes: tuple[tuple[Change, str], ...]
    exports: tuple[str, ...]
    runs: tuple[str, ...]
    returned: bool
    fresh: bool
    hops: int
    attempt: int
    has_refresh: bool
    has_reject: bool
    progress: Progress = field(default_factory=Progress)

    def is_follow_up(self) -> bool:
        """Return whether the messages bring nothing new: only refreshes and rejects of what was sent."""
        if not self.has_refresh and not self.has_reject:
            return False
        return all(change.kind in {Kind.REFRESH, Kind.REJECT} for change, _ in self.changes)


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
    """What an invocation has committed of one run: whole messages by number, and people by outcome."""

    numbers: set[str] = field(default_factory=set)
    counts: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True, slots=True)
class _Taken:
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
            if view.stop is not None and view.stop.until_ms > now_ms:
                self._taken.append(_Taken(message, (), (view.stop.until_ms - now_ms) / 1000))
                continue
            keys = [contact_key(view.export.account, change.email) for change in changes]
            self._taken.append(_Taken(message, keys))
            for key, change in zip(keys, changes, strict=True):
                arrivals.setdefault(key, []).append((change, message))
        self.contacts = {key: _pending(key, arrived) for key, arrived in arrivals.items()}

    def pending(self) -> list[PendingContact]:
        """Return the contacts that are not done."""
        return [contact for contact in self.contacts.values() if not contact.progress.is_done]

    def leftovers(self, unrecorded: Collection[str] = ()) -> list[Leftover]:
        """Return what is left of the messages.

        Args:
            unrecorded: runs that could not be told about their commits: their messages are processed again, whole.
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
        """Return what is committed of each run; a message's number only once the whole message is.

        A person counts once: by what SendGrid decided last.
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
            for run in contact.runs:
                counts = runs.setdefault(run, RunDone()).counts
                if before is None:
                    counts[outcome] += 1
                elif outcome not in {"unchanged", before}:
                    counts[before] -= 1
                    counts[outcome] += 1
        return runs


def is_uncertain(message: ReceivedMessage, pending: Iterable[PendingContact]) -> bool:
    """Return whether a request that the ledger does not name may be in flight for what is left of a message."""
    return message.returned or any(contact.progress.uncertain for contact in pending)


def _pending(key: ContactKey, arrived: Sequence[tuple[Change, ReceivedMessage]]) -> PendingContact:
    contents = [message.content for _, message in arrived]
    refreshes = [change for change, _ in arrived if change.kind is Kind.REFRESH]
    return PendingContact(
        key,
        arrived[0][0].email,
        changes=tuple([(change, message.content.export) for change, message in arrived]),
        exports=tuple(dict.fromkeys([content.export for content in contents])),
        runs=tuple(dict.fromkeys([content.run for content in contents if content.run is not None])),
        returned=any(message.returned for _, message in arrived),
        fresh=any(content.hops == 0 for content in contents),
        hops=max([content.hops for content in contents]),
        attempt=max([change.attempt or 0 for change in refreshes], default=0),
        has_refresh=bool(refreshes),
        has_reject=any(change.kind is Kind.REJECT for change, _ in arrived),
    )
