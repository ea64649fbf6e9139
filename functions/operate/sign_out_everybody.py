"""End every session of the console, and every sign-in under way.

Run ``STACK=lytics-sendgrid python -m functions.operate.sign_out_everybody``.

Everybody must sign in again, at once. People with an account at the provider who are on a list can do so.
Needs ``cloudformation:DescribeStacks``, and ``dynamodb:Scan`` and ``dynamodb:DeleteItem`` on the console's
table.
"""

import os
import sys
from collections.abc import Callable, Mapping
from typing import Final

from functions.operate.stack import boto_session, says_errors, stack_name, stack_outputs
from lytics_sendgrid.errors import InputInvalid
from lytics_sendgrid.tables.console import ConsoleTable

OUTPUT: Final = "ConsoleTable"


@says_errors
def main(environment: Mapping[str, str], say: Callable[[str], object]) -> int:
    """End all sessions; return the exit status of the program."""
    stack, session = stack_name(environment), boto_session(environment)
    outputs = stack_outputs(session.client("cloudformation"), stack)
    if OUTPUT not in outputs:
        raise InputInvalid(f"the stack {stack} has no console: its parameter ConsoleSignIn is none")
    table = ConsoleTable(session.client("dynamodb"), outputs[OUTPUT])
    table.delete_every("attempt#")  # first: nobody finishes a sign-in behind our back
    ended = table.delete_every("session#")
    say(f"{ended} session{'' if ended == 1 else 's'} ended: everybody has to sign in again\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(os.environ, sys.stdout.write))
