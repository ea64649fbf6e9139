"""An export through every fault that can happen: ``make chaos``."""

import json
import os
import sys
import time

from tests.local.build import BuildError
from tests.local.chaos import storm
from tests.local.chaos.figures import Figures
from tests.local.chaos.killing import Killer
from tests.local.chaos.scenario import ActFailed, Chaos
from tests.local.cloud import EmulatorError
from tests.local.demo.choices import ChoicesInvalid, choices
from tests.local.demo.screen import Screen
from tests.local.demo.stage import stage
from tests.local.operator import CommandFailed
from tests.local.stack import DeploymentError


def main() -> int:
    """Run it; return 0 only if in the end everybody is exactly where Lytics says, and nothing is left over."""
    screen = Screen()
    asked = {name: os.environ[name] for name in ("PEOPLE", "REPORT") if name in os.environ}
    try:
        chosen = choices({"PEOPLE": "20000", **asked})
        seed = int(os.environ.get("SEED") or time.time_ns() % 1_000_000)
    except (ChoicesInvalid, ValueError) as error:
        screen.fault(str(error))
        return 2
    screen.step(f"SEED={seed} draws the same faults again; when they strike depends on the machine")
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
            except (ActFailed, CommandFailed, TimeoutError) as error:
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
        screen.step(f"figures in {chosen.report}")
    screen.step(f"logs in {logs}")
    ending = "[green]✓ ok[/green]" if figures.ok else "[red]✗ not ok[/red]"
    screen.console.print(f"\n{ending} in {figures.seconds['total']:.0f} s")
    return 0 if figures.ok else 1


def show(figures: Figures, screen: Screen) -> None:
    """Show what was injected and survived."""
    events = {f"event: {kind}": count for kind, count in figures.events.items()}
    screen.counts("Injected", "what", {**figures.injected, **events})
    screen.counts("Survived", "what", figures.survived)
    rejected = {f"rejected in the end: {reason}": count for reason, count in figures.rejected.items()}
    screen.counts("People", "what", {"healed by their next change": figures.healed, **rejected})


if __name__ == "__main__":
    sys.exit(main())
