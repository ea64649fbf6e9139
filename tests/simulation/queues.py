"""SQS in the simulated world: at-least-once delivery, in any order, and every call may fail."""

import json
from collections.abc import Callable, Mapping
from typing import Any

from botocore.exceptions import ReadTimeoutError

from tests.doubles import sqs
from tests.doubles.calls import refusal
from tests.simulation.engine import World
from tests.simulation.faults import Faults


class Queue(sqs.Queue):
    """A queue on the simulated world's clock."""

    def __init__(
        self, world: World, name: str, visibility_s: float, receives: int, dead_letters: "Queue | None"
    ) -> None:
        super().__init__(
            name,
            lambda: world.now,
            visibility_s=visibility_s,
            receives=receives,
            dead_letters=dead_letters,
        )
        self.dead_lettered = lambda message: world.note("%s is dead-lettered", message.id)


class Sqs:
    """The part of boto3's SQS client that the product uses."""

    def __init__(self, world: World, faults: Faults, queues: Mapping[str, Queue]) -> None:
        self._double = sqs.Sqs(*queues.values())
        self._double.refuses = lambda _: faults.hit("send_partly") is not None
        self._double.repeats = self._repeats
        self._world = world
        self._faults = faults

    def send_message(self, *, QueueUrl: str, MessageBody: str, DelaySeconds: int = 0) -> Any:
        self._tell(QueueUrl, MessageBody, DelaySeconds)
        return self._call(
            "SendMessage",
            lambda: self._double.send_message(
                QueueUrl=QueueUrl, MessageBody=MessageBody, DelaySeconds=DelaySeconds
            ),
        )

    def send_message_batch(self, *, QueueUrl: str, Entries: Any) -> Any:
        for entry in Entries:
            self._tell(QueueUrl, entry["MessageBody"], entry["DelaySeconds"])
        return self._call(
            "SendMessageBatch", lambda: self._double.send_message_batch(QueueUrl=QueueUrl, Entries=Entries)
        )

    def _tell(self, url: str, body: str, delay_s: int) -> None:
        self._world.tell("send to %s, delay %d: %s", url, delay_s, short(body, self._world))

    def _repeats(self) -> float | None:
        severity = self._faults.hit("send_twice")
        return None if severity is None else 20 * severity

    def _call(self, operation: str, serve: Callable[[], Any]) -> Any:
        world, faults = self._world, self._faults
        crash(world, faults)
        if faults.hit("send_refused") is not None:
            world.tell("SQS fails")
            raise refusal("Unavailable", operation, 503)
        answer = world.call(serve, _timeout)
        if faults.hit("send_lost") is not None:
            world.tell("SQS's answer is lost")
            raise _timeout()
        return answer


def received_twice(faults: Faults) -> Callable[[], float | None]:
    """Return a function that draws a short visibility timeout if a fault redelivers a message."""

    def hidden_s() -> float | None:
        severity = faults.hit("received_twice")
        return None if severity is None else severity * 30

    return hidden_s


def crash(world: World, faults: Faults) -> None:
    """Kill or stall the running process before its next effect, if such a fault is drawn."""
    if (severity := faults.hit("crash")) is not None:
        if severity < 0.5:
            world.die("a crash")
        process = world.running.process
        world.at(world.now + world.latency_s * severity, lambda: world.kill(process, "a crash"))
    if (severity := faults.hit("stall")) is not None:
        world.tell("stalls for %.0f s", severity * 130)
        world.sleep(severity * 130)


def short(body: str, world: World) -> str:
    """Return a message's main fields, for the trace."""
    if world.trace is None:
        return ""
    document = json.loads(body)
    for key in ("v", "config", "queued", "authorization", "runs"):
        document.pop(key, None)
    return json.dumps({key: value for key, value in document.items() if value not in (0, [], {})})


def _timeout() -> ReadTimeoutError:
    """Return a new error: one that is raised again and again keeps everything that its tracebacks hold."""
    return ReadTimeoutError(endpoint_url="sqs")
