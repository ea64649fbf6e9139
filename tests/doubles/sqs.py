"""SQS in memory, under the names of boto3's client: delays, visibility timeouts, dead letters."""

from collections.abc import Callable, Sequence
from typing import Any, Final, Self

from tests.clock import START_S
from tests.doubles.calls import Calls, refusal

MAX_ENTRIES: Final = 10
MAX_BYTES: Final = 1_048_576
MAX_DELAY_S: Final = 900


class QueuedMessage:
    """A message on a queue.

    Attributes:
        id: its id.
        body: its text.
        delay_s: the delay it was sent with.
        visible_s: when it can be received, Unix seconds.
        receives: how often it was received.
        deleted: whether it was deleted.
    """

    __slots__ = ("body", "delay_s", "deleted", "id", "receives", "visible_s")

    def __init__(self, id_: str, body: str, delay_s: float, visible_s: float) -> None:
        self.id = id_
        self.body = body
        self.delay_s = delay_s
        self.visible_s = visible_s
        self.receives = 0
        self.deleted = False


class Queue:
    """A queue.

    Attributes:
        name: its name, and its URL.
        messages: what is on it, in the order sent.
        dead_letters: where a message goes that was received too often, if anywhere.
        arrivals: called with the time from which a message can be received.
        dead_lettered: called with each message that goes to the dead-letter queue.
        peak: the largest number of messages on it so far.
    """

    def __init__(
        self,
        name: str,
        now: Callable[[], float] = lambda: START_S,
        *,
        visibility_s: float = 30.0,
        receives: int = 5,
        dead_letters: Self | None = None,
    ) -> None:
        self.name = name
        self.messages: list[QueuedMessage] = []
        self.dead_letters = dead_letters
        self.arrivals: Callable[[float], None] = lambda _: None
        self.dead_lettered: Callable[[QueuedMessage], None] = lambda _: None
        self.peak = 0
        self._now = now
        self._visibility_s = visibility_s
        self._receives = receives
        self._number = 0

    @property
    def bodies(self) -> list[str]:
        return [message.body for message in self.messages]

    @property
    def sent(self) -> list[tuple[float, str]]:
        """The delay and the body of every message on the queue."""
        return [(message.delay_s, message.body) for message in self.messages]

    def put(self, body: str, delay_s: float = 0.0) -> None:
        self._number += 1
        message = QueuedMessage(f"{self.name}.{self._number}", body, delay_s, self._now() + delay_s)
        self.messages.append(message)
        self.peak = max(self.peak, len(self.messages))
        self.arrivals(message.visible_s)

    def visible(self) -> list[QueuedMessage]:
        now = self._now()
        return [message for message in self.messages if message.visible_s <= now]

    def receive(
        self, messages: Sequence[QueuedMessage], hidden_s: Callable[[], float | None] = lambda: None
    ) -> list[QueuedMessage]:
        """Hand messages to a consumer, and hide them.

        Args:
            messages: of this queue, visible.
            hidden_s: returns how long a message is hidden, or None for the queue's visibility timeout.
        """
        received = []
        for message in messages:
            if message.receives >= self._receives and self.dead_letters is not None:
                self.delete(message)
                self.dead_lettered(message)
                self.dead_letters.put(message.body)
                continue
            message.receives += 1
            hidden = hidden_s()
            self.show(message, self._visibility_s if hidden is None else hidden)
            received.append(message)
        return received

    def show(self, message: QueuedMessage, delay_s: float) -> None:
        """Set when a message can be received again."""
        if not message.deleted:
            message.visible_s = self._now() + delay_s
            self.arrivals(message.visible_s)

    def delete(self, message: QueuedMessage) -> None:
        if not message.deleted:
            message.deleted = True
            self.messages.remove(message)

    def take_all(self) -> list[tuple[float, str]]:
        """Remove every message; return their delays and bodies."""
        taken = self.sent
        self.messages.clear()
        return taken


