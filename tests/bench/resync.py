"""What a resync of 100,000 unchanged people takes, and what a million cost.

The scan's half: everybody is queued again, and deliver finds nothing to do. The sweep's half: every contact
is compared with what the scan has seen.
"""

import json
from array import array
from dataclasses import replace
from typing import Any, Final

from lytics_sendgrid.domain.checkpoint import Checkpoint
from lytics_sendgrid.domain.seen import in_order, seen_hash
from lytics_sendgrid.domain.walking import SEGMENTS
from lytics_sendgrid.tables.exports import ExportsTable
from lytics_sendgrid.tables.seen import MAX_HASHES, SeenTable
from tests.bench import load, people
from tests.bench.bill import MILLION, Bill
from tests.bench.billing import item_bytes, scan_units
from tests.bench.counts import PEOPLE
from tests.bench.event_source import answered
from tests.bench.figures import Section
from tests.bench.scene import Scene
from tests.bench.usage import Say, Usage, counted_stores, deliver_all
from tests.local.lytics_twin.twin import LyticsTwin
from tests.run_state import run_state

SWEEP_US: Final = 40
MEMORY_MIB: Final = 512
DOLLARS: Final = 0.15
_VCPUS: Final = MEMORY_MIB / 1769
"""Lambda's share of a virtual CPU, by memory."""
_RUN: Final = "bench-resync"
_OTHER: Final = "f" * 32
"""An audience with a million members, and none of them in the ledger: their hashes are held anyway."""


def resync(scene: Scene, page_cpu_s: float, say: Say) -> list[Section]:
    """Measure a resync of the people that ``counts.backfill`` has delivered.

    Args:
        scene: with 100,000 contacts in the ledger.
        page_cpu_s: CPU of backfill for a page of 100.
        say: receives the name of each step.
    """
    scene.forget()
    usage = Usage(PEOPLE)
    say(f"queueing {PEOPLE:,} unchanged people as a resync does")
    load.backfill(scene.export, range(PEOPLE), counted_stores(scene), _RUN)
    deliver_all(scene, usage, say)
    written = scene.wire.bill.write_units["contacts"]
    read = scene.wire.bill.read_units["contacts"]
    half = Section("resync_scan", f"Resync: {PEOPLE:,} unchanged people, the scan's half", counted=True)
    half.add("requests to SendGrid", usage.puts, floor=0, limit=0, how="nobody's row has changed")
    half.add("write units on contacts", written, floor=0, limit=0)
    half.add("read units a person", read / PEOPLE, floor=0.5, limit=0.55, how="eventually consistent")
    half.add("SQS requests, counted at 64 KB", usage.sqs_requests, floor=usage.sqs_floor)
    swept = _sweep(scene, say)
    return [half, *swept.sections, _dollars(usage, swept, page_cpu_s)]


class _Swept:
    """What the sweep took."""

    def __init__(
        self, sections: list[Section], read_units: float, floor_units: float, contact_us: float
    ) -> None:
        self.sections = sections
        self.read_units = read_units
        self.floor_units = floor_units
        self.contact_us = contact_us


def _sweep(scene: Scene, say: Say) -> _Swept:
    """Sweep twice: cold, then warm."""
    say("sweep: the ledger against a million hashes")
    _scanned(scene)
    with LyticsTwin(token="a-token") as lytics:
        for audience in (people.AUDIENCE.id, _OTHER):
            lytics.add_audience(audience, slug=audience, audience_id=audience)
        environment = {"LYTICS_URL": lytics.url, "VERIFY_DELAY_S": "0"}
        with scene.function("sweep", counted=True, environment=environment) as sweep:
            answered(sweep.invoke(_event("warm-up")))
            scene.wire.bill.forget()
            before_s = sweep.cpu_seconds()
            report: Any = answered(sweep.invoke(_event(_RUN)))
            cpu_s = sweep.cpu_seconds() - before_s
            peak = sweep.peak_memory_bytes()
    assert report["done"], report
    contact_us = cpu_s / _contacts(scene) * 1e6
    units = scene.wire.bill.read_units["contacts"]
    floor, limit = scan_units(_table_bytes(scene), SEGMENTS)
    counts = Section("resync_sweep", f"Resync: the sweep of {PEOPLE:,} contacts", counted=True)
    counts.add("read units", units, floor=floor, limit=limit, how="floor: half a unit for 4 KB of the table")
    counts.add("write units on contacts", scene.wire.bill.write_units["contacts"], floor=0, limit=0)
    counts.add("greatest memory", peak / 2**20, "MiB", limit=MEMORY_MIB, how="VmHWM; a million hashes")
    cpu = Section("resync_sweep_cpu", f"Resync: CPU of the sweep of {PEOPLE:,} contacts", counted=False)
    cpu.add(
        "CPU a contact",
        contact_us,
        "µs",
        limit=SWEEP_US,
        how="with a million hashes read and put in order, and Lambda's runtime client",
    )
    return _Swept([counts, cpu], units, floor, contact_us)


