"""Count the injected faults and how the product handled them."""

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from tests.local.deployment import Deployment
from tests.local.lytics_twin.twin import LyticsTwin
from tests.local.sendgrid_twin.twin import SendGridTwin

_VERBS: Final = (
    "ingest",
    "deliver",
    "confirm",
    "plan",
    "provision",
    "activate",
    "backfill",
    "settle",
    "report",
)
_TIMED_OUT: Final = re.compile(r"Error: Task timed out after")
_KILLED: Final = re.compile(r"Error: Runtime exited with error: signal: killed")


@dataclass(slots=True)
class Figures:
    """The measurements of a chaos test, as written to REPORT.

    Attributes:
        ok: Whether all checks passed.
        faults: One message for each failed check.
        people: The number of people in Lytics.
        events: The number of live events by kind.
        injected: The number of injected faults by kind.
        survived: The number of outcomes in the product's logs.
        redriven: The output of `make redrive` after the faults: the dead-lettered messages and their causes.
        rejected: The number of people that SendGrid refuses in the end, by reason.
        healed: The number of people rejected by a temporary fault and accepted with their next change.
        audiences: The members by audience, as in the demo.
        differences: The number of differences between Lytics, the contacts table and SendGrid in the end.
        seconds: The duration of each phase.
        report: The report of the execution.
    """

    ok: bool = False
    faults: list[str] = field(default_factory=list)
    people: int = 0
    events: dict[str, int] = field(default_factory=dict)
    injected: Counter[str] = field(default_factory=Counter)
    survived: dict[str, int] = field(default_factory=dict)
    redriven: list[str] = field(default_factory=list)
    rejected: dict[str, int] = field(default_factory=dict)
    healed: int = 0
    audiences: list[dict[str, Any]] = field(default_factory=list)
    differences: int = 0
    seconds: dict[str, float] = field(default_factory=dict)
    report: dict[str, Any] = field(default_factory=dict)

    def document(self) -> dict[str, Any]:
        """Return the figures as JSON values."""
        return {name: getattr(self, name) for name in self.__slots__}


def struck(sendgrid: SendGridTwin) -> Counter[str]:
    """Count the strikes of the SendGrid twin's current faults."""
    counts: Counter[str] = Counter()
    for fault in sendgrid.state()["faults"]:
        counts[f"SendGrid: {fault['kind'].replace('_', ' ')}"] += fault["struck"]
    return counts


def struck_elsewhere(lytics: LyticsTwin, kills: Mapping[str, int]) -> Counter[str]:
    """Count the faults of the Lytics twin and the killed processes."""
    counts = Counter({f"Lytics API: {name}": count for name, count in lytics.struck().items()})
    for job in lytics.jobs():
        if job.sender is not None:
            counts["Lytics webhook: event sent twice"] += job.sender.counts.duplicated
    return counts + Counter({f"killed process: {verb}": count for verb, count in kills.items()})


def survived(deployment: Deployment) -> dict[str, int]:
    """Count the outcomes in the product's logs: killed and timed-out invocations, and results of batches."""
    counts: Counter[str] = Counter()
    for verb in _VERBS:
        log = deployment.cloud.function_log(f"{deployment.stack}-{verb}")
        counts[f"{verb}: killed during an invocation"] += len(_KILLED.findall(log))
        counts[f"{verb}: timed out"] += len(_TIMED_OUT.findall(log))
        for line in _documents(log):
            match line.get("message"):
                case "delivered":
                    counts["deliver: messages requeued"] += line["requeued"]
                    counts.update({f"deliver: {name}": n for name, n in line["counts"].items()})
                case "confirmed":
                    counts.update({f"confirm: {name}": n for name, n in line["counts"].items()})
                    counts["confirm: messages left on the queue"] += line["failed"]
    return {name: count for name, count in sorted(counts.items()) if count}


def _documents(log: str) -> Iterator[dict[str, Any]]:
    for line in log.splitlines():
        if line.startswith("{"):
            try:
                yield json.loads(line)
            except ValueError:  # truncated by a kill
                continue
