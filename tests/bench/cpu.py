"""The CPU that deliver's process takes, and where it goes.

All of the process's own CPU counts, user and system, all threads, Lambda's runtime client with it; its start
does not. AWS is the local cloud and SendGrid the twin, both in other processes. CPU and not time, because
other work shares the machine; the median of several batches, because CPU too is dearer while the caches are
shared.
"""

import json
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from lytics_sendgrid.domain.change import Change, Kind, Message
from lytics_sendgrid.lytics.api import PAGE_ROWS
from lytics_sendgrid.queues.changes import decode, pack
from tests.bench import load, people
from tests.bench.event_source import answered, batches, event, made_record
from tests.bench.figures import Section
from tests.bench.scene import Scene
from tests.local.batching import payload
from tests.local.lytics_twin.twin import LyticsTwin
from tests.local.runtime_api import FunctionProcess

BATCH: Final = 5_000
ROUNDS: Final = 5
_NAIVE_BATCH: Final = 500
_NAIVE_ROUNDS: Final = 3
LIMIT_US: Final = 350
MIN_TIMES_CHEAPER: Final = 8
"""Than the plain way, in the same run: a ratio, because a faster machine makes both cheaper."""
MEMORY_MIB: Final = 512
_SCANNED: Final = 5_000
_MOST_CHANGES: Final = 300_000
LOAD: Final = "load: BatchGetItem, 100 a call"
COMMIT: Final = "commit: encode states, BatchExecuteStatement, 25 a call"

type Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class DeliverCpu:
    """Microseconds of CPU a change, medians; `ledger_us` is what of it the ledger's calls take."""

    backfilled_us: float
    alone_us: float
    ledger_us: float = 0.0


def deliver_cpu(scene: Scene, say: Say) -> tuple[Section, DeliverCpu]:
    """Measure deliver at batches of 5,000 different people, beside the plain way to keep the ledger."""
    section = Section(
        "deliver_cpu", f"deliver: own CPU a change, batches of {BATCH:,} people, warm", counted=False
    )
    with scene.function("deliver") as deliver:
        answered(deliver.invoke(event(load.backfilled(scene.export, _people(0)))))
        say("deliver: CPU of backfilled changes")
        first = [_people(number) for number in range(1, 1 + ROUNDS)]
        backfilled = _per_change_us(
            deliver, [event(load.backfilled(scene.export, numbers)) for numbers in first]
        )
        say("deliver: CPU of exits of the same people")
        exits = [_events_alone(scene, numbers, Kind.EXIT) for numbers in first]
        known = _per_change_us(deliver, exits)
        say("deliver: CPU of events that came alone")
        second = [_people(number) for number in range(1 + ROUNDS, 1 + 2 * ROUNDS)]
        alone = _per_change_us(deliver, [_events_alone(scene, numbers, Kind.ENTER) for numbers in second])
        say("deliver: CPU of duplicates")
        duplicates = _per_change_us(deliver, exits)
    say("the plain way: GetItem and conditional PutItem")
    naive = _naive_us(scene)
    spread = f"median of {ROUNDS} batches"
    section.add(
        "backfilled people, unknown until now",
        statistics.median(backfilled),
        "µs",
        limit=LIMIT_US,
        how=f"{spread}, {min(backfilled):.0f} to {max(backfilled):.0f}; a message holds some 1,600",
    )
    section.add(
        "entering people, a message each",
        statistics.median(alone),
        "µs",
        limit=LIMIT_US,
        how=f"{spread}, {min(alone):.0f} to {max(alone):.0f}; as the webhook brings events one by one",
    )
    section.add(
        "known people who exit, a message each",
        statistics.median(known),
        "µs",
        limit=LIMIT_US,
        how=f"{spread}, {min(known):.0f} to {max(known):.0f}; read, merged, sent again, updated",
    )
    section.add("duplicates, a message each", statistics.median(duplicates), "µs", how=f"{spread}; read only")
    section.add(
        "the plain way: GetItem, conditional PutItem",
        statistics.median(naive),
        "µs",
        how=f"median of {_NAIVE_ROUNDS} batches of {_NAIVE_BATCH:,}; boto3, one PUT to SendGrid",
    )
    section.add(
        "times cheaper than the plain way",
        statistics.median(naive) / statistics.median(backfilled),
        "times",
        limit=MIN_TIMES_CHEAPER,
        at_least=True,
        how="backfilled people, in the same run",
    )
    return section, DeliverCpu(statistics.median(backfilled), statistics.median(alone))


