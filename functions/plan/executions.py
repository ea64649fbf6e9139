"""Executions of the state machine, as Step Functions describes them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from botocore.exceptions import ClientError

from functions.plan.one_run import Execution
from lytics_sendgrid.aws.errors import error_code, translated

if TYPE_CHECKING:
    from mypy_boto3_stepfunctions import SFNClient

GOES_ON_IN: Final = "goes_on_in"
"""In the output of an execution whose run goes on in another: the ARN of that one."""


class Executions:
    """Executions in Step Functions."""

    def __init__(self, client: SFNClient) -> None:
        self._client = client

    def execution(self, arn: str) -> Execution | None:
        """Return an execution, or None: Step Functions has forgotten it, 90 days after its end.

        Raises:
            RetryLater: Step Functions does not answer now.
        """
        with translated("Step Functions"):
            try:
                described = self._client.describe_execution(executionArn=arn)
            except ClientError as error:
                if error_code(error) != "ExecutionDoesNotExist":
                    raise
                return None
        output = described.get("output")
        document = json.loads(output) if output else None
        goes_on_in = document.get(GOES_ON_IN) if isinstance(document, dict) else None
        return Execution(
            described["executionArn"],
            described["status"] == "RUNNING",
            f"{described['startDate']:%Y-%m-%d %H:%M} UTC",
            goes_on_in if isinstance(goes_on_in, str) else None,
        )
