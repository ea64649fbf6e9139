"""How many messages wait in the queues of what was given up."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from functions.report.drift import GivenUp
from lytics_sendgrid.aws.errors import translated

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

_MESSAGES: Final = "ApproximateNumberOfMessages"


class QueueCounts:
    """The two dead-letter queues and the rejects queue."""

    def __init__(self, client: SQSClient, *, changes_url: str, imports_url: str, rejects_url: str) -> None:
        self._client = client
        self._changes_url = changes_url
        self._imports_url = imports_url
        self._rejects_url = rejects_url

    def given_up(self) -> GivenUp:
        """Return how many messages wait in each.

        Raises:
            RetryLater: SQS does not answer now.
            StopRun: SQS refuses the request.
        """
        return GivenUp(
            changes=self._messages(self._changes_url),
            imports=self._messages(self._imports_url),
            rejects=self._messages(self._rejects_url),
        )

    def _messages(self, url: str) -> int:
        with translated("SQS"):
            answer = self._client.get_queue_attributes(QueueUrl=url, AttributeNames=[_MESSAGES])
        return int(answer["Attributes"]["ApproximateNumberOfMessages"])
