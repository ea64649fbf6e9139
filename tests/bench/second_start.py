"""What a second start of the same input takes: nobody has changed, so nothing is written or sent."""

import time
from dataclasses import replace
from typing import Final

from lytics_sendgrid.domain.account_changes import next_version
from lytics_sendgrid.tables.exports import ExportsTable
from tests.bench import load
from tests.bench.figures import Section
from tests.bench.scene import Scene
from tests.bench.usage import Say, Usage, counted_stores, deliver_all

PEOPLE: Final = 20_000


def second_start(scene: Scene, say: Say) -> Section:
    """Start again: write a newer configuration, scan, and deliver.

    Args:
        scene: with these people in the ledger, as ``counts.backfill`` has delivered them.
        say: receives the name of each step.
    """
    exports = ExportsTable(scene.dynamodb(), "exports")
    before = exports.account("default")
    written = next_version(before, before.version, int(time.time()))
    exports.put_account(written, before.version)
    exports.put_export(replace(scene.export, version=written.version))
    scene.forget()
    usage = Usage(PEOPLE)
    say(f"queueing {PEOPLE:,} people as a second start does")
    load.backfill(
        replace(scene.export, version=written.version), range(PEOPLE), counted_stores(scene), "bench-again"
    )
    deliver_all(scene, usage, say)
    bill = scene.wire.bill
    section = Section("second_start", f"A second start of the same input: {PEOPLE:,} people", counted=True)
    section.add("requests to SendGrid", usage.puts, floor=0, limit=0, how="nobody's row has changed")
    section.add("write units on contacts", bill.write_units["contacts"], floor=0, limit=0)
    section.add(
        "read units a person",
        bill.read_units["contacts"] / PEOPLE,
        floor=0.5,
        limit=1.5,
        how="read again, consistently: the configuration has just been written",
    )
    # What follows is measured long after a start.
    settled = replace(before, version=written.version + 1)
    exports.put_account(settled, written.version)
    exports.put_export(scene.export)
    return section
