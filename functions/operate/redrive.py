"""Redrive messages that were set aside: ``STACK=lytics-sendgrid python -m functions.operate.redrive``.

``QUEUE`` is ``changes``, ``imports`` (both by default) or ``rejects``; ``DRY=1`` only reports what is there
and why. Each message is sent before it is deleted, so a crash leaves it twice, which is harmless. A message
that cannot be redriven stays on its queue. A reject that would become nothing is deleted and reported as
dropped. Needs ``cloudformation:DescribeStacks``, ``dynamodb:GetItem`` on the exports table, and on the queues
``sqs:ReceiveMessage``, ``sqs:DeleteMessage``, ``sqs:ChangeMessageVisibility`` and ``sqs:SendMessage``.
"""

import itertools
import os
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final, Protocol

from functions.operate.dead_letters import RedrivePlan, dead_changes, dead_import, reject
from functions.operate.stack import boto_session, says_errors, stack_name, stack_outputs
from lytics_sendgrid.aws.errors import translated
from lytics_sendgrid.domain.configuration import Export
from lytics_sendgrid.errors import InputInvalid
from lytics_sendgrid.queues.writer import MAX_ENTRIES, QueueWriter
from lytics_sendgrid.tables.exports import ExportsTable

QUEUES: Final = {
    "changes": ("changes dead-letter queue", "ChangesDeadLetterQueueUrl"),
    "imports": ("imports dead-letter queue", "ImportsDeadLetterQueueUrl"),
    "rejects": ("rejects queue", "RejectsQueueUrl"),
}
"""The name of each queue, and the output of the stack that is its URL."""
DEFAULT: Final = ("changes", "imports")
VISIBILITY_TIMEOUT_S: Final = 300
"""Visibility timeout of received messages; messages that stay are released at the end."""
_WAIT_S: Final = 2
"""With long polling SQS queries all of its servers, so an empty answer most likely means an empty queue."""
_MAX_EMPTY_RECEIVES: Final = 2
_MAX_FAMILIAR_RECEIVES: Final = 20
"""The redrive ends after this many answers in a row without a new message. If many messages stay and the
redrive takes longer than the visibility timeout, some answers hold only messages that were seen before."""


class SqsClient(Protocol):
    """The part of boto3's SQS client that takes messages from a queue."""

    def receive_message(  # noqa: D102
        self,
        *,
        QueueUrl: str,  # noqa: N803
        MaxNumberOfMessages: int,  # noqa: N803
        WaitTimeSeconds: int,  # noqa: N803
        VisibilityTimeout: int,  # noqa: N803
    ) -> Any: ...

    def delete_message_batch(self, *, QueueUrl: str, Entries: Any) -> Any: ...  # noqa: N803, D102

    def change_message_visibility_batch(self, *, QueueUrl: str, Entries: Any) -> Any: ...  # noqa: N803, D102


class Writer(Protocol):
    """A queue to write to."""

    def send(self, bodies: Sequence[str]) -> None: ...  # noqa: D102


@dataclass(slots=True)
class RedriveSummary:
    """What was in a queue and what became of it; in a dry run, what would become of it.

    Attributes:
        messages: how many messages there were.
        moved: how many were redriven.
        why: how many were set aside for each reason.
        dropped: how many were deleted without a replacement, for each reason.
        stays: how many stay, for each reason.
    """

    messages: int = 0
    moved: int = 0
    why: Counter[str] = field(default_factory=Counter)
    dropped: Counter[str] = field(default_factory=Counter)
    stays: Counter[str] = field(default_factory=Counter)

    def lines(self, name: str, *, dry: bool) -> Iterator[str]:
        """Yield the summary as lines of text."""
        yield f"{name}: {self.messages:,} messages"
        yield from (f"{count:9,}  {why}" for why, count in self.why.most_common())
        if self.messages:
            yield f"  {'would be redriven' if dry else 'redriven'}: {self.moved:,}"
        drops = "would be dropped" if dry else "dropped"
        yield from (f"  {drops}: {count:,}: {reason}" for reason, count in self.dropped.most_common())
        yield from (f"  stays: {count:,}: {reason}" for reason, count in self.stays.most_common())


@dataclass(frozen=True, slots=True, kw_only=True)
class Targets:
    """The queues that messages go back to."""

    changes: Writer
    imports: Writer
    rejects: Writer

    def send(self, plans: Sequence[RedrivePlan]) -> None:
        """Send what messages become."""
        for writer, bodies in (
            (self.changes, [body for plan in plans for body in plan.changes]),
            (self.imports, [body for plan in plans for body in plan.imports]),
            (self.rejects, [body for plan in plans for body in plan.rejects]),
        ):
            if bodies:
                writer.send(bodies)


