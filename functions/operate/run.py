"""Run an export and wait for its end.

Run it as ``STACK=lytics-sendgrid-prod INPUT=input.json python -m functions.operate.run``.

``DRY=1`` only plans. ``FOLLOW=<ARN of an execution>`` follows a run that was started before.
``REPORT=file.json`` writes the execution's output. The exit status is 0 only if the run succeeded. Needs
``cloudformation:DescribeStacks``, ``states:StartExecution``, ``states:DescribeExecution`` and
``states:GetExecutionHistory``.
"""

import json
import os
import sys
import time
import uuid
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final, Protocol

from botocore.exceptions import BotoCoreError, ClientError

from functions.operate.progress import ProgressLines, result
from functions.operate.stack import boto_session, explained, stack_name, stack_outputs
from lytics_sendgrid.aws.errors import error_code, translated
from lytics_sendgrid.aws.executions import ExecutionReader, MachineExecutions
from lytics_sendgrid.domain.execution import MAX_EXECUTIONS, Execution, Executions
from lytics_sendgrid.errors import InputInvalid, LyticsSendGridError, RetryLater, StopRun

_MIN_PAUSE_S: Final = 1.0
_MAX_PAUSE_S: Final = 10.0
_LONGER: Final = 1.3
"""Each pause is 1.3 times the last: somebody watches, and most of a run happens in its first minute."""
_PAGE: Final = 100
_UNDER_WAY: Final = frozenset({"RUNNING", "PENDING_REDRIVE"})
_MAX_FAILURES: Final = 30
"""Step Functions may fail to answer this often in a row: about four minutes."""


class HistoryClient(Protocol):
    """The part of boto3's client for Step Functions that is used here."""

    def get_execution_history(  # noqa: D102
        self,
        *,
        executionArn: str,  # noqa: N803
        maxResults: int,  # noqa: N803
        reverseOrder: bool,  # noqa: N803
        nextToken: str = ...,  # noqa: N803
    ) -> Any: ...


class Follower:
    """Follows a run to its end, also into the executions that it continues in.

    Step Functions may not know an execution, or its history, right after its start: it is then looked up
    again.

    Attributes:
        execution: the ARN of the execution that the run is in now.
        exists: whether it was started by this command, or Step Functions has ever known it.
    """

    def __init__(
        self,
        executions: Executions,
        client: HistoryClient,
        execution: str,
        say: Callable[[str], object],
        sleep: Callable[[float], object] = time.sleep,
        *,
        is_started: bool = False,
    ) -> None:
        """Begin with an execution; ``is_started``: this command has started it, so it exists."""
        self.execution = execution
        self._executions = executions
        self._client = client
        self._say = say
        self._sleep = sleep
        self.exists = is_started
        self._progress = ProgressLines()
        self._seen = 0

    def follow(self) -> Execution:
        """Print each change until the run ends, and return its last execution.

        Raises:
            RetryLater: Step Functions has not answered for minutes, or does not know the execution that was
                just started. The run continues.
            StopRun: Step Functions refuses to answer, or does not know the execution to follow.
        """
        failures, pause_s, executions = 0, _MIN_PAUSE_S, 1
        while True:
            try:
                execution = self._look()
            except RetryLater:
                failures += 1
                if failures == _MAX_FAILURES:
                    raise
            else:
                failures = 0
                if execution.goes_on_in is not None and executions < MAX_EXECUTIONS:
                    self.execution, self._seen, executions = execution.goes_on_in, 0, executions + 1
                    continue
                if execution.status not in _UNDER_WAY:
                    return execution
            self._sleep(pause_s)
            pause_s = min(_MAX_PAUSE_S, pause_s * _LONGER)

    def _look(self) -> Execution:
        """Describe the execution, then print what has happened: at the end, all of it."""
        execution = self._executions.describe(self.execution)
        if execution is None and self.exists:
            raise RetryLater(f"Step Functions does not know the execution {self.execution} yet")
        if execution is None:
            raise StopRun(
                f"Step Functions does not know the execution {self.execution}: its ARN is wrong, or it ended "
                "more than 90 days ago: check FOLLOW"
            )
        self.exists = True
        events: list[Mapping[str, Any]] = []
        with translated("Step Functions"):
            try:
                events = self._new_events()
            except ClientError as error:
                if error_code(error) != "ExecutionDoesNotExist":
                    raise
                if execution.status not in _UNDER_WAY:
                    text = f"Step Functions has no history of the execution {self.execution} yet"
                    raise RetryLater(text) from error
        for line in self._progress.lines(events):
            self._say(line + "\n")
        return execution

    def _new_events(self) -> list[Mapping[str, Any]]:
        """Return the events since the last call, read from the newest back: a history can be long."""
        events: list[Mapping[str, Any]] = []
        token: dict[str, str] = {}
        while True:
            page = self._client.get_execution_history(
                executionArn=self.execution, maxResults=_PAGE, reverseOrder=True, **token
            )
            new = [event for event in page["events"] if event["id"] > self._seen]
            events += new
            if len(new) < len(page["events"]) or not page.get("nextToken"):
                break
            token = {"nextToken": page["nextToken"]}
        events.reverse()
        if events:
            self._seen = events[-1]["id"]
        return events


