"""A deployed stack as an operator's command finds it: by its name, with the credentials of the shell."""

from collections.abc import Mapping
from typing import Any, Protocol

import boto3

from lytics_sendgrid.aws.errors import translated
from lytics_sendgrid.errors import InputInvalid


class CloudFormationClient(Protocol):
    """The part of boto3's client that is used."""

    def describe_stacks(self, *, StackName: str) -> Any: ...  # noqa: N803, D102


def asked_stack(environment: Mapping[str, str]) -> str:
    """Return the name of the stack that a person means.

    Raises:
        InputInvalid: there is none.
    """
    stack = environment.get("STACK", "")
    if not stack:
        raise InputInvalid("STACK= must be the name of the stack, such as STACK=lytics-sendgrid")
    return stack


def session_of(environment: Mapping[str, str]) -> boto3.Session:
    """Make a session by the shell's profile, keys and endpoint; ``AWS_REGION`` counts too, as for the AWS CLI."""
    return boto3.Session(region_name=environment.get("AWS_REGION"))


def stack_outputs(client: CloudFormationClient, stack: str) -> dict[str, str]:
    """Return a stack's outputs by name.

    Raises:
        StopRun: there is no such stack in this account and region, or it may not be described.
        RetryLater: CloudFormation did not answer.
    """
    with translated("CloudFormation"):
        found = client.describe_stacks(StackName=stack)["Stacks"][0]
    return {output["OutputKey"]: output["OutputValue"] for output in found.get("Outputs", [])}
