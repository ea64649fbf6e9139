"""Ask ``inspect`` about one person.

Run it as ``STACK=lytics-sendgrid-prod EMAIL=jane@example.com python -m functions.operate.inspect``.

``EXPORT`` names the export; ``default`` if it is not set. Needs ``cloudformation:DescribeStacks`` and
``lambda:InvokeFunction`` on the function.
"""

import os
import sys
from collections.abc import Callable, Mapping
from typing import Any

from functions.operate.progress import inspection
from functions.operate.stack import (
    LambdaClient,
    boto_session,
    invoked,
    says_errors,
    stack_name,
    stack_outputs,
)
from lytics_sendgrid.errors import InputInvalid


def inspect_person(client: LambdaClient, function: str, export: str, email: str) -> dict[str, Any]:
    """Return what ``inspect`` answers. Raises as ``invoked``."""
    return invoked(client, "inspect", function, {"export": export, "email": email})


@says_errors
def main(environment: Mapping[str, str], say: Callable[[str], object]) -> int:
    """Print the answer; return the exit status of the program."""
    stack, email = stack_name(environment), environment.get("EMAIL", "")
    if not email:
        raise InputInvalid("EMAIL is not set: name the person, such as EMAIL=jane@example.com")
    session = boto_session(environment)
    function = stack_outputs(session.client("cloudformation"), stack)["InspectFunction"]
    export = environment.get("EXPORT", "") or "default"
    for line in inspection(inspect_person(session.client("lambda"), function, export, email)):
        say(line + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(os.environ, sys.stdout.write))