class Sqs:
    """boto3's SQS client over queues in memory.

    Attributes:
        calls: the calls, and the errors they raise.
        refuses: whether an entry of a batch is reported as failed; called for each entry.
        repeats: the further delay of a second copy of a message that is sent, or None.
    """

    def __init__(self, *queues: Queue) -> None:
        self.calls = Calls()
        self.refuses: Callable[[Any], bool] = lambda _: False
        self.repeats: Callable[[], float | None] = lambda: None
        self._queues = {queue.name: queue for queue in queues}

    def send_message(self, *, QueueUrl: str, MessageBody: str, DelaySeconds: int = 0) -> Any:
        self.calls.received(
            "SendMessage", QueueUrl=QueueUrl, MessageBody=MessageBody, DelaySeconds=DelaySeconds
        )
        entry = {"Id": "0", "MessageBody": MessageBody, "DelaySeconds": DelaySeconds}
        self._put(QueueUrl, [entry], "SendMessage")
        self.calls.served("SendMessage")
        return {"MessageId": "0"}

    def send_message_batch(self, *, QueueUrl: str, Entries: Sequence[Any]) -> Any:
        self.calls.received("SendMessageBatch", QueueUrl=QueueUrl, Entries=Entries)
        if not 1 <= len({entry["Id"] for entry in Entries}) == len(Entries) <= MAX_ENTRIES:
            raise refusal("InvalidBatchEntryId", "SendMessageBatch", message=f"{len(Entries)} entries")
        failed = [entry for entry in Entries if self.refuses(entry)]
        taken = [entry for entry in Entries if entry not in failed]
        self._put(QueueUrl, taken, "SendMessageBatch")
        self.calls.served("SendMessageBatch")
        answer: dict[str, Any] = {"Successful": [{"Id": entry["Id"]} for entry in taken]}
        if failed:
            answer["Failed"] = [
                {"Id": entry["Id"], "Code": "InternalError", "SenderFault": False} for entry in failed
            ]
        return answer

    def _put(self, url: str, entries: Sequence[Any], operation: str) -> None:
        queue = self._queue(url, operation)
        if sum(len(entry["MessageBody"].encode()) for entry in entries) > MAX_BYTES:
            raise refusal("BatchRequestTooLong", operation)
        if not all(0 <= entry.get("DelaySeconds", 0) <= MAX_DELAY_S for entry in entries):
            raise refusal("InvalidParameterValue", operation, message="DelaySeconds")
        for entry in entries:
            delay_s = entry.get("DelaySeconds", 0)
            queue.put(entry["MessageBody"], delay_s)
            if (further_s := self.repeats()) is not None:
                queue.put(entry["MessageBody"], delay_s + further_s)

    def receive_message(
        self,
        *,
        QueueUrl: str,
        MaxNumberOfMessages: int = 1,
        WaitTimeSeconds: int = 0,
        VisibilityTimeout: int = 30,
    ) -> Any:
        self.calls.received(
            "ReceiveMessage",
            QueueUrl=QueueUrl,
            WaitTimeSeconds=WaitTimeSeconds,
            VisibilityTimeout=VisibilityTimeout,
        )
        queue = self._queue(QueueUrl, "ReceiveMessage")
        if not 1 <= MaxNumberOfMessages <= MAX_ENTRIES:
            raise refusal("InvalidParameterValue", "ReceiveMessage", message="MaxNumberOfMessages")
        received = queue.receive(queue.visible()[:MaxNumberOfMessages], lambda: VisibilityTimeout)
        self.calls.served("ReceiveMessage")
        messages = [
            {
                "MessageId": message.id,
                "ReceiptHandle": message.id,
                "Body": message.body,
                "Attributes": {"ApproximateReceiveCount": str(message.receives)},
            }
            for message in received
        ]
        return {"Messages": messages} if messages else {}

    def delete_message_batch(self, *, QueueUrl: str, Entries: Sequence[Any]) -> Any:
        self.calls.received("DeleteMessageBatch", QueueUrl=QueueUrl, Entries=Entries)
        return self._each(
            QueueUrl, Entries, "DeleteMessageBatch", lambda queue, message, _: queue.delete(message)
        )

    def change_message_visibility_batch(self, *, QueueUrl: str, Entries: Sequence[Any]) -> Any:
        self.calls.received("ChangeMessageVisibilityBatch", QueueUrl=QueueUrl, Entries=Entries)
        return self._each(
            QueueUrl,
            Entries,
            "ChangeMessageVisibilityBatch",
            lambda queue, message, entry: queue.show(message, entry["VisibilityTimeout"]),
        )

    def _each(
        self,
        url: str,
        entries: Sequence[Any],
        operation: str,
        act: Callable[[Queue, QueuedMessage, Any], None],
    ) -> Any:
        queue = self._queue(url, operation)
        if not 1 <= len({entry["Id"] for entry in entries}) == len(entries) <= MAX_ENTRIES:
            raise refusal("InvalidBatchEntryId", operation, message=f"{len(entries)} entries")
        failed = []
        for entry in entries:
            if self.refuses(entry):
                failed.append({"Id": entry["Id"], "Code": "InternalError", "SenderFault": False})
                continue
            for message in [queued for queued in queue.messages if queued.id == entry["ReceiptHandle"]]:
                act(queue, message, entry)
        self.calls.served(operation)
        return {"Failed": failed} if failed else {}

    def _queue(self, url: str, operation: str) -> Queue:
        if url not in self._queues:
            raise refusal("AWS.SimpleQueueService.NonExistentQueue", operation, message=f"no queue {url}")
        return self._queues[url]
