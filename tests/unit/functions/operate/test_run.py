"""`make run`: the input, the progress over all executions of a run, and the end."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import pytest
from botocore.exceptions import ClientError

from functions.operate import run
from functions.operate.run import Follower, main, read_input
from lytics_sendgrid.aws.executions import ExecutionReader
from lytics_sendgrid.domain.execution import Execution as LastExecution
from lytics_sendgrid.errors import InputInvalid, RetryLater, ServiceUnavailable, StopRun

if TYPE_CHECKING:
    from mypy_boto3_stepfunctions import SFNClient


STARTED = {"startDate": datetime(2026, 11, 25, tzinfo=UTC)}


class Execution:
    """The history and the end of one execution."""

    def __init__(self, *states: str, **end: Any) -> None:
        self.events = [
            {
                "id": number,
                "timestamp": datetime(2026, 11, 25, tzinfo=UTC),
                "stateEnteredEventDetails": {"name": name},
            }
            for number, name in enumerate(states, 1)
        ]
        self.end = {"status": "SUCCEEDED", **STARTED, **end}


class StepFunctions:
    """Step Functions; each look shows one more event, and two of them on a page."""

    def __init__(self, **executions: Execution) -> None:
        self.executions = executions
        self.shown = dict.fromkeys(executions, 0)
        self.failures: list[Exception] = []
        self.unknown_looks = 0
        self.unknown_histories = 0
        self.pages = 0

    def describe_execution(self, *, executionArn: str) -> Any:  # noqa: N803
        if self.failures:
            raise self.failures.pop()
        self.unknown_looks -= 1
        if executionArn not in self.executions or self.unknown_looks >= 0:
            raise ClientError({"Error": {"Code": "ExecutionDoesNotExist"}}, "DescribeExecution")
        execution = self.executions[executionArn]
        self.shown[executionArn] += 1
        is_whole = self.shown[executionArn] >= len(execution.events)
        return execution.end if is_whole else {"status": "RUNNING", **STARTED}

    def get_execution_history(
        self,
        *,
        executionArn: str,  # noqa: N803
        maxResults: int,  # noqa: N803
        reverseOrder: bool,  # noqa: N803
        nextToken: str = "0",  # noqa: N803
    ) -> Any:
        assert reverseOrder
        self.pages += 1
        self.unknown_histories -= 1
        if self.unknown_histories >= 0:
            raise ClientError({"Error": {"Code": "ExecutionDoesNotExist"}}, "GetExecutionHistory")
        events = self.executions[executionArn].events[: self.shown[executionArn]][::-1]
        start = int(nextToken)
        more = {"nextToken": str(start + 2)} if start + 2 < len(events) else {}
        return {"events": events[start : start + 2], **more}


def follow(client: StepFunctions, *, is_started: bool = False) -> tuple[list[str], LastExecution]:
    said: list[str] = []
    reader = ExecutionReader(cast("SFNClient", client))
    follower = Follower(reader, client, "first", said.append, lambda _: None, is_started=is_started)
    end = follower.follow()
    return [line.strip().partition("  ")[2].partition(":")[0] for line in said], end


def test_run_is_followed_into_the_execution_that_it_continues_in() -> None:
    onward = json.dumps({"goes_on_in": "second"})
    client = StepFunctions(
        first=Execution("Plan", "Provision", "Activate", "Backfill", output=onward),
        second=Execution("Report", status="FAILED", error="ScanStuck"),
    )
    said, end = follow(client)
    assert said == ["plan", "provision", "activate", "backfill", "report"]
    assert end.error == "ScanStuck"


def test_circle_of_executions_ends() -> None:
    onward = json.dumps({"goes_on_in": "first"})
    assert follow(StepFunctions(first=Execution("Plan", output=onward)))[1].status == "SUCCEEDED"


def test_history_is_read_from_its_newest_events() -> None:
    client = StepFunctions(first=Execution(*["Plan", "IsDryRun"] * 20))
    follow(client)
    assert client.pages <= 2 * 40


def test_answers_that_fail_for_a_while_do_not_end_it() -> None:
    error = ClientError({"Error": {"Code": "ThrottlingException"}}, "DescribeExecution")
    client = StepFunctions(first=Execution("Plan"))
    client.failures = [error] * 29
    assert follow(client)[1].status == "SUCCEEDED"


def test_answers_that_fail_for_minutes_end_it() -> None:
    answer: Any = {"Error": {"Code": "Internal"}, "ResponseMetadata": {"HTTPStatusCode": 500}}
    client = StepFunctions(first=Execution("Plan"))
    client.failures = [ClientError(answer, "DescribeExecution")] * 30
    with pytest.raises(ServiceUnavailable):
        follow(client)


def test_unknown_execution_is_named() -> None:
    wrong = (
        "does not know the execution first: its ARN is wrong, or it ended more than 90 days ago: check FOLLOW"
    )
    with pytest.raises(StopRun, match=wrong):
        follow(StepFunctions())


def test_execution_just_started_is_looked_up_again() -> None:
    client = StepFunctions(first=Execution("Plan"))
    client.unknown_looks = 2
    assert follow(client, is_started=True)[1].status == "SUCCEEDED"


def test_execution_just_continued_in_is_looked_up_again() -> None:
    onward = json.dumps({"goes_on_in": "second"})
    client = StepFunctions(first=Execution("Plan", output=onward), second=Execution("Report"))
    described = client.describe_execution
    looks: list[str] = []

    def describe(*, executionArn: str) -> Any:  # noqa: N803
        looks.append(executionArn)
        client.unknown_looks = 1 if looks.count("second") == 1 and executionArn == "second" else 0
        return described(executionArn=executionArn)

    client.describe_execution = describe  # type: ignore[method-assign]
    assert follow(client)[1].status == "SUCCEEDED"
    assert looks == ["first", "second", "second"]


@pytest.mark.parametrize("states", [("Plan", "Report"), ("Report",)], ids=["running", "ended"])
def test_history_that_is_not_known_yet_is_read_again(states: tuple[str, ...]) -> None:
    client = StepFunctions(first=Execution(*states))
    client.unknown_histories = 2
    said, end = follow(client, is_started=True)
    assert (said, end.status) == ([state.lower() for state in states], "SUCCEEDED")


def test_history_that_stays_unknown_after_the_end_ends_it() -> None:
    client = StepFunctions(first=Execution("Plan"))
    client.unknown_histories = 99
    with pytest.raises(RetryLater, match="has no history of the execution first yet"):
        follow(client)


def test_history_that_may_not_be_read_ends_it() -> None:
    client = StepFunctions(first=Execution("Plan"))

    def denied(**_: object) -> Any:
        raise ClientError({"Error": {"Code": "AccessDeniedException"}}, "GetExecutionHistory")

    client.get_execution_history = denied  # type: ignore[method-assign]
    with pytest.raises(StopRun, match="refused GetExecutionHistory"):
        follow(client)


def test_execution_that_stays_unknown_after_its_start_ends_it() -> None:
    with pytest.raises(RetryLater, match="does not know the execution first yet"):
        follow(StepFunctions(), is_started=True)


@pytest.mark.parametrize("dry", ["1", "", "0"])
def test_dry_run_is_a_variable(tmp_path: Path, dry: str) -> None:
    file = tmp_path / "input.json"
    file.write_text('\ufeff{"audiences": ["café"]}')
    document = read_input({"INPUT": str(file), "DRY": dry})
    assert document == {"audiences": ["café"]} | ({"dry_run": True} if dry == "1" else {})


@pytest.mark.parametrize(
    ("write", "text"),
    [
        (
            lambda file: file.write_text('{"audiences": [}'),
            "this is not JSON: Expecting value in line 1, column 16",
        ),
        (lambda file: file.write_bytes(b"\xff\xfe{"), "the file is not UTF-8 text"),
        (lambda file: file.mkdir(), "Is a directory"),
        (lambda file: None, "No such file or directory"),
    ],
)
def test_input_that_cannot_be_read_is_named(
    tmp_path: Path, write: Callable[[Path], object], text: str
) -> None:
    file = tmp_path / "input.json"
    write(file)
    with pytest.raises(InputInvalid, match=text):
        read_input({"INPUT": str(file)})


class Session:
    """A session of boto3 with one client."""

    def __init__(self, client: object) -> None:
        self._client = client

    def client(self, service: str) -> object:
        assert service == "stepfunctions"
        return self._client


def printed(monkeypatch: pytest.MonkeyPatch, client: object) -> tuple[int, str]:
    """Return the exit status of the command that follows an execution, and what it prints."""
    monkeypatch.setattr(run, "boto_session", lambda _: Session(client))
    said: list[str] = []
    return main({"STACK": "mine", "FOLLOW": "first"}, said.append), "".join(said)


def test_execution_that_was_never_known_is_not_said_to_continue(monkeypatch: pytest.MonkeyPatch) -> None:
    status, text = printed(monkeypatch, StepFunctions())
    assert (status, text.count("\n")) == (1, 1)
    assert text.endswith("check FOLLOW\n")


def test_execution_that_was_known_is_said_to_continue(monkeypatch: pytest.MonkeyPatch) -> None:
    client = StepFunctions(first=Execution("Plan", "Report"))

    def denied(**_: object) -> Any:
        raise ClientError({"Error": {"Code": "AccessDeniedException"}}, "GetExecutionHistory")

    client.get_execution_history = denied  # type: ignore[method-assign]
    status, text = printed(monkeypatch, client)
    assert status == 1
    assert "The run continues without this command." in text
    assert "make run STACK=mine FOLLOW=first" in text


@pytest.mark.parametrize("is_known", [True, False])
def test_command_that_is_left_says_how_to_follow_a_known_run(
    monkeypatch: pytest.MonkeyPatch, is_known: bool
) -> None:
    client = StepFunctions(first=Execution("Plan", "Report"))

    def left(**_: object) -> Any:
        raise KeyboardInterrupt

    name = "get_execution_history" if is_known else "describe_execution"
    monkeypatch.setattr(client, name, left)
    status, text = printed(monkeypatch, client)
    assert (status, "The run continues without this command." in text) == (130, is_known)


def test_missing_variables_are_reported() -> None:
    said: list[str] = []
    assert main({"STACK": "mine"}, said.append) == main({}, said.append) == 1
    assert "INPUT is not set" in said[0]
    assert main({"STACK": "mine", "FOLLOW": "arn", "REPORT": "nowhere/report.json"}, said.append) == 1
    assert said.pop() == "REPORT=nowhere/report.json: this folder does not exist\n"
    assert "STACK is not set" in said[1]