def breakdown(scene: Scene, say: Say) -> tuple[Section, float]:
    """Say where deliver's CPU goes, in a run of its own: the stopwatch costs some itself.

    Returns:
        The figures, and how many microseconds a change of them the ledger's calls are.
    """
    say("deliver: where its CPU goes")
    file = scene.logs / "stopwatch.jsonl"
    runs = [event(load.backfilled(scene.export, _people(number))) for number in range(20, 21 + ROUNDS)]
    with scene.function("deliver", probe="stopwatch", environment={"STOPWATCH_FILE": str(file)}) as deliver:
        answered(deliver.invoke(runs[0]))
        wholes = _per_change_us(deliver, runs[1:])
    parts: dict[str, list[float]] = {}
    for line, whole in zip(file.read_text().splitlines()[1:], wholes, strict=True):
        taken = {name: seconds / BATCH * 1e6 for name, seconds in json.loads(line).items()}
        taken["Lambda's runtime client: fetch and read the event"] = whole - sum(taken.values())
        for name, part_us in taken.items():
            parts.setdefault(name, []).append(part_us)
    medians = {name: statistics.median(durations) for name, durations in parts.items()}
    all_us = sum(medians.values())
    section = Section(
        "deliver_breakdown", "deliver: where it goes (with a stopwatch, so a little more)", counted=False
    )
    for name, part_us in sorted(medians.items(), key=lambda item: -item[1]):
        section.add(name, part_us, "µs", how=f"{part_us / all_us:.0%}")
    section.add("all", all_us, "µs", how="sum of the medians")
    return section, medians[LOAD] + medians[COMMIT]


def largest_batch(scene: Scene, say: Say) -> Section:
    """Give deliver the event with the most changes that 6 MB can hold: addresses and nothing else."""
    now = load.now_ns()
    changes = tuple(
        Change(f"p{number}@example.com", now, Kind.ENTER, people.AUDIENCE.id)
        for number in range(_MOST_CHANGES)
    )
    message = Message(
        scene.export.name, changes, config=1, queued_ms=now // 1_000_000, run="largest", number="0"
    )
    records = [made_record(packed.body) for packed in pack(message)]
    batch = next(batches(records))
    held = sum(len(decode(json.loads(record.serialised)["body"]).changes) for record in batch)
    say(f"deliver: the largest batch, {held:,} people in one event")
    with scene.function("deliver") as deliver:
        deliver.start()
        answered(deliver.invoke(payload(batch)))
        peak = deliver.peak_memory_bytes()
        cpu_s = deliver.cpu_seconds()
    section = Section(
        "largest_batch", "deliver: the largest batch, a 6 MB event of bare addresses", counted=True
    )
    section.add("changes in it", held)
    section.add("greatest memory", peak / 2**20, "MiB", limit=MEMORY_MIB, how="VmHWM of the process")
    section.add(
        "CPU, the cold start with it",
        cpu_s,
        "s",
        how="deliver has 120 s on AWS, of a whole vCPU; late changes are requeued",
    )
    return section


def backfill_page_s(scene: Scene, say: Say) -> float:
    """Return the CPU of backfill for a page of 100 of the Lytics twin's."""
    say("backfill: CPU of a page")
    with LyticsTwin(token="a-token") as lytics:
        audience = people.in_lytics(lytics, _SCANNED)
        # To a queue without a consumer: only the scan is measured.
        elsewhere = {"LYTICS_URL": lytics.url, "CHANGES_QUEUE_URL": scene.queues["rejects"]}
        with scene.function("backfill", environment=elsewhere) as function:
            taken = []
            for run in ("cold", "warm"):
                event = {"run": run, "export": scene.export.name, "authorization": "default", "number": 0}
                before_s = function.cpu_seconds() if function.pid else 0.0
                answered(
                    function.invoke(
                        json.dumps(
                            {**event, "audience": {"id": audience, "name": "Readers", "slug": "readers"}}
                        ).encode()
                    )
                )
                taken.append(function.cpu_seconds() - before_s)
    return taken[1] / (_SCANNED / PAGE_ROWS)


def _people(number: int) -> range:
    return range(10_000_000 + number * BATCH, 10_000_000 + (number + 1) * BATCH)


def _events_alone(scene: Scene, numbers: range, kind: Kind) -> bytes:
    return event(load.alone(scene.export, load.changes(scene.export, numbers, kind)))


def _per_change_us(function: FunctionProcess, events: Sequence[bytes], size: int = BATCH) -> list[float]:
    taken = []
    for batch in events:
        before_s = function.cpu_seconds()
        answered(function.invoke(batch))
        taken.append((function.cpu_seconds() - before_s) / size * 1e6)
    return taken


def _naive_us(scene: Scene) -> list[float]:
    first = 20_000_000
    ranges = [
        range(first + n * _NAIVE_BATCH, first + (n + 1) * _NAIVE_BATCH) for n in range(1 + _NAIVE_ROUNDS)
    ]
    events = [event(load.backfilled(scene.export, numbers)) for numbers in ranges]
    with scene.function("deliver", probe="naive") as naive:
        answered(naive.invoke(events[0]))
        return _per_change_us(naive, events[1:], _NAIVE_BATCH)
