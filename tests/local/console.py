"""Run the console on one machine, until Ctrl-C: ``make console``."""

import os
import sys
from dataclasses import replace
from typing import Final

from tests.local.build import BuildError
from tests.local.cloud import EmulatorError
from tests.local.demo.__main__ import show_console, wait_for_the_end
from tests.local.demo.choices import ChoicesInvalid, choices
from tests.local.demo.screen import Screen
from tests.local.demo.stage import stage
from tests.local.stack import DeploymentError

PEOPLE: Final = "2000"


def main() -> int:
    """Start everything, say where the console is, and wait."""
    screen = Screen()
    try:
        chosen = replace(choices({"PEOPLE": PEOPLE, **os.environ}), keep=True)
    except ChoicesInvalid as error:
        screen.fault(str(error))
        return 2
    try:
        with stage(chosen, screen.step) as running:
            assert running.sign_in is not None
            show_console(running.sign_in, screen)
            screen.console.print(
                "\nNo export exists yet: make the first one. Press Ctrl-C to stop everything."
            )
            wait_for_the_end()
    except (BuildError, DeploymentError, EmulatorError) as error:
        screen.fault(str(error))
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
