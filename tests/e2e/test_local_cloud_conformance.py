"""The local cloud behaves as AWS where ministack alone does not: one test for each addition."""

import json
import re
import signal
import subprocess
import sys
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import requests

from tests.local import internals
from tests.local.build import REPOSITORY
from tests.local.cloud import LocalCloud
from tests.local.polling import poll
from tests.local.processes import members
from tests.local.runtime_server import MAX_PAYLOAD_BYTES
from tests.local.stack import DeploymentError

APPLICATION = Path(__file__).parent / "conformance_app" / "template.yaml"


class Application:
    """The deployed conformance application."""

    def __init__(self, cloud: LocalCloud, outputs: dict[str, str]) -> None:
        self.cloud, self.outputs = cloud, outputs
        self.sqs, self.functions = cloud.client("sqs"), cloud.client("lambda")
        self.machines = cloud.client("stepfunctions")
        self._reports: list[dict[str, Any]] = []

    def send(self, queue: str, bodies: list[dict[str, Any]], per_request: int = 10) -> None:
        for start in range(0, len(bodies), per_request):
            entries: Any = [
                {"Id": str(number), "MessageBody": json.dumps(body)}
                for number, body in enumerate(bodies[start : start + per_request])
            ]
            answer = self.sqs.send_message_batch(QueueUrl=self.outputs[queue], Entries=entries)
            assert not answer.get("Failed")

    def receive(self, queue: str) -> list[dict[str, Any]]:
        answer = self.sqs.receive_message(QueueUrl=self.outputs[queue], MaxNumberOfMessages=10)
        return [json.loads(message["Body"]) for message in answer.get("Messages", [])]

    def reports(self, function: str, records: int) -> list[dict[str, Any]]:
        """Wait until a function has reported batches with `records` records in total. Returns the reports."""

        def received() -> list[dict[str, Any]] | None:
            self._reports += self.receive("ReportsUrl")
            mine = [report for report in self._reports if f"-{function}-" in report["function"]]
            return mine if sum(report["records"] for report in mine) >= records else None

        mine = poll(received, f"reports of {records} records from {function}")
        self._reports = [report for report in self._reports if report not in mine]
        return mine

    @contextmanager
    def paused(self, function: str) -> Iterator[None]:
        """Pause a function's event source, so that messages accumulate."""
        name = self.outputs[function]
        mapping = self.functions.list_event_source_mappings(FunctionName=name)["EventSourceMappings"][0]
        self.functions.update_event_source_mapping(UUID=mapping["UUID"], Enabled=False)
        yield
        self.functions.update_event_source_mapping(UUID=mapping["UUID"], Enabled=True)

    def act(self, **event: Any) -> tuple[str | None, dict[str, Any]]:
        answer = self.functions.invoke(FunctionName=self.outputs["ActFunction"], Payload=json.dumps(event))
        return answer.get("FunctionError"), json.loads(answer["Payload"].read())

    def execute(self, machine_arn: str | None = None, **execution_input: Any) -> Any:
        started = self.machines.start_execution(
            stateMachineArn=machine_arn or self.outputs["MachineArn"], input=json.dumps(execution_input)
        )

        def ended() -> Any:
            execution = self.machines.describe_execution(executionArn=started["executionArn"])
            return None if execution["status"] == "RUNNING" else execution

        return poll(ended, "the end of the execution")

    def post(
        self, path: str, body: bytes = b"{}", headers: dict[str, str] | None = None
    ) -> tuple[int, dict[str, Any]]:
        url = f"{self.cloud.api_url('conformance', 'Api', 'v1')}/things/{path}"
        answer = requests.post(url, data=body, headers=headers, timeout=30)
        return answer.status_code, answer.json()


@pytest.fixture(scope="module")
def app() -> Iterator[Application]:
    with LocalCloud(wait_scale=0.1) as cloud:
        yield Application(cloud, cloud.deploy(APPLICATION, "conformance"))


