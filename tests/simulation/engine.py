"""Run synchronous code under a logical clock: at every effect other code may run, or the process may die.

The product's code runs in many greenlets in one thread. It waits only in `World.call` and `World.sleep`,
which switch to the hub. The hub runs whatever is due next. All timing is drawn from a seed, so a schedule can
be replayed.
"""

import heapq
from collections.abc import Callable, Iterable
from functools import partial
from random import Random
from typing import Any, Final

from greenlet import GreenletExit, getcurrent, greenlet

START_S: Final = 1_790_000_000.0


class Process:
    """One invocation of a function, whose threads die together.

    Attributes:
        name: its name in the trace.
        alive: whether it still runs.
        doomed_keys: contacts that kill it when it reads them.
        skew_s: seconds its clock is ahead.
        ended: called when it ends or is killed.
    """

    __slots__ = ("alive", "doomed_keys", "ended", "name", "skew_s", "threads")

    def __init__(self, name: str, ended: Callable[[], None], skew_s: float = 0.0) -> None:
        self.name = name
        self.alive = True
        self.ended = ended
        self.skew_s = skew_s
        self.doomed_keys: frozenset[str] = frozenset()
        self.threads: list[Thread] = []


class Thread:
    """One thread of a process."""

    __slots__ = ("_function", "_greenlet", "_world", "done", "error", "process", "result", "waiter")

    def __init__(self, world: "World", process: Process, function: Callable[[], Any]) -> None:
        self._world = world
        self._function = function
        self._greenlet = greenlet(self._run, parent=world.hub)
        self.process = process
        self.done = False
        self.error: Exception | None = None
        self.result: Any = None
        self.waiter: Callable[[], None] | None = None
        process.threads.append(self)

    def _run(self) -> None:
        try:
            self.result = self._function()
        except Exception as error:  # noqa: BLE001 - it is raised again in the waiting parent
            self.error = error
        self.done = True
        if self.waiter is not None:
            self._world.at(self._world.now, self.waiter)

    def resume(self) -> None:
        """Resume the thread; only the hub calls this."""
        if self.process.alive and not self.done:
            self._world.running = self
            self._greenlet.switch()

    def kill(self) -> None:
        self._greenlet.throw(GreenletExit)


class _Request:
    """A request on its way to a service and back. Once sent it arrives, even if its sender dies."""

    __slots__ = ("_back_s", "_serve", "_thread", "_world", "error", "over", "timeout", "value")

    def __init__(
        self, world: "World", serve: Callable[[], Any], back_s: float, timeout: Callable[[], Exception]
    ) -> None:
        self._world = world
        self._thread = world.running
        self._serve = serve
        self._back_s = back_s
        self.timeout = timeout
        self.over = False
        self.error: Exception | None = None
        self.value: Any = None

    def arrive(self) -> None:
        try:
            self.value = self._serve()
        except Exception as error:  # noqa: BLE001 - it is the answer, and is raised in the waiting caller
            self.error = error
        if not self.over:
            self._world.at(self._world.now + self._back_s, self.answer)

    def answer(self) -> None:
        if not self.over:
            self.over = True
            self._thread.resume()

    def time_out(self) -> None:
        if not self.over:
            self.over = True
            self.error = self.timeout()
            self._thread.resume()


class World:
    """The clock, and the calendar of what is due.

    Attributes:
        now: Unix seconds.
        running: the thread that runs now.
        timing: draws how long things take.
        latency_s: the longest that a request or an answer usually takes.
        trace: lines of what happened, or None to keep no trace.
    """

    def __init__(self, timing: Random, latency_s: float, trace: list[str] | None = None) -> None:
        self.now = START_S
        self.hub = getcurrent()
        self.running: Any = None
        self.timing = timing
        self.latency_s = latency_s
        self.trace = trace
        self._calendar: list[tuple[float, int, Callable[[], None]]] = []
        self._number = 0

    def at(self, time_s: float, action: Callable[[], None]) -> None:
        """Schedule an action. Actions due at the same time run in the order they were scheduled."""
        self._number += 1
        heapq.heappush(self._calendar, (time_s, self._number, action))

    def run(self, until_s: float) -> bool:
        """Run until the calendar is empty; return whether that happened by ``until_s``."""
        calendar = self._calendar
        while calendar:
            time_s, _, action = heapq.heappop(calendar)
            if time_s > until_s:
                return False
            self.now = max(self.now, time_s)
            action()
        return True

    def clock(self) -> float:
        """Return the time on the running process's clock."""
        skew_s: float = self.running.process.skew_s
        return self.now + skew_s

    def spawn(self, process: Process, function: Callable[[], Any]) -> Thread:
        thread = Thread(self, process, function)
        self.at(self.now, thread.resume)
        return thread

    def kill(self, process: Process, why: str) -> None:
        """End a process at once; only the hub calls this."""
        if process.alive:
            process.alive = False
            self.note("%s dies: %s", process.name, why)
            for thread in process.threads:
                if not thread.done:
                    thread.kill()
            process.ended()

    def die(self, why: str) -> None:
        """End the running process; does not return."""
        process = self.running.process
        self.at(self.now, lambda: self.kill(process, why))
        self.hub.switch()

    def sleep(self, seconds: float) -> None:
        self.at(self.now + seconds, self.running.resume)
        self.hub.switch()

    def call(
        self,
        serve: Callable[[], Any],
        timeout: Callable[[], Exception],
        *,
        timeout_s: float = 60.0,
        travel_s: float = 0.0,
        back_s: float = 0.0,
    ) -> Any:
        """Send a request and wait for its answer.

        Args:
            serve: called when the request arrives; its result or error is the answer.
            timeout: makes the error if the answer takes too long; the request may still arrive.
            timeout_s: how long the caller waits.
            travel_s: extra time for the request.
            back_s: extra time for the answer.
        """
        draw, latency_s = self.timing.random, self.latency_s
        request = _Request(self, serve, back_s + latency_s * draw(), timeout)
        travel_s += latency_s * draw()
        self.at(self.now + travel_s, request.arrive)
        if travel_s + back_s + latency_s > timeout_s:
            self.at(self.now + timeout_s, request.time_out)
        self.hub.switch()
        if request.error is not None:
            raise request.error
        return request.value

    def each(self, function: Callable[[Any], Any], items: Iterable[Any]) -> list[Any]:
        """Call a function for all items concurrently, as a thread pool does. Raise the first item's error."""
        calls = list(items)
        if len(calls) < 2:
            return [function(item) for item in calls]
        parent = self.running
        threads = [self.spawn(parent.process, partial(function, item)) for item in calls]
        for thread in threads:
            if not thread.done:
                thread.waiter = parent.resume
                self.hub.switch()
                thread.waiter = None
            if thread.error is not None:
                raise thread.error
        return [thread.result for thread in threads]

    def note(self, text: str, *values: Any) -> None:
        """Write a line to the trace."""
        if self.trace is not None:
            self.trace.append(f"{self.now - START_S:10.3f}  {text % values}")

    def tell(self, text: str, *values: Any) -> None:
        """Write a line about the running process to the trace."""
        if self.trace is not None:
            self.note(f"{self.running.process.name}: {text}", *values)
