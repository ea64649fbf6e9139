"""Messages are written to a queue in few requests; if any is refused, that is an error."""

from collections.abc import Iterable
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from lytics_sendgrid.errors import ServiceUnavailable, StopRun, Throttled
from lytics_sendgrid.queues.writer import MAX_REQUEST_BYTES, QueueWriter
from tests.doubles.sqs import Queue, Sqs

URL = "https://sqs.example/queue"


class Scene:
    """A queue, and the client that writes to it."""

    def __init__(self) -> None:
        self.queue = Queue(URL)
        self.sqs = Sqs(self.queue)
        self.refusals: dict[str, int] = {}
        self.sqs.refuses = self._refuses

    def _refuses(self, entry: Any) -> bool:
        left = self.refusals.get(entry["MessageBody"], 0)
        self.refusals[entry["MessageBody"]] = left - 1
        return left > 0

    def send(self, bodies: Iterable[str], delay_s: int = 0) -> None:
        QueueWriter(self.sqs, URL).send(bodies, delay_s)

    def requests(self) -> list[list[str]]:
        """Return the bodies of each request."""
        return [
            [entry["MessageBody"] for entry in request.get("Entries", [request])]
            for _, request in self.sqs.calls.made
        ]


@pytest.fixture
def scene() -> Scene:
    return Scene()


def test_no_bodies_make_no_request(scene: Scene) -> None:
    scene.send([])
    assert scene.requests() == []


def test_one_message_is_sent_alone_and_many_in_tens(scene: Scene) -> None:
    scene.send(str(number) for number in range(21))
    assert [len(request) for request in scene.requests()] == [10, 10, 1]
    assert scene.queue.bodies == [str(number) for number in range(21)]


def test_batch_stays_within_one_mebibyte(scene: Scene) -> None:
    bodies = [letter * 400_000 for letter in "abcde"] + ["f" * MAX_REQUEST_BYTES, "g"]
    scene.send(bodies)
    assert scene.queue.bodies == bodies
    assert [len(request) for request in scene.requests()] == [2, 2, 1, 1, 1]
    assert max(sum(map(len, request)) for request in scene.requests()) <= MAX_REQUEST_BYTES


@pytest.mark.parametrize(("delay", "sent"), [(0, 0), (5, 5), (900, 900), (5_000, 900), (-1, 0)])
def test_delay_is_capped_at_sqs_limit(scene: Scene, delay: int, sent: int) -> None:
    scene.send(["alone"], delay)
    scene.send(["one", "two"], delay)
    assert scene.queue.sent == [(sent, "alone"), (sent, "one"), (sent, "two")]


def test_only_failed_entries_are_sent_again(scene: Scene) -> None:
    scene.refusals = {"b": 2, "c": 1}
    scene.send(["a", "b", "c"])
    assert scene.requests() == [["a", "b", "c"], ["b", "c"], ["b"]]
    assert sorted(scene.queue.bodies) == ["a", "b", "c"]


def test_entry_that_always_fails_is_an_error_with_its_code(scene: Scene) -> None:
    scene.refusals = {"b": 99}
    with pytest.raises(ServiceUnavailable, match="1 of 2 messages: InternalError"):
        scene.send(["a", "b"])
    assert len(scene.requests()) == 3


@pytest.mark.parametrize(
    ("code", "status", "raised"),
    [
        ("RequestThrottled", 400, Throttled),
        ("ServiceUnavailable", 503, ServiceUnavailable),
        ("QueueDoesNotExist", 400, StopRun),
    ],
)
@pytest.mark.parametrize("bodies", [["a"], ["a", "b"]])
def test_sqs_errors_are_translated(
    scene: Scene, bodies: list[str], code: str, status: int, raised: type[Exception]
) -> None:
    answer: Any = {"Error": {"Code": code, "Message": "m"}, "ResponseMetadata": {"HTTPStatusCode": status}}
    scene.sqs.calls.broken = ClientError(answer, "SendMessage")
    with pytest.raises(raised, match=code):
        scene.send(bodies)


def test_unreachable_service_is_retried_later(scene: Scene) -> None:
    scene.sqs.calls.broken = EndpointConnectionError(endpoint_url=URL)
    with pytest.raises(ServiceUnavailable):
        scene.send(["a"])