def test_ten_thousand_messages_reach_one_invocation(app: Application) -> None:
    with app.paused("LargeFunction"):
        app.send("LargeUrl", [{"n": number} for number in range(10_000)])
    assert [report["records"] for report in app.reports("LargeFunction", 10_000)] == [10_000]


def test_batch_waits_for_its_window(app: Application) -> None:
    app.send("LargeUrl", [{"n": number} for number in range(5)])
    [report] = app.reports("LargeFunction", 5)
    assert report["records"] == 5
    assert report["begun"] - report["sent"] >= 1.0


def test_paused_event_source_passes_on_what_it_has_received(app: Application) -> None:
    app.send("LargeUrl", [{"n": 0}])

    def received() -> bool:
        answer = app.sqs.get_queue_attributes(
            QueueUrl=app.outputs["LargeUrl"], AttributeNames=["ApproximateNumberOfMessagesNotVisible"]
        )
        return answer["Attributes"]["ApproximateNumberOfMessagesNotVisible"] == "1"

    poll(received, "a message that waits for its window")
    with app.paused("LargeFunction"):
        assert [report["records"] for report in app.reports("LargeFunction", 1)] == [1]


def test_batch_is_cut_before_its_event_exceeds_six_megabytes(app: Application) -> None:
    # Ten messages of 0.5 MB: 5 MB as sent, but each quotation mark takes four bytes in the event instead of
    # two.
    quoted = {"n": 0, "padding": '"' * 250_000}
    with app.paused("LargeFunction"):
        app.send("LargeUrl", [quoted] * 10, per_request=2)
    first, second = sorted(app.reports("LargeFunction", 10), key=lambda report: -report["records"])
    assert (first["records"], second["records"]) == (6, 4)
    assert first["payload_bytes"] <= MAX_PAYLOAD_BYTES
    assert first["payload_bytes"] + second["payload_bytes"] / 4 > MAX_PAYLOAD_BYTES


def test_only_reported_messages_are_retried_and_dead_lettered(app: Application) -> None:
    app.send("PartialUrl", [{"n": number, "answer": "fail odd"} for number in range(4)])
    reports = app.reports("PartialFunction", 4 + 2)
    assert max(report["receives"] for report in reports) == 2
    assert sum(report["records"] for report in reports) == 6
    assert _dead_letters(app, 2) == [1, 3]


def test_unknown_message_id_in_failures_fails_the_whole_batch(app: Application) -> None:
    answer = {"batchItemFailures": [{"itemIdentifier": "not-in-this-batch"}]}
    app.send("PartialUrl", [{"n": number, "answer": answer} for number in range(2)])
    app.reports("PartialFunction", 2 + 2)
    assert _dead_letters(app, 2) == [0, 1]


def test_failed_function_fails_the_whole_batch(app: Application) -> None:
    app.send("PartialUrl", [{"n": 7, "fail": "always"}])
    app.reports("PartialFunction", 1 + 1)
    assert _dead_letters(app, 1) == [7]


def test_empty_answer_is_a_success(app: Application) -> None:
    app.send("PartialUrl", [{"n": 8, "answer": None}])
    app.reports("PartialFunction", 1)
    poll(lambda: _is_empty(app, "PartialUrl"), "the deletion of the message")
    assert _is_empty(app, "PartialDeadUrl")


def test_maximum_concurrency_limits_batches_in_flight(app: Application) -> None:
    app.send("NarrowUrl", [{"n": number, "sleep_s": 0.2} for number in range(6)])
    reports = app.reports("NarrowFunction", 6)
    overlaps = [
        sum(other["begun"] <= report["begun"] < other["ended"] for other in reports) for report in reports
    ]
    assert max(overlaps) == 2


