"""Ask ``erase`` to erase people, and wait until they are gone.

Run it as ``STACK=lytics-sendgrid-prod EMAILS=people.txt python -m functions.operate.erase``.

``EMAILS`` is a file with an address a line; without it, the addresses are read from standard input. They
are no arguments, because a shell keeps those in its history. ``EXPORT`` names an export of the SendGrid
account; ``default`` if it is not set. ``AGAIN=1`` erases those again who have come back since they were
erased. ``WAIT=0`` does not wait. Needs ``cloudformation:DescribeStacks`` and ``lambda:InvokeFunction`` on
the function.
"""

import itertools
import os
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from botocore.config import Config
from botocore.exceptions import BotoCoreError

from functions.operate.outline import printable
from functions.operate.stack import (
    LambdaClient,
    boto_session,
    explained,
    invoked,
    stack_name,
    stack_outputs,
)
from lytics_sendgrid.domain.clock import Clock
from lytics_sendgrid.domain.instants import NANOSECONDS_PER_S, parse_rfc3339_ns
from lytics_sendgrid.errors import InputInvalid, LyticsSendGridError
from lytics_sendgrid.system_clock import SystemClock

EMAILS_AT_ONCE: Final = 1_000
_FUNCTION_TIMEOUT_S: Final = 310
"""Somewhat longer than the function's own timeout. boto3 would otherwise invoke it again after a minute."""
_MAX_ROUNDS: Final = 10
_MARGIN_S: Final = 1
_DONE: Final = frozenset({"erased", "not_found"})


def emails_of(lines: Iterable[str]) -> list[str]:
    """Return the addresses in lines of text, each once.

    Raises:
        InputInvalid: there is none.
    """
    emails = list(dict.fromkeys(line.strip() for line in lines if line.strip()))
    if not emails:
        raise InputInvalid("there is no address: write one a line into the file that EMAILS names")
    return emails


def erase_people(
    client: LambdaClient, function: str, export: str, emails: Sequence[str], *, again: bool
) -> tuple[list[dict[str, str]], float]:
    """Return what ``erase`` answers about each address, and the Unix time to ask again; 0: never.

    Raises as ``invoked``.
    """
    people: list[dict[str, str]] = []
    after_s = 0.0
    for group in itertools.batched(emails, EMAILS_AT_ONCE):
        question: dict[str, Any] = {"export": export, "emails": list(group)}
        if again:
            question["again"] = True
        answer = invoked(client, "erase", function, question)
        people += answer["people"]
        if answer["check_after"] is not None:
            after_s = max(after_s, parse_rfc3339_ns(answer["check_after"]) / NANOSECONDS_PER_S)
    return people, after_s


def follow(
    ask: Callable[[Sequence[str], bool], tuple[list[dict[str, str]], float]],
    emails: Sequence[str],
    clock: Clock,
    say: Callable[[str], object],
    *,
    again: bool,
    waits: bool,
) -> int:
    """Erase people until none is under way, and print what became of each; return the exit status.

    Args:
        ask: erases addresses; the flag is ``again``, which only the first call may have.
        emails: addresses of the people to erase.
        clock: waits.
        say: prints a text.
        again: erase people again who have come back.
        waits: ask again until nobody is under way.
    """
    answers: dict[str, dict[str, str]] = {}
    asked: Sequence[str] = emails
    for number in range(_MAX_ROUNDS):
        people, after_s = ask(asked, again and number == 0)
        answers |= {person["email"]: person for person in people}
        asked = [person["email"] for person in people if person["status"] == "under_way"]
        if not asked or not waits or number == _MAX_ROUNDS - 1:
            break
        wait_s = max(0.0, after_s - clock.now()) + _MARGIN_S
        say(
            f"{len(asked)} under way. Checking again in {wait_s / 60:.1f} minutes. You can press Ctrl-C: the "
            "same command continues later\n"
        )
        clock.sleep(wait_s)
    for email in emails:
        answer = answers[email]
        say("\t".join(printable(answer[name]) for name in ("status", "email", "message")) + "\n")
    counts = Counter(answers[email]["status"] for email in emails)
    say(", ".join(f"{count} {status}" for status, count in counts.items()) + "\n")
    return 0 if counts.keys() <= _DONE else 1


def main(
    environment: Mapping[str, str], stdin: Iterable[str], clock: Clock, say: Callable[[str], object]
) -> int:
    """Erase the people; return the exit status of the program: 0 if nobody is left."""
    try:
        stack, file = stack_name(environment), environment.get("EMAILS", "")
        emails = emails_of(_lines(file) if file else stdin)
        session = boto_session(environment)
        function = stack_outputs(session.client("cloudformation"), stack)["EraseFunction"]
        patient = Config(read_timeout=_FUNCTION_TIMEOUT_S, retries={"total_max_attempts": 1})
        client = session.client("lambda", config=patient)
        export = environment.get("EXPORT", "") or "default"
        return follow(
            lambda asked, again: erase_people(client, function, export, asked, again=again),
            emails,
            clock,
            say,
            again=environment.get("AGAIN", "") == "1",
            waits=environment.get("WAIT", "") != "0",
        )
    except (LyticsSendGridError, BotoCoreError) as error:
        say(f"{explained(error)}\n")
        return 1


def _lines(file: str) -> list[str]:
    try:
        return Path(file).read_text(encoding="utf-8-sig").splitlines()
    except (OSError, ValueError) as error:
        raise InputInvalid(f"EMAILS={file} cannot be read as text: {type(error).__name__}") from error


if __name__ == "__main__":
    sys.exit(main(os.environ, sys.stdin, SystemClock(), sys.stdout.write))
