"""Measure what an export takes of every resource, beside its floor and its limit: `make bench`.

`REPORT=file.json` writes the figures. Counts that exceed their limit make the exit code 1. CPU does not: this
machine may be busy, or slow.
"""

import os
import platform
import statistics
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from rich.console import Console

from tests.bench import audits, costs, counts, cpu, ingest, latency, pages, resync, scans, second_start
from tests.bench.figures import Section, show, write
from tests.bench.scene import scene
from tests.local.build import BuildError
from tests.local.cloud import EmulatorError

_WARM: Final = 5


class Progress:
    """Shows the current step: on a terminal in one line, elsewhere in a line each."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._begun_s = time.monotonic()
        self._status = console.status("")
        if console.is_terminal:
            self._status.start()

    def say(self, what: str) -> None:
        """Say what comes next."""
        line = f"{self.seconds():4.0f} s  {what}"
        if self._console.is_terminal:
            self._status.update(line)
        else:
            self._console.print(line)

    def seconds(self) -> float:
        """Return how long it has been."""
        return time.monotonic() - self._begun_s

    def end(self) -> None:
        """Take the line away."""
        self._status.stop()


def sections(progress: Progress) -> Iterator[Section]:
    """Measure everything, one section after the other."""
    say = progress.say
    warm = warm_ingest(progress)
    say("building the application, starting the local cloud")
    with scene() as running:
        section, usage = counts.backfill(running, say)
        yield section
        yield from resync.resync(running, cpu.backfill_page_s(running, say), say)
        yield second_start.second_start(running, say)
        yield audits.audit(running, say)
        yield audits.plan(running, say)
        yield counts.growth(running, usage, say)
        yield scans.parallel(running, say)
        yield counts.one_invocation(running, say)
        section, deliver = cpu.deliver_cpu(running, say)
        yield section
        section, ledger_us = cpu.breakdown(running, say)
        yield section
        deliver = replace(deliver, ledger_us=ledger_us)
        costed = [
            costs.of_people(running, usage, deliver, say),
            *costs.of_events(running, deliver, say),
            costs.a_month(running),
        ]
        yield cpu.largest_batch(running, say)
    yield of_ingest(progress, warm)
    yield from costed
    yield from latency.latency(say)
    yield from pages.pages(say)


def warm_ingest(progress: Progress) -> list[ingest.Warm]:
    """Measure warm invocations of ingest some times."""
    progress.say("ingest: CPU of warm invocations")
    return [ingest.measure_warm() for _ in range(_WARM)]


def of_ingest(progress: Progress, earlier: list[ingest.Warm]) -> Section:
    """Measure ingest, minutes after the earlier measurements.

    The lowest median of CPU counts: other work on the machine only adds to it, often for minutes.
    """
    progress.say("ingest: cold starts, beside a bare handler's")
    cold = ingest.measure_cold_start()
    warm = [*earlier, *warm_ingest(progress)]
    one_us = [sample.one_s * 1e6 for sample in warm]
    array_us = [sample.per_event_of_array_s * 1e6 for sample in warm]
    bare_us = statistics.median(sample.bare_s for sample in warm) * 1e6
    section = Section("ingest", "ingest, under Lambda's runtime client", counted=False)
    section.add(
        "cold start, beside a bare handler's",
        cold.ratio,
        floor=1,
        limit=ingest.MAX_COLD_START_RATIO,
        how=(
            f"{cold.ingest_s * 1e3:.0f} ms and {cold.bare_s * 1e3:.0f} ms: start of the process to the "
            f"first answer, "
            f"medians of 20, by turns"
        ),
    )
    section.add(
        "one event, own CPU",
        min(one_us),
        "µs",
        floor=min(sample.idle_s * 1e6 for sample in warm),
        limit=ingest.MAX_EVENT_US,
        how=(
            f"the lowest of {len(warm)} medians of 200, the highest is {max(one_us):.0f}; floor: an empty "
            f"handler"
        ),
    )
    section.add(
        "one event, beside a bare handler's",
        statistics.median(sample.ratio for sample in warm),
        floor=1,
        limit=ingest.MAX_EVENT_RATIO,
        how=f"the bare handler's: {bare_us:.0f} µs, most of it in boto3",
    )
    section.add(
        f"an event of {warm[0].array_events:,} in an array, own CPU",
        min(array_us),
        "µs",
        limit=ingest.MAX_EVENT_OF_ARRAY_US,
        how=(
            f"the lowest of {len(warm)} medians of 20, the highest is {max(array_us):.1f}; all CPU of the "
            f"invocation"
        ),
    )
    return section


def main() -> int:
    """Run the bench."""
    console = Console(width=None if sys.stdout.isatty() else 150)
    progress = Progress(console)
    measured: list[Section] = []
    try:
        with _ended(progress):
            for section in sections(progress):
                measured.append(section)
                show(section, console)
    except (BuildError, EmulatorError) as error:
        console.print(f"[bold red]✗[/bold red] {error}")
        return 1
    about = _machine()
    console.print(
        f"\n{about['cpus']} shared CPUs, {about['cpu']}, load {about['load']}; {progress.seconds():.0f} s"
    )
    if report := os.environ.get("REPORT"):
        write(measured, Path(report), {**about, "seconds": round(progress.seconds(), 1)})
        console.print(f"figures in {report}")
    exceeded = [section for section in measured if not section.ok]
    for section in exceeded:
        console.print(f"[bold red]✗[/bold red] a limit is exceeded: {section.title}")
    return int(any(section.counted for section in exceeded))


@contextmanager
def _ended(progress: Progress) -> Iterator[None]:
    try:
        yield
    finally:
        progress.end()


def _machine() -> dict[str, object]:
    info = Path("/proc/cpuinfo").read_text()
    model = next(
        (line.partition(": ")[2] for line in info.splitlines() if line.startswith("model name")), "?"
    )
    return {
        "date": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "python": platform.python_version(),
        "cpu": model,
        "cpus": os.cpu_count(),
        "load": round(os.getloadavg()[0], 1),
    }


if __name__ == "__main__":
    sys.exit(main())
