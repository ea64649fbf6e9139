"""The AWS timeouts of functions that requeue their messages fit the time they keep for that."""

import ast
from typing import Any

import pytest

from lytics_sendgrid.aws.timeouts import TIMEOUTS
from tests.template.sources import REPOSITORY

_LEFT_FOR_THE_COMMIT_S = 20
_CLIENTS = {"deliver": 3, "confirm": 3}


@pytest.mark.parametrize("verb", _CLIENTS)
def test_every_aws_client_has_the_timeouts(verb: str) -> None:
    tree = ast.parse((REPOSITORY / "functions" / verb / "app.py").read_text())
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    clients = [call for call in calls if ast.unparse(call.func) == "boto3.client"]
    assert len(clients) == _CLIENTS[verb]
    configs = {keyword.arg: ast.unparse(keyword.value) for call in clients for keyword in call.keywords}
    assert all(call.keywords for call in clients)
    assert set(configs) == {"config"}
    assert configs["config"] in {"TIMEOUTS", "unvalidated"}


def test_two_attempts_fit_the_time_kept_for_the_commit() -> None:
    waits: Any = TIMEOUTS
    assert waits.retries["total_max_attempts"] * waits.read_timeout <= _LEFT_FOR_THE_COMMIT_S
