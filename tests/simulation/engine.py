"""Synchronous code under a logical clock: at every effect others may run, or this process may die.

The product's code runs in greenlets, many at once, in one thread. It waits only in `World.call` and
`World.sleep`; there
it gives way to the hub, which does whatever comes next by the clock. What comes next is drawn from a seed, so
a schedule can be replayed.
"""

import heapq
from collections.abc import Callable, Iterable
from functools import partial
from random import Random
from typing import Any, Final

from greenlet import GreenletExit, getcurrent, greenlet

START_S: Final = 1_790_000_000.0


class Process:
    """One invocation of a function: what dies together.

    Attributes:
        name: for the trace.
        alive: it has not ended and was not killed.
        doomed_keys: contacts that kill it when it looks at them.
        skew_s: how far its clock is ahead.
        ended: called when it has ended or was killed.
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
    """One line of execution in a process."""

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
        except Exception as error:  # noqa: BLE001 - it is raised again where its parent waits
            self.error = error
        self.done = True
        if self.waiter is not None:
            self._world.at(self._world.now, self.waiter)

    def resume(self) -> None:
        """Go on; called by the hub only."""
        if self.process.alive and not self.done:
            self._world.running = self
            self._greenlet.switch()

    def kill(self) -> None:
        self._greenlet.throw(GreenletExit)


class _Request:
    """A request on its way to a service and back. Once sent it arrives, whatever becomes of its sender."""

    __slots__ = ("_back_s", "_serve", "_thread", "_world", "error", "over", "timeout", "value")

    def __init__(self, world: "World", serve: Callable[[], Any], back_s: float, timeout: Exception) -> None:
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
        except Exception as error:  # noqa: BLE001 - it is the answer, and raised where that is waited for
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
            self.error = self.timeout
            self._thread.resume()


class World:
    """The clock, and everybody who waits.

    Attributes:
        now: Unix seconds.
        running: whose turn it is.
        timing: draws how long things take.
        latency_s: a request takes up to so long, and so does its answer.
        trace: lines of what happened, if anybody wants them.
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
        """Have the hub do something at a time; what is due at once is done in the order of these calls."""
        self._number += 1
        heapq.heappush(self._calendar, (time_s, self._number, action))

    def run(self, until_s: float) -> bool:
        """Go on until nothing is left to do; tell whether that was before a time."""
        calendar = self._calendar
        while calendar:
            time_s, _, action = heapq.heappop(calendar)
            if time_s > until_s:
                return False
            self.now = max(self.now, time_s)
            action()
        return True

    def clock(self) -> float:
        """Return the time by the running process' clock."""
        skew_s: float = self.running.process.skew_s
        return self.now + skew_s

    def spawn(self, process: Process, function: Callable[[], Any]) -> Thread:
        thread = Thread(self, process, function)
        self.at(self.now, thread.resume)
        return thread

    def kill(self, process: Process, why: str) -> None:
        """End a process where it stands; called by the hub only."""
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
        timeout: Exception,
        *,
        timeout_s: float = 60.0,
        travel_s: float = 0.0,
        back_s: float = 0.0,
    ) -> Any:
        """Send a request and wait for its answer.

        Args:
            serve: what the service does when the request arrives; what it returns or raises comes back.
            timeout: raised where the answer takes too long; the request may still arrive.
            timeout_s: how long the caller waits.
            travel_s: how much longer than usual the request takes.
            back_s: how much longer than usual the answer takes.
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
        """Call a function for several items at once, as a thread pool does; raise the first item's error."""
        everything = list(items)
        if len(everything) < 2:
            return [function(item) for item in everything]
        parent = self.running
        threads = [self.spawn(parent.process, partial(function, item)) for item in everything]
        for thread in threads:
            if not thread.done:
                thread.waiter = parent.resume
                self.hub.switch()
                thread.waiter = None
            if thread.error is not None:
                raise thread.error
        return [thread.result for thread in threads]

    def note(self, text: str, *values: Any) -> None:
        """Write a line of the trace."""
        if self.trace is not None:
            self.trace.append(f"{self.now - START_S:10.3f}  {text % values}")

    def tell(self, text: str, *values: Any) -> None:
        """Write a line about the running process."""
        if self.trace is not None:
            self.note(f"{self.running.process.name}: {text}", *values)