def test_retry_and_catch_match_the_python_exception_name(app: Application) -> None:
    before = app.cloud.function_log(app.outputs["ActFunction"]).count("PaymentRefused: machine")
    ended = app.execute(do="raise", why="machine", pause_s=0, items=[])
    assert ended["status"] == "SUCCEEDED"
    output = json.loads(ended["output"])
    assert output["error"] == "PaymentRefused"
    assert output["cause"]["errorMessage"] == "machine"
    attempts = app.cloud.function_log(app.outputs["ActFunction"]).count("PaymentRefused: machine") - before
    assert attempts == 1 + 2


def test_state_machine_runs_task_wait_map_and_context_object(app: Application) -> None:
    ended = app.execute(do="nothing", pause_s=1, items=["a", "b", "c"])
    assert ended["status"] == "SUCCEEDED"
    output = json.loads(ended["output"])
    assert [(item["item"], item["index"]) for item in output["each"]] == [("a", 0), ("b", 1), ("c", 2)]
    assert len({item["result"]["request_id"] for item in output["each"]}) == 3
    assert output["text"] == f"nothing of {ended['name']}"
    assert output["execution"] == ended["executionArn"]
    assert output["machine"] == app.outputs["MachineArn"]
    assert output["parsed"] == {"a": 1}


def test_fail_state_takes_error_and_cause_from_its_input(app: Application) -> None:
    ended = app.execute(do="fail", why="NotToday")
    assert (ended["status"], ended["error"], ended["cause"]) == ("FAILED", "NotToday", "fail refused")


@pytest.mark.parametrize(
    ("state", "error"),
    [
        ({"Type": "Pass", "Parameters": {"it.$": "$.absent"}, "End": True}, "States.ParameterPathFailure"),
        (
            {"Type": "Pass", "Parameters": {"it.$": "States.Format('{}', $.known.absent)"}, "End": True},
            "States.ParameterPathFailure",
        ),
        (
            {"Type": "Choice", "Choices": [{"Variable": "$.absent", "IsNull": True, "Next": "Good"}]},
            "States.Runtime",
        ),
        (
            {
                "Type": "Choice",
                "Choices": [{"Variable": "$.absent", "IsPresent": True, "Next": "Bad"}],
                "Default": "Good",
            },
            None,
        ),
        (
            {
                "Type": "Choice",
                "Choices": [{"Variable": "$.null", "IsPresent": True, "Next": "Good"}],
                "Default": "Bad",
            },
            None,
        ),
    ],
)
def test_path_without_a_value_fails_the_state(
    app: Application, state: dict[str, Any], error: str | None
) -> None:
    states = {"It": state, "Good": {"Type": "Succeed"}, "Bad": {"Type": "Fail", "Error": "Wrong"}}
    machine = app.machines.create_state_machine(
        name=f"paths-{uuid.uuid4().hex}",
        definition=json.dumps({"StartAt": "It", "States": states}),
        roleArn="arn:aws:iam::000000000000:role/anyone",
    )
    ended = app.execute(machine["stateMachineArn"], known={}, null=None)
    assert (ended["status"], ended.get("error")) == ("FAILED" if error else "SUCCEEDED", error)


@pytest.mark.parametrize("at_once", [1, 3])
def test_map_runs_as_many_items_at_once_as_its_path_says(app: Application, at_once: int) -> None:
    wait = {"StartAt": "Wait", "States": {"Wait": {"Type": "Wait", "SecondsPath": "$.s", "End": True}}}
    each = {
        "Type": "Map",
        "ItemsPath": "$.items",
        "MaxConcurrencyPath": "$.at_once",
        "ItemProcessor": {"ProcessorConfig": {"Mode": "INLINE"}, **wait},
        "End": True,
    }
    machine = app.machines.create_state_machine(
        name=f"map-{uuid.uuid4().hex}",
        definition=json.dumps({"StartAt": "Each", "States": {"Each": each}}),
        roleArn="arn:aws:iam::000000000000:role/anyone",
    )
    ended = app.execute(machine["stateMachineArn"], at_once=at_once, items=[{"s": 10}] * 3)
    assert ended["status"] == "SUCCEEDED"
    taken_s = (ended["stopDate"] - ended["startDate"]).total_seconds()
    assert (taken_s > 2.9) == (at_once == 1), "each waits a second"


