"""Ingest's own AWS client asks what boto3 asks, and gives back what boto3 gives back, error for error."""

import json
import socket
import threading
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import boto3
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import (
    ClientError,
    ConnectionClosedError,
    EndpointConnectionError,
    ReadTimeoutError,
)

from functions.ingest import aws_json
from functions.ingest.aws_json import aws_client
from functions.ingest.kept_connection import MAX_IDLE_S, KeptConnection
from tests.contract.aws_clients import (
    KEY,
    REGION,
    SECRET_KEY,
    TOKEN,
    Clients,
    Scripted,
    ScriptedAws,
    boto_client,
    environment,
    own_client,
)

QUEUE = "http://127.0.0.1/000000000000/changes"
ENTRIES = [{"Id": str(n), "MessageBody": f'{{"é": "\\"{n}"}}', "DelaySeconds": 0} for n in range(2)]
CALLS: list[tuple[str, str, dict[str, Any]]] = [
    ("sqs", "send_message", {"QueueUrl": QUEUE, "MessageBody": '{"a":"é"}', "DelaySeconds": 5}),
    ("sqs", "send_message_batch", {"QueueUrl": QUEUE, "Entries": ENTRIES}),
    ("dynamodb", "get_item", {"TableName": "t", "Key": {"pk": {"S": "x"}}, "ConsistentRead": True}),
    ("secretsmanager", "get_secret_value", {"SecretId": "stack/default"}),
]
OK = Scripted(document={"MessageId": "1"})


