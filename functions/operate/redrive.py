"""Bring what was set aside back to work: ``STACK=lytics-sendgrid python -m functions.operate.redrive``.

``QUEUE`` is ``changes``, ``imports`` (both by default) or ``rejects``; ``DRY=1`` only says what is there and why.
Each message is sent first and deleted then, so a crash leaves it twice, which is harmless. What cannot be redriven
stays where it is; a reject of which nothing would become any more is deleted, and counted as that. Needs
``cloudformation:DescribeStacks``, ``dynamodb:GetItem`` on the exports table, and on the queues ``sqs:ReceiveMessage``,
``sqs:DeleteMessage``, ``sqs:ChangeMessageVisibility`` and ``sqs:SendMessage``.
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

from botocore.exceptions import BotoCoreError

from functions.operate.dead_letters import Redriven, dead_changes, dead_import, reject
from functions.operate.stack import asked_stack, session_of, stack_outputs
from lytics_sendgrid.aws.errors import translated
from lytics_sendgrid.domain.configuration import Export
from lytics_sendgrid.errors import InputInvalid, LyticsSendGridError
from lytics_sendgrid.queues.writer import MAX_ENTRIES, QueueWriter
from lytics_sendgrid.tables.exports import ExportsTable

QUEUES: Final = {
    "changes": ("changes dead-letter queue", "ChangesDeadLetterQueueUrl"),
    "imports": ("imports dead-letter queue", "ImportsDeadLetterQueueUrl"),
    "rejects": ("rejects queue", "RejectsQueueUrl"),
}
"""What each is called, and which output of the stack is its URL."""
DEFAULT: Final = ("changes", "imports")
HELD_S: Final = 300
"""How long nobody else sees a message that was received here; what stays is let go at the end."""
_WAIT_S: Final = 2
"""Asked so, SQS looks at all its servers: an empty answer means an empty queue, most likely."""
_EMPTY_POLLS: Final = 2
_FAMILIAR_POLLS: Final = 20
"""So many answers in a row without a message that is new end the work. Among many that stay, and were let go in a run that
takes longer than they are held, some answers hold none but those."""


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
class Found:
    """What was in a queue.

    Attributes:
        messages: how many.
        moved: how many of them were redriven; of a dry run, could be.
        why: why they were set aside, counted.
        dropped: why some were deleted instead, or of a dry run would be, counted.
        stays: why some stay, counted.
    """

    messages: int = 0
    moved: int = 0
    why: Counter[str] = field(default_factory=Counter)
    dropped: Counter[str] = field(default_factory=Counter)
    stays: Counter[str] = field(default_factory=Counter)

    def lines(self, name: str, *, dry: bool) -> Iterator[str]:
        """Say it, a line each."""
        yield f"{name}: {self.messages:,} messages"
        yield from (f"{count:9,}  {why}" for why, count in self.why.most_common())
        if self.messages:
            yield f"  {'would be redriven' if dry else 'redriven'}: {self.moved:,}"
        drops = "would be dropped" if dry else "dropped"
        yield from (f"  {drops}: {count:,}: {reason}" for reason, count in self.dropped.most_common())
        yield from (f"  stays: {count:,}: {reason}" for reason, count in self.stays.most_common())


@dataclass(frozen=True, slots=True, kw_only=True)
class Targets:
    """Where messages go back to."""

    changes: Writer
    imports: Writer
    rejects: Writer

    def send(self, messages: Sequence[Redriven]) -> None:
        """Send what messages become."""
        for writer, bodies in (
            (self.changes, [body for one in messages for body in one.changes]),
            (self.imports, [body for one in messages for body in one.imports]),
            (self.rejects, [body for one in messages for body in one.rejects]),
        ):
            if bodies:
                writer.send(bodies)


def redrive(
    client: SqsClient, url: str, judge: Callable[[str], Redriven], targets: Targets, *, dry: bool
) -> Found:
    """Redrive a queue's messages, each once.

    Args:
        client: of SQS.
        url: the queue's.
        judge: tells what becomes of a body.
        targets: where it goes.
        dry: move nothing.

    Raises:
        RetryLater: AWS did not answer; what was deleted is safely sent.
        StopRun: AWS refused a request.
    """
    found = Found()
    held: dict[str, str] = {}
    try:
        for messages in _received(client, url, held):
            judged = {message["MessageId"]: judge(message["Body"]) for message in messages}
            movable = {key: one for key, one in judged.items() if one.stays is None}
            found.messages += len(judged)
            found.moved += sum(one.dropped is None for one in movable.values())
            found.dropped.update(one.dropped for one in judged.values() if one.dropped is not None)
            found.why.update(one.why for one in judged.values())
            found.stays.update(one.stays for one in judged.values() if one.stays is not None)
            if movable and not dry:
                targets.send(list(movable.values()))
                with translated("SQS"):
                    client.delete_message_batch(
                        QueueUrl=url, Entries=_entries([held[key] for key in movable])
                    )
                for key in movable:
                    del held[key]
    finally:
        _let_go(client, url, list(held.values()))
    return found


def _received(client: SqsClient, url: str, held: dict[str, str]) -> Iterator[list[Any]]:
    """Receive every message once, until none comes any more but such as were seen before.

    Args:
        client: of SQS.
        url: the queue's.
        held: gets the last receipt of each message that was received and, as long as it is in there, of each that comes
            round again: an older one may not count any more.
    """
    seen: set[str] = set()
    empty = familiar = 0
    while empty < _EMPTY_POLLS and familiar < _FAMILIAR_POLLS:
        with translated("SQS"):
            answer = client.receive_message(
                QueueUrl=url,
                MaxNumberOfMessages=MAX_ENTRIES,
                WaitTimeSeconds=_WAIT_S,
                VisibilityTimeout=HELD_S,
            )
        received = {one["MessageId"]: one for one in answer.get("Messages", ())}
        new = [one for key, one in received.items() if key not in seen]
        held |= {key: one["ReceiptHandle"] for key, one in received.items() if key in held or key not in seen}
        seen |= received.keys()
        if new:
            empty = familiar = 0
            yield new
        elif received:
            familiar += 1
        else:
            empty += 1


def _let_go(client: SqsClient, url: str, receipts: Sequence[str]) -> None:
    for batch in itertools.batched(receipts, MAX_ENTRIES):
        entries = [{**entry, "VisibilityTimeout": 0} for entry in _entries(batch)]
        with translated("SQS"):
            client.change_message_visibility_batch(QueueUrl=url, Entries=entries)


def _entries(receipts: Sequence[str]) -> list[dict[str, Any]]:
    return [{"Id": str(number), "ReceiptHandle": receipt} for number, receipt in enumerate(receipts)]


class _KnownExports:
    """Exports that are read once each."""

    def __init__(self, table: ExportsTable) -> None:
        self._table = table
        self._read: dict[str, Export | None] = {}

    def export(self, name: str) -> Export | None:
        if name not in self._read:
            self._read[name] = self._table.export(name)
        return self._read[name]


def _asked_queues(environment: Mapping[str, str]) -> tuple[str, ...]:
    name = environment.get("QUEUE", "")
    if name and name not in QUEUES:
        raise InputInvalid(f"QUEUE={name}: it takes {', '.join(QUEUES)}; without it, {' and '.join(DEFAULT)}")
    return (name,) if name else DEFAULT


def main(environment: Mapping[str, str], say: Callable[[str], object]) -> int:
    """Redrive what a person asks for; return the program's exit status: 0 also where messages stay."""
    try:
        queues, dry = _asked_queues(environment), environment.get("DRY", "") not in {"", "0"}
        stack, session = asked_stack(environment), session_of(environment)
        outputs = stack_outputs(session.client("cloudformation"), stack)
        sqs = session.client("sqs")
        targets = Targets(
            changes=QueueWriter(sqs, outputs["ChangesQueueUrl"]),
            imports=QueueWriter(sqs, outputs["ImportsQueueUrl"]),
            rejects=QueueWriter(sqs, outputs["RejectsQueueUrl"]),
        )
        exports = _KnownExports(ExportsTable(session.client("dynamodb"), outputs["ExportsTable"]))
        judges: dict[str, Callable[[str], Redriven]] = {
            "changes": partial(dead_changes, exports=exports),
            "imports": dead_import,
            "rejects": partial(reject, exports=exports, now_ns=time.time_ns()),
        }
        for queue in queues:
            name, output = QUEUES[queue]
            found = redrive(sqs, outputs[output], judges[queue], targets, dry=dry)
            for line in found.lines(name, dry=dry):
                say(line + "\n")
    except (LyticsSendGridError, BotoCoreError) as error:
        say(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(os.environ, sys.stdout.write))
