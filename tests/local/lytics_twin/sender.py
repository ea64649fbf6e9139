"""The webhook sender of one job: workers, batches, retries, sleep and failure, as Lytics documents."""

import dataclasses
import json
import threading
from collections.abc import Callable, Mapping
from typing import Any

from tests.local.lytics_twin.backlog import Backlog, Event
from tests.local.lytics_twin.clock import Clock
from tests.local.lytics_twin.faults import Dice, Faults
from tests.local.lytics_twin.post import Answer, Post
from tests.local.lytics_twin.retry import Backoff, Outcome, judge, retry_after_s

Json = dict[str, Any]


@dataclasses.dataclass(slots=True, frozen=True)
class Target:
    """Where and how a job sends."""

    url: str
    method: str
    headers: Mapping[str, str]
    worker_count: int
    batch_size: int
    """The maximum number of events in a request; 0 sends each event as a single object."""
    flush_s: float
    do_not_retry: frozenset[int]


@dataclasses.dataclass(slots=True)
class Counts:
    """Counts of a job's events and requests."""

    queued: int = 0
    added: int = 0
    omitted: int = 0
    lost: int = 0
    duplicated: int = 0
    requests: int = 0
    failed_requests: int = 0


class Sender:
    """Sends events until they are delivered or omitted. All waits are Lytics seconds."""

    def __init__(
        self,
        target: Target,
        note: Callable[..., None],
        *,
        clock: Clock,
        faults: Faults,
        dice: Dice,
        request_timeout_s: float,
        retry_pause_s: float,
    ) -> None:
        self.counts = Counts()
        self._target = target
        self._clock, self._faults, self._dice, self._note = clock, faults, dice, note
        self._request_timeout_s, self._retry_pause_s = request_timeout_s, retry_pause_s
        self._changed = threading.Condition()
        self._backlog = Backlog(dice)
        self._in_flight = 0
        self._workers: dict[int, tuple[threading.Thread, Post]] = {}
        self._backoff = Backoff()
        self._stopped: str | None = "paused"
        self._ready_s = self._wake_s = 0.0

    @property
    def status(self) -> str:
        """The status as Lytics names it: `fault-N` sleeps after failures, `sleeping` by `Retry-After`."""
        with self._changed:
            now = self._clock.elapsed_s()
            if self._stopped:
                return self._stopped
            if now < self._ready_s:
                return "initializing"
            if now < self._wake_s:
                return f"fault-{self._backoff.faults}" if self._backoff.faults else "sleeping"
            return "running"

    @property
    def idle(self) -> bool:
        """Whether every event is delivered or omitted."""
        with self._changed:
            return not (self._in_flight or self._backlog)

    def counts_json(self) -> Json:
        with self._changed:
            return dataclasses.asdict(self.counts)

    def start(self, initializing_s: float) -> None:
        """Start after the documented initializing time. Resets failures and sleep."""
        with self._changed:
            self._backoff = Backoff()
            self._ready_s, self._wake_s = self._clock.elapsed_s() + initializing_s, 0.0
            self._stopped = None
            self._employ()
            self._changed.notify_all()

    def stop(self, status: str) -> None:
        """Pause (`paused`) or end (`deleted`) the job. A request in flight completes."""
        with self._changed:
            self._stopped = status
            if status == "deleted":
                self._backlog.clear()
            self._changed.notify_all()

    def configure(self, target: Target) -> None:
        with self._changed:
            self._target = target
            self._employ()
            self._changed.notify_all()

    def put(self, bodies: list[Json]) -> None:
        """Queue events in the order of occurrence."""
        with self._changed:
            if self._stopped == "deleted":
                return
            if self._stopped and self._faults.lose_when_stopped:
                self.counts.lost += len(bodies)
                return
            self._backlog.put([Event(body) for body in bodies], self._clock.elapsed_s())
            self.counts.queued += len(bodies)
            self._employ()
            self._changed.notify_all()

    def close(self) -> None:
        """End all workers, even those that wait for an answer."""
        self.stop("deleted")
        for _, post in list(self._workers.values()):
            post.close()
        for thread, _ in list(self._workers.values()):
            thread.join(timeout=5)

    def _employ(self) -> None:
        if self._stopped or not self._backlog:
            return
        for number in range(self._target.worker_count):
            if number not in self._workers:
                post = Post(self._request_timeout_s)
                thread = threading.Thread(target=self._work, args=(number, post), daemon=True)
                self._workers[number] = (thread, post)
                thread.start()

    def _work(self, number: int, post: Post) -> None:
        while True:
            with self._changed:
                taken = self._take(number)
                if taken is None:
                    self._workers.pop(number, None)
                    post.close()
                    return
                target = self._target
                self._in_flight += 1
                self.counts.requests += 1
            payload: Any = [event.body for event in taken] if target.batch_size else taken[0].body
            body = json.dumps(payload, ensure_ascii=False).encode()
            answer = post.send(target.method, target.url, body, target.headers)
            with self._changed:
                self._in_flight -= 1
                self._settle(taken, answer, target)
                self._changed.notify_all()

    def _take(self, number: int) -> list[Event] | None:
        """Wait for the events of the next request; None ends the worker."""
        while True:
            now = self._clock.elapsed_s()
            if self._stopped == "deleted" or number >= self._target.worker_count:
                return None
            pause = max(self._ready_s, self._wake_s) - now
            if self._stopped:
                pause = Backlog.NEVER_S
            elif pause <= 0:
                taken, pause = self._due(now)
                if taken:
                    return taken
            self._clock.wait(self._changed, pause)

    def _due(self, now: float) -> tuple[list[Event], float]:
        target = self._target
        return self._backlog.take(
            now, batch_size=target.batch_size, flush_s=target.flush_s, shuffle=self._faults.shuffle
        )

    def _settle(self, taken: list[Event], answer: Answer, target: Target) -> None:
        now = self._clock.elapsed_s()
        if self._stopped == "deleted":
            return
        match judge(answer.status, target.do_not_retry):
            case Outcome.DELIVERED:
                self._backoff.succeed()
                self.counts.added += sum(not event.again for event in taken)
                again = [
                    Event(event.body, again=True)
                    for event in taken
                    if not event.again and self._dice.happens(self._faults.duplicate_rate)
                ]
                if again:
                    self._backlog.put(again, now)
                self.counts.duplicated += len(again)
            case Outcome.OMITTED:
                self.counts.omitted += sum(not event.again for event in taken)
                self._note(
                    "warn",
                    "Request omitted: its status is not retried",
                    status=answer.status,
                    omitted=len(taken),
                )
            case Outcome.RETRIED:
                self.counts.failed_requests += 1
                self._retry(taken, answer, now)

    def _retry(self, taken: list[Event], answer: Answer, now: float) -> None:
        delay_s = retry_after_s(answer.retry_after, self._clock.wall_ns() / 1e9)
        if delay_s is not None:
            self._wake_s = max(self._wake_s, now + delay_s)
            self._backlog.put_back(taken, now)
            self._note("info", "Sleeping for Retry-After", status=answer.status, seconds=delay_s)
            return
        self._backlog.put_back(taken, now + self._retry_pause_s)
        if now < self._wake_s:
            return  # a parallel request of the same streak has already put the job to sleep
        sleep_s = self._backoff.fail(now)
        if sleep_s == float("inf"):
            self._stopped = "failed"
            self._note("error", "Failed: errors for two hours", status=answer.status, code="JOB-FAULT-022")
        elif sleep_s is not None:
            self._wake_s = now + sleep_s
            self._note("error", "Sleeping after failed requests", status=answer.status, seconds=sleep_s)
