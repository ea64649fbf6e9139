"""Run an export on one machine: ``make demo``."""

import json
import os
import signal
import sys
import threading
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from tests.local.build import REPOSITORY, BuildError
from tests.local.cloud import REGION, EmulatorError
from tests.local.demo.choices import Choices, ChoicesInvalid, choices
from tests.local.demo.scenario import Figures, play
from tests.local.demo.screen import Screen
from tests.local.demo.stage import Stage, stage
from tests.local.sign_in import ROLES, SignIn
from tests.local.stack import DeploymentError
from tests.newsletter import EXAMPLE_PERSON

ENTER: Final = REPOSITORY / "events" / "lytics" / "enter-all-fields.json"


def main() -> int:
    """Run the demo. Returns 0 only if every contact in SendGrid matches Lytics."""
    screen = Screen()
    try:
        chosen = choices(os.environ)
    except ChoicesInvalid as error:
        screen.fault(str(error))
        return 2
    begun = time.monotonic()
    figures = Figures()
    try:
        with stage(chosen, screen.step) as running:
            figures.seconds["start"] = round(time.monotonic() - begun, 2)
            try:
                play(chosen, running, screen, figures)
            except TimeoutError as error:
                screen.fault(str(error))
            figures.seconds["total"] = round(time.monotonic() - begun, 2)
            if chosen.report is not None:
                chosen.report.write_text(json.dumps(figures.document(), indent=2) + "\n")
                screen.step(f"wrote the figures to {chosen.report}")
            look_around(chosen, running, screen)
            if chosen.keep:
                wait_for_the_end()
    except (BuildError, DeploymentError, EmulatorError) as error:
        screen.fault(str(error))
        return 1
    except KeyboardInterrupt:
        return 130
    result = "[green]✓ ok[/green]" if figures.ok else "[red]✗ failed[/red]"
    screen.console.print(f"\n{result} in {figures.seconds['total']:.0f} s")
    return 0 if figures.ok else 1


def look_around(chosen: Choices, running: Stage, screen: Screen) -> None:
    """Print where the logs are and, with KEEP=1, commands to try."""
    screen.heading("Look around")
    screen.console.print(f"  logs      {running.deployment.cloud.logs}")
    if not chosen.keep:
        screen.console.print("  KEEP=1    keeps everything running, and prints commands to try")
        return
    export = chosen.start.get("export", "default")
    lines = {
        "AWS": (
            f"export STACK={running.deployment.stack} "
            f"AWS_ENDPOINT_URL={running.deployment.cloud.endpoint_url} "
            "AWS_ACCESS_KEY_ID=local AWS_SECRET_ACCESS_KEY=local "
            f"AWS_REGION={REGION} AWS_DEFAULT_REGION={REGION}"
        ),
        "inspect": f"make inspect EXPORT={export} EMAIL={_person(running)}",
        "webhook": (
            f"curl -i -X POST {running.deployment.webhook(export)} -H 'Content-Type: application/json' "
            f"-H 'X-Lytics-Secret: {running.webhook_secret}' --data @{_enter_of_now(running)}"
        ),
    }
    if running.sendgrid is not None:
        lines["SendGrid"] = f"curl {running.sendgrid.url}/_twin/contacts?limit=5"
    if running.lytics is not None:
        lines["Lytics"] = f"curl {running.lytics.url}/_twin/state"
    for name, line in lines.items():
        screen.console.print(f"  {name:9} {line}", markup=False, soft_wrap=True)
    if running.sign_in is not None:
        show_console(running.sign_in, screen)
    screen.console.print("\nEverything is still running. Press Ctrl-C to stop it.")


def show_console(sign_in: SignIn, screen: Screen) -> None:
    """Print the console's address, and the people to sign in as."""
    screen.heading("Console")
    screen.console.print(f"  open      {sign_in.url}/", markup=False, soft_wrap=True)
    people = ", ".join(f"{email} ({role})" for email, role in ROLES.items())
    screen.console.print(
        f"  sign in   as one of these made-up people: {people}", markup=False, soft_wrap=True
    )


def _enter_of_now(running: Stage) -> Path:
    """Write an example's body with an enter of now: one from before the demo would be ignored."""
    body = json.loads(ENTER.read_text())
    (event,) = body["data"]["segment_events"]
    event["enter"] = datetime.now(UTC).isoformat()
    file = running.deployment.cloud.logs / "enter.json"
    file.write_text(json.dumps(body, indent=2) + "\n")
    return file


def _person(running: Stage) -> str:
    """Return the person of the docs' examples, or another if live events removed this one."""
    people = running.lytics.truth() if running.lytics is not None else {}
    return EXAMPLE_PERSON if EXAMPLE_PERSON in people else next(iter(people), "jane@example.com")


def wait_for_the_end() -> None:
    """Wait for Ctrl-C or SIGTERM."""
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    signal.signal(signal.SIGINT, lambda *_: stop.set())
    stop.wait()


if __name__ == "__main__":
    sys.exit(main())
