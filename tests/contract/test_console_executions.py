"""The console's executions and functions, on moto's Step Functions and answers that botocore checks."""

import io
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import boto3
import pytest
from botocore.exceptions import EndpointConnectionError
from botocore.response import StreamingBody
from botocore.stub import Stubber

from functions.console.aws.executions import PageExecutions
from functions.console.aws.functions import Functions
from lytics_sendgrid.errors import ExportRefused, ServiceUnavailable, StopRun
from tests.contract.moto_aws import aws

DEFINITION = '{"StartAt": "End", "States": {"End": {"Type": "Succeed"}}}'
ROLE = "arn:aws:iam::123456789012:role/export"
ARN = "arn:aws:states:us-east-1:123456789012:execution:export"


@pytest.fixture(autouse=True)
def credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)


@pytest.fixture
def executions() -> Iterator[PageExecutions]:
    with aws():
        client = boto3.client("stepfunctions")
        arn = client.create_state_machine(name="export", definition=DEFINITION, roleArn=ROLE)
        yield PageExecutions(client, arn["stateMachineArn"])


def test_execution_is_started_once_and_described(executions: PageExecutions) -> None:
    arn = executions.arn("console-a")
    assert arn == f"{ARN}:console-a"
    assert executions.start("console-a", {"export": "a"})
    assert not executions.start("console-a", {"export": "b"})
    found = executions.describe(arn)
    assert found is not None
    assert (found.arn, found.name, found.input) == (arn, "console-a", {"export": "a"})
    assert found.started_s > 1_700_000_000
    assert (found.output, found.error, found.cause, found.goes_on_in) == ({}, "", "", None)


def test_stopped_execution_has_ended(executions: PageExecutions) -> None:
    executions.start("console-a", {})
    arn = executions.arn("console-a")
    assert executions.stop(arn, "Cancelled in the console")
    assert executions.stop(arn, "Cancelled in the console")
    found = executions.describe(arn)
    assert found is not None
    assert not found.is_running
    assert found.ended_s is not None


def test_unknown_execution_is_none_and_its_stop_does_nothing(executions: PageExecutions) -> None:
    arn = executions.arn("nobody")
    assert executions.describe(arn) is None
    assert not executions.stop(arn, "x")


def described(**answer: Any) -> PageExecutions:
    client = boto3.client("stepfunctions")
    stubber = Stubber(client)
    required = {
        "executionArn": f"{ARN}:a",
        "stateMachineArn": "arn:x",
        "startDate": datetime(2026, 9, 21, tzinfo=UTC),
    }
    stubber.add_response("describe_execution", required | answer)
    stubber.activate()
    return PageExecutions(client, "arn:x:stateMachine:export")


def test_failure_and_output_are_read() -> None:
    found = described(status="FAILED", error="ExportRefused", cause="1 fault").describe(f"{ARN}:a")
    assert found is not None
    assert (found.error, found.cause, found.is_running, found.name) == (
        "ExportRefused",
        "1 fault",
        False,
        "a",
    )
    found = described(status="SUCCEEDED", output='{"goes_on_in": "arn:b"}').describe(f"{ARN}:a")
    assert found is not None
    assert found.goes_on_in == "arn:b"
    found = described(status="SUCCEEDED", output="[1]").describe(f"{ARN}:a")
    assert found is not None
    assert found.output == {}


