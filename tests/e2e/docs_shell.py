"""A reader's shell: bash on the local cloud, with the `aws` and `jq` that the docs' commands call."""

import os
import re
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from tests.documents import REPOSITORY, Command
from tests.local.cloud import CREDENTIALS, REGION, interpreter
from tests.local.deployment import Deployment

_TIMEOUT_S: Final = 180
# The docs are for AWS CLI v2. Version 1, the one on PyPI, lacks this option and always takes a payload as it is. Its SQS
# commands ignore the endpoint of the environment.
_AWS: Final = """#!/usr/bin/env bash
options=()
for option in "$@"; do
  case "$option" in --cli-binary-format|raw-in-base64-out) ;; *) options+=("$option") ;; esac
done
exec {aws} --endpoint-url "$AWS_ENDPOINT_URL" "${{options[@]}}"
"""
_JQ: Final = """#!{python}
import json, pathlib, sys, jq
options = [argument for argument in sys.argv[1:] if argument.startswith("-")]
program, *files = [argument for argument in sys.argv[1:] if not argument.startswith("-")]
text = pathlib.Path(files[0]).read_text() if files else sys.stdin.read()
for value in jq.compile(program).input_text(text):
    is_raw = "-r" in options and isinstance(value, str)
    print(value if is_raw else json.dumps(value, indent=None if "-c" in options else 2))
"""
_PROLOGUE: Final = """set -o pipefail
declare -A OUTPUTS=({outputs})
known_output() {{ echo "${{OUTPUTS[$1]}}"; }}
output() {{ known_output "$1"; }}
export STACK={stack}
# Never remake the environment that runs this test.
make() {{ command make --assume-old=.venv/.complete "$@"; }}
wait_for_run() {{
  while [ "$(aws stepfunctions describe-execution --execution-arn "$RUN" --query status --output text)" = RUNNING ]
  do sleep 0.2; done
}}
"""


class ShellError(AssertionError):
    """A command failed; the message holds its output."""


@dataclass(slots=True)
class Shell:
    """A reader's shell.

    Attributes:
        deployment: the stack that the commands are about.
        folder: the working directory, which looks like the repository. What the commands write stays there.
        variables: of the environment.
        stdin: what the reader types.
    """

    deployment: Deployment
    folder: Path
    variables: Mapping[str, str] = field(default_factory=dict)
    stdin: str = ""

    def __post_init__(self) -> None:
        """Fill the working directory."""
        for path in REPOSITORY.iterdir():
            (self.folder / path.name).symlink_to(path)
        programs = self.folder / "bin"
        programs.mkdir()
        python = interpreter("AWS_CLI_PYTHON", ".venv-aws")
        for name, text in (
            ("aws", _AWS.format(aws=python.parent / "aws")),
            ("jq", _JQ.format(python=python)),
        ):
            (programs / name).write_text(text)
            (programs / name).chmod(0o755)

    def run(self, commands: Iterable[Command]) -> dict[str, str]:
        """Run commands in their order, in one shell.

        `make` commands run side by side: each waits for seconds until a queue is surely empty.

        Returns:
            What each command printed, by its text. A command that comes twice runs once.

        Raises:
            ShellError: A command failed.
        """
        texts = list(dict.fromkeys(command.text for command in commands))
        script = self._prologue() + "\n".join(self._step(number, text) for number, text in enumerate(texts))
        waits = "\n".join(
            f'wait "$JOB_{number}"; STATUS=$?; echo "@@ {number}"; cat {number}.out; echo "@@ ended $STATUS"'
            for number, text in enumerate(texts)
            if text.startswith("make ")
        )
        (self.folder / "session.sh").write_text(f"{script}\n{waits}\n")
        finished = subprocess.run(
            ["bash", "session.sh"],
            cwd=self.folder,
            env={
                "PATH": f"{self.folder / 'bin'}:{os.environ['PATH']}",
                **{name: os.environ[name] for name in ("HOME",) if name in os.environ},
                **CREDENTIALS,
                "AWS_DEFAULT_REGION": REGION,
                "AWS_REGION": REGION,
                "AWS_ENDPOINT_URL": self.deployment.cloud.endpoint_url,
                **self.variables,
            },
            input=self.stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=_TIMEOUT_S,
        )
        answers = re.findall(
            r"^@@ (\d+)\n(.*?)@@ ended (\d+)$", finished.stdout, flags=re.DOTALL | re.MULTILINE
        )
        for number, printed, status in answers:
            if status != "0":
                raise ShellError(f"{texts[int(number)]}\nexits with {status}:\n{printed}")
        if len(answers) != len(texts):
            raise ShellError(f"{len(answers)} of {len(texts)} commands ran:\n{finished.stdout}")
        return {texts[int(number)]: printed for number, printed, _ in answers}

    def _prologue(self) -> str:
        outputs = " ".join(f"[{name}]='{value}'" for name, value in self.deployment.outputs.items())
        return _PROLOGUE.format(outputs=outputs, stack=self.deployment.stack)

    def _step(self, number: int, text: str) -> str:
        command = text.replace("lytics-sendgrid-prod", self.deployment.stack).replace("eu-west-1", REGION)
        if text.startswith("make "):
            return f"{{ {command}\n}} > {number}.out 2>&1 & JOB_{number}=$!"
        if text.startswith("output() "):
            # Try the documented function once; then take the quicker one again.
            command += '\noutput StateMachineArn\noutput() { known_output "$1"; }'
        if text.startswith("RUN=$(aws stepfunctions start-execution"):
            command += "\nwait_for_run"
        return f'echo "@@ {number}"\n{{ {command}\n}}\nSTATUS=$?; echo; echo "@@ ended $STATUS"'
