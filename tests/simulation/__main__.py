"""Run schedules: ``SCHEDULES=100000 python -m tests.simulation``.

``SEED=n`` replays one schedule, the same every time, and shrinks it if it diverges. ``FIRST=n`` begins at another seed,
``MUTATION=name`` breaks the protocol as `mutations.py` says, ``WORKERS=n`` uses so many processes.
"""

import multiprocessing
import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Final

from tests.simulation.mutations import MUTATIONS, applied
from tests.simulation.report import explained
from tests.simulation.scenario import PLAIN, draw
from tests.simulation.shrink import Case, case_of

_CHUNK: Final = 100
_SAYS_EVERY_S: Final = 10.0


@dataclass(frozen=True, slots=True)
class Counted:
    """What a number of schedules came to.

    Attributes:
        schedules: how many were run.
        requests: how many upserts SendGrid accepted.
        faults: how many happened.
        diverging: seeds of those that diverged.
    """

    schedules: int = 0
    requests: int = 0
    faults: int = 0
    diverging: tuple[int, ...] = ()

    def __add__(self, other: "Counted") -> "Counted":
        return Counted(
            self.schedules + other.schedules,
            self.requests + other.requests,
            self.faults + other.faults,
            self.diverging + other.diverging,
        )


def _case(seed: int, mutation: str) -> Case:
    return case_of(draw(seed, MUTATIONS[mutation].bias if mutation else PLAIN), seed)


def _run(task: tuple[int, int, str]) -> Counted:
    """Run a chunk of seeds."""
    first, end, mutation = task
    counted = Counted()
    with applied(MUTATIONS[mutation]) if mutation else nullcontext():
        for seed in range(first, end):
            outcome = _case(seed, mutation).run()
            diverging = (seed,) if outcome.divergence else ()
            counted += Counted(1, outcome.requests, len(outcome.hits), diverging)
    return counted


def simulate(seeds: range, mutation: str, workers: int, say: Callable[[str], None]) -> Counted:
    """Run schedules on several cores until one diverges."""
    tasks = [(n, min(n + _CHUNK, seeds.stop), mutation) for n in range(seeds.start, seeds.stop, _CHUNK)]
    counted = Counted()
    began_s = said_s = time.monotonic()
    # Spawned: whoever calls this may have threads, which a fork leaves in any state.
    with multiprocessing.get_context("spawn").Pool(workers) as pool:
        for part in pool.imap_unordered(_run, tasks):
            counted += part
            now_s = time.monotonic()
            if now_s - said_s > _SAYS_EVERY_S or counted.diverging or counted.schedules == len(seeds):
                said_s = now_s
                rate = counted.schedules / (now_s - began_s)
                say(
                    f"{counted.schedules:,} of {len(seeds):,} schedules, {rate:.0f} a second: {counted.requests:,} "
                    f"requests, {counted.faults:,} faults, {len(counted.diverging)} divergences\n"
                )
            if counted.diverging:
                break
    return counted


def main(environment: Mapping[str, str], say: Callable[[str], None]) -> int:
    """Do as the environment says; return the exit status: 1 where a schedule diverges."""
    mutation = environment.get("MUTATION", "")
    if mutation and mutation not in MUTATIONS:
        say(f"MUTATION={mutation}: it takes {', '.join(MUTATIONS)}\n")
        return 2
    seed = environment.get("SEED", "")
    diverging: Sequence[int]
    if seed:
        with applied(MUTATIONS[mutation]) if mutation else nullcontext():
            outcome = _case(int(seed), mutation).run()
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
        explained(_case(min(diverging), mutation), say)
    say(
        f"\nreplay it with: make simulate SEED={min(diverging)}{f' MUTATION={mutation}' if mutation else ''}\n"
    )
    return 1


def _say(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(os.environ, _say))
