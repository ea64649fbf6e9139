"""Find a deployed stack by its name, with the credentials of the shell."""

from collections.abc import Mapping
from typing import Any, Protocol

import boto3

from lytics_sendgrid.aws.errors import translated
from lytics_sendgrid.errors import InputInvalid


class CloudFormationClient(Protocol):
    """The part of boto3's client that is used."""

    def describe_stacks(self, *, StackName: str) -> Any: ...  # noqa: N803, D102


def stack_name(environment: Mapping[str, str]) -> str:
    """Return the name of the stack to work on.

    Raises:
        InputInvalid: ``STACK`` is not set.
    """
    stack = environment.get("STACK", "")
    if not stack:
        raise InputInvalid("STACK is not set: name the stack, such as STACK=lytics-sendgrid")
    return stack


def boto_session(environment: Mapping[str, str]) -> boto3.Session:
    """Return a session with the shell's profile, keys, endpoint and, as in the AWS CLI, ``AWS_REGION``."""
    return boto3.Session(region_name=environment.get("AWS_REGION"))


def stack_outputs(client: CloudFormationClient, stack: str) -> dict[str, str]:
    """Return a stack's outputs by name.

    Raises:
        StopRun: the stack does not exist in this account and region, or the caller may not describe it.
        RetryLater: CloudFormation did not answer.
    """
    with translated("CloudFormation"):
        description = client.describe_stacks(StackName=stack)["Stacks"][0]
    return {output["OutputKey"]: output["OutputValue"] for output in description.get("Outputs", [])}
