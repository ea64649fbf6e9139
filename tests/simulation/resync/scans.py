"""A scan in the simulated world, with its rules: each can be switched off by its name in ``World.off``."""

from collections.abc import Generator
from typing import TYPE_CHECKING, Any

from tests.simulation.resync.lytics import LAG
from tests.simulation.resync.records import Queued, Scanned

if TYPE_CHECKING:
    from tests.simulation.resync.world import World


def scan(
    world: "World", run: int, audience: str, export: int, *, queues: bool = True, is_second: bool = False
) -> Generator[None, None, Scanned]:
    """Scan an audience, page by page.

    Args:
        world: to scan in.
        run: when the run began.
        audience: to scan.
        export: the run's export.
        queues: its rows enter.
        is_second: it is the run's second scan of the audience.
    """
    off, chance = world.off, world.chance
    fields = world.counted(audience) if "union_of_email_fields" not in off else [export]
    lag = 0 if "stamp_less_lag" in off else LAG
    parts = world.parts and (not is_second or "second_scan_whole" in off)
    seen: set[str] = set()
    stamp, began, flaw = world.now - lag, world.now, False
    page: dict[str, Any] = {}
    for page in world.lytics.pages(audience, partitioned=parts, compared="parts_are_compared" not in off):
        if "restart" in page:
            stamp, began = world.now - lag, world.now
            if "forget_on_restart" not in off:
                seen = set()
        found = [
            (name, email)
            for shown in page.get("rows", ())
            for name in fields
            if (email := shown.emails[name])
        ]
        # The checkpoint is written, the run dies, and the hashes are not written any more.
        if found and "hashes_before_checkpoint" in off and chance.random() < 0.1:
            flaw = True
        else:
            seen |= {email for _, email in found}
        for name, email in found:
            if queues and name == export:
                delay = chance.choice((0, 0, 3, 30)) * world.lytics.noise
                least = world.configuration().since_of(audience) + 1
                time = stamp if "least_time" in off else least
                world.put(Queued(world.now + delay, email, audience, time, "enter", 0, run))
        yield
    flaw = flaw or page["empty"] or (is_second and page["parts"])
    gone = audience in world.gone
    return Scanned(stamp, began, frozenset(seen), tuple(fields), page["scanned"], page["total"], gone, flaw)