def redrive(
    client: SqsClient, url: str, planner: Callable[[str], RedrivePlan], targets: Targets, *, dry: bool
) -> RedriveSummary:
    """Redrive a queue's messages, each once.

    Args:
        client: SQS.
        url: the queue's URL.
        planner: plans the redrive of a message body.
        targets: the queues that messages go back to.
        dry: move nothing.

    Raises:
        RetryLater: AWS did not answer; every deleted message has been sent.
        StopRun: AWS refused a request.
    """
    summary = RedriveSummary()
    held: dict[str, str] = {}
    try:
        for messages in _received(client, url, held):
            plans = {message["MessageId"]: planner(message["Body"]) for message in messages}
            movable = {key: plan for key, plan in plans.items() if plan.stays is None}
            summary.messages += len(plans)
            summary.moved += sum(plan.dropped is None for plan in movable.values())
            summary.dropped.update(plan.dropped for plan in plans.values() if plan.dropped is not None)
            summary.why.update(plan.why for plan in plans.values())
            summary.stays.update(plan.stays for plan in plans.values() if plan.stays is not None)
            if movable and not dry:
                targets.send(list(movable.values()))
                with translated("SQS"):
                    client.delete_message_batch(
                        QueueUrl=url, Entries=_entries([held[key] for key in movable])
                    )
                for key in movable:
                    del held[key]
    finally:
        _release(client, url, list(held.values()))
    return summary


def _received(client: SqsClient, url: str, held: dict[str, str]) -> Iterator[list[Any]]:
    """Yield new messages until only known ones are received.

    Args:
        client: SQS.
        url: the queue's URL.
        held: receives the receipt handle of each new message, and of a message received again while it is in
            there: the older handle may have expired.
    """
    seen: set[str] = set()
    empty = familiar = 0
    while empty < _MAX_EMPTY_RECEIVES and familiar < _MAX_FAMILIAR_RECEIVES:
        with translated("SQS"):
            answer = client.receive_message(
                QueueUrl=url,
                MaxNumberOfMessages=MAX_ENTRIES,
                WaitTimeSeconds=_WAIT_S,
                VisibilityTimeout=VISIBILITY_TIMEOUT_S,
            )
        received = {message["MessageId"]: message for message in answer.get("Messages", ())}
        new = [message for key, message in received.items() if key not in seen]
        held |= {
            key: message["ReceiptHandle"]
            for key, message in received.items()
            if key in held or key not in seen
        }
        seen |= received.keys()
        if new:
            empty = familiar = 0
            yield new
        elif received:
            familiar += 1
        else:
            empty += 1


def _release(client: SqsClient, url: str, receipts: Sequence[str]) -> None:
    for request in itertools.batched(receipts, MAX_ENTRIES):
        entries = [{**entry, "VisibilityTimeout": 0} for entry in _entries(request)]
        with translated("SQS"):
            client.change_message_visibility_batch(QueueUrl=url, Entries=entries)


def _entries(receipts: Sequence[str]) -> list[dict[str, Any]]:
    return [{"Id": str(number), "ReceiptHandle": receipt} for number, receipt in enumerate(receipts)]


class _CachedExports:
    """The exports table, each export read once."""

    def __init__(self, table: ExportsTable) -> None:
        self._table = table
        self._read: dict[str, Export | None] = {}

    def export(self, name: str) -> Export | None:
        if name not in self._read:
            self._read[name] = self._table.export(name)
        return self._read[name]


def _queues(environment: Mapping[str, str]) -> tuple[str, ...]:
    name = environment.get("QUEUE", "")
    if name and name not in QUEUES:
        raise InputInvalid(
            f"QUEUE={name}: use one of {', '.join(QUEUES)}; the default is {' and '.join(DEFAULT)}"
        )
    return (name,) if name else DEFAULT


@says_errors
def main(environment: Mapping[str, str], say: Callable[[str], object]) -> int:
    """Redrive the queues; return the exit status of the program, 0 even if messages stay."""
    queues, dry = _queues(environment), environment.get("DRY", "") not in {"", "0"}
    stack, session = stack_name(environment), boto_session(environment)
    outputs = stack_outputs(session.client("cloudformation"), stack)
    sqs = session.client("sqs")
    targets = Targets(
        changes=QueueWriter(sqs, outputs["ChangesQueueUrl"]),
        imports=QueueWriter(sqs, outputs["ImportsQueueUrl"]),
        rejects=QueueWriter(sqs, outputs["RejectsQueueUrl"]),
    )
    exports = _CachedExports(ExportsTable(session.client("dynamodb"), outputs["ExportsTable"]))
    planners: dict[str, Callable[[str], RedrivePlan]] = {
        "changes": partial(dead_changes, exports=exports),
        "imports": dead_import,
        "rejects": partial(reject, exports=exports, now_ns=time.time_ns()),
    }
    for queue in queues:
        name, output = QUEUES[queue]
        summary = redrive(sqs, outputs[output], planners[queue], targets, dry=dry)
        for line in summary.lines(name, dry=dry):
            say(line + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(os.environ, sys.stdout.write))