def _table_bytes(scene: Scene) -> int:
    """Return the size of all contacts, whatever the sweep has read."""
    pages = scene.dynamodb().get_paginator("scan").paginate(TableName="contacts")
    return sum(item_bytes(item) for page in pages for item in page["Items"])


def _contacts(scene: Scene) -> int:
    count: int = scene.dynamodb().describe_table(TableName="contacts")["Table"]["ItemCount"]
    return count


def _scanned(scene: Scene) -> None:
    """Let the run's scans have seen everybody, and a million people more."""
    dynamodb = scene.dynamodb()
    exports, seen = ExportsTable(dynamodb, "exports"), SeenTable(dynamodb, "exports")
    now_s = load.now_ns() // 1_000_000_000
    members = in_order({seen_hash(_RUN, people.person(number)["email"].lower()) for number in range(PEOPLE)})
    others = array("Q", range(0, 1 << 62, (1 << 62) // MILLION))[:MILLION]
    for audience, hashes in ((people.AUDIENCE.id, members), (_OTHER, others)):
        chunks = [hashes[start : start + MAX_HASHES] for start in range(0, len(hashes), MAX_HASHES)]
        for number, chunk in enumerate(chunks):
            seen.put(_RUN, audience, 0, number, chunk, now_s=now_s)
        checkpoint = Checkpoint(
            done=True,
            stamp_ns=load.now_ns(),
            began_s=now_s,
            email_fields=(("newsletter", "email"), ("on-a-list", "email")),
            scanned=len(hashes),
            smallest=len(hashes),
            largest=len(hashes),
            seen=len(hashes),
            chunks=len(chunks),
        )
        exports.put_scan(_RUN, audience, checkpoint, now_s)
    account = exports.account("default")
    both = {**account.audiences, _OTHER: account.audiences[people.AUDIENCE.id]}
    exports.put_account(replace(account, version=account.version + 1, audiences=both), account.version)


def _event(run: str) -> bytes:
    audiences = [
        {"id": audience, "name": audience, "slug": audience} for audience in (people.AUDIENCE.id, _OTHER)
    ]
    state = run_state(run=run, action="resync", account="default", audiences=audiences)
    return json.dumps(state).encode()


def _dollars(usage: Usage, swept: _Swept, page_cpu_s: float) -> Section:
    """Return the costs of a million unchanged people."""
    share = MILLION / usage.changes
    section = Section(
        "cost_resync", "A resync of a million unchanged people: list prices, us-east-1", counted=True
    )
    bill = Bill(section)
    bill.delivered(
        usage,
        writes_floor=MILLION * 8 / 1024,
        writes_how="hashes of the people seen, checkpoints and marks of the run. floor: 8 bytes a person",
        queued="the bytes of changes, ten messages a request",
    )
    bill.read_units(
        "DynamoDB: the sweep's read units",
        swept.read_units * share,
        swept.floor_units * share,
        "floor: half a unit for 4 KB of the table",
    )
    bill.scanned(page_cpu_s)
    bill.function("deliver", usage.deliver_cpu_s * share, how="its CPU")
    bill.function(
        "sweep",
        swept.contact_us / _VCPUS,
        how=f"its CPU, of which Lambda gives it {_VCPUS:.2f} of a second a second",
    )
    bill.total(limit=DOLLARS)
    return section
