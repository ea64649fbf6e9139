"""Watch an execution from outside, as a person would in the Step Functions console."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mypy_boto3_stepfunctions import SFNClient


@dataclass(frozen=True, slots=True)
class Ended:
    """How an execution ended.

    Attributes:
        status: ``SUCCEEDED``, ``FAILED``, …
        output: what it returned, if it succeeded.
        words: why it failed, if it did.
    """

    status: str
    output: dict[str, Any]
    words: str


def states_entered(client: "SFNClient", execution: str) -> list[str]:
    """Return the names of the states that were entered so far, in order, a repeated one once."""
    return list(dict.fromkeys(_entered(client, execution)))


def ended(client: "SFNClient", execution: str) -> Ended | None:
    """Return how an execution ended, or None while it runs."""
    found: Any = client.describe_execution(executionArn=execution)
    if found["status"] == "RUNNING":
        return None
    output = json.loads(found["output"]) if found.get("output") else {}
    return Ended(found["status"], output, f"{found.get('error', '')}\n{found.get('cause', '')}".strip())


def _entered(client: "SFNClient", execution: str) -> Iterator[str]:
    start: Any = {}
    while True:
        page: Any = client.get_execution_history(executionArn=execution, maxResults=1000, **start)
        for event in page["events"]:
            if event["type"].endswith("StateEntered"):
                yield event["stateEnteredEventDetails"]["name"]
        if not page.get("nextToken"):
            return
        start = {"nextToken": page["nextToken"]}
