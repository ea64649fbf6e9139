"""Find a deployed stack by its name, with the credentials and the region of the shell."""

import json
from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any, Final, Protocol

import boto3
from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError

from lytics_sendgrid.aws.errors import error_code, translated
from lytics_sendgrid.errors import InputInvalid, LyticsSendGridError, StopRun

_BAD_CREDENTIALS: Final = frozenset(
    {
        *("ExpiredToken", "ExpiredTokenException", "InvalidClientTokenId", "InvalidSignatureException"),
        *("RequestExpired", "SignatureDoesNotMatch", "UnrecognizedClientException"),
    }
)
_DENIED: Final = frozenset({"AccessDenied", "AccessDeniedException"})


class StackOutputs(dict[str, str]):
    """A stack's outputs by name."""

    def __missing__(self, name: str) -> str:
        """Refuse a stack that is not one of this product, or is older than this command."""
        raise InputInvalid(
            f"the stack has no output {name}: check STACK, or deploy this version of the product"
        )


type Program = Callable[[Mapping[str, str], Callable[[str], object]], int]
"""The main function of a command: takes the environment and what says a text, returns the exit status."""


class CloudFormationClient(Protocol):
    """The part of boto3's client that is used."""

    def describe_stacks(self, *, StackName: str) -> Any: ...  # noqa: N803, D102


def says_errors(program: Program) -> Program:
    """Return the program, made to say an error as text and to end with the exit status 1."""

    @wraps(program)
    def run(environment: Mapping[str, str], say: Callable[[str], object]) -> int:
        try:
            return program(environment, say)
        except (LyticsSendGridError, BotoCoreError) as error:
            say(f"{explained(error)}\n")
            return 1

    return run


def stack_name(environment: Mapping[str, str]) -> str:
    """Return the name of the stack to work on.

    Raises:
        InputInvalid: ``STACK`` is not set.
    """
    stack = environment.get("STACK", "")
    if not stack:
        raise InputInvalid("STACK is not set: name the stack, such as STACK=lytics-sendgrid-prod")
    return stack


def boto_session(environment: Mapping[str, str]) -> boto3.Session:
    """Return a session with the shell's profile, keys and endpoint, in the region that ``sam`` uses.

    The SAM CLI, the AWS CLI v1 and boto3 read ``AWS_DEFAULT_REGION`` or the profile. The AWS CLI v2 reads
    ``AWS_REGION`` first. If the two lead to different regions, the commands of one person would work on two
    stacks.

    Raises:
        InputInvalid: there is no region, or two different ones.
    """
    sams, v2s = boto3.Session().region_name, environment.get("AWS_REGION")
    advice = "set both to the region of the stack: export AWS_REGION=eu-west-1 AWS_DEFAULT_REGION=eu-west-1"
    if sams and v2s and sams != v2s:
        raise InputInvalid(
            f"AWS_REGION is {v2s}, but sam uses {sams}, from AWS_DEFAULT_REGION or the profile: {advice}"
        )
    if not (sams or v2s):
        raise InputInvalid(f"no region is set: {advice}")
    return boto3.Session(region_name=v2s or sams)


def stack_outputs(client: CloudFormationClient, stack: str) -> StackOutputs:
    """Return a stack's outputs by name.

    Raises:
        InputInvalid: the stack does not exist in this account and region.
        StopRun: the caller may not describe it.
        RetryLater: CloudFormation did not answer.
    """
    try:
        with translated("CloudFormation"):
            description = client.describe_stacks(StackName=stack)["Stacks"][0]
    except LyticsSendGridError as error:
        cause = error.__cause__
        if isinstance(cause, ClientError) and error_code(cause) == "ValidationError":
            raise InputInvalid(
                f"STACK={stack}: this account has no such stack in this region. Check the name, the region "
                "and AWS_PROFILE; `aws cloudformation describe-stacks --query 'Stacks[].StackName'` lists "
                "the stacks"
            ) from cause
        raise
    outputs = description.get("Outputs", [])
    return StackOutputs({output["OutputKey"]: output["OutputValue"] for output in outputs})


class LambdaClient(Protocol):
    """The part of boto3's client that is used."""

    def invoke(self, *, FunctionName: str, Payload: bytes) -> Any: ...  # noqa: N803, D102


def invoked(client: LambdaClient, verb: str, function: str, question: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a function answers.

    Args:
        client: boto3's.
        verb: what the function does, for a message.
        function: its name.
        question: JSON values.

    Raises:
        InputInvalid: the function refuses the question; the message is its own, without a stack trace.
        StopRun: it failed.
        RetryLater: Lambda did not answer.
    """
    with translated("Lambda"):
        response = client.invoke(FunctionName=function, Payload=json.dumps(question).encode())
        answer: dict[str, Any] = json.loads(response["Payload"].read())
    if response.get("FunctionError"):
        kind, message = answer.get("errorType", "error"), answer.get("errorMessage", "")
        if kind == InputInvalid.__name__:
            raise InputInvalid(message)
        raise StopRun(f"{verb} failed with {kind}: {message}. Its log is /aws/lambda/{function}")
    return answer


def explained(error: LyticsSendGridError | BotoCoreError) -> str:
    """Return an error as one message for the person at the keyboard, with what to do."""
    cause = error.__cause__ if isinstance(error, LyticsSendGridError) else error
    if isinstance(cause, NoCredentialsError):
        return "there are no AWS credentials: log in, or set AWS_PROFILE"
    if isinstance(cause, ClientError):
        code, message = error_code(cause), cause.response.get("Error", {}).get("Message", "")
        if code in _BAD_CREDENTIALS:
            return f"AWS refuses the credentials of this shell ({code}): log in again, or set AWS_PROFILE"
        if code in _DENIED:
            return f"AWS refuses {cause.operation_name}: {message}. Use a role that may do this"
        if type(error) is StopRun:
            return f"AWS refuses {cause.operation_name}: {code} {message}"
    return str(error)
