"""How many requests and units a large backfill takes, and what one invocation makes of 1,000 changes."""

import math
from collections.abc import Sequence
from typing import Final

from lytics_sendgrid.domain.change import Kind
from tests.bench import load
from tests.bench.billing import INDEX
from tests.bench.event_source import answered, event
from tests.bench.figures import Section
from tests.bench.scene import JOB, PUT, Scene
from tests.bench.usage import Say, Usage, counted_stores, deliver_all

PEOPLE: Final = 100_000
MAX_GROWTH: Final = 10.2
"""What ten times the people may take."""
MAX_MEMORY_GROWTH: Final = 1.2
"""From the first full event to the last."""
PUT_ROWS: Final = 30_000
PUT_BYTES: Final = 5_500_000
"""SendGrid takes 30,000 contacts or 6 MB, whatever its megabyte is; the design stays below."""
_MANY: Final = 1_000


def backfill(scene: Scene, say: Say) -> tuple[Section, Usage]:
    """Backfill 100,000 people over the counting wire, and confirm their import jobs."""
    scene.forget()
    usage = Usage(PEOPLE)
    say(f"queueing {PEOPLE:,} people as the backfill does")
    load.backfill(scene.export, range(PEOPLE), counted_stores(scene), "bench")
    deliver_all(scene, usage, say)
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
        "greatest memory of deliver", usage.peak_bytes / 2**20, "MiB", limit=512, how="VmHWM; events of 6 MB"
    )
    return section, usage


def growth(scene: Scene, large: Usage, say: Say) -> Section:
    """Backfill a tenth of the people, and compare what both took."""
    scene.forget()
    small = Usage(PEOPLE // 10)
    say(f"queueing {small.changes:,} people as the backfill does")
    first = 40_000_000
    people = range(first, first + small.changes)
    load.backfill(scene.export, people, counted_stores(scene), "bench-growth")
    deliver_all(scene, small, say)
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
    first, last = large.peaks[0], large.peak_bytes
    section.add(
        "memory of deliver, beside the first full event's",
        last / first,
        "times",
        limit=MAX_MEMORY_GROWTH,
        how=(
            f"{small.peak_bytes / 2**20:.0f} MiB with {small.changes:,} people in one event. With "
            f"{large.changes:,}, after each event of 6 MB: {_mib(large.peaks)}. It grows with an event, and "
            "not with the people"
        ),
    )
    return section


def _mib(peaks: Sequence[int]) -> str:
    return ", ".join(f"{peak / 2**20:.0f}" for peak in peaks)


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
