"""Events as Lytics posts them: taken in by ingest, then delivered and confirmed, over the counting wire."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from tests.bench import people
from tests.bench.event_source import answered
from tests.bench.ingest import proxy_event
from tests.bench.scene import Scene
from tests.bench.usage import Usage, deliver_all
from tests.local.runtime_api import FunctionProcess

type Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Taken:
    """What ingest took for some events."""

    events: int
    deliveries: int
    cpu_s: float
    log_bytes: int
    usage: Usage


def take_in(scene: Scene, size: int, deliveries: int, say: Say) -> Taken:
    """Have so many deliveries of so many events taken in, delivered and confirmed."""
    scene.forget()
    first = 30_000_000 + size * 1_000_000
    events = [proxy_event(_body(range(first + n * size, first + (n + 1) * size))) for n in range(deliveries)]
    with scene.function("ingest", counted=True) as ingest:
        _taken_in(ingest, proxy_event("[]"))
        before_s = ingest.cpu_seconds()
        for event in events:
            _taken_in(ingest, event)
        cpu_s = ingest.cpu_seconds() - before_s
    log_bytes = scene.log_bytes("ingest")
    usage = Usage(size * deliveries)
    deliver_all(scene, usage, say, deliveries)
    return Taken(size * deliveries, deliveries, cpu_s, log_bytes, usage)


def _taken_in(ingest: FunctionProcess, event: bytes) -> None:
    answer = answered(ingest.invoke(event))
    if answer["statusCode"] != 200:
        raise RuntimeError(f"ingest answered {answer}")


def _body(numbers: Sequence[int]) -> str:
    """Write a delivery as Lytics posts it: envelopes of one enter each, with the fields that are mapped."""
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f000Z")
    audience = people.AUDIENCE
    envelopes: list[dict[str, Any]] = [
        {
            "id": str(number),
            "data": {
                **people.person(number),
                "segment_events": [
                    {"id": audience.id, "slug": audience.slug, "event": "enter", "enter": now}
                ],
            },
            "meta": {
                "object": "user",
                "subscription_id": "36e243f8fd8f4530bbd330fa7fb1a685",
                "timestamp": now,
            },
        }
        for number in numbers
    ]
    return json.dumps(envelopes[0] if len(envelopes) == 1 else envelopes)
