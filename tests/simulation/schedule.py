"""Run one schedule: queue the events, inject faults for a while, let everything settle, and check the end."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from functools import partial
from random import Random
from typing import Final

from functions.operate.dead_letters import dead_changes, dead_import
from tests.doubles.sqs import QueuedMessage
from tests.simulation.clearings import Clearer
from tests.simulation.dynamodb import DynamoDb
from tests.simulation.engine import START_S, World
from tests.simulation.erasures import Eraser
from tests.simulation.exports import KnownExports, message_body, publish, time_of
from tests.simulation.faults import Faults
from tests.simulation.functions import (
    CHANGES,
    IMPORTS,
    PARKED,
    EventSource,
    Services,
    new_confirm,
    new_deliver,
)
from tests.simulation.queues import Queue, Sqs
from tests.simulation.runs import RUN
from tests.simulation.scenario import AUDIENCES, Post, Scenario
from tests.simulation.sendgrid import SendGrid
from tests.simulation.truth import Happened, exported
from tests.simulation.verdict import Verdict

CLEAR_DELAY_S = 180.0
"""Then no consumer has an older configuration: they cache it for 20 s, and end after 120 s."""
DEAD_LETTERS: Final = "changes-dlq"
_VISIBILITY_S: Final = 780.0
RECEIVES: Final = 10
_SETTLES_S: Final = 200_000.0
_REDRIVES: Final = 20


@dataclass(frozen=True, slots=True)
class Outcome:
    """The outcome of a schedule.

    Attributes:
        divergence: the first difference from the expected end state, or None.
        hits: the faults that happened.
        requests: upserts that SendGrid accepted.
        most_queued: the largest number of messages on the changes queue.
        trace: what happened, if a trace was requested.
    """

    divergence: str | None
    hits: Sequence[tuple[str, int]]
    requests: int
    most_queued: int
    trace: Sequence[str] = field(default_factory=list)


def run(
    scenario: Scenario,
    seed: int,
    timing: int,
    suppressed: Collection[tuple[str, int]] = (),
    *,
    traced: bool = False,
) -> Outcome:
    """Run a scenario.

    Args:
        scenario: the scenario.
        seed: the seed of the faults.
        timing: the seed of all durations.
        suppressed: faults to leave out.
        traced: whether to keep a trace.
    """
    return _Run(scenario, seed, timing, suppressed, traced=traced).outcome()


class _Run:
    def __init__(
        self,
        scenario: Scenario,
        seed: int,
        timing: int,
        suppressed: Collection[tuple[str, int]],
        *,
        traced: bool,
    ) -> None:
        self._scenario = scenario
        self._faults = Faults(seed, scenario.rates, scenario.faults, suppressed)
        self._world = world = World(Random(timing * 64 + 62), scenario.latency_s, [] if traced else None)
        self._dead = Queue(world, DEAD_LETTERS, 0, 0, None)
        self._parked = Queue(world, PARKED, 0, 0, None)
        changes = Queue(world, CHANGES, _VISIBILITY_S, scenario.receives, self._dead)
        imports = Queue(world, IMPORTS, _VISIBILITY_S, RECEIVES, self._parked)
        self._queues = {CHANGES: changes, IMPORTS: imports, PARKED: self._parked}
        self._dynamodb = DynamoDb(world, self._faults)
        self._sendgrid = SendGrid(world, self._faults, scenario.job_max_s, says_when=scenario.says_when)
        sqs = Sqs(world, self._faults, self._queues)
        services = Services(world, self._faults, self._dynamodb, sqs, self._sendgrid)
        self._services = services
        self._erasers: list[Eraser] = []
        skew_s, consumers, batch = scenario.skew_s, scenario.consumers, scenario.batch
        self._deliver = EventSource(
            services, changes, new_deliver, consumers=consumers, batch=batch, skew_s=skew_s
        )
        self._confirm = EventSource(services, imports, new_confirm, consumers=2, batch=10, skew_s=skew_s)
        self._deliver.poison = scenario.poison
        self._version = 0
        self._written_with: dict[str, int] = {}
        self._cleared = 0
        self._removed_s: int | None = None
        self._clearers: list[Clearer] = []
        self._happened: dict[str, list[Happened]] = {}
        self._numbers: set[str] = set()
        self._innocent: list[str] = []
        self._poison_is_dead = False
        self._redrives = 0

    def outcome(self) -> Outcome:
        world, scenario = self._world, self._scenario
        self._publish()
        for at_s in scenario.publishes_s:
            world.at(START_S + at_s, self._publish)
        for post in scenario.posts:
            world.at(START_S + post.at_s, partial(self._post, post))
        self._erasers = [Eraser(self._services, email, at_s) for email, at_s in scenario.erasures]
        for share in (0.3, 0.6):
            world.at(START_S + share * scenario.faults_s, self._redrive_early)
        world.at(START_S + scenario.faults_s, self._stop_faults)
        settled = world.run(START_S + scenario.faults_s + _SETTLES_S)
        divergence = self._divergence(settled=settled)
        most_queued = self._queues[CHANGES].peak
        return Outcome(divergence, self._faults.hits, self._sendgrid.requests, most_queued, world.trace or [])

    def _publish(self) -> None:
        """Publish the next version of the configuration."""
        self._version += 1
        self._world.note("version %d of the configuration exports %s", self._version, exported(self._version))
        removed = self._scenario.clears and exported(self._version) != AUDIENCES
        if removed:
            self._removed_s = int(self._world.now)
        publish(
            self._dynamodb.exports,
            self._version,
            self._world.now,
            second_field=self._scenario.second_field,
            second_list=self._scenario.second_list,
            since_s=self._scenario.since_s,
            removed_s=self._removed_s,
        )
        if removed:
            version = self._version
            self._clearers.append(
                Clearer(self._services, f"clear{version}", CLEAR_DELAY_S, lambda: self._has_cleared(version))
            )

    def _has_cleared(self, version: int) -> None:
        self._world.note("what version %d has removed is cleared", version)
        self._cleared = max(self._cleared, version)

    def _post(self, post: Post) -> None:
        """Queue a message as ingest and runs do."""
        since_s = self._scenario.since_s
        for event in () if post.question else post.events:
            self._written_with[event.email] = self._version
            time_ns = time_of(event, self._version, since_s, is_scan=post.is_scan)
            self._happened.setdefault(event.email, []).append(Happened(post.export, event, time_ns))
        if post.number is not None:
            self._numbers.add(post.number)
        body = message_body(post, self._version, self._world.now, since_s)
        self._world.note("queued: %s", body)
        self._queues[CHANGES].put(body)

    def _redrive_early(self) -> None:
        if self._faults.hit("redrive") is not None:
            self._redrive()

    def _redrive(self) -> None:
        """Redrive the dead-letter queues with the redrive command's code."""
        self._check_dead_letters()
        for message in list(self._dead.messages):
            self._redrive_message(
                message, self._dead, CHANGES, dead_changes(message.body, KnownExports()).changes
            )
        for message in list(self._parked.messages):
            self._redrive_message(message, self._parked, IMPORTS, dead_import(message.body).imports)

    def _redrive_message(self, message: QueuedMessage, dead: Queue, to: str, bodies: Sequence[str]) -> None:
        self._world.note("%s is redriven", message.id)
        for body in bodies:
            self._queues[to].put(body)
        if self._faults.hit("redriven_twice") is None:
            dead.delete(message)

    def _check_dead_letters(self) -> None:
        if self._scenario.poison is not None:
            bodies = [message.body for message in self._dead.messages]
            self._innocent += [body for body in bodies if self._scenario.poison not in body]
            self._poison_is_dead = any(self._scenario.poison in body for body in bodies)

    def _stop_faults(self) -> None:
        self._world.note("the faults stop")
        self._faults.stop()
        self._deliver.poison = None
        self._redrive()
        self._watch_dead_letters()

    def _watch_dead_letters(self) -> None:
        """Redrive what is still dead-lettered, and repeat while messages are left."""
        busy = any(queue.messages for queue in (*self._queues.values(), self._dead))
        if (self._dead.messages or self._parked.messages) and self._redrives < _REDRIVES:
            self._redrives += 1
            self._redrive()
        if busy:
            self._world.at(self._world.now + 1_000, self._watch_dead_letters)

    def _divergence(self, *, settled: bool) -> str | None:
        escaped = self._deliver.escaped + self._confirm.escaped
        escaped += [error for eraser in self._erasers for error in eraser.escaped]
        escaped += [error for clearer in self._clearers for error in clearer.escaped]
        for error in escaped:
            return f"a handler raised {type(error).__name__}: {error}"
        if not settled:
            return "it never settles"
        self._dynamodb.is_over = True
        for queue in (*self._queues.values(), self._dead):
            if queue.messages:
                return f"{len(queue.messages)} messages are left on {queue.name}: {queue.messages[0].body}"
        if self._innocent:
            return f"a neighbor of the poisonous change is dead-lettered: {self._innocent[0]}"
        if self._scenario.poison is not None and not self._poison_is_dead:
            return "the poisonous change is not dead-lettered"
        return Verdict(
            scenario=self._scenario,
            dynamodb=self._dynamodb,
            sendgrid=self._sendgrid,
            version=self._version,
            written_with=self._written_with,
            cleared=self._cleared,
            happened=self._happened,
            numbers={RUN: self._numbers, **{clearer.run: clearer.numbers() for clearer in self._clearers}},
        ).divergence()
