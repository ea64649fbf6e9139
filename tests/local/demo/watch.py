"""Read the progress of an execution from its history."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mypy_boto3_stepfunctions import SFNClient


@dataclass(frozen=True, slots=True)
class Ended:
    """The end of an execution.

    Attributes:
        status: ``SUCCEEDED``, ``FAILED``, …
        output: Its output; empty if it failed.
        error: Its error and cause; empty if it succeeded.
    """

    status: str
    output: dict[str, Any]
    error: str


def states_entered(client: "SFNClient", execution: str) -> list[str]:
    """Return the names of the states entered so far, in order and without repetitions."""
    return list(dict.fromkeys(_entered(client, execution)))


def ended(client: "SFNClient", execution: str) -> Ended | None:
    """Return the end of an execution; None while it runs."""
    description: Any = client.describe_execution(executionArn=execution)
    if description["status"] == "RUNNING":
        return None
    output = json.loads(description["output"]) if description.get("output") else {}
    return Ended(
        description["status"],
        output,
        f"{description.get('error', '')}\n{description.get('cause', '')}".strip(),
    )


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
