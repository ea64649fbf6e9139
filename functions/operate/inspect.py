"""Ask ``inspect`` about one person.

Run it as ``STACK=lytics-sendgrid-prod EMAIL=jane@example.com python -m functions.operate.inspect``.

``EXPORT`` names the export; ``default`` if it is not set. Needs ``cloudformation:DescribeStacks`` and
``lambda:InvokeFunction`` on the function.
"""

import json
import os
import sys
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from botocore.exceptions import BotoCoreError

from functions.operate.progress import inspection
from functions.operate.stack import boto_session, explained, stack_name, stack_outputs
from lytics_sendgrid.aws.errors import translated
from lytics_sendgrid.errors import InputInvalid, LyticsSendGridError, StopRun


class LambdaClient(Protocol):
    """The part of boto3's client that is used."""

    def invoke(self, *, FunctionName: str, Payload: bytes) -> Any: ...  # noqa: N803, D102


def inspect_person(client: LambdaClient, function: str, export: str, email: str) -> dict[str, Any]:
    """Return what ``inspect`` answers.

    Raises:
        StopRun: ``inspect`` refuses the question, or failed; the message is its own, without a stack trace.
        RetryLater: Lambda did not answer.
    """
    question = json.dumps({"export": export, "email": email}).encode()
    with translated("Lambda"):
        response = client.invoke(FunctionName=function, Payload=question)
        answer: dict[str, Any] = json.loads(response["Payload"].read())
    if response.get("FunctionError"):
        kind, message = answer.get("errorType", "error"), answer.get("errorMessage", "")
        if kind == InputInvalid.__name__:
            raise InputInvalid(message)
        raise StopRun(f"inspect failed with {kind}: {message}. Its log is /aws/lambda/{function}")
    return answer


def main(environment: Mapping[str, str], say: Callable[[str], object]) -> int:
    """Print the answer; return the exit status of the program."""
    try:
        stack, email = stack_name(environment), environment.get("EMAIL", "")
        if not email:
            raise InputInvalid("EMAIL is not set: name the person, such as EMAIL=jane@example.com")
        session = boto_session(environment)
        function = stack_outputs(session.client("cloudformation"), stack)["InspectFunction"]
        export = environment.get("EXPORT", "") or "default"
        for line in inspection(inspect_person(session.client("lambda"), function, export, email)):
            say(line + "\n")
    except (LyticsSendGridError, BotoCoreError) as error:
        say(f"{explained(error)}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(os.environ, sys.stdout.write))
