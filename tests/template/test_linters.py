"""The exceptions of checkov and cfn-lint each have a reason, and each still applies."""

import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.template.sources import REPOSITORY

CHECKOV = Path(os.environ.get("CHECKOV") or REPOSITORY / ".venv-checkov" / "bin" / "checkov").absolute()
CFN_LINT = Path(os.environ.get("CFN_LINT") or REPOSITORY / ".venv-sam" / "bin" / "cfn-lint").absolute()
EXCEPTIONS = {".checkov.yaml": "skip-check", ".cfnlintrc.yaml": "ignore_checks"}
"""The configuration files, and the key of each under which its exceptions are."""


def config_of(file: str) -> dict[str, Any]:
    config: dict[str, Any] = yaml.safe_load((REPOSITORY / file).read_text())
    return config


def found_by(command: list[str | Path], folder: Path) -> Any:
    """Return what a linter finds. In another folder, it does not see its configuration file."""
    finished = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, check=False, timeout=120, env=os.environ
    )
    assert finished.stdout, finished.stderr
    return json.loads(finished.stdout)


@pytest.mark.parametrize(("file", "key"), EXCEPTIONS.items())
def test_every_exception_has_a_reason_above_it(file: str, key: str) -> None:
    text = (REPOSITORY / file).read_text()
    exceptions = re.findall(r"^ {2}# .{20,}\n {2}- (\w+)$", text, re.MULTILINE)
    assert exceptions == config_of(file)[key]


@pytest.mark.skipif(not CHECKOV.exists(), reason="`make install` makes checkov's environment")
def test_checkov_finds_the_exceptions_and_nothing_else(tmp_path: Path) -> None:
    options = ["--framework", "cloudformation", "--skip-download", "--output", "json"]
    found = found_by([CHECKOV, "--file", REPOSITORY / "template.yaml", *options], tmp_path)
    failed = {check["check_id"] for check in found["results"]["failed_checks"]}
    assert failed == set(config_of(".checkov.yaml")["skip-check"])
    assert found["summary"]["passed"] > 100
    assert found["summary"]["parsing_errors"] == 0


@pytest.mark.skipif(not CFN_LINT.exists(), reason="`make install` makes the environment of cfn-lint")
def test_cfn_lint_finds_the_exceptions_and_nothing_else(tmp_path: Path) -> None:
    config = config_of(".cfnlintrc.yaml")
    options = ["--include-checks", *config["include_checks"], "--regions", *config["regions"]]
    found = found_by([CFN_LINT, *options, "--format", "json", "--", REPOSITORY / "template.yaml"], tmp_path)
    assert {match["Rule"]["Id"] for match in found} == set(config["ignore_checks"])
