"""Executions of the state machine, by name."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from lytics_sendgrid.aws.errors import error_code, translated

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mypy_boto3_stepfunctions import SFNClient


@dataclass(frozen=True, slots=True)
class Execution:
    """How an execution stands.

    Attributes:
        status: ``RUNNING``, ``SUCCEEDED``, ``FAILED``, ``TIMED_OUT`` or ``ABORTED``.
        output: of one that succeeded; otherwise empty.
    """

    status: str
    output: Mapping[str, Any]


class Executions:
    """The executions of one state machine."""

    def __init__(self, client: SFNClient, state_machine_arn: str) -> None:
        self._client = client
        self._state_machine_arn = state_machine_arn

    def start(self, name: str, document: Mapping[str, Any]) -> bool:
        """Start an execution; a name starts once in 90 days.

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

    def execution(self, name: str) -> Execution | None:
        """Return how an execution stands, or None if there is none of this name."""
        arn = self._state_machine_arn.replace(":stateMachine:", ":execution:")
        with translated("Step Functions"):
            try:
                answer = self._client.describe_execution(executionArn=f"{arn}:{name}")
            except ClientError as error:
                if error_code(error) != "ExecutionDoesNotExist":
                    raise
                return None
        output = json.loads(answer.get("output") or "{}")
        return Execution(answer["status"], output if isinstance(output, dict) else {})
