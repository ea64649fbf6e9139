"""The first deployment works for somebody who presses Enter at every question of the SAM CLI."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.template.sources import REPOSITORY

SAM = Path(os.environ.get("SAM_CLI") or REPOSITORY / ".venv-sam" / "bin" / "sam").absolute()
NOTHING_LISTENS = "http://127.0.0.1:9"
MAKE_DEPLOY = ["--config-file", "samconfig.local.toml", "--config-env", "prod", "--no-confirm-changeset"]
FIRST_CALL = "Looking for resources needed for deployment"
needs_sam = pytest.mark.skipif(not SAM.exists(), reason="`make install` makes the environment of the SAM CLI")


@needs_sam
@pytest.mark.parametrize(
    ("config", "options"),
    [("samconfig.toml", []), ("samconfig.local.toml", MAKE_DEPLOY)],
    ids=["plain", "make"],
)
def test_guided_deploy_passes_with_enter_throughout(tmp_path: Path, config: str, options: list[str]) -> None:
    """The first AWS call fails here, after the last question. No request leaves this machine."""
    shutil.copy(REPOSITORY / "template.yaml", tmp_path)
    shutil.copy(REPOSITORY / "samconfig.toml", tmp_path / config)
    aws = {
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "eu-west-1",
        "AWS_ENDPOINT_URL": NOTHING_LISTENS,
        "AWS_MAX_ATTEMPTS": "1",
        "SAM_CLI_TELEMETRY": "0",
    }
    finished = subprocess.run(
        [SAM, "deploy", "--guided", *options],
        cwd=tmp_path,
        env={name: value for name, value in os.environ.items() if not name.startswith("AWS_")} | aws,
        input="\n" * 100,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    output = finished.stdout + finished.stderr
    assert FIRST_CALL in output, output[-2000:]
    assert "no authentication" not in output
    assert "Confirm changes before deploy [y/N]" in output  # Enter at the later question would deploy nothing
    assert f"SAM configuration file [{config}]" in output
    assert NOTHING_LISTENS in output


@needs_sam
def test_webhook_has_no_authorizer_after_sams_transform() -> None:
    """`sam validate --lint` does not transform, so it accepts what the deployment would refuse."""
    finished = subprocess.run(
        [SAM.with_name("python"), REPOSITORY / "tests" / "template" / "translation.py"],
        env=os.environ | {"AWS_DEFAULT_REGION": "us-east-1"},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert finished.returncode == 0, finished.stderr
    body = json.loads(finished.stdout)["Resources"]["WebhookApi"]["Properties"]["Body"]
    assert body["paths"].keys() == {"/lytics/{export}"}
    assert body["paths"]["/lytics/{export}"]["post"].keys() == {
        "x-amazon-apigateway-integration",
        "responses",
    }
    assert not {"security", "components", "securityDefinitions"} & body.keys()
    assert "REQUEST_TOO_LARGE" in body["x-amazon-apigateway-gateway-responses"]


def test_answers_of_guided_deploy_leave_the_tracked_file_alone() -> None:
    makefile = (REPOSITORY / "Makefile").read_text()
    command = " ".join(MAKE_DEPLOY).replace("prod", '"$(or $(ENV),prod)"')
    assert f"sam deploy --guided {command}" in makefile
    assert "samconfig.local.toml" in (REPOSITORY / ".gitignore").read_text().splitlines()
