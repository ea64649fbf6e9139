"""The stack, the region and the credentials of the shell; faults are sentences."""

from typing import Any

import pytest
from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError

from functions.operate.stack import boto_session, explained, stack_outputs
from lytics_sendgrid.aws.errors import translated
from lytics_sendgrid.errors import InputInvalid, LyticsSendGridError


@pytest.fixture(autouse=True)
def shell(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> pytest.MonkeyPatch:
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE", "AWS_DEFAULT_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    config = tmp_path / "config"
    config.write_text("[profile frankfurt]\nregion = eu-central-1\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    return monkeypatch


@pytest.mark.parametrize(
    "variables",
    [
        {"AWS_REGION": "eu-central-1"},
        {"AWS_DEFAULT_REGION": "eu-central-1"},
        {"AWS_REGION": "eu-central-1", "AWS_DEFAULT_REGION": "eu-central-1"},
        {"AWS_PROFILE": "frankfurt"},
        {"AWS_PROFILE": "frankfurt", "AWS_REGION": "eu-central-1"},
    ],
)
def test_region_is_read_from_either_variable_or_the_profile(
    shell: pytest.MonkeyPatch, variables: dict[str, str]
) -> None:
    for name, value in variables.items():
        shell.setenv(name, value)
    assert boto_session(variables).region_name == "eu-central-1"


@pytest.mark.parametrize(
    "variables",
    [
        {"AWS_REGION": "eu-west-1", "AWS_DEFAULT_REGION": "us-east-1"},
        {"AWS_REGION": "eu-west-1", "AWS_PROFILE": "frankfurt"},
    ],
)
def test_region_that_is_not_that_of_sam_is_refused(
    shell: pytest.MonkeyPatch, variables: dict[str, str]
) -> None:
    for name, value in variables.items():
        shell.setenv(name, value)
    with pytest.raises(InputInvalid, match=r"AWS_REGION is eu-west-1, but sam uses .*set both"):
        boto_session(variables)


def test_missing_region_is_refused() -> None:
    with pytest.raises(InputInvalid, match="no region is set: set both"):
        boto_session({})


class Refusing:
    def __init__(self, code: str, message: str = "no") -> None:
        self.error = ClientError({"Error": {"Code": code, "Message": message}}, "DescribeStacks")

    def describe_stacks(self, *, StackName: str) -> Any:  # noqa: N803
        raise self.error


def test_unknown_stack_is_one_clear_sentence() -> None:
    client = Refusing("ValidationError", "Stack with id mine does not exist")
    with pytest.raises(InputInvalid, match="STACK=mine: this account has no such stack in this region"):
        stack_outputs(client, "mine")
    with pytest.raises(InputInvalid) as caught:
        stack_outputs(client, "mine")
    assert explained(caught.value) == str(caught.value)


def test_stack_of_another_product_is_refused() -> None:
    class Other:
        def describe_stacks(self, *, StackName: str) -> Any:  # noqa: N803
            return {"Stacks": [{}]}

    outputs = stack_outputs(Other(), "other")
    with pytest.raises(InputInvalid, match="the stack has no output InspectFunction"):
        outputs["InspectFunction"]


@pytest.mark.parametrize(
    ("code", "text"),
    [
        ("ExpiredToken", "log in again"),
        ("AccessDenied", "AWS refuses DescribeStacks: no. Use a role that may do this"),
        ("InvalidArn", "AWS refuses DescribeStacks: InvalidArn no"),
        ("Throttling", "CloudFormation: Throttling"),
    ],
)
def test_refusal_of_aws_says_what_to_do(code: str, text: str) -> None:
    with pytest.raises(LyticsSendGridError) as caught:
        stack_outputs(Refusing(code), "mine")
    assert text in explained(caught.value)
    assert "template" not in explained(caught.value)


def test_missing_credentials_say_what_to_do() -> None:
    with pytest.raises(LyticsSendGridError) as caught, translated("Lambda"):
        raise NoCredentialsError
    assert explained(caught.value) == "there are no AWS credentials: log in, or set AWS_PROFILE"
    assert explained(NoCredentialsError()) == explained(caught.value)
    assert explained(BotoCoreError()) == "An unspecified error occurred"
