"""Executions are started once and found by name, on moto's Step Functions."""

from collections.abc import Iterator
from datetime import UTC, datetime

import boto3
import pytest
from botocore.exceptions import EndpointConnectionError

from lytics_sendgrid.aws.executions import MachineExecutions
from lytics_sendgrid.errors import ServiceUnavailable, StopRun
from tests.contract.moto_aws import aws

DEFINITION = '{"StartAt": "End", "States": {"End": {"Type": "Succeed"}}}'
ROLE = "arn:aws:iam::123456789012:role/export"


@pytest.fixture
def executions(monkeypatch: pytest.MonkeyPatch) -> Iterator[MachineExecutions]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with aws():
        client = boto3.client("stepfunctions", region_name="us-east-1")
        arn = client.create_state_machine(name="export", definition=DEFINITION, roleArn=ROLE)
        yield MachineExecutions(client, arn["stateMachineArn"])


def test_name_starts_once(executions: MachineExecutions) -> None:
    assert executions.describe(executions.arn("resync-a-20261126")) is None
    assert executions.start("resync-a-20261126", {"export": "a"})
    assert not executions.start("resync-a-20261126", {"export": "b"})
    assert executions.start("resync-a-20261127", {"export": "a"})
    found = executions.describe(executions.arn("resync-a-20261126"))
    assert found is not None
    assert found.status in {"RUNNING", "SUCCEEDED"}


def test_faults_are_ours(executions: MachineExecutions, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(StopRun, match="Step Functions refused StartExecution"):
        executions.start("a/b", {})

    def unreachable(**_request: object) -> None:
        raise EndpointConnectionError(endpoint_url="x")

    for operation in ("start_execution", "describe_execution"):
        monkeypatch.setattr(executions._client, operation, unreachable)
    with pytest.raises(ServiceUnavailable):
        executions.start("a", {})
    with pytest.raises(ServiceUnavailable):
        executions.describe("a")


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ({"status": "RUNNING"}, ("RUNNING", {})),
        ({"status": "SUCCEEDED", "output": '{"skipped": "x"}'}, ("SUCCEEDED", {"skipped": "x"})),
        ({"status": "SUCCEEDED", "output": "[]"}, ("SUCCEEDED", {})),
    ],
)
def test_output_is_an_object_or_empty(
    executions: MachineExecutions, monkeypatch: pytest.MonkeyPatch, answer: dict[str, str], expected: object
) -> None:
    described = {"startDate": datetime(2026, 9, 21, tzinfo=UTC)} | answer
    monkeypatch.setattr(executions._client, "describe_execution", lambda **_request: described)
    found = executions.describe("a")
    assert found is not None
    assert (found.status, found.output) == expected
