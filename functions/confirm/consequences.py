"""What an ended import job leaves to do for its contacts: refreshes, rejects, and who is parked."""

import itertools
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from functions.confirm.errors_file import BadRow
from lytics_sendgrid.domain.backoff import backoff_s
from lytics_sendgrid.domain.change import Change, Kind, Message
from lytics_sendgrid.domain.instants import NANOSECONDS_PER_MS
from lytics_sendgrid.queues.changes import encode, pack
from lytics_sendgrid.queues.imports import ImportedContact, ImportMessage, import_body
from lytics_sendgrid.queues.interface import Queue

ATTEMPTS: Final = 6
"""So many jobs may fail in a row for a contact, over most of an hour, until it is parked."""
LONGEST_DELAY_S: Final = 900


@dataclass(slots=True)
class Followed:
    """What became of a job.

    Attributes:
        status: as SendGrid says it; ``abandoned`` where it has been pending for too long; ``put_off`` where it could not
            be followed now.
        stamp_ms: of the refreshes that it leads to. Usually the job's ``sent``; now, where the job took longer than the
            delay: it may have overtaken even those that were sent and refreshed meanwhile.
        counts: SendGrid's, and how many contacts were ``rejected``, ``refreshed``, ``parked``.
        confirmed: how many contacts SendGrid says it has taken.
        again: numbers of the messages that carry the contacts of a run once more.
        fault: why it could not be followed now.
    """

    status: str
    stamp_ms: int = 0
    counts: dict[str, int] = field(default_factory=dict)
    confirmed: int = 0
    again: list[str] = field(default_factory=list)
    fault: str = ""

    def document(self) -> dict[str, Any]:
        """Return it as JSON values."""
        document = {"status": self.status, **self.counts, "confirmed": self.confirmed}
        return {**document, **({"again": self.again} if self.again else {})}

    def count(self, name: str, by: int) -> None:
        """Add to a count."""
        self.counts[name] = self.counts.get(name, 0) + by


class Leftovers:
    """Queues what ended jobs leave to do."""

    def __init__(self, changes: Queue, parked: Queue, first_delay_s: int, clock: Callable[[], float]) -> None:
        """Keep the collaborators.

        Args:
            changes: the queue of changes.
            parked: where contacts wait that are not tried any more by themselves.
            first_delay_s: until a failed job's contacts are sent again, the first time; then twice as long each time.
            clock: Unix seconds.
        """
        self._changes = changes
        self._parked = parked
        self._first_delay_s = first_delay_s
        self._clock = clock

    def reject(self, followed: ImportMessage, rows: Iterable[BadRow], result: Followed) -> int:
        """Tie each bad row of a job to its contact, and have it rejected if it is still the row that was sent.

        Returns:
            How many bad rows are of nobody in this message, where somebody else may carry them.
        """
        now_ns = int(self._clock() * 1000) * NANOSECONDS_PER_MS
        rejects: dict[str, Change] = {}
        elsewhere = 0
        for bad in rows:
            if bad.email is None:
                elsewhere += followed.parts > 1
            else:
                row = followed.contacts[bad.email].row
                rejects[bad.email] = Change(bad.email, now_ns, Kind.REJECT, row=row, reason=bad.words)
        self._queue(followed, rejects.values(), 0, result)
        result.count("rejected", len(rejects))
        return elsewhere

    def send_again(
        self,
        followed: ImportMessage,
        contacts: Mapping[str, ImportedContact],
        words: str,
        result: Followed,
        least_delay_s: int = 0,
    ) -> None:
        """Have contacts of a job sent once more, or parked where that has failed often enough."""
        by_attempt: dict[int, dict[str, ImportedContact]] = {}
        for email, carried in contacts.items():
            by_attempt.setdefault(carried.attempt + 1, {})[email] = carried
        for attempt, tried in by_attempt.items():
            if attempt < ATTEMPTS:
                delay_s = int(backoff_s(attempt, self._first_delay_s, LONGEST_DELAY_S))
                stamp_ns = result.stamp_ms * NANOSECONDS_PER_MS
                again = (Change(email, stamp_ns, Kind.REFRESH, attempt=attempt) for email in tried)
                self._queue(followed, again, max(delay_s, least_delay_s), result)
                result.count("refreshed", len(tried))
            else:
                self._park(followed, tried, f"{words}, {attempt} times in a row", result)

    def refresh_overtaken(self, followed: ImportMessage, result: Followed) -> None:
        """Have contacts of a job that took too long sent once more, if a later job carried another row of theirs.

        It may have overwritten that.
        """
        stamp_ns = result.stamp_ms * NANOSECONDS_PER_MS
        refreshes = (
            Change(email, stamp_ns, Kind.REFRESH, row=carried.row, job=followed.job)
            for email, carried in followed.contacts.items()
        )
        self._queue(followed, refreshes, 0, result)
        result.count("refreshed", len(followed.contacts))

    def _park(
        self, followed: ImportMessage, contacts: Mapping[str, ImportedContact], words: str, result: Followed
    ) -> None:
        parked = replace(followed, contacts=contacts)
        self._parked.send([import_body(parked, f"{words}; redrive it when the cause is mended")])
        result.count("parked", len(contacts))

    def _queue(
        self, followed: ImportMessage, changes: Iterable[Change], delay_s: int, result: Followed
    ) -> None:
        """Queue changes by the export that each contact came by; for each run that waits for them, as its own messages."""
        exports: dict[str, list[Change]] = {}
        for change in changes:
            exports.setdefault(followed.contacts[change.email].export, []).append(change)
        now_ms = int(self._clock() * 1000)
        for export, of_export in exports.items():
            waiting = iter(of_export)
            for packed in pack(Message(export, tuple(of_export), queued_ms=now_ms)):
                part = tuple(itertools.islice(waiting, packed.changes))
                if not followed.runs:
                    self._changes.send([packed.body], delay_s)
                    continue
                # A number stands for one message. Each is written whole: hardly longer than it was cut.
                number = f"again.{followed.job}.{followed.part}.{len(result.again)}"
                result.again.append(number)
                message = Message(export, part, queued_ms=now_ms, number=number)
                self._changes.send([encode(replace(message, run=run)) for run in followed.runs], delay_s)
