"""Other functions of the stack: invoked with an answer, or without waiting for one."""

import json
from collections.abc import Mapping
from typing import Any, Final, Protocol

from botocore.config import Config

from lytics_sendgrid.aws.errors import translated
from lytics_sendgrid.errors import (
    ExportRefused,
    InputInvalid,
    KeyRefused,
    RequestRefused,
    ServiceUnavailable,
    StopRun,
)

_REFUSALS: Final[Mapping[str, type[StopRun]]] = {
    kind.__name__: kind for kind in (StopRun, ExportRefused, InputInvalid, KeyRefused, RequestRefused)
}


INVOKE_TIMEOUTS: Final = Config(connect_timeout=2, read_timeout=20, retries={"total_max_attempts": 1})
"""A page must be there within 29 s. A function that answers too late has still done its work."""


class LambdaClient(Protocol):
    """The part of boto3's client that is used."""

    def invoke(self, *, FunctionName: str, Payload: bytes, InvocationType: str = ...) -> Any: ...  # noqa: N803, D102


class Functions:
    """Lambda functions, by name."""

    def __init__(self, client: LambdaClient) -> None:
        self._client = client

    def invoke(self, name: str, payload: Mapping[str, Any]) -> dict[str, Any]:
        """Invoke a function and return its answer.

        Raises:
            StopRun: the function raised this or one of its subclasses; the message is the function's.
            ServiceUnavailable: the function failed otherwise.
        """
        with translated("Lambda"):
            answer = self._client.invoke(FunctionName=name, Payload=json.dumps(payload).encode())
            document = json.loads(answer["Payload"].read() or b"{}")
        returned: dict[str, Any] = document if isinstance(document, dict) else {}
        if not answer.get("FunctionError"):
            return returned
        kind, message = str(returned.get("errorType")), str(returned.get("errorMessage"))
        if kind in _REFUSALS:
            raise _REFUSALS[kind](message)
        raise ServiceUnavailable(f"the function {name} failed ({kind})")

    def invoke_later(self, name: str, payload: Mapping[str, Any]) -> None:
        """Invoke a function without waiting for its end."""
        with translated("Lambda"):
            self._client.invoke(
                FunctionName=name, InvocationType="Event", Payload=json.dumps(payload).encode()
            )
