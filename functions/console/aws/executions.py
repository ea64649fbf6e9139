"""Executions of the state machine, as pages need them: also what they are doing, and stopped."""

from typing import Final

from botocore.exceptions import ClientError

from lytics_sendgrid.aws.errors import error_code, translated
from lytics_sendgrid.aws.executions import MachineExecutions

_EVENTS: Final = 100
"""The last 100 events always include a long-running state; a waiting state adds nine per round."""


class PageExecutions(MachineExecutions):
    """The executions of one state machine."""

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

    def stop(self, arn: str, cause: str) -> bool:
        """Stop an execution. One that has ended stays as it is.

        Args:
            arn: the execution's.
            cause: why, for a person.

        Returns:
            False: AWS does not know the execution any more, or not yet.
        """
        with translated("Step Functions"):
            try:
                self._client.stop_execution(executionArn=arn, error="Cancelled", cause=cause)
            except ClientError as error:
                if error_code(error) != "ExecutionDoesNotExist":
                    raise
                return False
        return True
