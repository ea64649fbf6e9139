"""How many requests and units a large backfill takes, and what one invocation makes of 1,000 changes."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from functions.backfill.outbox import Stores
from lytics_sendgrid.domain.change import Kind
from lytics_sendgrid.queues.writer import QueueWriter
from lytics_sendgrid.tables.exports import ExportsTable
from lytics_sendgrid.tables.seen import SeenTable
from tests.bench import load
from tests.bench.billing import INDEX
from tests.bench.event_source import answered, drain, event
from tests.bench.figures import Section
from tests.bench.scene import JOB, PUT, Scene

PEOPLE: Final = 100_000
MAX_GROWTH: Final = 10.2
"""What ten times the people may take."""
PUT_ROWS: Final = 30_000
PUT_BYTES: Final = 5_500_000
"""SendGrid takes 30,000 contacts or 6 MB, whatever its megabyte is; the design stays below."""
CONFIRM_BATCH: Final = 10
"""As in template.yaml."""
_MANY: Final = 1_000

type Say = Callable[[str], None]


@dataclass(slots=True)
class Usage:
    """What some changes took of each service.

    Attributes:
        changes: how many there were.
        puts: requests to SendGrid.
        sqs_requests: as billed.
        sqs_floor: the minimum, if every request were full.
        ledger_calls: of DynamoDB for contacts.
        write_units: of the contacts table and of the exports table.
        read_units: of both.
        deliver_invocations: of deliver.
        deliver_cpu_s: of the deliver process, its start included.
        confirm_invocations: of confirm.
        confirm_cpu_s: of the confirm process, its start not counted.
        secret_reads: of Secrets Manager.
        log_bytes: that deliver and confirm wrote.
        peak_bytes: the greatest memory of deliver's process.
    """

    changes: int
    puts: int = 0
    sqs_requests: int = 0
    sqs_floor: int = 0
    ledger_calls: int = 0
    write_units: float = 0.0
    read_units: float = 0.0
    deliver_invocations: int = 0
    deliver_cpu_s: float = 0.0
    confirm_invocations: int = 0
    confirm_cpu_s: float = 0.0
    secret_reads: int = 0
    log_bytes: int = 0
    peak_bytes: int = 0


def deliver_all(scene: Scene, usage: Usage, say: Say, deliveries: int = 0) -> int:
    """Deliver and confirm what is on the queues, over the counting wire, and add to what it took.

    Args:
        scene: its counts begin with what was put on the queue.
        usage: is added to.
        say: receives the name of each step.
        deliveries: of events, each of which has to be queued before it is answered; none in a backfill.

    Returns:
        The greatest memory of deliver's process, in bytes.
    """
    sqs = scene.sqs(counted=True)
    with scene.function("deliver", counted=True) as deliver:

        def invoke(batch: bytes) -> Any:
            say(f"delivering batch {usage.deliver_invocations + 1}: {len(batch) / 2**20:.1f} MiB")
            usage.deliver_invocations += 1
            return answered(deliver.invoke(batch))

        drain(sqs, scene.queues["changes"], invoke)
        peak_bytes = deliver.peak_memory_bytes()
        usage.deliver_cpu_s += deliver.cpu_seconds() if usage.deliver_invocations else 0.0
    scene.sendgrid.settle()
    say("confirming the import jobs")
    with scene.function("confirm", counted=True) as confirm:
        # The start is left out: the question is what a million more contacts cost.
        answered(confirm.invoke(event([])))
        before_s = confirm.cpu_seconds()
        usage.confirm_invocations += drain(
            sqs, scene.queues["imports"], lambda batch: answered(confirm.invoke(batch)), CONFIRM_BATCH
        )
        usage.confirm_cpu_s += confirm.cpu_seconds() - before_s
    bill = scene.wire.bill
    usage.puts = scene.sendgrid.requests().get(PUT, 0)
    usage.sqs_requests = bill.of_sqs()
    usage.sqs_floor = sum(bill.least_sqs_requests(queue, deliveries) for queue in ("changes", "imports"))
    usage.ledger_calls = sum(count for name, count in bill.calls.items() if name.endswith(" contacts"))
    usage.write_units = float(bill.write_units.total())
    usage.read_units = sum(bill.read_units.values())
    usage.secret_reads = bill.calls["secretsmanager GetSecretValue"]
    usage.log_bytes = sum(scene.log_bytes(name) for name in ("deliver", "confirm"))
    return peak_bytes


def backfill(scene: Scene, say: Say) -> tuple[Section, Usage]:
    """Backfill 100,000 people over the counting wire, and confirm their import jobs."""
    scene.forget()
    usage = Usage(PEOPLE)
    say(f"queueing {PEOPLE:,} people as the backfill does")
    queue = QueueWriter(scene.sqs(counted=True), scene.queues["changes"])
    exports = ExportsTable(scene.dynamodb(counted=True), "exports")
    seen = SeenTable(scene.dynamodb(counted=True), "exports")
    load.backfill(scene.export, range(PEOPLE), Stores(queue, exports, seen), "bench")
    usage.peak_bytes = peak_bytes = deliver_all(scene, usage, say)
    bill, requests = scene.wire.bill, scene.sendgrid.requests()
    section = Section("backfill", f"{PEOPLE:,} people, as the backfill queues them", counted=True)
    body_bytes, rows = sum(scene.put_bytes), sum(scene.put_rows)
    if rows != PEOPLE:
        raise RuntimeError(f"{rows} rows were sent for {PEOPLE} people")
    section.add("bytes of a SendGrid row", body_bytes / rows, how="mean of the rows that were sent")
    section.add(
        "PUT requests to SendGrid",
        usage.puts,
        floor=max(math.ceil(rows / PUT_ROWS), math.ceil(body_bytes / PUT_BYTES)),
        limit=8,
        how=f"floor: {rows:,} rows by 30,000 and {body_bytes / 1e6:.1f} MB by 5.5 MB",
    )
    section.add("invocations of deliver", usage.deliver_invocations, how="events of 6 MB or 10,000 messages")
    section.add(
        "other requests, without confirm's",
        sum(count for name, count in requests.items() if name not in {PUT, JOB}),
        floor=0,
        limit=0,
    )
    section.add(
        "confirm's requests",
        requests.get(JOB, 0),
        floor=usage.puts,
        how="one for each message of the imports queue; every job had ended by then",
    )
    section.add(
        "write units a person",
        bill.write_units["contacts"] / PEOPLE,
        floor=1,
        limit=1,
        how="each item rounded up to 1 KB",
    )
    section.add(
        "read units a person",
        bill.read_units["contacts"] / PEOPLE,
        floor=0.5,
        limit=0.5,
        how="eventually consistent, each item rounded up to 4 KB",
    )
    section.add(
        "write units of the index of rejected contacts",
        bill.write_units[INDEX],
        floor=0,
        limit=0,
        how="nobody was rejected; a rejected contact's write costs as much again",
    )
    section.add("bytes of the largest contact item", bill.item_bytes, limit=1024)
    section.add(
        "write units of bookkeeping",
        bill.write_units["exports"],
        how="exports table: checkpoints, marks, jobs",
    )
    section.add(
        "read units of bookkeeping", bill.read_units.get("exports", 0.0), how="exports table: configurations"
    )
    change_bytes, import_bytes = bill.sent_bytes["changes"], bill.sent_bytes["imports"]
    section.add(
        "SQS requests, counted at 64 KB",
        usage.sqs_requests,
        floor=usage.sqs_floor,
        limit=1_500,
        how=(
            f"floor: {change_bytes / 1e6:.1f} MB of changes and {import_bytes / 1e6:.1f} MB of imports, "
            f"ten messages a request"
        ),
    )
    for name, count in sorted(bill.sqs_requests.items()):
        section.add(f"  {name}", count)
    section.add(
        "greatest memory of deliver", peak_bytes / 2**20, "MiB", limit=512, how="VmHWM; events of 6 MB"
    )
    return section, usage


def growth(scene: Scene, large: Usage, say: Say) -> Section:
    """Backfill a tenth of the people, and compare what both took."""
    scene.forget()
    small = Usage(PEOPLE // 10)
    say(f"queueing {small.changes:,} people as the backfill does")
    stores = Stores(
        QueueWriter(scene.sqs(counted=True), scene.queues["changes"]),
        ExportsTable(scene.dynamodb(counted=True), "exports"),
        SeenTable(scene.dynamodb(counted=True), "exports"),
    )
    first = 40_000_000
    load.backfill(scene.export, range(first, first + small.changes), stores, "bench-growth")
    small.peak_bytes = deliver_all(scene, small, say)
    title = f"Growth: {large.changes:,} people beside {small.changes:,}"
    section = Section("growth", title, counted=True)
    for name, most, least in (
        ("PUT requests to SendGrid", large.puts, small.puts),
        ("SQS requests, counted at 64 KB", large.sqs_requests, small.sqs_requests),
        ("calls of DynamoDB for contacts", large.ledger_calls, small.ledger_calls),
        ("write units", large.write_units, small.write_units),
        ("read units", large.read_units, small.read_units),
    ):
        section.add(name, most / least, "times", limit=MAX_GROWTH, how=f"{most:,.0f} and {least:,.0f}")
    section.add(
        "greatest memory of deliver",
        large.peak_bytes / small.peak_bytes,
        "times",
        how=(
            f"{large.peak_bytes / 2**20:.0f} and {small.peak_bytes / 2**20:.0f} MiB: "
            "it grows with an event, which holds 6 MB at most"
        ),
    )
    return section


def one_invocation(scene: Scene, say: Say) -> Section:
    """Give deliver 1,000 changes in one event, in five ways."""
    section = Section("invocation", "One invocation", counted=True)
    new = range(1_000_000, 1_000_000 + _MANY)
    entered = load.changes(scene.export, new)
    halves = entered[: _MANY // 2], load.changes(scene.on_list, range(2_000_000, 2_000_000 + _MANY // 2))
    changes = load.changes(scene.export, [3_000_000] * _MANY)
    for place, change in enumerate(changes):
        assert change.time_ns != changes[place - 1].time_ns
    situations = (
        ("1,000 changes of as many people", load.alone(scene.export, entered), 1, _MANY, _MANY, 1),
        (
            "1,000 changes of 500 people on a list and 500 known ones on none",
            load.alone(scene.on_list, halves[1])
            + load.alone(scene.export, load.changes(scene.export, new[: _MANY // 2], Kind.EXIT)),
            2,
            _MANY,
            _MANY,
            2,
        ),
        ("1,000 changes of one person", load.alone(scene.export, changes), 1, 1, 1, 1),
        ("1,000 duplicates", load.alone(scene.on_list, halves[1]) * 2, 0, 0, 0, 1),
    )
    with scene.function("deliver", counted=True) as deliver:
        for title, bodies, puts, rows, writes, exports in situations:
            say(title)
            scene.forget()
            answered(deliver.invoke(event(bodies)))
            section.add(
                f"{title}: PUT requests", scene.sendgrid.requests().get(PUT, 0), floor=puts, limit=puts
            )
            section.add("  rows in them", sum(scene.put_rows), floor=rows, limit=rows)
            bill = scene.wire.bill
            section.add("  write units", bill.write_units["contacts"], floor=writes, limit=writes)
            section.add(
                "  write units of the day's counts",
                bill.calls["dynamodb UpdateItem exports"],
                floor=exports,
                limit=exports,
                how="one for each export in the invocation",
            )
    return section
