"""The demo's acts: the export, the live events, the proof."""

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
    """What the demo measured, as it is written to REPORT."""

    ok: bool = False
    people: int = 0
    events: int = 0
    audiences: list[dict[str, Any]] = field(default_factory=list)
    sendgrid_requests: dict[str, int] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    report: dict[str, Any] = field(default_factory=dict)
    differences: int = 0

    def document(self) -> dict[str, Any]:
        """Return them as JSON values."""
        return {name: getattr(self, name) for name in self.__slots__}


def play(choices: Choices, stage: Stage, screen: Screen, figures: Figures) -> None:
    """Play all acts; ``figures.ok`` tells whether everything holds."""
    begun = time.monotonic()
    screen.heading("The export")
    screen.console.print(f"  input   {json.dumps(choices.start)}", soft_wrap=True)
    finished = export(choices, stage, screen)
    figures.seconds["export"] = round(time.monotonic() - begun, 2)
    figures.report = finished.output
    if finished.status != "SUCCEEDED":
        screen.fault(f"the execution {finished.status.lower()}:\n{finished.words}")
        return
    if stage.lytics is None or stage.sendgrid is None:
        screen.heading("Its report")
        screen.console.print_json(data=finished.output)
        figures.ok = True
        return
    begun = time.monotonic()
    screen.heading("Live")
    happened = live_events(choices, stage, stage.lytics, screen)
    figures.events = sum(happened.values())
    figures.seconds["events"] = round(time.monotonic() - begun, 2)
    found = proof(choices, stage, stage.lytics, stage.sendgrid, screen)
    figures.ok = found.ok
    figures.people = choices.people
    figures.audiences = [
        {key: a[key] for key in ("id", "lytics", "ledger", "sendgrid")} for a in found.audiences
    ]
    figures.differences = len(found.differences)
    figures.sendgrid_requests = stage.sendgrid.requests()


def export(choices: Choices, stage: Stage, screen: Screen) -> Ended:
    """Start the export and show it to its end."""
    execution = stage.deployment.start(f"demo-{int(time.time())}", choices.start)
    return watch(execution, choices, stage, screen)


def watch(
    execution: str, choices: Choices, stage: Stage, screen: Screen, timeout_s: float = EXECUTION_TIMEOUT_S
) -> Ended:
    """Show an execution to its end.

    Raises:
        TimeoutError: it has not ended so soon.
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
            watching.show(states_entered(client, execution), there, over=finished is not None)
            return finished

        return poll(look, "the execution's end", timeout_s, interval_s=0.5)


def live_events(choices: Choices, stage: Stage, lytics: LyticsTwin, screen: Screen) -> dict[str, int]:
    """Let people enter, exit and change, told out of order and with duplicates; wait until all is worked off."""
    lytics.set_faults(shuffle=True, duplicate_rate=DUPLICATE_RATE)
    happened = lytics.make_events(choices.events, seed=2) if choices.events else {}
    told = ", ".join(f"{count:,} {kind}" for kind, count in happened.items())
    screen.step(
        f"{told or 'no'} events, out of order, one in {1 / DUPLICATE_RATE:.0f} twice, through the webhook"
    )
    with screen.watching("messages to work off", None) as watching:
        delivered = False

        def settled() -> bool:
            nonlocal delivered
            delivered = delivered or lytics.drain(0.3)
            waiting = stage.deployment.queued()
            watching.show(["events delivered" if delivered else "Lytics sends"], waiting, over=delivered)
            return delivered and waiting == 0

        poll(settled, "all events in SendGrid", SETTLE_TIMEOUT_S, interval_s=0.5)
    return happened


def proof(
    choices: Choices,
    stage: Stage,
    lytics: LyticsTwin,
    sendgrid: SendGridTwin,
    screen: Screen,
    *,
    refused: Set[str] = frozenset(),
) -> Audit:
    """Compare everybody, and show it; those whom SendGrid refuses are not to be there."""
    sendgrid.settle()
    found = audit(
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
    screen.heading("The proof")
    screen.audit(found)
    contacts = sendgrid.contacts()
    if contacts:
        screen.sample(max(contacts, key=lambda c: len(c["custom_fields"].get("lytics_segments", ""))))
    screen.console.print()
    screen.counts("Requests to SendGrid", "request", sendgrid.requests())
    return found