def test_states_that_were_entered_last_are_named_without_their_data() -> None:
    client = boto3.client("stepfunctions")
    stubber = Stubber(client)
    at = datetime(2026, 9, 21, tzinfo=UTC)
    events = [
        {"timestamp": at, "type": "LambdaFunctionScheduled", "id": 9},
        {"timestamp": at, "type": "TaskStateEntered", "id": 8, "stateEnteredEventDetails": {"name": "Scan"}},
        {
            "timestamp": at,
            "type": "MapStateEntered",
            "id": 7,
            "stateEnteredEventDetails": {"name": "Backfill"},
        },
    ]
    request = {
        "executionArn": f"{ARN}:a",
        "maxResults": 100,
        "reverseOrder": True,
        "includeExecutionData": False,
    }
    stubber.add_response("get_execution_history", {"events": events}, request)
    stubber.add_client_error("get_execution_history", "ExecutionDoesNotExist", http_status_code=400)
    stubber.add_client_error("get_execution_history", "AccessDeniedException", http_status_code=400)
    stubber.activate()
    executions = PageExecutions(client, "arn:x:stateMachine:export")
    assert executions.entered(f"{ARN}:a") == ("Scan", "Backfill")
    assert executions.entered(f"{ARN}:a") == ()
    with pytest.raises(StopRun):
        executions.entered(f"{ARN}:a")


def test_faults_of_step_functions_are_ours(
    executions: PageExecutions, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(StopRun, match="Step Functions refused StartExecution"):
        executions.start("a/b", {})

    def unreachable(**_request: object) -> None:
        raise EndpointConnectionError(endpoint_url="x")

    for operation in ("start_execution", "describe_execution", "stop_execution"):
        monkeypatch.setattr(executions._client, operation, unreachable)
    for call in (
        lambda: executions.start("a", {}),
        lambda: executions.describe("a"),
        lambda: executions.stop("a", "x"),
    ):
        with pytest.raises(ServiceUnavailable):
            call()


def refused(operation: str) -> PageExecutions:
    client = boto3.client("stepfunctions")
    stubber = Stubber(client)
    stubber.add_client_error(operation, "AccessDeniedException", http_status_code=400)
    stubber.activate()
    return PageExecutions(client, "arn:x:stateMachine:export")


def test_other_refusals_of_step_functions_are_raised() -> None:
    with pytest.raises(StopRun, match="AccessDenied"):
        refused("describe_execution").describe("a")
    with pytest.raises(StopRun, match="AccessDenied"):
        refused("stop_execution").stop("a", "x")


class Lambda:
    """A client whose requests and answers botocore checks."""

    def __init__(self, document: Any = None, **answer: Any) -> None:
        self.client = boto3.client("lambda")
        text = json.dumps(document).encode()
        body = StreamingBody(io.BytesIO(text), len(text))
        self.stubber = Stubber(self.client)
        self.stubber.add_response("invoke", {"StatusCode": 200, "Payload": body} | answer)
        self.stubber.activate()


def test_function_is_invoked_and_its_answer_returned() -> None:
    assert Functions(Lambda({"answer": "x"}).client).invoke("s-inspect", {"email": "x"}) == {"answer": "x"}
    assert Functions(Lambda([1]).client).invoke("s-inspect", {}) == {}
    Functions(Lambda({}, StatusCode=202).client).invoke_later("s-catalogue", {"authorization": "default"})


def test_refusal_of_a_function_is_its_own_error() -> None:
    refused = {"errorType": "ExportRefused", "errorMessage": "no such export"}
    with pytest.raises(ExportRefused, match="no such export"):
        Functions(Lambda(refused, FunctionError="Unhandled").client).invoke("s-inspect", {})
    died = {"errorType": "Runtime.ExitError", "errorMessage": "secret"}
    with pytest.raises(ServiceUnavailable, match=r"the function s-inspect failed \(Runtime.ExitError\)$"):
        Functions(Lambda(died, FunctionError="Unhandled").client).invoke("s-inspect", {})


def test_function_that_cannot_be_reached_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    client = Lambda().client

    def unreachable(**_request: object) -> None:
        raise EndpointConnectionError(endpoint_url="x")

    monkeypatch.setattr(client, "invoke", unreachable)
    with pytest.raises(ServiceUnavailable, match="Lambda: EndpointConnectionError"):
        Functions(client).invoke("s-inspect", {})
    with pytest.raises(ServiceUnavailable, match="Lambda: EndpointConnectionError"):
        Functions(client).invoke_later("s-inspect", {})
