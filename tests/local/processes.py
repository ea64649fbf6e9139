"""List and kill the processes of a process group."""

import os
import signal
from pathlib import Path

from tests.local.polling import poll


def members(group: int) -> list[int]:
    """Return the ids of a group's running processes (without zombies) in ascending order."""
    running = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            # The second field is the program's name in parentheses. It may contain any character, even
            # parentheses.
            fields = (entry / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        state, process_group = fields[0], int(fields[2])
        if process_group == group and state not in "ZX":
            running.append(int(entry.name))
    return sorted(running)


def kill_group(group: int) -> None:
    """Kill a process group, and wait until it is gone.

    Raises:
        TimeoutError: A process still exists 10 seconds after its SIGKILL.
    """
    if not members(group):
        return
    os.killpg(group, signal.SIGKILL)
    poll(lambda: not members(group), f"the end of process group {group}", timeout_s=10)
