"""The bench as Lambda's SQS event source: receives, cuts batches, invokes, deletes.

It calls SQS as Lambda's pollers do, ten messages a ReceiveMessage and ten a DeleteMessageBatch, so those
requests are counted as they are made. Batches are cut by the code that the local cloud cuts them by: 10,000
messages or 6 MB of serialised event. All that is on the queue is received before the first cut: the batches
of a queue that is full.
"""

import itertools
import json
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from tests.local.batching import Gathering, Record, failed_ids, payload, serialise

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

BATCH_SIZE: Final = 10_000
RECEIVE: Final = 10

type Invoke = Callable[[bytes], Any]


def record_of(message: Mapping[str, Any], queue: str) -> Record:
    """Return a received message as Lambda hands it to a function."""
    document = {
        "messageId": message["MessageId"],
        "receiptHandle": message["ReceiptHandle"],
        "body": message["Body"],
        "attributes": message["Attributes"],
        "messageAttributes": {},
        "md5OfBody": message["MD5OfBody"],
        "eventSource": "aws:sqs",
        "eventSourceARN": f"arn:aws:sqs:us-east-1:000000000000:{queue}",
        "awsRegion": "us-east-1",
    }
    return Record(message["MessageId"], message["ReceiptHandle"], serialise(document))


def made_record(body: str, receives: int = 1) -> Record:
    """Return the record of a message that never was on a queue."""
    attributes = {
        "ApproximateReceiveCount": str(receives),
        "SentTimestamp": "1795000000000",
        "SenderId": "AIDAIENQZJOLO23YVJ4VO",
        "ApproximateFirstReceiveTimestamp": "1795000000100",
    }
    message = {
        "MessageId": str(uuid.uuid4()),
        "ReceiptHandle": "AQEB" + 40 * "w7e8",
        "Body": body,
        "Attributes": attributes,
        "MD5OfBody": uuid.uuid4().hex,
    }
    return record_of(message, "bench-changes")


def batches(records: Sequence[Record]) -> Iterator[list[Record]]:
    """Cut records into batches as the event source does."""
    gathering = Gathering(BATCH_SIZE, 0.0)
    gathering.add(records, 0.0)
    while batch := gathering.cut(0.0):
        yield batch


def event(bodies: Sequence[str], receives: int = 1) -> bytes:
    """Return the one event that holds all bodies."""
    return payload([made_record(body, receives) for body in bodies])


def receive_all(sqs: "SQSClient", url: str) -> list[Record]:
    """Receive until the queue gives nothing any more: the one empty receive is counted too."""
    queue = url.rpartition("/")[2]
    records: list[Record] = []
    while True:
        answer: Any = sqs.receive_message(
            QueueUrl=url, MaxNumberOfMessages=RECEIVE, MessageSystemAttributeNames=["All"]
        )
        if not answer.get("Messages"):
            return records
        records += [record_of(message, queue) for message in answer["Messages"]]


def drain(
    sqs: "SQSClient",
    url: str,
    invoke: Invoke,
    batch_size: int = BATCH_SIZE,
    seen: Callable[[int], None] | None = None,
) -> int:
    """Pass all messages of a queue to a function, delete those it processed, and count the invocations.

    Args:
        sqs: the calls are made with it.
        url: the queue's.
        invoke: the function.
        batch_size: of the event source mapping.
        seen: receives the number of messages of each invocation.

    Raises:
        RuntimeError: the function reported a failure.
    """
    records = receive_all(sqs, url)
    gathering = Gathering(batch_size, 0.0)
    gathering.add(records, 0.0)
    invocations = 0
    while batch := gathering.cut(0.0):
        response = invoke(payload(batch))
        invocations += 1
        if failed := failed_ids(response, {record.message_id for record in batch}):
            raise RuntimeError(f"{len(failed)} of {len(batch)} messages failed")
        for done in itertools.batched(batch, RECEIVE):
            entries: Any = [
                {"Id": str(number), "ReceiptHandle": record.receipt_handle}
                for number, record in enumerate(done)
            ]
            sqs.delete_message_batch(QueueUrl=url, Entries=entries)
        if seen is not None:
            seen(len(batch))
    return invocations


def answered(result: Any) -> Any:
    """Return what a function returned.

    Raises:
        RuntimeError: it raised instead.
    """
    if result.failed:
        raise RuntimeError(f"the function failed: {result.payload.decode()[:2000]}")
    return json.loads(result.payload)
