"""A schedule: what happens in a world, in which order, and what must hold when it is quiet again."""

from collections.abc import Iterator
from unittest.mock import patch

from functions.sweep import classify, decide, guard, kept, queue_all, verify
from lytics_sendgrid.domain import configuration
from tests.simulation.resync import real, runs
from tests.simulation.resync.account import SEATS
from tests.simulation.resync.lytics import LAG, Bias
from tests.simulation.resync.records import MINUTE_NS, YOUNG
from tests.simulation.resync.world import AUDIENCES, World


class Schedule:
    """Drives one world to its end."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.chance = world.chance
        self.runs: dict[int, Iterator[None]] = {}
        """By export; a second run of one at the same time under its negative."""

    def run(self) -> None:
        """Let everything happen, stop the faults, and check."""
        world, chance = self.world, self.chance
        for export, state in world.configuration().exports.items():
            if state.audiences:
                self.runs[export] = runs.start(world, export, state.audiences)
        end = world.now + chance.choice((300, 600, 900))
        while world.now < end:
            world.lytics.now += chance.randrange(3)
            self._act(chance.random())
        world.lytics.faults = False
        self._drain()
        for export, state in world.configuration().exports.items():
            if state.audiences and not state.live:
                self.runs[export] = runs.start(world, export, state.audiences)
        self._drain()
        self._finale()
        self._two_resyncs()

    def _act(self, act: float) -> None:
        world, chance = self.world, self.chance
        if act > 1 - world.bias.operates:
            export = chance.choice((1, 2))
            name = export if export not in self.runs or not world.bias.overlaps else -export
            if name not in self.runs:
                self._operate(name, chance.random())
        elif act < 0.06:
            world.mutate()
        elif act < 0.45:
            world.deliver()
        elif act < 0.93 and self.runs:
            export = chance.choice(sorted(self.runs))
            self._advance(export)
            if export in self.runs and chance.random() < world.bias.dies:
                del self.runs[export]

    def _operate(self, name: int, what: float) -> None:
        world, export = self.world, abs(name)
        state = world.configuration().exports[export]
        if state.audiences and state.live and what < 0.55:
            self.runs[name] = runs.resync(world, export)
        elif state.live and what < 0.65:
            world.write(export, state.audiences, live=False)
        elif what < 0.9:
            names = self.chance.choice(("A", "B", "AB", "AB") if export == 1 else ("", "A", "AB"))
            keep, delete = world.extra.random() < world.bias.keeps, world.extra.random() < 0.5
            self.runs[name] = runs.start(world, export, frozenset(names), keep=keep, delete_segments=delete)

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
        """Without faults: change, stop or resync an export while people come and go, and check at once."""
        world, chance = self.world, self.chance
        export = chance.choice((1, 2))
        audiences = world.configuration().exports[export].audiences
        what = chance.choice(("stop", "add again", "add again at once", "begin again"))
        if not audiences:
            return
        checked = AUDIENCES
        world.lytics.noise = False
        others = world.configuration().exports[3 - export].audiences
        if what == "stop":
            self._stop(export, audiences, others)
        elif what == "begin again":
            checked = self._begin_again(export)
        else:
            removed = chance.choice(sorted(audiences))
            if removed not in others and world.extra.random() < 2 * world.bias.keeps:
                self._keep(export, removed)
            else:
                self._remove(export, removed, others)
            if what == "add again":
                self._come_and_go()
        if what != "begin again":
            self.runs[export] = runs.start(world, export, audiences)
            self._drain()
        # A scan that shows who left more than 10 minutes ago is healed in the next night.
        lags = what == "begin again" and world.lytics.scan_lag > LAG
        if not others and not lags and (wrong := world.wrong(checked)):
            world.bad.append(f"again after {what}: {'; '.join(wrong)}")

    def _stop(self, export: int, audiences: frozenset[str], others: frozenset[str]) -> None:
        """Stop an export: the people in its audiences stay in them."""
        world = self.world
        world.write(export, audiences, live=False)
        self._drain()
        before = dict(world.sendgrid)
        self._come_and_go()
        for email, row in before.items():
            if lost := (row & audiences) - others - world.sendgrid[email]:
                world.bad.append(f"stopped: {email} left {sorted(lost)}")

    def _remove(self, export: int, removed: str, others: frozenset[str]) -> None:
        """Remove an audience: nobody is in it any more, but by the other export's e-mail field."""
        world = self.world
        self._quiet()
        remaining = world.configuration().exports[export].audiences - {removed}
        self.runs[export] = runs.start(world, export, remaining)
        self._drain()
        shows = removed not in others or world.lytics.scan_lag <= LAG
        stay = [wrong for wrong in world.wrong(removed) if f"SendGrid ['{removed}']" in wrong]
        if shows and stay:
            world.bad.append(f"removed: {'; '.join(stay)}")

    def _keep(self, export: int, removed: str) -> None:
        """Remove an audience and keep it: whatever happens, its segment stays as it is."""
        world = self.world
        self._quiet()
        remaining = world.configuration().exports[export].audiences - {removed}
        self.runs[export] = runs.start(world, export, remaining, keep=True)
        self._drain()
        before = {email for email in world.sendgrid if removed in world.in_segments(email)}
        self._come_and_go()
        after = {email for email in world.sendgrid if removed in world.in_segments(email)}
        if before != after:
            world.bad.append(f"kept: {sorted(before ^ after)} entered or left '{removed}'")

    def _begin_again(self, export: int) -> str:
        """Resync, with a scan that begins again after people came and went without an event.

        Returns the audiences whose scans have shown that.
        """
        lytics = self.world.lytics
        self._quiet()
        first = min(self.world.configuration().exports[export].audiences)
        is_empty = not any(first in shown.audiences for shown in lytics.at(lytics.now))
        self.runs[export] = runs.resync(self.world, export)
        self._advance(export)
        for _ in range(self.chance.randrange(1, 4)):
            lytics.mutate()
        lytics.now += 2 * LAG + 1
        lytics.begins_again = True
        self._drain()
        lytics.begins_again = False
        # A scan of nobody has ended with its first page.
        return AUDIENCES.replace(first, "") if is_empty else AUDIENCES

    def _come_and_go(self) -> None:
        for _ in range(6):
            self.world.lytics.now += self.chance.randrange(9)
            self.world.mutate()
            self._drain()
        self._quiet()

    def _two_resyncs(self) -> None:
        world = self.world
        world.lytics.noise = False
        for _ in range(2):
            world.lytics.now += 2 * YOUNG
            world.lytics.snap()
            for export, state in world.configuration().exports.items():
                if state.audiences:
                    self.runs[export] = runs.resync(world, export)
                    self._drain()
        if wrong := world.wrong():
            world.bad.append(f"end {'; '.join(wrong)}")


def run_schedule(seed: int, off: frozenset[str] = frozenset(), bias: Bias | None = None) -> World:
    """Run a schedule; return the world at its end: what went wrong is in ``bad``.

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
        patch.object(decide, "SAMPLE", bias.sample),
        patch.object(decide, "CALIBRATION", bias.calibration),
        patch.object(configuration, "MEMBERSHIP_FIELD_IDS", SEATS),
        patch.object(guard, "GUARD_FROM", bias.guard_from),
        patch.object(queue_all, "_queue", real.CHECKED_QUEUE),
    ):
        Schedule(world).run()
    return world
