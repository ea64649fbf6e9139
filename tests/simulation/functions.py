"""Compose deliver and confirm from the product's code, and the event sources that invoke them."""

from collections.abc import Callable, Sequence
from typing import Any, Final

from functions.confirm.app import MIN_REMAINING_MS
from functions.confirm.consequences import ConfirmDelays
from functions.confirm.follow import ImportJobFollower
from functions.confirm.follow_ups import FollowUps
from functions.deliver.deliverer import Deliverer
from functions.deliver.export_views import ExportViews
from functions.deliver.outbox import Outbox
from functions.deliver.received import SqsRecord
from functions.deliver.requeue import Requeuer
from functions.deliver.rounds import Rounds
from functions.deliver.upsert import UpsertLimits
from lytics_sendgrid.errors import RetryLater, StopRun
from lytics_sendgrid.queues.imports import import_from
from lytics_sendgrid.queues.writer import QueueWriter
from lytics_sendgrid.sendgrid.contacts import SendGridContacts
from lytics_sendgrid.tables.contacts import ContactsTable
from lytics_sendgrid.tables.erasures import ErasuresTable
from lytics_sendgrid.tables.exports import ExportsTable
from tests.doubles.sqs import QueuedMessage
from tests.simulation.dynamodb import DynamoDb
from tests.simulation.engine import Process, World
from tests.simulation.faults import Faults
from tests.simulation.queues import Queue, Sqs, crash, received_twice
from tests.simulation.scenario import REFRESH_DELAY_S
from tests.simulation.sendgrid import SendGrid
from tests.simulation.truth import NOBODY

CHANGES: Final = "changes"
IMPORTS: Final = "imports"
PARKED: Final = "imports-dlq"
TIMEOUT_S: Final = 120.0
_CONFIRM_DELAY_S: Final = 60

type Handler = Callable[[Sequence[QueuedMessage], float], Sequence[str]]
"""Takes messages and the deadline; returns the ids of the messages to be redelivered."""


class Services:
    """The services that the functions call."""

    def __init__(
        self, world: World, faults: Faults, dynamodb: DynamoDb, sqs: Sqs, sendgrid: SendGrid
    ) -> None:
        self.world = world
        self.faults = faults
        self.dynamodb: Any = dynamodb
        self.sqs = sqs
        self.sendgrid = sendgrid

    def contacts(self) -> SendGridContacts:
        contacts = SendGridContacts(self.sendgrid, WorldClock(self.world))
        contacts.errors_file = self.sendgrid.download  # type: ignore[method-assign]
        return contacts


class WorldClock:
    """The running process's clock, with its skew."""

    def __init__(self, world: World) -> None:
        self._world = world

    def now(self) -> float:
        return self._world.clock()

    def sleep(self, seconds: float) -> None:
        self._world.sleep(seconds)

    def random(self) -> float:
        return self._world.timing.random()


def new_deliver(services: Services) -> Handler:
    """Compose deliver as functions/deliver/app.py does, for one Lambda environment."""
    world, sqs = services.world, services.sqs
    exports = ExportsTable(services.dynamodb, "exports")
    contacts, clock = services.contacts(), WorldClock(world)
    views = ExportViews(exports, ErasuresTable(services.dynamodb, "exports"), NOBODY, clock)
    outbox = Outbox(QueueWriter(sqs, CHANGES), QueueWriter(sqs, IMPORTS), REFRESH_DELAY_S, _CONFIRM_DELAY_S)
    rounds = Rounds(
        ledger=ContactsTable(services.dynamodb, "contacts", clock, each=world.each),
        views=views,
        runs=exports,
        outbox=outbox,
        contacts=lambda _: contacts,
        limits=UpsertLimits(),
    )
    deliverer = Deliverer(rounds=rounds, views=views, runs=exports, requeuer=Requeuer(outbox), clock=clock)

    def handle(messages: Sequence[QueuedMessage], deadline_s: float) -> Sequence[str]:
        records = [SqsRecord(message.id, message.body, message.receives) for message in messages]
        summary = deliverer.deliver(records, deadline_s)
        for fault in summary.faults:
            world.tell("fault: %s", fault)
        return summary.failed

    return handle


