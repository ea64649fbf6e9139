"""Put back what cannot be finished now: new, delayed messages in the place of the old ones."""

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final

from functions.deliver.batch import Batch, Letter, Summary
from functions.deliver.outbox import Outbox
from lytics_sendgrid.domain.backoff import backoff_s
from lytics_sendgrid.domain.change import Message
from lytics_sendgrid.errors import LyticsSendGridError
from lytics_sendgrid.queues.changes import MAX_HOPS

STOP_S: Final = 900
"""How long a stopped export's changes wait until the next try, which is SQS' longest delay."""
_EARLY_HOPS: Final = 100
"""So often at most changes wait for less than that: the 500 others take over five days, whatever SendGrid says meanwhile.
A rate limit that starts afresh every minute would spend all of them in some hours."""
_LEAST_APART_S: Final = 60
"""The longest batching window: two halves that are less apart may be received together again."""
_FIRST_DELAY_S: Final = 5


class Repacker:
    """Packs what is left of each message into a new one.

    Where that fails, the old message is named as failed, and SQS delivers it again.
    """

    def __init__(self, outbox: Outbox, jitter: Callable[[], float], clock: Callable[[], float]) -> None:
        self._outbox = outbox
        self._jitter = jitter
        self._clock = clock

    def put_back(self, batch: Batch, summary: Summary) -> None:
        """Put back what is left of a batch."""
        now_s = self._clock()
        by_delay: dict[float, list[tuple[Letter, Message]]] = {}
        for letter in batch.letters:
            if changes := letter.leftover():
                suspect = letter.message.suspect or letter.is_suspect
                message = replace(letter.message, changes=changes, suspect=suspect)
                delay_s = self._delay_s(letter, batch, now_s, summary)
                by_delay.setdefault(delay_s, []).append((letter, message))
        for delay_s, pairs in by_delay.items():
            self._send(pairs, delay_s * (1 + self._jitter() / 4), summary)

    def part(self, suspects: Sequence[Letter], summary: Summary) -> None:
        """Put suspects back in two halves, far apart: the half without the killer is delivered, the other halved again."""
        shuffled = sorted(suspects, key=lambda _: self._jitter())
        middle = len(shuffled) // 2
        apart_s = max(self._outbox.refresh_delay_s, _LEAST_APART_S)
        for half, delay_s in ((shuffled[:middle], 0), (shuffled[middle:], apart_s)):
            self._send([(one, replace(one.message, suspect=True)) for one in half], delay_s, summary)

    def _send(self, pairs: Sequence[tuple[Letter, Message]], delay_s: float, summary: Summary) -> None:
        for _, message in pairs:
            summary.waits(message)
        spent = [letter for letter, message in pairs if message.hops >= MAX_HOPS]
        for letter in spent:
            summary.failed.append(letter.received.id)
            summary.faults.append(
                f"changes of export '{letter.message.export}' were put back {MAX_HOPS} times"
            )
        kept = [(letter, message) for letter, message in pairs if message.hops < MAX_HOPS]
        messages = [
            replace(message, hops=message.hops + 1, uncertain=letter.is_uncertain())
            for letter, message in kept
        ]
        try:
            self._outbox.requeue(messages, math.ceil(delay_s))
            summary.put_back += len(messages)
        except LyticsSendGridError as error:
            summary.failed += [letter.received.id for letter, _ in kept]
            summary.faults.append(str(error))

    def _delay_s(self, letter: Letter, batch: Batch, now_s: float, summary: Summary) -> float:
        if letter.message.hops >= _EARLY_HOPS:
            return STOP_S
        if letter.delay_s is not None:
            return letter.delay_s
        if letter.message.export in summary.stopped:
            return STOP_S
        if batch.until_epoch_s is not None:
            return min(max(batch.until_epoch_s - now_s, 1), STOP_S)
        return backoff_s(letter.message.hops + 1, _FIRST_DELAY_S, STOP_S)