@pytest.fixture(params=[own_client, boto_client], ids=["own", "boto3"])
def client_of(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Clients:
    monkeypatch.setattr(aws_json, "TIMEOUT_S", 0.4)
    made: Clients = request.param
    return made


def sent(client: Any) -> Any:
    return client.send_message(QueueUrl=QUEUE, MessageBody="{}")


@pytest.mark.parametrize(("service", "operation", "arguments"), CALLS, ids=[call[1] for call in CALLS])
def test_both_ask_the_same(service: str, operation: str, arguments: dict[str, Any]) -> None:
    with ScriptedAws(Scripted(document={})) as aws:
        for client_of in (own_client, boto_client):
            getattr(client_of(service, aws.url), operation)(**arguments)
        own, boto = aws.requests
    assert (own.operation, own.content_type, own.document) == (
        boto.operation,
        boto.content_type,
        boto.document,
    )
    assert own.headers["host"] == boto.headers["host"]
    assert own.headers["x-amz-security-token"] == boto.headers["x-amz-security-token"] == TOKEN


@pytest.mark.parametrize("token", [TOKEN, None], ids=["token", "no token"])
@pytest.mark.parametrize(("service", "operation", "arguments"), CALLS, ids=[call[1] for call in CALLS])
def test_the_signature_is_botocores(
    service: str,
    operation: str,
    arguments: dict[str, Any],
    token: str | None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with ScriptedAws(Scripted(document={})) as aws:
        variables = {**environment(aws.url), "AWS_SESSION_TOKEN": token or ""}
        getattr(aws_client(service, variables), operation)(**arguments)
        [request] = aws.requests
        url = aws.url
    headers = {"Content-Type": request.content_type, "X-Amz-Target": request.operation}
    again = AWSRequest("POST", url, data=request.body, headers=headers)
    moment = datetime.strptime(request.headers["x-amz-date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    monkeypatch.setattr("botocore.auth.get_current_datetime", lambda: moment)
    SigV4Auth(Credentials(KEY, SECRET_KEY, token), service, REGION).add_auth(again)
    assert request.headers["authorization"] == again.headers["Authorization"]


def test_an_answer_is_returned(client_of: Clients) -> None:
    with ScriptedAws(OK) as aws:
        assert sent(client_of("sqs", aws.url))["MessageId"] == "1"


@pytest.mark.parametrize(
    "answer", [Scripted(document={"MessageId": "1"}, chunked=True), OK], ids=["chunked", "plain"]
)
def test_one_connection_serves_all_calls(client_of: Clients, answer: Scripted) -> None:
    with ScriptedAws(answer) as aws:
        client = client_of("sqs", aws.url)
        assert [sent(client)["MessageId"] for _ in range(5)] == ["1"] * 5
        assert aws.connections == 1


def test_a_long_answer_comes_whole(client_of: Clients) -> None:
    item = {"doc": {"S": "x" * 300_000}}
    for chunked in (False, True):
        with ScriptedAws(Scripted(document={"Item": item}, chunked=chunked)) as aws:
            answer = client_of("dynamodb", aws.url).get_item(TableName="t", Key={"pk": {"S": "x"}})
        assert answer["Item"] == item


def test_a_server_that_closes_after_an_answer_is_connected_to_again(client_of: Clients) -> None:
    with ScriptedAws(Scripted(document={"MessageId": "1"}, closes=True)) as aws:
        client = client_of("sqs", aws.url)
        assert [sent(client)["MessageId"] for _ in range(3)] == ["1"] * 3
        assert aws.connections == 3


def test_a_connection_closed_while_it_was_idle_is_made_anew(client_of: Clients) -> None:
    with ScriptedAws(OK, Scripted(status=0), OK) as aws:
        client = client_of("sqs", aws.url)
        sent(client)
        assert sent(client)["MessageId"] == "1"


@pytest.mark.parametrize(
    ("status", "document", "code", "requests"),
    [
        (400, {"__type": "com.amazonaws.sqs#QueueDoesNotExist", "message": "no"}, "QueueDoesNotExist", 1),
        (400, {"__type": "AccessDeniedException", "Message": "no"}, "AccessDeniedException", 1),
        (400, {"__type": "x#ThrottlingException", "message": "slow"}, "ThrottlingException", 3),
        (500, {"__type": "InternalFailure", "message": "oh"}, "InternalFailure", 3),
    ],
)
def test_an_error_is_boto3s_after_as_many_attempts(
    client_of: Clients, status: int, document: Any, code: str, requests: int
) -> None:
    with ScriptedAws(Scripted(status, document)) as aws:
        with pytest.raises(ClientError) as raised:
            sent(client_of("sqs", aws.url))
        assert len(aws.requests) == requests
    response = raised.value.response
    # boto3 knows SQS' older names of errors besides, and puts those first.
    assert code in json.dumps(response)
    assert response["ResponseMetadata"]["HTTPStatusCode"] == status
    assert raised.value.operation_name == "SendMessage"


def test_an_error_page_that_is_not_json_is_an_error(client_of: Clients) -> None:
    with ScriptedAws(Scripted(503, b"<html>")) as aws, pytest.raises(ClientError) as raised:
        sent(client_of("sqs", aws.url))
    assert raised.value.response["ResponseMetadata"]["HTTPStatusCode"] == 503


def test_a_passing_failure_does_not_show(client_of: Clients) -> None:
    with ScriptedAws(Scripted(500, {}), Scripted(503, {}), OK) as aws:
        assert sent(client_of("sqs", aws.url))["MessageId"] == "1"


def test_nobody_there_is_an_endpoint_error(client_of: Clients) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(EndpointConnectionError):
            sent(client_of("sqs", url))


def test_no_answer_in_time_is_a_read_timeout(client_of: Clients) -> None:
    with ScriptedAws(Scripted(status=-1)) as aws, pytest.raises(ReadTimeoutError):
        sent(client_of("sqs", aws.url))


def test_a_connection_that_breaks_each_time_is_a_connection_error(client_of: Clients) -> None:
    with ScriptedAws(Scripted(status=0)) as aws, pytest.raises(ConnectionClosedError):
        sent(client_of("sqs", aws.url))


def test_half_an_answer_is_a_connection_error_and_leaves_nothing_behind() -> None:
    with HalfAnswers() as half:
        client = own_client("sqs", half.url)
        for _ in range(2):
            with pytest.raises(ConnectionClosedError):
                sent(client)


def test_a_connection_idle_for_long_is_not_used_again() -> None:
    now = 100.0
    with ScriptedAws(OK) as aws:
        connection = KeptConnection(aws.url, 1.0, lambda: now)
        for seconds, connections in ((0.0, 1), (MAX_IDLE_S, 1), (MAX_IDLE_S + 0.1, 2)):
            now += seconds
            headers = {"host": connection.host, "x-amz-target": "x.y", "content-type": "z"}
            assert connection.post(headers, b"{}")[0] == 200
            assert aws.connections == connections


@pytest.mark.parametrize(
    ("variables", "url"),
    [
        ({}, "https://sqs.eu-central-1.amazonaws.com"),
        ({"AWS_REGION": "cn-north-1"}, "https://sqs.cn-north-1.amazonaws.com.cn"),
        ({"AWS_REGION": "", "AWS_DEFAULT_REGION": "us-west-2"}, "https://sqs.us-west-2.amazonaws.com"),
        ({"AWS_ENDPOINT_URL": "http://127.0.0.1:1"}, "http://127.0.0.1:1"),
        (
            {"AWS_ENDPOINT_URL": "http://127.0.0.1:1", "AWS_ENDPOINT_URL_SQS": "http://127.0.0.1:2"},
            "http://127.0.0.1:2",
        ),
    ],
)
def test_the_endpoint_is_boto3s(variables: dict[str, str], url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    values = {**environment(""), **variables}
    for name in (
        "AWS_PROFILE",
        "AWS_ENDPOINT_URL",
        "AWS_ENDPOINT_URL_SQS",
        "AWS_REGION",
        "AWS_DEFAULT_REGION",
    ):
        monkeypatch.delenv(name, raising=False)
    for name, value in values.items():
        if value:
            monkeypatch.setenv(name, value)
    own = aws_client("sqs", values)
    region = values.get("AWS_REGION") or values["AWS_DEFAULT_REGION"]
    boto = boto3.session.Session(region_name=region).client("sqs")
    assert own._url == url
    assert urlsplit(boto.meta.endpoint_url).netloc == own._connection.host


class HalfAnswers:
    """A server that closes in the middle of each answer."""

    def __init__(self) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0))
        self._thread = threading.Thread(target=self._serve, daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._socket.getsockname()[1]}"

    def __enter__(self) -> "HalfAnswers":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            with connection:
                connection.recv(65_536)
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{}")