def test_delay_of_more_than_fifteen_minutes_is_refused(app: Application) -> None:
    url = app.outputs["PartialDeadUrl"]
    with pytest.raises(app.sqs.exceptions.ClientError, match="DelaySeconds"):
        app.sqs.send_message(QueueUrl=url, MessageBody="late", DelaySeconds=901)
    answer = app.sqs.send_message_batch(
        QueueUrl=url, Entries=[{"Id": "1", "MessageBody": "late", "DelaySeconds": 901}]
    )
    assert [failure["Code"] for failure in answer["Failed"]] == ["InvalidParameterValue"]


@pytest.mark.parametrize(
    ("event", "error_type", "text"),
    [
        ({"do": "sleep", "seconds": 60}, "Sandbox.Timedout", "Task timed out after 1.00 seconds"),
        ({"do": "exit", "code": 3}, "Runtime.ExitError", "exit status 3"),
        ({"do": "raise", "why": "not now"}, "PaymentRefused", "not now"),
    ],
)
def test_failed_invocation_has_lambdas_error_type(
    app: Application, event: dict[str, Any], error_type: str, text: str
) -> None:
    error, answer = app.act(**event)
    assert error == "Unhandled"
    assert answer["errorType"] == error_type
    assert text in answer["errorMessage"]
    ended = app.execute(**event, pause_s=0, items=[])
    if error_type != "PaymentRefused":
        assert (ended["status"], ended["error"]) == ("FAILED", error_type)
    error, answer = app.act()
    assert error is None, "the next invocation has a new process"


def test_function_has_the_environment_of_lambda_and_stays_warm(app: Application) -> None:
    names = ["GREETING", "AWS_REGION", "AWS_EXECUTION_ENV", "AWS_LAMBDA_FUNCTION_NAME", "AWS_ENDPOINT_URL"]
    _, first = app.act(variables=[*names, "HOME"])
    _, second = app.act()
    assert first["environment"] == {
        "GREETING": "hello",
        "AWS_REGION": "us-east-1",
        "AWS_EXECUTION_ENV": "AWS_Lambda_python3.13",
        "AWS_LAMBDA_FUNCTION_NAME": app.outputs["ActFunction"],
        "AWS_ENDPOINT_URL": app.cloud.endpoint_url,
        "HOME": None,
    }
    assert first["pid"] == second["pid"]
    assert first["request_id"] != second["request_id"]


def test_changed_function_gets_a_new_process_and_the_old_one_ends(app: Application) -> None:
    _, before = app.act()
    app.functions.update_function_configuration(
        FunctionName=app.outputs["ActFunction"], Environment={"Variables": {"GREETING": "good evening"}}
    )
    _, after = app.act(variables=["GREETING"])
    assert after["environment"] == {"GREETING": "good evening"}
    assert before["pid"] not in app.cloud.processes()
    assert after["pid"] in app.cloud.processes()


def test_api_passes_body_headers_and_path_to_the_function(app: Application) -> None:
    body = '{"name": "Zoë ✓", "quote": "\\""}'.encode()
    status, event = app.post("any", body, {"X-Lytics-Secret": "s3cret"})
    assert status == 202
    assert event["body"].encode() == body
    assert event["isBase64Encoded"] is False
    assert event["pathParameters"] == {"what": "any"}
    assert {name.lower(): value for name, value in event["headers"].items()}["x-lytics-secret"] == "s3cret"
    assert (event["httpMethod"], event["resource"]) == ("POST", "/things/{what}")


