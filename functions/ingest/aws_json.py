"""The few AWS calls of ingest, spoken directly: JSON over one kept connection a service.

boto3 takes 1,050 µs of CPU for a ``SendMessage`` (and 230 ms for importing it and making a client); this takes 100.
ingest may spend 1 ms on an event, of which Lambda's runtime client takes half. A client here has boto3's method names,
arguments and errors for those calls, so that every adapter takes either; a contract test runs them with both.

What boto3 does and this does not: proxies, FIPS and dual-stack endpoints, credentials from anywhere but Lambda's
environment. Those are constant while an execution environment lives.
"""

import http.client
import json
import time
from collections.abc import Callable, Mapping
from typing import Any, Final

from botocore.exceptions import (
    ClientError,
    ConnectionClosedError,
    EndpointConnectionError,
    ReadTimeoutError,
)

from functions.ingest.kept_connection import KeptConnection
from functions.ingest.signature import Credentials, Signer

TIMEOUT_S: Final = 2.5
"""Three services, one after another, fit ingest's 10 s; each answers in milliseconds."""
ATTEMPTS: Final = 3
PAUSE_S: Final = 0.05
_encode: Final = json.JSONEncoder(separators=(",", ":")).encode


class AwsJsonClient:
    """One AWS service. Not for several threads."""

    def __init__(
        self,
        url: str,
        signer: Signer,
        target_prefix: str,
        version: str = "1.0",
        *,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """Describe the service; nothing is connected yet.

        Args:
            url: its endpoint.
            signer: signs every request.
            target_prefix: what stands before an operation's name in ``X-Amz-Target``.
            version: of AWS's JSON protocol.
            sleep: waits between attempts.
        """
        self._url = url
        self._connection = KeptConnection(url, TIMEOUT_S)
        self._signer = signer
        self._target_prefix = target_prefix
        self._content_type = f"application/x-amz-json-{version}"
        self._sleep = sleep

    def send_message(self, **arguments: Any) -> dict[str, Any]:
        """Call SQS' ``SendMessage``."""
        return self.call("SendMessage", arguments)

    def send_message_batch(self, **arguments: Any) -> dict[str, Any]:
        """Call SQS' ``SendMessageBatch``."""
        return self.call("SendMessageBatch", arguments)

    def get_item(self, **arguments: Any) -> dict[str, Any]:
        """Call DynamoDB's ``GetItem``."""
        return self.call("GetItem", arguments)

    def get_secret_value(self, **arguments: Any) -> dict[str, Any]:
        """Call Secrets Manager's ``GetSecretValue``."""
        return self.call("GetSecretValue", arguments)

    def call(self, operation: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Call an operation; what fails on the other side or for lack of a connection is tried three times.

        Raises:
            ClientError: AWS refused it, or failed three times.
            EndpointConnectionError: nobody can be reached there.
            ReadTimeoutError: no answer came in time; it may have worked.
            ConnectionClosedError: the connection broke before the answer; it may have worked.
        """
        body = _encode(arguments).encode()
        attempt = 1
        while True:
            is_last = attempt == ATTEMPTS
            try:
                status, answer = self._exchange(operation, body)
                if status < 300:
                    return answer
                if is_last or (status < 500 and not _is_throttled(answer)):
                    raise ClientError(_error(status, answer), operation)
            except EndpointConnectionError:
                if is_last:
                    raise
            self._sleep(PAUSE_S * 2**attempt)
            attempt += 1

    def _exchange(self, operation: str, body: bytes) -> tuple[int, dict[str, Any]]:
        headers = self._signer.headers(
            self._connection.host,
            {"content-type": self._content_type, "x-amz-target": f"{self._target_prefix}.{operation}"},
            body,
            time.strftime("%Y%m%dT%H%M%SZ", time.gmtime()),
        )
        try:
            status, answer = self._connection.post(headers, body)
        except TimeoutError as error:
            raise ReadTimeoutError(endpoint_url=self._url) from error
        except (BrokenPipeError, ConnectionResetError, http.client.HTTPException) as error:
            raise ConnectionClosedError(endpoint_url=self._url) from error
        except OSError as error:
            raise EndpointConnectionError(endpoint_url=self._url) from error
        return status, _document(answer)


def aws_client(service: str, environment: Mapping[str, str]) -> AwsJsonClient:
    """Make a client from Lambda's environment, as boto3 would.

    Args:
        service: ``sqs``, ``dynamodb`` or ``secretsmanager``.
        environment: usually ``os.environ``; ``AWS_ENDPOINT_URL`` and ``AWS_ENDPOINT_URL_<SERVICE>`` count as for boto3.
    """
    variable, target_prefix, version = _SERVICES[service]
    region = environment.get("AWS_REGION") or environment["AWS_DEFAULT_REGION"]
    url = environment.get(f"AWS_ENDPOINT_URL_{variable}") or environment.get("AWS_ENDPOINT_URL")
    credentials = Credentials(
        environment["AWS_ACCESS_KEY_ID"],
        environment["AWS_SECRET_ACCESS_KEY"],
        environment.get("AWS_SESSION_TOKEN"),
    )
    signer = Signer(credentials, service, region)
    suffix = "amazonaws.com.cn" if region.startswith("cn-") else "amazonaws.com"
    return AwsJsonClient(url or f"https://{service}.{region}.{suffix}", signer, target_prefix, version)


_SERVICES: Final = {
    "sqs": ("SQS", "AmazonSQS", "1.0"),
    "dynamodb": ("DYNAMODB", "DynamoDB_20120810", "1.0"),
    "secretsmanager": ("SECRETS_MANAGER", "secretsmanager", "1.1"),
}


def _document(answer: bytes) -> dict[str, Any]:
    try:
        document = json.loads(answer)
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}


def _code(answer: Mapping[str, Any]) -> str:
    return str(answer.get("__type", "")).rpartition("#")[2]


def _is_throttled(answer: Mapping[str, Any]) -> bool:
    code = _code(answer)
    return "Throttl" in code or "ThroughputExceeded" in code


def _error(status: int, answer: Mapping[str, Any]) -> Any:
    return {
        "Error": {
            "Code": _code(answer),
            "Message": str(answer.get("message") or answer.get("Message") or ""),
        },
        "ResponseMetadata": {"HTTPStatusCode": status},
    }
