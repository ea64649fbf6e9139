"""A reader's shell: bash on the local cloud, with the `aws`, `jq` and `curl` that the docs' commands call."""

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from tests.documents import REPOSITORY, Command
from tests.local.cloud import CREDENTIALS, REGION, interpreter
from tests.local.deployment import Deployment

_TIMEOUT_S: Final = 180
# The docs are for both versions of the AWS CLI. Version 1, the one on PyPI, is the stricter one: it lacks
# options of version 2. Its SQS commands ignore the endpoint of the environment.
_AWS: Final = """#!/usr/bin/env bash
exec {python} -I -S {server} {socket} --endpoint-url "$AWS_ENDPOINT_URL" "$@"
"""
_CURL: Final = """#!/usr/bin/env bash
exec {python} -I {curl} "$@"
"""
_SERVER: Final = REPOSITORY / "tests" / "e2e" / "aws_server.py"
_CURL_FILE: Final = REPOSITORY / "tests" / "e2e" / "curl.py"
_BESIDE: Final = ("make redrive", "make rejected")
"""Commands that run beside the others: each waits for seconds until a queue is surely empty."""
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
# For the loop that waits for a run.
sleep() {{ command sleep 0.3; }}
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
        (programs / "python3").symlink_to(sys.executable)
        for name, text in (
            ("aws", _AWS.format(python=python, server=_SERVER, socket=self._socket)),
            ("jq", _JQ.format(python=python)),
            ("curl", _CURL.format(python=sys.executable, curl=_CURL_FILE)),
        ):
            (programs / name).write_text(text)
            (programs / name).chmod(0o755)

    def run(self, commands: Iterable[Command]) -> dict[str, str]:
        """Run commands in their order, in one shell.

        The commands that `_BESIDE` names run beside the others.

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
            if text.startswith(_BESIDE)
        )
        (self.folder / "session.sh").write_text(f"{script}\n{waits}\n")
        with self._aws_server():
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

    @property
    def _socket(self) -> Path:
        # Not in the folder: the address of a socket has room for about 100 characters.
        return Path(tempfile.gettempdir()) / f"aws-{os.getpid()}-{id(self):x}.sock"

    @contextmanager
    def _aws_server(self) -> Iterator[None]:
        """Serve the `aws` commands: a process for each would take half a second of CPU to start."""
        python = interpreter("AWS_CLI_PYTHON", ".venv-aws")
        server = subprocess.Popen(
            [python, _SERVER, self._socket], stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=self.folder
        )
        assert server.stdin is not None
        assert server.stdout is not None
        try:
            assert server.stdout.readline() == b"ready\n"
            yield
        finally:
            server.stdin.close()
            server.wait(timeout=10)
            self._socket.unlink(missing_ok=True)

    def _prologue(self) -> str:
        outputs = " ".join(f"[{name}]='{value}'" for name, value in self.deployment.outputs.items())
        return _PROLOGUE.format(outputs=outputs, stack=self.deployment.stack)

    def _step(self, number: int, text: str) -> str:
        command = text.replace("lytics-sendgrid-prod", self.deployment.stack).replace("eu-west-1", REGION)
        if text.startswith(_BESIDE):
            return f"{{ {command}\n}} > {number}.out 2>&1 & JOB_{number}=$!"
        if text.startswith("output() "):
            # Try the documented function once; then take the quicker one again.
            command += '\noutput StateMachineArn\noutput() { known_output "$1"; }'
        return f'echo "@@ {number}"\n{{ {command}\n}}\nSTATUS=$?; echo; echo "@@ ended $STATUS"'
