"""Requeue what cannot be finished now: new, delayed messages take the place of the old ones."""

import math
from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Final

from functions.deliver.intake import Leftover
from functions.deliver.invocation import Invocation
from functions.deliver.outbox import Outbox
from functions.deliver.received import ReceivedMessage
from lytics_sendgrid.domain.backoff import backoff_s
from lytics_sendgrid.errors import LyticsSendGridError
from lytics_sendgrid.queues.changes import MAX_HOPS

STOP_S: Final = 900
"""How long a stopped export's changes wait until the next attempt: SQS' longest delay."""
_EARLY_HOPS: Final = 100
"""After this many hops changes wait for the longest delay: the other 500 hops then take over five days. A
rate limit that is reset every minute would use all of them up in some hours."""
_MIN_APART_S: Final = 60
"""The longest batching window: two halves that are closer may be received together again."""
_FIRST_DELAY_S: Final = 5


class Requeuer:
    """Packs what is left of each message into a new one.

    Where that fails, the old message is reported as failed, and SQS delivers it again.
    """

    def __init__(self, outbox: Outbox) -> None:
        self._outbox = outbox

    def requeue(
        self, invocation: Invocation, leftovers: Sequence[Leftover], retry_epoch_s: float | None = None
    ) -> None:
        """Requeue what is left of messages.

        Args:
            invocation: the invocation that is ending.
            leftovers: what is left.
            retry_epoch_s: when SendGrid takes requests again, where it said so.
        """
        now_s = invocation.clock.now()
        retry_in_s = None if retry_epoch_s is None else retry_epoch_s - now_s
        by_delay: dict[float, list[Leftover]] = {}
        for leftover in leftovers:
            delay_s = _delay_s(leftover, invocation.summary.stopped.keys(), retry_in_s)
            by_delay.setdefault(delay_s, []).append(leftover)
        for delay_s, group in by_delay.items():
            self._send(invocation, group, delay_s * (1 + invocation.clock.random() / 4))

    def part(self, invocation: Invocation, suspects: Sequence[ReceivedMessage]) -> None:
        """Requeue suspects in two halves, far apart.

        The half without the killer is delivered, the other is halved again.
        """
        shuffled = sorted(suspects, key=lambda _: invocation.clock.random())
        middle = len(shuffled) // 2
        apart_s = max(self._outbox.refresh_delay_s, _MIN_APART_S)
        for half, delay_s in ((shuffled[:middle], 0), (shuffled[middle:], apart_s)):
            self._send(invocation, [Leftover.whole(message) for message in half], delay_s)

    def _send(self, invocation: Invocation, leftovers: Sequence[Leftover], delay_s: float) -> None:
        summary = invocation.summary
        messages = []
        requeued = []
        for leftover in leftovers:
            content = leftover.message.content
            summary.note_unfinished(content)
            if content.hops >= MAX_HOPS:
                summary.failed.append(leftover.message.id)
                summary.faults.append(f"changes of export '{content.export}' were requeued {MAX_HOPS} times")
                continue
            requeued.append(leftover.message.id)
            messages.append(
                replace(
                    content,
                    changes=leftover.changes,
                    hops=content.hops + 1,
                    suspect=content.suspect or leftover.message.is_suspect,
                    uncertain=leftover.uncertain,
                )
            )
        try:
            self._outbox.requeue(messages, math.ceil(delay_s))
            summary.requeued += len(messages)
        except LyticsSendGridError as error:
            summary.failed += requeued
            summary.faults.append(str(error))


def _delay_s(leftover: Leftover, stopped: Collection[str], retry_in_s: float | None) -> float:
    content = leftover.message.content
    if content.hops >= _EARLY_HOPS:
        return STOP_S
    if leftover.delay_s is not None:
        return leftover.delay_s
    if content.export in stopped:
        return STOP_S
    if retry_in_s is not None:
        return min(max(retry_in_s, 1), STOP_S)
    return backoff_s(content.hops + 1, _FIRST_DELAY_S, STOP_S)
