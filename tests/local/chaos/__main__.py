"""Run an export under many kinds of faults: ``make chaos``."""

import json
import os
import sys
import time

from tests.local.build import BuildError
from tests.local.chaos import storm
from tests.local.chaos.figures import Figures
from tests.local.chaos.killing import Killer
from tests.local.chaos.scenario import Chaos, PhaseFailed
from tests.local.cloud import EmulatorError
from tests.local.demo.choices import ChoicesInvalid, choices
from tests.local.demo.screen import Screen
from tests.local.demo.stage import stage
from tests.local.operator import CommandFailed
from tests.local.stack import DeploymentError


def main() -> int:
    """Run the chaos test. Returns 0 only if every contact matches Lytics and no message is left."""
    screen = Screen()
    variables = {name: os.environ[name] for name in ("PEOPLE", "REPORT") if name in os.environ}
    try:
        chosen = choices({"PEOPLE": "20000", **variables})
        seed = int(os.environ.get("SEED") or time.time_ns() % 1_000_000)
    except (ChoicesInvalid, ValueError) as error:
        screen.fault(str(error))
        return 2
    screen.step(f"SEED={seed} repeats these faults; their timing depends on the machine")
    begun = time.monotonic()
    figures, killer = Figures(), Killer(seed)
    try:
        with stage(
            chosen,
            screen.step,
            sendgrid_options=storm.SENDGRID,
            recorder=killer.after_exchange,
            delays=storm.PARAMETERS,
        ) as running:
            chaos = Chaos(chosen, running, screen, figures, killer=killer, seed=seed)
            try:
                chaos.play()
            except (PhaseFailed, CommandFailed, TimeoutError) as error:
                figures.faults.append(str(error))
                screen.fault(str(error))
            chaos.count()
            figures.seconds["total"] = round(time.monotonic() - begun, 1)
            logs = running.deployment.cloud.logs
    except (BuildError, DeploymentError, EmulatorError) as error:
        screen.fault(str(error))
        return 1
    except KeyboardInterrupt:
        return 130
    show(figures, screen)
    if chosen.report is not None:
        chosen.report.write_text(json.dumps(figures.document(), indent=2) + "\n")
        screen.step(f"wrote the figures to {chosen.report}")
    screen.step(f"the logs are in {logs}")
    ending = "[green]✓ ok[/green]" if figures.ok else "[red]✗ failed[/red]"
    screen.console.print(f"\n{ending} in {figures.seconds['total']:.0f} s")
    return 0 if figures.ok else 1


def show(figures: Figures, screen: Screen) -> None:
    """Show the injected faults and how the product handled them."""
    events = {f"event: {kind}": count for kind, count in figures.events.items()}
    screen.counts("Injected faults and events", "fault or event", {**figures.injected, **events})
    screen.counts("Handled by the product", "function and outcome", figures.survived)
    rejected = {f"still rejected: {reason}": count for reason, count in figures.rejected.items()}
    screen.counts(
        "Rejected people", "outcome", {"accepted with their next change": figures.healed, **rejected}
    )


if __name__ == "__main__":
    sys.exit(main())
