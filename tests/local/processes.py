"""Process groups: who is in one, and ending all of it."""

import os
import signal
from pathlib import Path

from tests.local.polling import poll


def members(group: int) -> list[int]:
    """Return the ids of a process group's processes that still run, in ascending order; zombies do not."""
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            # The second field is the program's name in brackets and may hold anything, brackets too.
            fields = (entry / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        state, process_group = fields[0], int(fields[2])
        if process_group == group and state not in "ZX":
            found.append(int(entry.name))
    return sorted(found)


def kill_group(group: int) -> None:
    """Kill what is left of a process group and return once it is gone.

    Raises:
        TimeoutError: A process was still there 10 seconds after its SIGKILL.
    """
    if not members(group):
        return
    os.killpg(group, signal.SIGKILL)
    poll(lambda: not members(group), f"the end of process group {group}", timeout_s=10)
