"""AWS on this machine: ministack, with the functions under AWS's runtime client; no Docker, loopback only.

    from tests.local.build import build_application

    with LocalCloud() as cloud:
        stack = "demo"
        outputs = cloud.deploy(
            build_application(),
            stack,
            {"WebhookBaseUrl": cloud.api_url(stack, "WebhookApi", "v1"), "SendGridUrl":
            "http://127.0.0.1:8025"},
        )
        cloud.client("sqs").send_message(QueueUrl=outputs["ChangesQueueUrl"], MessageBody="...")

`tests/e2e/test_local_cloud_conformance.py` tests each behaviour that this package adds to the emulator.
"""

import os
import shutil
import socket
import subprocess
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, Self, overload

import boto3
from botocore.config import Config

from tests.local import gateway, processes, stack
from tests.local.build import REPOSITORY
from tests.local.polling import poll

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_secretsmanager import SecretsManagerClient
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_stepfunctions import SFNClient

REGION = "us-east-1"
_KEEP_LOGS_S = 14 * 24 * 3600
# ministack uses its default account, 000000000000, for access keys that are not 12-digit account ids.
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "local", "AWS_SECRET_ACCESS_KEY": "local"}


class EmulatorError(RuntimeError):
    """The emulator did not start, or an internal that we replace has changed."""


