"""Executions of the state machine: started and described."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from lytics_sendgrid.aws.errors import error_code, translated
from lytics_sendgrid.domain.execution import Execution

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mypy_boto3_stepfunctions import SFNClient


class ExecutionReader:
    """Executions of any state machine, by ARN."""

    def __init__(self, client: SFNClient) -> None:
        self._client = client

    def describe(self, arn: str) -> Execution | None:
        """Return an execution, or None: it does not exist, ended more than 90 days ago, or was just started.

        Raises:
            RetryLater: Step Functions does not answer now.
        """
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


class MachineExecutions(ExecutionReader):
    """The executions of one state machine."""

    def __init__(self, client: SFNClient, state_machine_arn: str) -> None:
        super().__init__(client)
        self._state_machine_arn = state_machine_arn

    def arn(self, name: str) -> str:
        """Return the ARN of the execution with a name."""
        return f"{self._state_machine_arn.replace(':stateMachine:', ':execution:')}:{name}"

    def start(self, name: str, document: Mapping[str, Any]) -> bool:
        """Start an execution; a name starts once in 90 days.

        Args:
            name: at most 80 letters, digits, ``-`` and ``_``.
            document: its input.

        Returns:
            False if an execution of this name has ended, or has another input.
        """
        with translated("Step Functions"):
            try:
                self._client.start_execution(
                    stateMachineArn=self._state_machine_arn, name=name, input=json.dumps(document)
                )
            except ClientError as error:
                if error_code(error) != "ExecutionAlreadyExists":
                    raise
                return False
        return True


def _object(text: str | None) -> Mapping[str, Any]:
    document = json.loads(text) if text else {}
    return document if isinstance(document, dict) else {}
