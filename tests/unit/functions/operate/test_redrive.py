"""A queue is redriven message by message: sent, then deleted. What cannot be redriven stays."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from functions.operate.dead_letters import RedrivePlan
from functions.operate.redrive import RedriveSummary, Targets, main, redrive
from functions.operate.stack import stack_name, stack_outputs
from lytics_sendgrid.errors import InputInvalid, ServiceUnavailable

URL = "https://queue"


@dataclass
class HeldQueue:
    """A queue like SQS: a received message is invisible until it is released."""

    messages: dict[str, str]
    held: set[str] = field(default_factory=set)
    deletes_fail: bool = False

    def receive_message(
        self,
        *,
        QueueUrl: str,  # noqa: N803
        MaxNumberOfMessages: int,  # noqa: N803
        WaitTimeSeconds: int,  # noqa: N803
        VisibilityTimeout: int,  # noqa: N803
    ) -> Any:
        assert (QueueUrl, WaitTimeSeconds > 0, VisibilityTimeout > 60) == (URL, True, True)
        visible = [key for key in self.messages if key not in self.held][:MaxNumberOfMessages]
        self.held.update(visible)
        found = [{"MessageId": k, "ReceiptHandle": f"r{k}", "Body": self.messages[k]} for k in visible]
        return {"Messages": found} if found else {}

    def delete_message_batch(self, *, QueueUrl: str, Entries: Any) -> Any:  # noqa: N803
        assert len({entry["Id"] for entry in Entries}) == len(Entries) <= 10
        if not self.deletes_fail:
            for entry in Entries:
                self.held.discard(entry["ReceiptHandle"][1:])
                del self.messages[entry["ReceiptHandle"][1:]]
        return {}

    def change_message_visibility_batch(self, *, QueueUrl: str, Entries: Any) -> Any:  # noqa: N803
        assert len(Entries) <= 10
        for entry in Entries:
            assert entry["VisibilityTimeout"] == 0
            self.held.discard(entry["ReceiptHandle"][1:])
        return {}


@dataclass
class Writer:
    """Records what is sent, or refuses everything."""

    sent: list[str] = field(default_factory=list)
    broken: Exception | None = None

    def send(self, bodies: Sequence[str]) -> None:
        if self.broken is not None:
            raise self.broken
        self.sent += bodies


def judge(body: str) -> RedrivePlan:
    if body.startswith("bad"):
        return RedrivePlan(why="noise", stays="it is noise")
    return RedrivePlan(why="fine", changes=(f"c{body}",), imports=(f"i{body}",), rejects=(f"r{body}",))


def targets() -> tuple[Targets, Writer]:
    changes = Writer()
    return Targets(changes=changes, imports=Writer(), rejects=Writer()), changes


def queue(good: int, bad: int = 0) -> HeldQueue:
    return HeldQueue({str(n): f"bad{n}" if n < bad else str(n) for n in range(good + bad)})


def test_redrivable_messages_are_sent_and_deleted_others_released() -> None:
    held, (where, changes) = queue(good=23, bad=14), targets()
    found = redrive(held, URL, judge, where, dry=False)
    assert (found.messages, found.moved) == (37, 23)
    assert found.why == {"fine": 23, "noise": 14}
    assert found.stays == {"it is noise": 14}
    assert sorted(changes.sent) == sorted(f"c{n}" for n in range(14, 37))
    assert set(held.messages) == {str(n) for n in range(14)}
    assert held.held == set()


def test_dry_run_reads_every_message_and_moves_none() -> None:
    held, (where, changes) = queue(good=23, bad=2), targets()
    found = redrive(held, URL, judge, where, dry=True)
    assert (found.messages, found.moved, changes.sent) == (25, 23, [])
    assert len(held.messages) == 25
    assert held.held == set()


def test_dropped_messages_are_deleted_and_counted_apart() -> None:
    held, (where, changes) = queue(good=3), targets()
    found = redrive(held, URL, lambda _: RedrivePlan(why="late", dropped="nobody wants it"), where, dry=False)
    assert (found.messages, found.moved, found.dropped, changes.sent) == (3, 0, {"nobody wants it": 3}, [])
    assert held.messages == {}


def test_messages_that_could_not_be_sent_are_released() -> None:
    held, (where, changes) = queue(good=12), targets()
    changes.broken = ServiceUnavailable("SQS: away")
    with pytest.raises(ServiceUnavailable):
        redrive(held, URL, judge, where, dry=False)
    assert len(held.messages) == 12
    assert held.held == set()


def test_messages_sent_but_not_deleted_are_redriven_again() -> None:
    held, (where, changes) = queue(good=3), targets()
    held.deletes_fail = True
    redrive(held, URL, judge, where, dry=False)
    held.deletes_fail = False
    held.held.clear()
    redrive(held, URL, judge, where, dry=False)
    assert sorted(changes.sent) == ["c0", "c0", "c1", "c1", "c2", "c2"]
    assert not held.messages


def test_redrive_ends_when_only_known_messages_are_received() -> None:
    class Leaky(HeldQueue):
        def receive_message(self, **arguments: Any) -> Any:
            self.held.clear()
            return super().receive_message(**arguments)

    found = redrive(Leaky({"1": "bad"}), URL, judge, targets()[0], dry=False)
    assert found.messages == 1


class Capricious(HeldQueue):
    """Answers by message id, as a test says, then nothing."""

    def __init__(self, *answers: str) -> None:
        super().__init__({key: f"bad{key}" for answer in answers for key in answer})
        self.answers = list(answers)
        self.let_go: list[str] = []

    def receive_message(self, **_: Any) -> Any:
        answer, number = self.answers.pop(0) if self.answers else "", len(self.answers)
        return {
            "Messages": [{"MessageId": k, "ReceiptHandle": f"{k}{number}", "Body": f"bad{k}"} for k in answer]
        }

    def change_message_visibility_batch(self, *, QueueUrl: str, Entries: Any) -> Any:  # noqa: N803
        self.let_go += [entry["ReceiptHandle"] for entry in Entries]
        return {}


def test_one_empty_receive_does_not_end_the_redrive() -> None:
    queue = Capricious("ab", "", "ba", *["a"] * 10, "c", "", "d")
    assert redrive(queue, URL, judge, targets()[0], dry=True).messages == 4


def test_message_is_released_by_its_last_receipt_handle() -> None:
    queue = Capricious("ab", "b")
    redrive(queue, URL, judge, targets()[0], dry=True)
    assert queue.let_go == ["a1", "b0"]


def test_deleted_message_received_again_is_ignored() -> None:
    class Undead(HeldQueue):
        def delete_message_batch(self, *, QueueUrl: str, Entries: Any) -> Any:  # noqa: N803
            self.held.clear()
            return {}

        def change_message_visibility_batch(self, *, QueueUrl: str, Entries: Any) -> Any:  # noqa: N803
            pytest.fail("a receipt that is spent is refused")

    where, changes = targets()
    assert redrive(Undead({"1": "1"}), URL, judge, where, dry=False).moved == 1
    assert changes.sent == ["c1"]


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
