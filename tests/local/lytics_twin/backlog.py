"""The queued events and retries of a job's sender."""

import dataclasses
from collections import deque
from typing import Any

from tests.local.lytics_twin.faults import Dice

Json = dict[str, Any]


@dataclasses.dataclass(slots=True)
class Event:
    """One queued event; `again` marks the second copy of a duplicate."""

    body: Json
    again: bool = False


class Backlog:
    """New events in the order of occurrence, and failed requests to retry.

    Not thread-safe: its sender holds a lock. All times are Lytics seconds.
    """

    NEVER_S = 3600.0
    """The maximum wait before the next look."""

    def __init__(self, dice: Dice) -> None:
        self._dice = dice
        self._events: list[Event] = []
        self._head = 0
        self._oldest_s = 0.0
        self._retries: deque[tuple[float, list[Event]]] = deque()

    def __len__(self) -> int:
        return len(self._events) - self._head + len(self._retries)

    def put(self, events: list[Event], now_s: float) -> None:
        if self._head == len(self._events):
            self._oldest_s = now_s
        self._events.extend(events)

    def put_back(self, events: list[Event], due_s: float) -> None:
        """Queue a failed request for retry with the same events."""
        self._retries.append((due_s, events))

    def clear(self) -> None:
        self._events.clear()
        self._head = 0
        self._retries.clear()

    def take(
        self, now_s: float, *, batch_size: int, flush_s: float, shuffle: bool
    ) -> tuple[list[Event], float]:
        """Return the events of the next request, or no events and the seconds until there may be some."""
        pause_s = self.NEVER_S
        if self._retries:
            due_s, events = self._retries[0]
            if due_s <= now_s:
                self._retries.popleft()
                return events, 0.0
            pause_s = due_s - now_s
        waiting = len(self._events) - self._head
        if waiting:
            flush_in_s = self._oldest_s + flush_s - now_s
            if waiting >= batch_size or flush_in_s <= 0:
                return [self._pop(shuffle=shuffle) for _ in range(min(max(1, batch_size), waiting))], 0.0
            pause_s = min(pause_s, flush_in_s)
        return [], pause_s

    def _pop(self, *, shuffle: bool) -> Event:
        head = self._head
        if shuffle:
            other = head + self._dice.below(len(self._events) - head)
            self._events[head], self._events[other] = self._events[other], self._events[head]
        event = self._events[head]
        self._head += 1
        # Deleting from the front of a list costs its length, so taken events are deleted only now and then.
        if self._head == len(self._events) or self._head > 10_000:
            del self._events[: self._head]
            self._head = 0
        return event
