"""Runs in the simulated world: a start (again), a resync, and the clearing of removed audiences."""

from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING

from tests.simulation.resync.real import RealSweep
from tests.simulation.resync.records import Queued
from tests.simulation.resync.scans import scan

if TYPE_CHECKING:
    from tests.simulation.resync.world import World

CLEAR_DELAY = 5
"""How old deliver's configuration may be, in minutes."""


def resync(world: "World", export: int) -> Iterator[None]:
    """Scan and sweep an export's audiences."""
    audiences = world.configuration().exports[export].audiences
    yield from _run(world, export, audiences, swept_only=(), cleared=(), sweeps=True)


def start(
    world: "World",
    export: int,
    audiences: frozenset[str],
    *,
    keep: bool = False,
    delete_segments: bool = False,
) -> Iterator[None]:
    """Start an export, or start it again with these audiences.

    Removed audiences that the other export does not have are cleared, or kept. The others are swept.
    """
    configuration = world.configuration()
    before, others = configuration.exports[export].audiences, configuration.exports[3 - export].audiences
    again = export in world.known or bool(audiences & configuration.kept)
    world.write(export, audiences, live=bool(audiences), keep=keep, delete_segments=delete_segments)
    world.known.add(export)
    removed = before - audiences
    cleared = frozenset() if keep else removed - others
    world.to_clear |= dict.fromkeys(cleared, world.now)
    shared = () if "shared_is_swept" in world.off else removed & others
    sweeps = again and "sweep_after_start_again" not in world.off
    yield from _run(world, export, audiences, swept_only=sorted(shared), cleared=cleared, sweeps=sweeps)


def _run(
    world: "World",
    export: int,
    audiences: Collection[str],
    *,
    swept_only: Collection[str],
    cleared: Collection[str],
    sweeps: bool,
) -> Iterator[None]:
    began, results = world.now, {}
    listed = cleared if "to_clear_is_listed" in world.off else world.to_clear
    for audience in sorted(listed):
        yield from _clear(world, audience)
    for audience in sorted(audiences):
        results[audience] = yield from scan(world, began, audience, export)
    for audience in swept_only if sweeps else ():
        results[audience] = yield from scan(world, began, audience, export, queues=False)
    if sweeps and results:
        world.runs += 1
        name = f"run-{export}-{began}-{world.runs}"
        yield from RealSweep(world, name, began, export, results, swept_only=swept_only).run()


def _clear(world: "World", audience: str) -> Iterator[None]:
    """Queue a refresh for each contact whose row has an audience, once no older configuration is left."""
    while world.now <= world.to_clear.get(audience, 0) + CLEAR_DELAY:
        yield
    if audience not in world.to_clear:
        return
    for email in list(world.ledger):
        if audience in world.ledger[email].row:
            ready = world.now + world.chance.choice((0, 3))
            world.put(Queued(ready, email, audience, world.now, "refresh", 0, world.now))
        if world.chance.random() < 0.5:
            yield
    world.to_clear.pop(audience, None)  # only now: the run may die meanwhile
    world.account.finish_clearing(audience)
