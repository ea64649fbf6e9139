"""Translate errors of AWS into ours, for every AWS adapter."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectionClosedError,
    ReadTimeoutError,
)

from lytics_sendgrid.errors import AnswerLost, ServiceUnavailable, StopRun, Throttled

_THROTTLED: Final = frozenset(
    {
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "RequestThrottled",
        "Throttling",
        "ThrottlingException",
        "TooManyRequestsException",
    }
)


def error_code(error: ClientError) -> str:
    """Return the error code of an AWS answer, such as ``ConditionalCheckFailedException``."""
    return str(error.response.get("Error", {}).get("Code", ""))


@contextmanager
def translated(service: str) -> Iterator[None]:
    """Raise our errors instead of botocore's.

    Raises:
        Throttled: AWS throttled the request.
        ServiceUnavailable: AWS failed, or could not be reached.
        AnswerLost: no answer arrived, and the request may have worked.
        StopRun: AWS refused the request, because the deployment is wrong: a permission or a table is missing.
    """
    try:
        yield
    except ClientError as error:
        code = error_code(error)
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        if code in _THROTTLED:
            raise Throttled(f"{service}: {code}") from error
        if status >= 500:
            raise ServiceUnavailable(f"{service}: {code}") from error
        message = error.response.get("Error", {}).get("Message", "")
        raise StopRun(
            f"{service} refused {error.operation_name}: {code} {message}: deploy the template again"
        ) from error
    except (ReadTimeoutError, ConnectionClosedError) as error:
        raise AnswerLost(f"{service}: {type(error).__name__}") from error
    except BotoCoreError as error:
        raise ServiceUnavailable(f"{service}: {type(error).__name__}") from error
