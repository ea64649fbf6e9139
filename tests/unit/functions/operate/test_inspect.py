"""`make inspect`: an answer that can be read, and faults without a stack trace."""

import io
import json
from typing import Any

import pytest

from functions.operate.inspect import inspect_person, main
from lytics_sendgrid.errors import InputInvalid, StopRun


class Lambda:
    def __init__(self, answer: Any, error: str | None = None) -> None:
        self.answer = {"Payload": io.BytesIO(json.dumps(answer).encode())}
        if error:
            self.answer["FunctionError"] = error  # type: ignore[assignment]
        self.payload = b""

    def invoke(self, *, FunctionName: str, Payload: bytes) -> Any:  # noqa: N803
        assert FunctionName == "mine-inspect"
        self.payload = Payload
        return self.answer


def test_question_names_the_export_and_the_person() -> None:
    client = Lambda({"answer": "All agree"})
    assert inspect_person(client, "mine-inspect", "newsletter", "zoé@example.com") == {"answer": "All agree"}
    assert json.loads(client.payload) == {"export": "newsletter", "email": "zoé@example.com"}


def test_refused_question_is_the_message_alone() -> None:
    fault = {"errorType": "InputInvalid", "errorMessage": '"email" is not', "stackTrace": ["File app.py"]}
    with pytest.raises(InputInvalid) as caught:
        inspect_person(Lambda(fault, "Unhandled"), "mine-inspect", "newsletter", "x")
    assert str(caught.value) == '"email" is not'


def test_crash_names_the_log() -> None:
    fault = {"errorType": "Sandbox.Timedout", "errorMessage": "timed out after 60 s"}
    with pytest.raises(StopRun) as caught:
        inspect_person(Lambda(fault, "Unhandled"), "mine-inspect", "newsletter", "x@example.com")
    assert str(caught.value).endswith("timed out after 60 s. Its log is /aws/lambda/mine-inspect")


def test_missing_variables_are_reported() -> None:
    said: list[str] = []
    assert main({"STACK": "mine"}, said.append) == main({}, said.append) == 1
    assert "EMAIL is not set" in said[0]
    assert "STACK is not set" in said[1]
