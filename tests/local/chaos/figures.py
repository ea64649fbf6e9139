"""What was injected and what the product did about it, counted."""

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
    """What chaos measured, as it is written to REPORT.

    Attributes:
        ok: everything holds.
        faults: what does not hold, in words.
        people: in Lytics.
        events: that happened to them, by kind.
        injected: what went wrong, by kind.
        survived: what the product did about it.
        redriven: what lay in the dead-letter queues when the faults were over, and why, as the command said it.
        rejected: people whom SendGrid refuses in the end, by reason.
        healed: people whom a passing fault had rejected, and whom the next change brought back.
        audiences: who is where, as the demo's proof has it.
        differences: between Lytics, the ledger and SendGrid, in the end.
        seconds: how long each act took.
        report: the execution's.
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
        """Return them as JSON values."""
        return {name: getattr(self, name) for name in self.__slots__}


def struck(sendgrid: SendGridTwin) -> Counter[str]:
    """Count what the SendGrid twin's present faults have done."""
    counts: Counter[str] = Counter()
    for fault in sendgrid.state()["faults"]:
        counts[f"SendGrid: {fault['kind'].replace('_', ' ')}"] += fault["struck"]
    return counts


def struck_elsewhere(lytics: LyticsTwin, kills: Mapping[str, int]) -> Counter[str]:
    """Count what Lytics has done, and whom the killer killed."""
    counts = Counter({f"Lytics API: {name}": count for name, count in lytics.struck().items()})
    for job in lytics.jobs():
        if job.sender is not None:
            counts["Lytics webhook: event sent twice"] += job.sender.counts.duplicated
    return counts + Counter({f"killed process: {verb}": count for verb, count in kills.items()})


def survived(deployment: Deployment) -> dict[str, int]:
    """Count what the product's logs say: deaths in the middle of work, and what was done about all that."""
    counts: Counter[str] = Counter()
    for verb in _VERBS:
        log = deployment.cloud.function_log(f"{deployment.stack}-{verb}")
        counts[f"{verb}: killed while it worked"] += len(_KILLED.findall(log))
        counts[f"{verb}: ran out of time"] += len(_TIMED_OUT.findall(log))
        for line in _documents(log):
            match line.get("message"):
                case "delivered":
                    counts["deliver: messages put back"] += line["put_back"]
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
            except ValueError:  # cut by a death
                continue
