"""What was received: messages, and what they say about each contact."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from lytics_sendgrid.domain.change import Change, Kind, Message
from lytics_sendgrid.domain.contact import ContactKey

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


class ReceivedMessage(NamedTuple):
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
class ContactProgress:
    """How far this invocation has come with a contact.

    Attributes:
        sent_before: SendGrid accepted a row for the contact, and the ledger does not name it yet.
        uncertain: SendGrid may have accepted one: every row that was sent, or whose answer was lost.
        outcome: the outcome to count, once the contact is done; None: it is not done.
        counted_before: the outcome already counted for this contact, if this is only a refresh or reject.
        drift: what runs found out of date, once the contact is done: run, and what to count.
    """

    sent_before: bool = False
    uncertain: bool = False
    outcome: str | None = None
    counted_before: str | None = None
    drift: Collection[tuple[str, str]] = ()

    @property
    def is_done(self) -> bool:
        """Return whether nothing is left to do for the contact."""
        return self.outcome is not None


class PendingContact(NamedTuple):
    """What the messages say about one contact.

    Attributes:
        key: the ledger's key.
        email: the address.
        changes: every change, with the name of the export that brought it.
        exports: the names of those exports, once each; rows are made with the configuration of the first.
        runs: the runs that wrote one of the changes.
        returned: one of its messages came back, so a consumer that died may have sent a row.
        fresh: at least one of its messages has never been requeued.
        hops: how often one of its messages was requeued, at most.
        attempt: how many import jobs in a row have failed for the contact.
        has_refresh: one of its changes is a refresh.
        has_reject: one of its changes is a reject.
        by_runs: the changes that runs wrote, each with its run.
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
    by_runs: tuple[tuple[str, Change], ...]
    progress: ContactProgress

    def is_follow_up(self) -> bool:
        """Return whether the messages bring nothing new: only refreshes and rejects of what was sent."""
        if not self.has_refresh and not self.has_reject:
            return False
        return all(change.kind in {Kind.REFRESH, Kind.REJECT} for change, _ in self.changes)


def pending_contact(key: ContactKey, arrived: Sequence[tuple[Change, ReceivedMessage]]) -> PendingContact:
    """Return what messages say about a contact, from its changes and the message of each."""
    exports: dict[str, None] = {}
    runs: dict[str, None] = {}
    by_runs: list[tuple[str, Change]] = []
    returned = fresh = has_refresh = has_reject = False
    hops = attempt = 0
    for change, message in arrived:
        content = message.content
        exports[content.export] = None
        if content.run is not None:
            runs[content.run] = None
            by_runs.append((content.run, change))
        returned = returned or message.returned
        fresh = fresh or content.hops == 0
        hops = max(hops, content.hops)
        if change.kind is Kind.REFRESH:
            has_refresh = True
            attempt = max(attempt, change.attempt or 0)
        elif change.kind is Kind.REJECT:
            has_reject = True
    return PendingContact(
        key,
        arrived[0][0].email,
        tuple([(change, message.content.export) for change, message in arrived]),
        tuple(exports),
        tuple(runs),
        returned,
        fresh,
        hops,
        attempt,
        has_refresh,
        has_reject,
        tuple(by_runs),
        ContactProgress(),
    )
