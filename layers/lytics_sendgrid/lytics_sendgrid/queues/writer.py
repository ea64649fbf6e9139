"""Send messages to an SQS queue in as few requests as SQS allows."""

from collections.abc import Iterable, Iterator
from typing import Any, Final, Protocol

from lytics_sendgrid.aws.errors import translated
from lytics_sendgrid.errors import ServiceUnavailable

MAX_ENTRIES: Final = 10
MAX_REQUEST_BYTES: Final = 1_048_576
"""SQS accepts 1 MiB in total, since August 2025."""
MAX_DELAY_S: Final = 900
_ATTEMPTS: Final = 3


class SqsClient(Protocol):
    """The part of boto3's SQS client that is used."""

    def send_message(self, *, QueueUrl: str, MessageBody: str, DelaySeconds: int = 0) -> Any: ...  # noqa: N803, D102

    def send_message_batch(self, *, QueueUrl: str, Entries: Any) -> Any: ...  # noqa: N803, D102


class QueueWriter:
    """Sends messages to one queue."""

    def __init__(self, client: SqsClient, url: str) -> None:
        self._client = client
        self._url = url

    def send(self, bodies: Iterable[str], delay_s: int = 0) -> None:
        """Send every body, or raise; after an error some may have been sent, and are duplicated by a retry.

        Args:
            bodies: ASCII texts of at most 1 MiB each.
            delay_s: seconds until they can be received, capped at SQS' 900.

        Raises:
            RetryLater: SQS did not accept all of them.
            StopRun: SQS refused the request.
        """
        delay = min(max(delay_s, 0), MAX_DELAY_S)
        for request in _requests(bodies):
            if len(request) == 1:
                with translated("SQS"):
                    self._client.send_message(QueueUrl=self._url, MessageBody=request[0], DelaySeconds=delay)
            else:
                self._send_several(request, delay)

    def _send_several(self, request: list[str], delay_s: int) -> None:
        left = {str(number): body for number, body in enumerate(request)}
        reasons: set[str] = set()
        for _ in range(_ATTEMPTS):
            entries = [
                {"Id": number, "MessageBody": body, "DelaySeconds": delay_s} for number, body in left.items()
            ]
            with translated("SQS"):
                answer = self._client.send_message_batch(QueueUrl=self._url, Entries=entries)
            failed = answer.get("Failed") or []
            if not failed:
                return
            reasons = {str(entry.get("Code")) for entry in failed}
            left = {entry["Id"]: left[entry["Id"]] for entry in failed}
        raise ServiceUnavailable(
            f"SQS did not accept {len(left)} of {len(request)} messages: {', '.join(sorted(reasons))}"
        )


def _requests(bodies: Iterable[str]) -> Iterator[list[str]]:
    request: list[str] = []
    size = 0
    for body in bodies:
        if request and (len(request) == MAX_ENTRIES or size + len(body) > MAX_REQUEST_BYTES):
            yield request
            request, size = [], 0
        request.append(body)
        size += len(body)
    if request:
        yield request
