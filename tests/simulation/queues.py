"""SQS as it is documented: at least once, in any order, with delays, time-outs and a dead-letter queue."""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from botocore.exceptions import ClientError, ReadTimeoutError

from tests.simulation.engine import World
from tests.simulation.faults import Faults

_TIMEOUT: Final = ReadTimeoutError(endpoint_url="sqs")


class QueuedMessage:
    """A message on a queue.

    Attributes:
        visible_s: from when on it can be received.
        receives: how often it was.
        deleted: it is no more.
    """

    __slots__ = ("body", "deleted", "id", "receives", "visible_s")

    def __init__(self, id_: str, body: str, visible_s: float) -> None:
        self.id = id_
        self.body = body
        self.visible_s = visible_s
        self.receives = 0
        self.deleted = False


class Queue:
    """A queue.

    Attributes:
        dead_letters: where a message goes that was received too often.
        arrivals: told from when on a message can be received.
        most: how many there were at once.
    """

    def __init__(
        self, world: World, name: str, visibility_s: float, receives: int, dead_letters: "Queue | None"
    ) -> None:
        self.name = name
        self.messages: list[QueuedMessage] = []
        self.dead_letters = dead_letters
        self.arrivals: Callable[[float], None] = lambda _: None
        self.most = 0
        self._world = world
        self._visibility_s = visibility_s
        self._receives = receives
        self._number = 0

    def put(self, body: str, delay_s: float = 0.0) -> None:
        self._number += 1
        message = QueuedMessage(f"{self.name}.{self._number}", body, self._world.now + delay_s)
        self.messages.append(message)
        self.most = max(self.most, len(self.messages))
        self.arrivals(message.visible_s)

    def visible(self) -> list[QueuedMessage]:
        now = self._world.now
        return [message for message in self.messages if message.visible_s <= now]

    def receive(self, messages: Sequence[QueuedMessage], faults: Faults) -> list[QueuedMessage]:
        """Hand messages over, and hide them for a time that is longer than a consumer can live."""
        received = []
        for message in messages:
            if message.receives >= self._receives and self.dead_letters is not None:
                self.delete(message)
                self._world.note("%s is dead-lettered", message.id)
                self.dead_letters.put(message.body)
                continue
            message.receives += 1
            again = faults.hit("received_twice")
            self.show(message, self._visibility_s if again is None else again * 30)
            received.append(message)
        return received

    def show(self, message: QueuedMessage, delay_s: float) -> None:
        """Set when a message can be received (again)."""
        if not message.deleted:
            message.visible_s = self._world.now + delay_s
            self.arrivals(message.visible_s)

    def delete(self, message: QueuedMessage) -> None:
        if not message.deleted:
            message.deleted = True
            self.messages.remove(message)


class Sqs:
    """The part of boto3's SQS client that the product uses."""

    def __init__(self, world: World, faults: Faults, queues: Mapping[str, Queue]) -> None:
        self._world = world
        self._faults = faults
        self._queues = queues

    def send_message(self, *, QueueUrl: str, MessageBody: str, DelaySeconds: int = 0) -> Any:
        self._world.tell("send to %s, delay %d: %s", QueueUrl, DelaySeconds, short(MessageBody, self._world))
        entry = {"Id": "0", "MessageBody": MessageBody, "DelaySeconds": DelaySeconds}
        self._call("SendMessage", lambda: self._put(QueueUrl, [entry]))

    def send_message_batch(self, *, QueueUrl: str, Entries: Any) -> Any:
        for entry in Entries:
            body = short(entry["MessageBody"], self._world)
            self._world.tell("send to %s, delay %d: %s", QueueUrl, entry["DelaySeconds"], body)
        failed = [entry for entry in Entries if self._faults.hit("send_partly") is not None]
        taken = [entry for entry in Entries if entry not in failed]
        self._call("SendMessageBatch", lambda: self._put(QueueUrl, taken))
        return {"Failed": [{"Id": entry["Id"], "Code": "InternalError"} for entry in failed]}

    def _put(self, url: str, entries: Sequence[Any]) -> None:
        for entry in entries:
            self._queues[url].put(entry["MessageBody"], entry["DelaySeconds"])
            if (delay := self._faults.hit("send_twice")) is not None:
                self._queues[url].put(entry["MessageBody"], entry["DelaySeconds"] + 20 * delay)

    def _call(self, operation: str, serve: Callable[[], None]) -> None:
        world, faults = self._world, self._faults
        crash(world, faults)
        if faults.hit("send_refused") is not None:
            world.tell("SQS fails")
            answer: Any = {"Error": {"Code": "Unavailable"}, "ResponseMetadata": {"HTTPStatusCode": 503}}
            raise ClientError(answer, operation)
        world.call(serve, _TIMEOUT)
        if faults.hit("send_lost") is not None:
            world.tell("the answer of SQS is lost")
            raise _TIMEOUT


def crash(world: World, faults: Faults) -> None:
    """Let the running process die or stand still before its next effect, if that is drawn."""
    if (severity := faults.hit("crash")) is not None:
        if severity < 0.5:
            world.die("a crash")
        process = world.running.process
        world.at(world.now + world.latency_s * severity, lambda: world.kill(process, "a crash"))
    if (severity := faults.hit("stall")) is not None:
        world.tell("stands still for %.0f s", severity * 130)
        world.sleep(severity * 130)


def short(body: str, world: World) -> str:
    """Return what a message says, for the trace."""
    if world.trace is None:
        return ""
    document = json.loads(body)
    for key in ("v", "config", "queued", "authorization", "runs"):
        document.pop(key, None)
    return json.dumps({key: value for key, value in document.items() if value not in (0, [], {})})
