"""Executions of the state machine: started, described and stopped for a page."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import ClientError

from lytics_sendgrid.aws.errors import error_code, translated

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mypy_boto3_stepfunctions import SFNClient

_EVENTS: Final = 100
"""A state that takes time is among so many last events: one that waits has nine in each round."""
_GOES_ON_IN: Final = "goes_on_in"
"""In the output of an execution whose run goes on in another: the ARN of that one."""


@dataclass(frozen=True, slots=True)
class Execution:
    """An execution of the state machine.

    Attributes:
        arn: its ARN.
        name: its name; that of a run's first execution is the run's name.
        status: ``RUNNING``, ``SUCCEEDED``, ``FAILED``, ``TIMED_OUT`` or ``ABORTED``.
        started_s: Unix seconds.
        ended_s: Unix seconds; None: it still runs.
        input: what it was started with.
        output: of one that succeeded; otherwise empty.
        error: the name of the error that it failed with; empty: it did not fail.
        cause: of the failure, for a person.
    """

    arn: str
    name: str
    status: str
    started_s: int
    ended_s: int | None = None
    input: Mapping[str, Any] = field(default_factory=dict)
    output: Mapping[str, Any] = field(default_factory=dict)
    error: str = ""
    cause: str = ""

    @property
    def is_running(self) -> bool:
        """Whether it has not ended yet."""
        return self.status == "RUNNING"

    @property
    def goes_on_in(self) -> str | None:
        """The ARN of the execution in which the run goes on, if it does."""
        following = self.output.get(_GOES_ON_IN)
        return following if isinstance(following, str) else None


class Executions:
    """The executions of one state machine."""

    def __init__(self, client: SFNClient, state_machine_arn: str) -> None:
        self._client = client
        self._state_machine_arn = state_machine_arn

    def arn(self, name: str) -> str:
        """Return the ARN of the execution with a name."""
        return f"{self._state_machine_arn.replace(':stateMachine:', ':execution:')}:{name}"

    def start(self, name: str, document: Mapping[str, Any]) -> str:
        """Start an execution and return its ARN. A name starts once in 90 days: later calls change nothing.

        Args:
            name: at most 80 letters, digits, ``-`` and ``_``.
            document: its input.
        """
        with translated("Step Functions"):
            try:
                self._client.start_execution(
                    stateMachineArn=self._state_machine_arn, name=name, input=json.dumps(document)
                )
            except ClientError as error:
                if error_code(error) != "ExecutionAlreadyExists":
                    raise
        return self.arn(name)

    def describe(self, arn: str) -> Execution | None:
        """Return an execution, or None: it does not exist, or ended more than 90 days ago."""
        with translated("Step Functions"):
            try:
                described = self._client.describe_execution(executionArn=arn)
            except ClientError as error:
                if error_code(error) not in {"ExecutionDoesNotExist", "InvalidArn"}:
                    raise
                return None
        ended = described.get("stopDate")
        return Execution(
            arn=arn,
            name=described.get("name") or arn.rpartition(":")[2],
            status=described["status"],
            started_s=int(described["startDate"].timestamp()),
            ended_s=int(ended.timestamp()) if ended else None,
            input=_object(described.get("input")),
            output=_object(described.get("output")),
            error=described.get("error") or "",
            cause=described.get("cause") or "",
        )

    def entered(self, arn: str) -> tuple[str, ...]:
        """Return the names of the states that an execution has entered last, the newest first.

        Args:
            arn: the execution's. One that AWS does not know has entered none.
        """
        with translated("Step Functions"):
            try:
                answer = self._client.get_execution_history(
                    executionArn=arn, maxResults=_EVENTS, reverseOrder=True, includeExecutionData=False
                )
            except ClientError as error:
                if error_code(error) not in {"ExecutionDoesNotExist", "InvalidArn"}:
                    raise
                return ()
        details = (event.get("stateEnteredEventDetails") for event in answer["events"])
        return tuple(entered["name"] for entered in details if entered is not None)

    def stop(self, arn: str, cause: str) -> None:
        """Stop an execution. One that has ended stays as it is.

        Args:
            arn: the execution's.
            cause: why, for a person.
        """
        with translated("Step Functions"):
            try:
                self._client.stop_execution(executionArn=arn, error="Cancelled", cause=cause)
            except ClientError as error:
                if error_code(error) != "ExecutionDoesNotExist":
                    raise


def _object(text: str | None) -> Mapping[str, Any]:
    document = json.loads(text) if text else {}
    return document if isinstance(document, dict) else {}
