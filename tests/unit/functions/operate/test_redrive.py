"""A queue is redriven message by message: sent, then deleted. What cannot be redriven stays."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from functions.operate.dead_letters import RedrivePlan
from functions.operate.redrive import VISIBILITY_TIMEOUT_S, RedriveSummary, Targets, main, redrive
from functions.operate.stack import stack_name, stack_outputs
from lytics_sendgrid.errors import InputInvalid, ServiceUnavailable
from tests.clock import ManualClock
from tests.doubles.adapters import queue_writer
from tests.doubles.calls import refusal
from tests.doubles.sqs import Queue, Sqs

URL = "https://queue"


def judge(body: str) -> RedrivePlan:
    if body.startswith("bad"):
        return RedrivePlan(why="noise", stays="it is noise")
    return RedrivePlan(why="fine", changes=(f"c{body}",), imports=(f"i{body}",), rejects=(f"r{body}",))


class Scene:
    """A queue of messages that were set aside, and the queues that they go back to.

    Attributes:
        aside: the queue that is redriven; ``sqs`` is the client that takes its messages.
        changes: the changes queue; ``changes_sqs`` is the client that writes to it.
    """

    def __init__(self, good: int, bad: int = 0, client: Callable[[Queue], Sqs] = Sqs) -> None:
        self.clock = ManualClock()
        self.aside, self.changes = Queue(URL, self.clock.now), Queue("changes")
        for number in range(good + bad):
            self.aside.put(f"bad{number}" if number < bad else str(number))
        self.sqs = client(self.aside)
        changes, self.changes_sqs = queue_writer(self.changes)
        self.targets = Targets(
            changes=changes,
            imports=queue_writer(Queue("imports"))[0],
            rejects=queue_writer(Queue("rejects"))[0],
        )

    def redrive(self, planner: Callable[[str], RedrivePlan] = judge, *, dry: bool = False) -> RedriveSummary:
        return redrive(self.sqs, URL, planner, self.targets, dry=dry)

    def is_released(self) -> bool:
        """Return whether every message that stays can be received at once."""
        return self.aside.visible() == self.aside.messages


def test_redrivable_messages_are_sent_and_deleted_others_released() -> None:
    scene = Scene(good=23, bad=14)
    found = scene.redrive()
    assert (found.messages, found.moved) == (37, 23)
    assert found.why == {"fine": 23, "noise": 14}
    assert found.stays == {"it is noise": 14}
    assert sorted(scene.changes.bodies) == sorted(f"c{n}" for n in range(14, 37))
    assert set(scene.aside.bodies) == {f"bad{n}" for n in range(14)}
    assert scene.is_released()


def test_messages_are_hidden_longer_than_a_minute_by_long_polling() -> None:
    scene = Scene(good=1)
    scene.redrive()
    for request in scene.sqs.calls.of("ReceiveMessage"):
        assert (request["WaitTimeSeconds"] > 0, request["VisibilityTimeout"] > 60) == (True, True)


def test_dry_run_reads_every_message_and_moves_none() -> None:
    scene = Scene(good=23, bad=2)
    found = scene.redrive(dry=True)
    assert (found.messages, found.moved, scene.changes.bodies) == (25, 23, [])
    assert len(scene.aside.messages) == 25
    assert scene.is_released()


def test_dropped_messages_are_deleted_and_counted_apart() -> None:
    scene = Scene(good=3)
    found = scene.redrive(lambda _: RedrivePlan(why="late", dropped="nobody wants it"))
    assert (found.messages, found.moved, found.dropped) == (3, 0, {"nobody wants it": 3})
    assert (scene.changes.bodies, scene.aside.bodies) == ([], [])


def test_messages_that_could_not_be_sent_are_released() -> None:
    scene = Scene(good=12)
    scene.changes_sqs.calls.broken = refusal("ServiceUnavailable", "SendMessageBatch", 503)
    with pytest.raises(ServiceUnavailable):
        scene.redrive()
    assert len(scene.aside.messages) == 12
    assert scene.is_released()


def test_messages_sent_but_not_deleted_are_redriven_again() -> None:
    scene = Scene(good=3)
    scene.sqs.refuses = lambda _: True
    scene.redrive()
    scene.sqs.refuses = lambda _: False
    scene.clock.now_s += VISIBILITY_TIMEOUT_S
    scene.redrive()
    assert sorted(scene.changes.bodies) == ["c0", "c0", "c1", "c1", "c2", "c2"]
    assert scene.aside.bodies == []


class Reappearing(Sqs):
    """Hands out again what was received before, at once, as SQS may."""

    def __init__(self, queue: Queue) -> None:
        super().__init__(queue)
        self._queue_of_all = queue

    def receive_message(self, **request: Any) -> Any:
        for message in self._queue_of_all.messages:
            self._queue_of_all.show(message, 0)
        return super().receive_message(**request)


def test_redrive_ends_when_only_known_messages_are_received() -> None:
    assert Scene(good=0, bad=1, client=Reappearing).redrive().messages == 1


class Scripted(Sqs):
    """Receives message ids in the order that a test gives, then nothing. Each receipt handle is new.

    SQS may answer a receive with nothing, or with a message that is hidden, and takes only the last handle.
    """

    def __init__(self, *answers: str) -> None:
        super().__init__()
        self.answers = list(answers)
        self.released: list[str] = []

    def receive_message(self, **_: Any) -> Any:
        answer, number = self.answers.pop(0) if self.answers else "", len(self.answers)
        return {
            "Messages": [{"MessageId": k, "ReceiptHandle": f"{k}{number}", "Body": f"bad{k}"} for k in answer]
        }

    def change_message_visibility_batch(self, *, QueueUrl: str, Entries: Any) -> Any:  # noqa: N803
        self.released += [entry["ReceiptHandle"] for entry in Entries]
        return {}


def test_one_empty_receive_does_not_end_the_redrive() -> None:
    scene = Scene(good=0)
    scene.sqs = Scripted("ab", "", "ba", *["a"] * 10, "c", "", "d")
    assert scene.redrive(dry=True).messages == 4


def test_message_is_released_by_its_last_receipt_handle() -> None:
    scene = Scene(good=0)
    sqs = scene.sqs = Scripted("ab", "b")
    scene.redrive(dry=True)
    assert sqs.released == ["a1", "b0"]


def test_deleted_message_received_again_is_ignored() -> None:
    class Undead(Reappearing):
        def delete_message_batch(self, *, QueueUrl: str, Entries: Any) -> Any:  # noqa: N803
            return {}

        def change_message_visibility_batch(self, *, QueueUrl: str, Entries: Any) -> Any:  # noqa: N803
            pytest.fail("a receipt that is spent is refused")

    scene = Scene(good=1, client=Undead)
    assert scene.redrive().moved == 1
    assert scene.changes.bodies == ["c0"]


def test_summary_lists_counts_and_reasons() -> None:
    found = RedriveSummary(messages=1_203, moved=1_200)
    found.why.update({"fine": 1_200, "noise": 3})
    found.stays.update({"it is noise": 3})
    found.dropped.update({"it is of no audience": 2})
    assert list(found.lines("changes dead-letter queue", dry=False)) == [
        "changes dead-letter queue: 1,203 messages",
        "    1,200  fine",
        "        3  noise",
        "  redriven: 1,200",
        "  dropped: 2: it is of no audience",
        "  stays: 3: it is noise",
    ]
    assert "would be redriven: 1,200" in "".join(found.lines("x", dry=True))
    assert "would be dropped: 2: it is" in "".join(found.lines("x", dry=True))
    assert list(RedriveSummary().lines("imports dead-letter queue", dry=False)) == [
        "imports dead-letter queue: 0 messages"
    ]


def test_invalid_options_are_refused_before_any_request() -> None:
    said: list[str] = []
    assert main({"STACK": "s", "QUEUE": "changed"}, said.append) == 1
    assert main({}, said.append) == 1
    assert "use one of changes, imports, rejects" in said[0]
    assert "STACK=" in said[1]
    with pytest.raises(InputInvalid):
        stack_name({"STACK": ""})


def test_stack_outputs_are_returned_by_name() -> None:
    class CloudFormation:
        def describe_stacks(self, *, StackName: str) -> Any:  # noqa: N803
            outputs = [{"OutputKey": "A", "OutputValue": json.dumps(StackName)}]
            return {"Stacks": [{"Outputs": outputs}]}

    assert stack_outputs(CloudFormation(), "mine") == {"A": '"mine"'}