def new_confirm(services: Services) -> Handler:
    """Compose confirm as functions/confirm/app.py does, for one Lambda environment."""
    world, sqs = services.world, services.sqs
    contacts = services.contacts()
    clock = WorldClock(world)
    follower = ImportJobFollower(
        jobs=lambda _: contacts,
        runs=ExportsTable(services.dynamodb, "exports"),
        imports=QueueWriter(sqs, IMPORTS),
        follow_ups=FollowUps(QueueWriter(sqs, CHANGES), QueueWriter(sqs, PARKED), clock),
        delays=ConfirmDelays(confirm_s=_CONFIRM_DELAY_S, refresh_s=REFRESH_DELAY_S),
        clock=clock,
    )

    def handle(messages: Sequence[QueuedMessage], deadline_s: float) -> Sequence[str]:
        failed = []
        for message in messages:
            try:
                job = import_from(message.body)
                if deadline_s - world.clock() > MIN_REMAINING_MS / 1000:
                    outcome = follower.follow(job)
                else:
                    outcome = follower.put_off(job, "no time was left in this invocation")
                if outcome.fault:
                    world.tell("put off: %s", outcome.fault)
            except (RetryLater, StopRun, ValueError) as error:
                world.tell("not confirmed: %s", error)
                failed.append(message.id)
        return failed

    return handle


class EventSource:
    """Invokes a function with the messages of a queue, as Lambda's event source mapping does.

    Attributes:
        escaped: errors that a handler raised. It must never raise.
        poison: the address of the contact whose change kills its consumers.
    """

    def __init__(
        self,
        services: Services,
        queue: Queue,
        new: Callable[[Services], Handler],
        *,
        consumers: int,
        batch: int,
        skew_s: float,
    ) -> None:
        """Start to wait for messages.

        Args:
            services: the services that the function calls.
            queue: the queue to receive from.
            new: composes the function for an environment.
            consumers: the maximum of concurrent invocations.
            batch: the maximum of messages in an invocation.
            skew_s: the largest clock skew, ahead or behind.
        """
        self.escaped: list[Exception] = []
        self.poison: str | None = None
        self._services = services
        self._world = services.world
        self._queue = queue
        self._new = new
        self._consumers = consumers
        self._batch = batch
        self._skew_s = skew_s
        self._warm: list[Handler] = []
        self._running: set[Process] = set()
        self._number = 0
        queue.arrivals = self._poll_at

    def _poll_at(self, time_s: float) -> None:
        at_s = max(time_s, self._world.now) + self._world.latency_s * self._world.timing.random()
        self._world.at(at_s, self._poll)

    def _poll(self) -> None:
        visible = self._queue.visible()
        if not visible:
            return
        self._running = {process for process in self._running if process.alive}
        if len(self._running) >= self._consumers:
            return
        timing = self._world.timing
        size = min(len(visible), timing.randint(1, self._batch))
        messages = self._queue.receive(timing.sample(visible, size), received_twice(self._services.faults))
        if messages:
            self._invoke(messages)
        if size < len(visible):
            self._poll_at(self._world.now)

    def _invoke(self, messages: Sequence[QueuedMessage]) -> None:
        world = self._world
        self._number += 1
        skew_s = self._skew_s * (2 * world.timing.random() - 1)
        process = Process(f"{self._queue.name} {self._number}", lambda: self._poll_at(world.now), skew_s)
        if self.poison is not None and any(self.poison in message.body for message in messages):
            process.doomed_keys = frozenset((f"default#{self.poison}",))
        self._running.add(process)
        if world.trace is not None:
            world.note("%s gets %s", process.name, ", ".join(f"{m.id} ({m.receives})" for m in messages))
        deadline_s = world.now + TIMEOUT_S
        world.spawn(process, lambda: self._handle(process, messages, deadline_s))
        world.at(deadline_s, lambda: world.kill(process, "it timed out"))

    def _handle(self, process: Process, messages: Sequence[QueuedMessage], deadline_s: float) -> None:
        handler = self._warm.pop() if self._warm else self._new(self._services)
        try:
            failed = handler(messages, deadline_s + process.skew_s)
        except Exception as error:
            self.escaped.append(error)
            raise
        crash(self._world, self._services.faults)
        for message in messages:
            if message.id in failed:
                self._queue.show(message, self._world.timing.random() * 30)
            elif self._services.faults.hit("delete_lost") is None:
                self._queue.delete(message)
        self._warm.append(handler)
        process.alive = False
        self._world.note("%s ends", process.name)
        process.ended()