def read_input(environment: Mapping[str, str]) -> Any:
    """Return the execution's input, JSON values: the file ``INPUT``, with ``dry_run`` if ``DRY`` is set.

    Raises:
        InputInvalid: the file is missing or is not JSON.
    """
    name = environment.get("INPUT", "")
    if not name:
        raise InputInvalid('INPUT is not set: name a file such as {"audiences": ["high_value_users"]}')
    try:
        document = json.loads(Path(name).read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise InputInvalid(f"INPUT={name}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise InputInvalid(f"INPUT={name}: the file is not UTF-8 text") from error
    except json.JSONDecodeError as error:
        raise InputInvalid(
            f"INPUT={name}: this is not JSON: {error.msg} in line {error.lineno}, column {error.colno}"
        ) from error
    if environment.get("DRY", "") not in {"", "0"} and isinstance(document, dict):
        document |= {"dry_run": True}
    return document


def _report(environment: Mapping[str, str]) -> Path | None:
    """Return the file for the report, if any. A run can take hours: a wrong name must be found before it."""
    name = environment.get("REPORT", "")
    if name and not Path(name).absolute().parent.is_dir():
        raise InputInvalid(f"REPORT={name}: this folder does not exist")
    return Path(name) if name else None


def main(environment: Mapping[str, str], say: Callable[[str], object]) -> int:
    """Run an export; return the exit status of the program."""
    follower = None
    try:
        stack, execution = stack_name(environment), environment.get("FOLLOW", "")
        document: Any = None if execution else read_input(environment)
        report = _report(environment)
        session = boto_session(environment)
        client = session.client("stepfunctions")
        if not execution:
            machine = stack_outputs(session.client("cloudformation"), stack)["StateMachineArn"]
            # With a name of ours, a repeated request cannot start a second execution.
            started, name = MachineExecutions(client, machine), str(uuid.uuid4())
            started.start(name, document)
            execution = started.arn(name)
            say(f"{execution}\n")
        is_started = not environment.get("FOLLOW")
        follower = Follower(ExecutionReader(client), client, execution, say, is_started=is_started)
        last = follower.follow()
        say("\n")
        for line in result(last):
            say(line + "\n")
        if report is not None and last.output:
            report.write_text(json.dumps(last.output, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    except (LyticsSendGridError, BotoCoreError) as error:
        say(f"{explained(error)}\n")
        if follower is not None and follower.exists:
            say(_still(stack, follower.execution))
        return 1
    except KeyboardInterrupt:
        if follower is not None and follower.exists:
            say("\n" + _still(stack, follower.execution))
        return 130
    return 0 if last.status == "SUCCEEDED" else 1


def _still(stack: str, execution: str) -> str:
    return (
        "The run continues without this command.\n"
        f"  follow it: make run STACK={stack} FOLLOW={execution}\n"
        f"  stop it:   aws stepfunctions stop-execution --execution-arn {execution}\n"
    )


if __name__ == "__main__":
    sys.exit(main(os.environ, lambda text: print(text, end="", flush=True)))  # noqa: T201