def test_api_runs_requests_concurrently(app: Application) -> None:
    with ThreadPoolExecutor(3) as pool:
        answers = list(pool.map(lambda _: app.post("meet", headers={"X-Others": "3"}), range(3)))
    assert [status for status, _ in answers] == [202, 202, 202]


@pytest.mark.parametrize("path", ["crash", "nonsense", "hang"])
def test_api_answers_502_without_details_when_the_function_fails(app: Application, path: str) -> None:
    assert app.post(path) == (502, {"message": "Internal server error"})


def test_api_refuses_a_too_large_body_with_its_gateway_response(app: Application) -> None:
    assert app.post("any", b'"' * (MAX_PAYLOAD_BYTES // 2 + 1)) == (503, {"message": "smaller, please"})


@pytest.mark.parametrize(
    ("resource", "parameters", "text"),
    [
        ("AWS::SQS::Queue, Properties: {VisibilityTimeout: 50000}", {}, "Broken (AWS::SQS::Queue): Invalid"),
        ("AWS::SQS::Kew", {}, "AWS::SQS::Kew"),
        ("AWS::SQS::Queue", {"Misspelt": "1"}, "Misspelt"),
    ],
)
def test_failed_deployment_reports_the_reason(
    app: Application, tmp_path: Path, resource: str, parameters: dict[str, str], text: str
) -> None:
    template = tmp_path / "template.yaml"
    template.write_text(f"Resources: {{Broken: {{Type: {resource}}}}}\n")
    with pytest.raises(DeploymentError, match=re.escape(text)):
        app.cloud.deploy(template, "broken", parameters)


def test_emulator_refuses_to_run_on_changed_internals() -> None:
    modules = {name: SimpleNamespace() for name in internals.FUNCTIONS}
    with pytest.raises(internals.ChangedInternals) as refusal:
        internals.verify("1.5.34", modules)
    assert "version 1.5.34" in str(refusal.value)
    assert "ministack.services.lambda_svc._poll_loop is gone" in str(refusal.value)


def test_no_process_is_left_after_an_exception() -> None:
    class Interrupted(Exception):
        pass

    def interrupted() -> None:
        with LocalCloud() as cloud:
            ids.extend(cloud.processes())
            raise Interrupted

    ids: list[int] = []
    with pytest.raises(Interrupted):
        interrupted()
    assert ids
    assert members(ids[0]) == []


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_no_process_is_left_after_its_owner_ended(ending: signal.Signals) -> None:
    owner = subprocess.Popen(
        [sys.executable, "-m", "tests.e2e.conformance_app.owner"],
        cwd=REPOSITORY,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    try:
        assert owner.stdout is not None
        emulator, *workers = json.loads(owner.stdout.readline())
        assert workers, "a function was busy"
        owner.send_signal(ending)
        owner.wait(timeout=20)
        poll(lambda: members(emulator) == [], "the end of all processes")
    finally:
        owner.kill()
        owner.communicate()


def _dead_letters(app: Application, count: int) -> list[int]:
    numbers: list[int] = []

    def collected() -> bool:
        messages = app.sqs.receive_message(QueueUrl=app.outputs["PartialDeadUrl"], MaxNumberOfMessages=10)
        for message in messages.get("Messages", []):
            numbers.append(json.loads(message["Body"])["n"])
            app.sqs.delete_message(
                QueueUrl=app.outputs["PartialDeadUrl"], ReceiptHandle=message["ReceiptHandle"]
            )
        return len(numbers) >= count

    poll(collected, f"{count} dead letters")
    # The emulator puts a message into one queue before it takes it out of the other.
    poll(lambda: _is_empty(app, "PartialUrl"), "the end of the move")
    return sorted(numbers)


def _is_empty(app: Application, queue: str) -> bool:
    names: Any = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    answer = app.sqs.get_queue_attributes(QueueUrl=app.outputs[queue], AttributeNames=names)
    return all(answer["Attributes"][name] == "0" for name in names)
