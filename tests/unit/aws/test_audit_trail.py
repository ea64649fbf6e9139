"""Who did what is logged at every level."""

import ast
import json
import os
import subprocess
import sys

import pytest

from tests.modules import PATHS, ROOT

LINES = {
    "functions.console.aws.audit": "audit",
    "functions.inspect.app": "person_looked_up",
    "functions.erase.app": "people_erased",
}
_LOGGED = """
from functions.console.aws.audit import AuditLog
from aws_lambda_powertools import Logger
Logger().info("chatter")
AuditLog().record("run_cancelled", "operator-1", execution="console-1")
"""


@pytest.mark.parametrize("level", ["INFO", "WARNING", "ERROR"])
def test_audit_line_is_written_at_every_level(level: str) -> None:
    environment = os.environ | {"POWERTOOLS_LOG_LEVEL": level, "POWERTOOLS_SERVICE_NAME": "shop"}
    done = subprocess.run(
        [sys.executable, "-c", _LOGGED], env=environment, cwd=ROOT, capture_output=True, text=True, check=True
    )
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    (line,) = [line for line in lines if line["message"] == "audit"]
    assert (line["act"], line["subject"]) == ("run_cancelled", "operator-1")
    assert (line["level"], line["service"]) == ("INFO", "shop")
    assert len(lines) == (2 if level == "INFO" else 1)


@pytest.mark.parametrize(("module", "message"), LINES.items())
def test_line_that_says_who_did_what_is_of_the_trail(module: str, message: str) -> None:
    calls = [node for node in ast.walk(ast.parse(PATHS[module].read_text())) if isinstance(node, ast.Call)]
    (logged,) = [ast.unparse(call.func) for call in calls if call.args and _text(call.args[0]) == message]
    assert logged == "trail.info"


def _text(node: ast.expr) -> object:
    return node.value if isinstance(node, ast.Constant) else None
