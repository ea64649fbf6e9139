"""Run the operator's commands against a local stack."""

import os
import subprocess
import sys
from dataclasses import dataclass
from typing import Any, Final

from tests.local.build import REPOSITORY
from tests.local.cloud import CREDENTIALS, REGION
from tests.local.deployment import Deployment

DEAD_LETTER_QUEUES: Final = ("ChangesDeadLetterQueueUrl", "ImportsDeadLetterQueueUrl")
_COLUMNS: Final = 5


class CommandFailed(RuntimeError):
    """A command failed. Contains its output."""


@dataclass(frozen=True, slots=True)
class Operator:
    """Runs `make redrive` and `make rejected`, and counts messages."""

    deployment: Deployment

    def redrive(self, queue: str = "", *, dry: bool = False) -> list[str]:
        """Redrive a queue, by default both dead-letter queues. Returns the command's output."""
        return self._run("redrive", QUEUE=queue, DRY="1" if dry else "0")

    def rejected(self, export: str = "") -> dict[str, str]:
        """Return the reasons of rejected contacts by e-mail, of one export or of all."""
        rows = [line.split("\t") for line in self._run("rejected", EXPORT=export)]
        return {row[0]: row[1] for row in rows[1:] if len(row) == _COLUMNS}

    def sign_out_everybody(self) -> list[str]:
        """End every session of the console. Returns the command's output."""
        return self._run("sign_out_everybody")

    def dead_letters(self) -> dict[str, int]:
        """Return the number of messages in each dead-letter queue."""
        return {output.removesuffix("QueueUrl"): self._size(output) for output in DEAD_LETTER_QUEUES}

    def rejects(self) -> int:
        """Return the number of messages in the rejects queue."""
        return self._size("RejectsQueueUrl")

    def _size(self, output: str) -> int:
        names: Any = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        answer = self.deployment.cloud.client("sqs").get_queue_attributes(
            QueueUrl=self.deployment.outputs[output], AttributeNames=names
        )
        return sum(map(int, answer["Attributes"].values()))

    def _run(self, command: str, **variables: str) -> list[str]:
        finished = subprocess.run(
            [sys.executable, "-m", f"functions.operate.{command}"],
            cwd=REPOSITORY,
            env=environment_of(self.deployment) | variables,
            capture_output=True,
            text=True,
            check=False,
        )
        if finished.returncode != 0:
            raise CommandFailed(f"{command}: {finished.stdout}{finished.stderr}")
        return finished.stdout.splitlines()


def environment_of(deployment: Deployment) -> dict[str, str]:
    """Return the environment variables of an operator's shell."""
    return {
        **{name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ},
        **CREDENTIALS,
        "AWS_REGION": REGION,
        "AWS_ENDPOINT_URL": deployment.cloud.endpoint_url,
        "STACK": deployment.stack,
    }
