"""A schedule: what happens in a world, in which order, and what must hold when it is quiet again."""

from collections.abc import Iterator, Mapping
from unittest.mock import patch

from functions.sweep import classify, decide, kept, queue_all, verify
from tests.simulation.resync import real
from tests.simulation.resync.lytics import LAG, Bias
from tests.simulation.resync.real import MINUTE_NS, SAMPLE, YOUNG
from tests.simulation.resync.world import World


class Schedule:
    """Drives one world to its end."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.chance = world.chance
        self.runs: dict[int, Iterator[None]] = {}

    def run(self) -> None:
        """Let everything happen, stop the faults, and check."""
        world, chance = self.world, self.chance
        for export, state in world.configuration().exports.items():
            if state.audiences:
                self.runs[export] = world.start(export, state.audiences)
        end = world.now + chance.choice((300, 600, 900))
        while world.now < end:
            world.lytics.now += chance.randrange(3)
            self._act(chance.random())
        world.lytics.faults = False
        self._drain()
        for export, state in world.configuration().exports.items():
            if state.audiences and not state.live:
                self.runs[export] = world.start(export, state.audiences)
        self._drain()
        self._finale()
        self._two_resyncs()

    def _act(self, act: float) -> None:
        world, chance = self.world, self.chance
        if act < 0.06:
            world.mutate()
        elif act < 0.45:
            world.deliver()
        elif act < 0.93 and self.runs:
            export = chance.choice(sorted(self.runs))
            self._advance(export)
            if export in self.runs and chance.random() < 0.01:
                del self.runs[export]  # the run dies
        elif act > 0.95:
            export = chance.choice((1, 2))
            if export not in self.runs:
                self._operate(export, chance.random())

    def _operate(self, export: int, what: float) -> None:
        world = self.world
        state = world.configuration().exports[export]
        if state.audiences and state.live and what < 0.55:
            self.runs[export] = world.resync(export)
        elif state.live and what < 0.65:
            world.write(export, state.audiences, live=False)
        elif what < 0.9:
            names = self.chance.choice(("A", "B", "AB", "AB") if export == 1 else ("", "A", "AB"))
            self.runs[export] = world.start(export, frozenset(names))

    def _advance(self, export: int) -> None:
        try:
            next(self.runs[export])
        except StopIteration:
            del self.runs[export]

    def _drain(self) -> None:
        while self.world.queue or self.runs:
            self.world.lytics.now += 1
            while self.world.deliver():
                pass
            for export in sorted(self.runs):
                self._advance(export)

    def _quiet(self) -> None:
        self.world.lytics.now += 2 * YOUNG + LAG
        self.world.lytics.snap()
        self._drain()

    def _finale(self) -> None:
        """Stop an export and start it again, or remove an audience and add it again, without faults."""
        world, chance = self.world, self.chance
        export = chance.choice((1, 2))
        audiences = world.configuration().exports[export].audiences
        what = chance.choice(("stop", "add again", "add again at once"))
        if not audiences:
            return
        world.lytics.noise = False
        removed = chance.choice(sorted(audiences))
        if what == "stop":
            world.write(export, audiences, live=False)
        else:
            self._quiet()
            self.runs[export] = world.start(export, audiences - {removed})
            self._drain()
        if what != "add again at once":
            for _ in range(6):
                world.lytics.now += chance.randrange(9)
                world.mutate()
                self._drain()
            self._quiet()
        self.runs[export] = world.start(export, audiences)
        self._drain()
        if world.configuration().exports[3 - export].audiences:
            return
        if wrong := world.wrong():
            world.bad.append(f"again after {what}: {'; '.join(wrong)}")

    def _two_resyncs(self) -> None:
        world = self.world
        world.lytics.noise = False
        for _ in range(2):
            world.lytics.now += 2 * YOUNG
            world.lytics.snap()
            for export, state in world.configuration().exports.items():
                if state.audiences:
                    self.runs[export] = world.resync(export)
                    self._drain()
        if wrong := world.wrong():
            world.bad.append(f"end {'; '.join(wrong)}")


def run_schedule(
    seed: int, off: frozenset[str] = frozenset(), bias: Bias | None = None
) -> tuple[list[str], Mapping[str, int]]:
    """Run a schedule; return what went wrong, and what no rule can prevent.

    Args:
        seed: of all chance.
        off: rules of the scan or the state machine that are switched off.
        bias: what favors schedules that need a rule.
    """
    bias = bias or Bias()
    world = World(seed, off, bias)
    # What is a thousand in the product is a few in a world of nine people.
    with (
        patch.object(classify, "YOUNG_NS", YOUNG * MINUTE_NS),
        patch.object(kept, "MAX_PEOPLE", bias.look_ups),
        patch.object(verify, "MAX_PEOPLE", 2 * bias.look_ups),
        patch.object(decide, "SAMPLE", SAMPLE),
        patch.object(queue_all, "_queue", real.CHECKED_QUEUE),
    ):
        Schedule(world).run()
    return world.bad, world.vendor
