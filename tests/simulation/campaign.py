"""Run many schedules on several cores.

Each seed has two: one of deliver, confirm, clear and erase, and one of whole runs, resyncs with their sweeps.
"""

import multiprocessing
import time
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Final

from tests.simulation.mutations import MUTATIONS, applied
from tests.simulation.resync.schedule import run_schedule
from tests.simulation.runs import draw
from tests.simulation.scenario import PLAIN
from tests.simulation.shrink import Case, case_of

_CHUNK: Final = 100
_PROGRESS_INTERVAL_S: Final = 10.0


@dataclass(frozen=True, slots=True)
class Counted:
    """Counts over several schedules.

    Attributes:
        schedules: schedules run.
        requests: upserts that SendGrid accepted.
        faults: faults that happened.
        runs: starts and resyncs that swept.
        diverging: seeds whose schedule of deliver diverged.
        wrong: seeds whose schedule of runs went wrong.
    """

    schedules: int = 0
    requests: int = 0
    faults: int = 0
    runs: int = 0
    diverging: tuple[int, ...] = ()
    wrong: tuple[int, ...] = ()

    def __add__(self, other: "Counted") -> "Counted":
        return Counted(
            self.schedules + other.schedules,
            self.requests + other.requests,
            self.faults + other.faults,
            self.runs + other.runs,
            self.diverging + other.diverging,
            self.wrong + other.wrong,
        )

    @property
    def failed(self) -> int:
        """How many schedules diverged or went wrong."""
        return len(self.diverging) + len(self.wrong)


def case(seed: int, mutation: str) -> Case:
    """Draw a seed's schedule, with the mutation's bias if one is named."""
    return case_of(draw(seed, MUTATIONS[mutation].bias if mutation else PLAIN), seed)


def _run(task: tuple[int, int, str]) -> Counted:
    """Run a chunk of seeds."""
    first, end, mutation = task
    counted = Counted()
    with applied(MUTATIONS[mutation]) if mutation else nullcontext():
        for seed in range(first, end):
            outcome = case(seed, mutation).run()
            diverging = (seed,) if outcome.divergence else ()
            counted += Counted(1, outcome.requests, len(outcome.hits), diverging=diverging)
    for seed in () if mutation else range(first, end):
        swept = run_schedule(seed)
        counted += Counted(runs=swept.runs, wrong=(seed,) if swept.bad else ())
    return counted


def simulate(seeds: range, mutation: str, workers: int, say: Callable[[str], None]) -> Counted:
    """Run schedules in parallel until one diverges."""
    tasks = [(n, min(n + _CHUNK, seeds.stop), mutation) for n in range(seeds.start, seeds.stop, _CHUNK)]
    counted = Counted()
    began_s = reported_s = time.monotonic()
    # Spawn, because a fork would copy the caller's threads in any state. A spawned process cannot import
    # _run from __main__, so this is a module of its own.
    with multiprocessing.get_context("spawn").Pool(workers) as pool:
        for part in pool.imap_unordered(_run, tasks):
            counted += part
            now_s = time.monotonic()
            if now_s - reported_s > _PROGRESS_INTERVAL_S or counted.failed or counted.schedules == len(seeds):
                reported_s = now_s
                rate = counted.schedules / (now_s - began_s)
                say(
                    f"{counted.schedules:,} of {len(seeds):,} schedules, {rate:.0f} a second: "
                    f"{counted.requests:,} requests, {counted.faults:,} faults, {counted.runs:,} runs, "
                    f"{counted.failed} divergences\n"
                )
            if counted.failed:
                break
    return counted
