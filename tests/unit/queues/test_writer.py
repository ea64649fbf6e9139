"""Messages are written to a queue in few requests; if any is refused, that is an error."""

from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from lytics_sendgrid.errors import ServiceUnavailable, StopRun, Throttled
from lytics_sendgrid.queues.writer import MAX_BATCH_BYTES, QueueWriter

URL = "https://sqs.example/queue"


class ScriptedSqs:
    """SQS that records messages, and refuses the entries in ``refuses`` as often as it says."""

    def __init__(self) -> None:
        self.requests: list[list[str]] = []
        self.taken: list[tuple[str, int]] = []
        self.refuses: dict[str, int] = {}
        self.error: Exception | None = None

    def send_message(self, *, QueueUrl: str, MessageBody: str, DelaySeconds: int = 0) -> Any:  # noqa: N803
        assert QueueUrl == URL
        self.requests.append([MessageBody])
        if self.error is not None:
            raise self.error
        self.taken.append((MessageBody, DelaySeconds))
        return {"MessageId": "1"}

    def send_message_batch(self, *, QueueUrl: str, Entries: Any) -> Any:  # noqa: N803
        assert QueueUrl == URL
        self.requests.append([entry["MessageBody"] for entry in Entries])
        if self.error is not None:
            raise self.error
        failed = []
        for entry in Entries:
            body = entry["MessageBody"]
            if self.refuses.get(body, 0) > 0:
                self.refuses[body] -= 1
                failed.append({"Id": entry["Id"], "Code": "InternalError", "SenderFault": False})
            else:
                self.taken.append((body, entry["DelaySeconds"]))
        return {"Successful": [], **({"Failed": failed} if failed else {})}


@pytest.fixture
def sqs() -> ScriptedSqs:
    return ScriptedSqs()


def test_no_bodies_make_no_request(sqs: ScriptedSqs) -> None:
    QueueWriter(sqs, URL).send([])
    assert sqs.requests == []


def test_one_message_is_sent_alone_and_many_in_tens(sqs: ScriptedSqs) -> None:
    QueueWriter(sqs, URL).send(str(number) for number in range(21))
    assert [len(request) for request in sqs.requests] == [10, 10, 1]
    assert [body for body, _ in sqs.taken] == [str(number) for number in range(21)]


def test_batch_stays_within_one_mebibyte(sqs: ScriptedSqs) -> None:
    bodies = [letter * 400_000 for letter in "abcde"] + ["f" * MAX_BATCH_BYTES, "g"]
    QueueWriter(sqs, URL).send(bodies)
    assert [body for body, _ in sqs.taken] == bodies
    assert [len(request) for request in sqs.requests] == [2, 2, 1, 1, 1]
    assert max(sum(map(len, request)) for request in sqs.requests) <= MAX_BATCH_BYTES


@pytest.mark.parametrize(("delay", "sent"), [(0, 0), (5, 5), (900, 900), (5_000, 900), (-1, 0)])
def test_delay_is_capped_at_sqs_limit(sqs: ScriptedSqs, delay: int, sent: int) -> None:
    QueueWriter(sqs, URL).send(["alone"], delay)
    QueueWriter(sqs, URL).send(["one", "two"], delay)
    assert sqs.taken == [("alone", sent), ("one", sent), ("two", sent)]


def test_only_failed_entries_are_sent_again(sqs: ScriptedSqs) -> None:
    sqs.refuses = {"b": 2, "c": 1}
    QueueWriter(sqs, URL).send(["a", "b", "c"])
    assert sqs.requests == [["a", "b", "c"], ["b", "c"], ["b"]]
    assert sorted(body for body, _ in sqs.taken) == ["a", "b", "c"]


def test_entry_that_always_fails_is_an_error_with_its_code(sqs: ScriptedSqs) -> None:
    sqs.refuses = {"b": 99}
    with pytest.raises(ServiceUnavailable, match="1 of 2 messages: InternalError"):
        QueueWriter(sqs, URL).send(["a", "b"])
    assert len(sqs.requests) == 3


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
    sqs: ScriptedSqs, bodies: list[str], code: str, status: int, raised: type[Exception]
) -> None:
    answer: Any = {"Error": {"Code": code, "Message": "m"}, "ResponseMetadata": {"HTTPStatusCode": status}}
    sqs.error = ClientError(answer, "SendMessage")
    with pytest.raises(raised, match=code):
        QueueWriter(sqs, URL).send(bodies)


def test_unreachable_service_is_retried_later(sqs: ScriptedSqs) -> None:
    sqs.error = EndpointConnectionError(endpoint_url=URL)
    with pytest.raises(ServiceUnavailable):
        QueueWriter(sqs, URL).send(["a"])
