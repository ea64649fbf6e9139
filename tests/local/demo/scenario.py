"""The steps of the demo: export, live events, check."""

import json
import time
from collections.abc import Set
from dataclasses import dataclass, field
from typing import Any

from tests.local.demo.audit import Audit, audit, expectation, ledger
from tests.local.demo.choices import Choices
from tests.local.demo.screen import Screen
from tests.local.demo.stage import Stage
from tests.local.demo.watch import Ended, ended, states_entered
from tests.local.lytics_twin.twin import LyticsTwin
from tests.local.polling import poll
from tests.local.sendgrid_twin.twin import SendGridTwin

EXECUTION_TIMEOUT_S = 3_600
SETTLE_TIMEOUT_S = 300
DUPLICATE_RATE = 0.1


@dataclass(slots=True)
class Figures:
    """The demo's measurements, as written to REPORT."""

    ok: bool = False
    people: int = 0
    events: int = 0
    audiences: list[dict[str, Any]] = field(default_factory=list)
    sendgrid_requests: dict[str, int] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    report: dict[str, Any] = field(default_factory=dict)
    differences: int = 0

    def document(self) -> dict[str, Any]:
        """Return the figures as JSON values."""
        return {name: getattr(self, name) for name in self.__slots__}


def play(choices: Choices, stage: Stage, screen: Screen, figures: Figures) -> None:
    """Run all steps. Sets ``figures.ok`` if every contact matches."""
    begun = time.monotonic()
    screen.heading("Export")
    screen.console.print(f"  input   {json.dumps(choices.start)}", soft_wrap=True)
    finished = export(choices, stage, screen)
    figures.seconds["export"] = round(time.monotonic() - begun, 2)
    figures.report = finished.output
    if finished.status != "SUCCEEDED":
        screen.fault(f"the execution {finished.status.lower()}:\n{finished.error}")
        return
    if stage.lytics is None or stage.sendgrid is None:
        screen.heading("Report of the export")
        screen.console.print_json(data=finished.output)
        figures.ok = True
        return
    begun = time.monotonic()
    screen.heading("Live events")
    events = live_events(choices, stage, stage.lytics, screen)
    figures.events = sum(events.values())
    figures.seconds["events"] = round(time.monotonic() - begun, 2)
    result = check(choices, stage, stage.lytics, stage.sendgrid, screen)
    figures.ok = result.ok
    figures.people = choices.people
    figures.audiences = [
        {key: a[key] for key in ("id", "lytics", "ledger", "sendgrid")} for a in result.audiences
    ]
    figures.differences = len(result.differences)
    figures.sendgrid_requests = stage.sendgrid.requests()


def export(choices: Choices, stage: Stage, screen: Screen) -> Ended:
    """Start the export and show its progress until it ends."""
    execution = stage.deployment.start(f"demo-{int(time.time())}", choices.start)
    return watch(execution, choices, stage, screen)


def watch(
    execution: str, choices: Choices, stage: Stage, screen: Screen, timeout_s: float = EXECUTION_TIMEOUT_S
) -> Ended:
    """Show an execution's progress until it ends.

    Raises:
        TimeoutError: The execution has not ended within `timeout_s`.
    """
    client = stage.deployment.cloud.client("stepfunctions")
    expected = None
    if stage.lytics is not None:
        wanted = set(choices.start.get("audiences", []))
        named = [a for a in stage.lytics.audiences() if wanted & {a.id, a.slug, a.name}]
        expected = len({email for a in named for email in stage.lytics.members(a.id)})
    with screen.watching("people in SendGrid", expected) as watching:

        def look() -> Ended | None:
            finished = ended(client, execution)
            there = stage.sendgrid.state()["contacts"] if stage.sendgrid is not None else 0
            watching.show(states_entered(client, execution), there, ended=finished is not None)
            return finished

        return poll(look, "the end of the execution", timeout_s, interval_s=0.5)


def live_events(choices: Choices, stage: Stage, lytics: LyticsTwin, screen: Screen) -> dict[str, int]:
    """Send shuffled and duplicated events through the webhook, and wait until all are processed."""
    lytics.set_faults(shuffle=True, duplicate_rate=DUPLICATE_RATE)
    events = lytics.make_events(choices.events, seed=2) if choices.events else {}
    counts = ", ".join(f"{count:,} {kind}" for kind, count in events.items())
    screen.step(
        f"sending {counts or 'no'} events to the webhook, out of order, one in {1 / DUPLICATE_RATE:.0f} twice"
    )
    with screen.watching("messages left in queues", None) as watching:
        delivered = False

        def settled() -> bool:
            nonlocal delivered
            delivered = delivered or lytics.drain(0.3)
            waiting = stage.deployment.queued()
            watching.show(["all events sent" if delivered else "Lytics is sending"], waiting, ended=delivered)
            return delivered and waiting == 0

        poll(settled, "all events in SendGrid", SETTLE_TIMEOUT_S, interval_s=0.5)
    return events


def check(
    choices: Choices,
    stage: Stage,
    lytics: LyticsTwin,
    sendgrid: SendGridTwin,
    screen: Screen,
    *,
    refused: Set[str] = frozenset(),
) -> Audit:
    """Compare every person and show the result. People that SendGrid refuses must be absent."""
    sendgrid.settle()
    result = audit(
        expectation(choices.start, lytics, stage.list_id),
        lytics,
        ledger(
            stage.deployment.cloud,
            stage.deployment.outputs["ContactsTable"],
            choices.start.get("authorization", "default"),
        ),
        sendgrid,
        refused=refused,
    )
    screen.heading("Check")
    screen.audit(result)
    contacts = sendgrid.contacts()
    if contacts:
        screen.sample(max(contacts, key=lambda c: len(c["custom_fields"].get("lytics_segments", ""))))
    screen.console.print()
    screen.counts("Requests to SendGrid", "request", sendgrid.requests())
    return result
