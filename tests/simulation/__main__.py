"""Run schedules: ``SCHEDULES=100000 python -m tests.simulation``.

Each seed has a schedule of deliver, confirm, clear and erase, and one of whole runs (``resync``).
``SEED=n`` replays both, the same every time, and shrinks the first if it diverges. ``FIRST=n`` starts at
seed n, ``MUTATION=name`` breaks a rule of the protocol (see `mutations.py`), and ``WORKERS=n`` sets the
number of processes.
"""

import os
import sys
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext

from tests.simulation.campaign import Counted, case, simulate
from tests.simulation.mutations import MUTATIONS, applied
from tests.simulation.report import explained
from tests.simulation.resync.schedule import run_schedule


def main(environment: Mapping[str, str], say: Callable[[str], None]) -> int:
    """Run the schedules that the environment selects. Return the exit status: 1 if a schedule diverges."""
    mutation = environment.get("MUTATION", "")
    if mutation and mutation not in MUTATIONS:
        say(f"unknown MUTATION={mutation}; use one of {', '.join(MUTATIONS)}\n")
        return 2
    seed = environment.get("SEED", "")
    if seed:
        counted = _replayed(int(seed), mutation, say)
    else:
        first = int(environment.get("FIRST") or 0)
        seeds = range(first, first + int(environment.get("SCHEDULES") or 100_000))
        workers = int(environment.get("WORKERS") or os.cpu_count() or 1)
        counted = simulate(seeds, mutation, workers, say)
    if counted.diverging:
        with _broken(mutation):
            explained(case(min(counted.diverging), mutation), say)
    for wrong in counted.wrong if not seed else ():
        say(f"runs of seed {wrong}: {'; '.join(run_schedule(wrong).bad)}\n")
    if not counted.failed:
        return 0
    say(
        f"\nreplay it with: make simulate "
        f"SEED={min(counted.diverging + counted.wrong)}{f' MUTATION={mutation}' if mutation else ''}\n"
    )
    return 1


def _replayed(seed: int, mutation: str, say: Callable[[str], None]) -> Counted:
    with _broken(mutation):
        outcome = case(seed, mutation).run()
    say(f"seed {seed}: {len(outcome.hits)} faults, {outcome.divergence or 'no divergence'}\n")
    bad = [] if mutation else run_schedule(seed).bad
    if not mutation:
        say(f"runs of seed {seed}: {'; '.join(bad) or 'no divergence'}\n")
    return Counted(1, diverging=(seed,) if outcome.divergence else (), wrong=(seed,) if bad else ())


def _broken(mutation: str) -> AbstractContextManager[None]:
    return applied(MUTATIONS[mutation]) if mutation else nullcontext()


def _say(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(os.environ, _say))