class LocalCloud:
    """A running local cloud, as a context manager for a single use.

    Leaving the context ends all its processes, also on an exception and on Ctrl-C. If this process is killed,
    a pipe to the emulator closes. The emulator then ends the functions and itself.

    Attributes:
        endpoint_url: The URL of all AWS services, `http://127.0.0.1:<free port>`.
        logs: The folder of this run's logs: `emulator.log` and `<function name>.log`.
    """

    endpoint_url: str
    logs: Path

    def __init__(
        self,
        *,
        logs: Path | None = None,
        wait_scale: float = 1.0,
        emulator_python: Path | None = None,
        runtime_python: Path | None = None,
    ) -> None:
        """Prepare without starting anything.

        Args:
            logs: The folder for the logs; by default a new one in `.local-cloud/`.
            wait_scale: The factor on Wait states and retry intervals of Step Functions: 0.1 makes a minute
                six seconds. Other times do not change.
            emulator_python: The interpreter with ministack; by default `EMULATOR_PYTHON` or `.venv-emulator`.
            runtime_python: The interpreter with only boto3 and awslambdaric, as in Lambda; by default
                `RUNTIME_PYTHON` or `.venv-runtime`.
        """
        self._wait_scale = wait_scale
        self._emulator_python = emulator_python or interpreter("EMULATOR_PYTHON", ".venv-emulator")
        self._runtime_python = runtime_python or interpreter("RUNTIME_PYTHON", ".venv-runtime")
        self.logs = logs or _new_run_folder()
        self.endpoint_url = ""
        self._process: subprocess.Popen[bytes] | None = None
        self._clients: dict[str, Any] = {}
        self._making_client = threading.Lock()

    def __enter__(self) -> Self:
        """Start the emulator and wait until it answers.

        Raises:
            EmulatorError: It ended or did not answer in time. Contains the end of its log.
        """
        with socket.create_server(("127.0.0.1", 0), backlog=256) as listener:
            self.endpoint_url = f"http://127.0.0.1:{listener.getsockname()[1]}"
            self._process = self._start(listener)
        try:
            poll(self._is_ready, "the emulator's health", timeout_s=60)
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End every process."""
        self.close()

    def close(self) -> None:
        """End the emulator and all functions, and wait for their end. Safe to call twice."""
        process, self._process = self._process, None
        if process is None:
            return
        assert process.stdin is not None
        process.stdin.close()
        try:
            process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            pass
        finally:
            processes.kill_group(process.pid)
            process.wait()

    def processes(self) -> list[int]:
        """Return the process ids of the emulator and then of the function workers."""
        return processes.members(self._process.pid) if self._process else []

    @overload
    def client(self, service: Literal["cloudformation"]) -> "CloudFormationClient": ...
    @overload
    def client(self, service: Literal["dynamodb"]) -> "DynamoDBClient": ...
    @overload
    def client(self, service: Literal["secretsmanager"]) -> "SecretsManagerClient": ...
    @overload
    def client(self, service: Literal["sqs"]) -> "SQSClient": ...
    @overload
    def client(self, service: Literal["stepfunctions"]) -> "SFNClient": ...
    @overload
    def client(
        self, service: Literal["lambda", "s3", "apigateway", "cloudwatch", "cognito-idp", "logs"]
    ) -> Any: ...
    def client(self, service: Any) -> Any:
        """Return the boto3 client for a service of this cloud. It does not retry, so that errors show."""
        # Made once: that takes longer than most requests, and boto3's clients may be shared by threads.
        with self._making_client:
            if service not in self._clients:
                self._clients[service] = self._client(service)
            return self._clients[service]

    def _client(self, service: Any) -> Any:
        return boto3.client(
            service,
            region_name=REGION,
            endpoint_url=self.endpoint_url,
            aws_access_key_id=CREDENTIALS["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=CREDENTIALS["AWS_SECRET_ACCESS_KEY"],
            config=Config(
                retries={"total_max_attempts": 1}, max_pool_connections=50, read_timeout=300, proxies={}
            ),
        )

    def deploy(
        self, template: Path, stack_name: str, parameters: Mapping[str, str] | None = None
    ) -> dict[str, str]:
        """Create or update a stack from a template with local code. Returns the stack's outputs.

        Args:
            template: A template from `build_application`, or one whose functions need no build.
            stack_name: The stack's name. An existing stack is updated.
            parameters: The template parameters. An update keeps no earlier values.

        Raises:
            stack.DeploymentError: CloudFormation failed. Names each failed resource and the reason.
        """
        return stack.deploy(
            self.client("cloudformation"), self.client("s3"), template, stack_name, dict(parameters or {})
        )

    def api_url(self, stack_name: str, logical_id: str, stage: str) -> str:
        """Return the URL of a stack's REST API, without a trailing slash.

        The URL is known before the deployment, so it can be a parameter of the same stack. (An update that
        changes the API's definition changes its id: ministack replaces the API.)

        Args:
            stack_name: The stack's name, as in `deploy`.
            logical_id: The name of the `AWS::Serverless::Api` in the template.
            stage: The name of its stage.
        """
        return f"{self.endpoint_url}/_aws/execute-api/{gateway.rest_api_id(stack_name, logical_id)}/{stage}"

    def function_log(self, function_name: str) -> str:
        """Return the output so far of all workers of a function, by its physical name."""
        log = self.logs / f"{function_name}.log"
        return log.read_text(errors="replace") if log.exists() else ""

    def _start(self, listener: socket.socket) -> subprocess.Popen[bytes]:
        self.logs.mkdir(parents=True, exist_ok=True)
        with (self.logs / "emulator.log").open("ab") as log:
            return subprocess.Popen(
                [
                    str(self._emulator_python),
                    *("-m", "tests.local.emulator"),
                    *("--listener", str(listener.fileno())),
                    *("--runtime-python", str(self._runtime_python)),
                    *("--logs", str(self.logs)),
                    *("--code", str(REPOSITORY / ".local-cloud" / "code")),
                ],
                cwd=REPOSITORY,
                env=self._environment(listener.getsockname()[1]),
                # The emulator ends itself when this pipe closes, even if this process is killed.
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                pass_fds=[listener.fileno()],
                # In its own process group: Ctrl-C in a terminal only reaches this process, which then ends
                # the group.
                start_new_session=True,
            )

    def _environment(self, port: int) -> dict[str, str]:
        # Only what is needed: no AWS profile, proxy or Python setting of the caller's shell.
        return {
            **{name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ},
            **CREDENTIALS,
            "GATEWAY_PORT": str(port),
            "MINISTACK_HOST": "127.0.0.1",
            "MINISTACK_REGION": REGION,
            "BIND_HOST": "127.0.0.1",
            "IOT_MTLS_ENABLED": "0",
            "SFTP_ENABLED": "0",
            "SFN_WAIT_SCALE": repr(self._wait_scale),
            # No Docker, even if it is installed.
            "DOCKER_HOST": "unix:///nonexistent",
        }

    def _is_ready(self) -> bool:
        assert self._process is not None
        if self._process.poll() is not None:
            log = (self.logs / "emulator.log").read_text(errors="replace")
            raise EmulatorError(f"The emulator ended with {self._process.returncode}:\n{log[-3000:]}")
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(f"{self.endpoint_url}/_ministack/health", timeout=2) as answer:
                return bool(answer.status == 200)
        except (urllib.error.URLError, OSError):
            return False


def interpreter(variable: str, environment: str) -> Path:
    """Return a virtual environment's python: from an environment variable, or from the repository's folder.

    Raises:
        EmulatorError: The interpreter is missing. Says how to install it.
    """
    python = Path(os.environ.get(variable) or REPOSITORY / environment / "bin" / "python")
    if not python.exists():
        raise EmulatorError(f"{python} is missing: run `make install`, or set {variable}.")
    # Not resolved: the link makes an interpreter part of its virtual environment.
    return python.absolute()


def _new_run_folder() -> Path:
    parent = REPOSITORY / ".local-cloud"
    parent.mkdir(exist_ok=True)
    for run in parent.glob("20*"):
        if time.time() - run.stat().st_mtime > _KEEP_LOGS_S:
            shutil.rmtree(run, ignore_errors=True)
    return Path(tempfile.mkdtemp(prefix=f"{datetime.now(UTC):%Y%m%d-%H%M%S}-", dir=parent))
