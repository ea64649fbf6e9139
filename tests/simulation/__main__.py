"""Run schedules: ``SCHEDULES=100000 python -m tests.simulation``.

``SEED=n`` replays one schedule, the same every time, and shrinks it if it diverges. ``FIRST=n`` starts at
seed n, ``MUTATION=name`` breaks a rule of the protocol (see `mutations.py`), and ``WORKERS=n`` sets the
number of processes.
"""

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext

from tests.simulation.campaign import case, simulate
from tests.simulation.mutations import MUTATIONS, applied
from tests.simulation.report import explained


def main(environment: Mapping[str, str], say: Callable[[str], None]) -> int:
    """Run the schedules that the environment selects. Return the exit status: 1 if a schedule diverges."""
    mutation = environment.get("MUTATION", "")
    if mutation and mutation not in MUTATIONS:
        say(f"unknown MUTATION={mutation}; use one of {', '.join(MUTATIONS)}\n")
        return 2
    seed = environment.get("SEED", "")
    diverging: Sequence[int]
    if seed:
        with applied(MUTATIONS[mutation]) if mutation else nullcontext():
            outcome = case(int(seed), mutation).run()
        diverging = [int(seed)] if outcome.divergence else []
        say(f"seed {seed}: {len(outcome.hits)} faults, {outcome.divergence or 'no divergence'}\n")
    else:
        first = int(environment.get("FIRST") or 0)
        seeds = range(first, first + int(environment.get("SCHEDULES") or 100_000))
        workers = int(environment.get("WORKERS") or os.cpu_count() or 1)
        diverging = simulate(seeds, mutation, workers, say).diverging
    if not diverging:
        return 0
    with applied(MUTATIONS[mutation]) if mutation else nullcontext():
        explained(case(min(diverging), mutation), say)
    say(
        f"\nreplay it with: make simulate "
        f"SEED={min(diverging)}{f' MUTATION={mutation}' if mutation else ''}\n"
    )
    return 1


def _say(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(os.environ, _say))
