"""How fast an audience is scanned with several requests open at Lytics, which takes its time to answer."""

import json
import time
from collections.abc import Callable
from typing import Any, Final

from lytics_sendgrid.lytics.api import PAGE_ROWS
from tests.bench import people
from tests.bench.event_source import answered
from tests.bench.figures import Section
from tests.bench.scene import Scene
from tests.local.lytics_twin.twin import LyticsTwin

PEOPLE: Final = 20_000
PAGE_S: Final = 0.25
PARALLELISM: Final = (1, 4, 16)
MIN_GAIN: Final = 8

type Say = Callable[[str], None]


def parallel(scene: Scene, say: Say) -> Section:
    """Backfill one audience, with one request open at Lytics, then with more."""
    section = Section("parallel_scans", f"Backfill: one audience of {PEOPLE:,} people", counted=True)
    with LyticsTwin(token="a-token") as lytics:
        audience = people.in_lytics(lytics, PEOPLE)
        # To a queue without a consumer: only the scan is measured.
        elsewhere = {"LYTICS_URL": lytics.url, "CHANGES_QUEUE_URL": scene.queues["rejects"]}
        with scene.function("backfill", environment=elsewhere) as function:
            answered(function.invoke(_event("warm", audience, 4)))
            lytics.set_faults(api_slow_s=PAGE_S)
            speeds = {}
            for requests in PARALLELISM:
                say(f"backfill: {PEOPLE:,} people, {requests} requests open at Lytics")
                begun_s = time.monotonic()
                scanned = answered(function.invoke(_event(f"open-{requests}", audience, requests)))
                speeds[requests] = PEOPLE / (time.monotonic() - begun_s)
                _check(scanned, requests)
            peak_bytes = function.peak_memory_bytes()
    for requests, speed in speeds.items():
        section.add(
            f"scan_parallelism {requests}: people a second",
            speed,
            floor=requests * PAGE_ROWS / PAGE_S,
            how=f"Lytics answers each page of {PAGE_ROWS} after {PAGE_S * 1e3:.0f} ms; "
            "floor: every request always open" + _beside(requests),
        )
    most, least = PARALLELISM[-1], PARALLELISM[0]
    section.add(
        f"  {most} beside {least}",
        speeds[most] / speeds[least],
        "times",
        floor=most / least,
        limit=MIN_GAIN,
        at_least=True,
    )
    section.add("greatest memory of backfill", peak_bytes / 2**20, "MiB", limit=512, how="VmHWM")
    return section


def _beside(requests: int) -> str:
    return ". Also: the totals before and after, two answers more in a row" if requests > 1 else ""


def _event(run: str, audience: str, requests: int) -> bytes:
    scan = {"id": audience, "requests": requests}
    head = {"run": run, "export": "newsletter", "authorization": "default", "number": 0}
    return json.dumps({**head, "audience": scan}).encode()


def _check(scanned: Any, requests: int) -> None:
    found = (scanned["done"], scanned["complete"], scanned["people"], scanned.get("parts", 1))
    if found != (True, True, PEOPLE, requests):
        raise RuntimeError(f"the scan is not what is measured: {scanned}")
