"""One invocation of deliver: its clock, its deadline, and the summary of what it did."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from lytics_sendgrid.domain.change import Message
from lytics_sendgrid.domain.clock import Clock
from lytics_sendgrid.tables.days import OUTCOMES

RESERVE_S: Final = 20.0
"""Kept free at the end of an invocation, for the last commit."""


@dataclass(slots=True)
class InvocationSummary:
    """What one invocation did, for its log line, its metrics and its response.

    Attributes:
        messages: messages received.
        changes: changes in them.
        contacts: contacts that the changes are for.
        counts: outcomes of contacts, requests to SendGrid, and lost races.
        failed: ids of the messages that SQS must deliver again.
        requeued: messages requeued.
        oldest_ms: when the oldest unfinished change was first queued; 0: every change is finished.
        faults: error messages, for the log: free of addresses and values.
        stopped: export to the reason why its changes wait.
        requests: API Gateway's ids of the requests that brought the changes.
        jobs: import jobs started.
        by_export: export to the number of its contacts by ``accepted``, ``unchanged`` and ``rejected``.
        heard: export to when the newest event of Lytics was queued, milliseconds since 1970.
    """

    messages: int = 0
    changes: int = 0
    contacts: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    failed: list[str] = field(default_factory=list)
    requeued: int = 0
    oldest_ms: int = 0
    faults: list[str] = field(default_factory=list)
    stopped: dict[str, str] = field(default_factory=dict)
    requests: list[str] = field(default_factory=list)
    jobs: list[str] = field(default_factory=list)
    heard: dict[str, int] = field(default_factory=dict)
    by_export: dict[str, Counter[str]] = field(default_factory=dict)

    def note_heard(self, message: Message) -> None:
        """Record when the events of a delivery came. Other messages have no request."""
        if message.request is not None:
            self.heard[message.export] = max(self.heard.get(message.export, 0), message.queued_ms)

    def note_outcome(self, exports: Iterable[str], outcome: str, before: str | None) -> None:
        """Count what became of a contact, for each of its exports.

        Args:
            exports: their names.
            outcome: such as ``accepted`` or ``rejected.address``.
            before: the outcome already counted for this contact, if only a refresh or reject came.
        """
        kind = outcome.partition(".")[0]
        counted = None if before is None else before.partition(".")[0]
        if kind not in OUTCOMES or kind == counted or (counted and kind == "unchanged"):
            return
        for export in exports:
            counts = self.by_export.setdefault(export, Counter())
            counts[kind] += 1
            if counted is not None:
                counts[counted] -= 1

    def note_unfinished(self, message: Message) -> None:
        """Record an unfinished message."""
        if message.queued_ms:
            self.oldest_ms = min(self.oldest_ms or message.queued_ms, message.queued_ms)

    def count(self, name: str, by: int = 1) -> None:
        """Add to a count."""
        if by:
            self.counts[name] += by


@dataclass(frozen=True, slots=True)
class Invocation:
    """One invocation.

    Attributes:
        clock: wall time, sleeping and chance.
        deadline_epoch_s: when Lambda ends the invocation, Unix seconds.
        summary: what the invocation has done so far.
    """

    clock: Clock
    deadline_epoch_s: float
    summary: InvocationSummary

    @property
    def sending_ends_s(self) -> float:
        """Return when the last request must have ended, Unix seconds."""
        return self.deadline_epoch_s - RESERVE_S

    def is_late(self) -> bool:
        """Return whether only the time for a commit is left."""
        return self.clock.now() > self.sending_ends_s

    def now_ms(self) -> int:
        """Return the time, milliseconds since 1970."""
        return int(self.clock.now() * 1000)
