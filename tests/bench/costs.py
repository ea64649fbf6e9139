"""What a million people or events cost, beside the least that the way they go could cost.

Requests, units, bytes and CPU are counted and measured by running the functions; dollars are those at list prices. What
cannot be measured on this machine, above all how long AWS, SendGrid and Lytics take to answer, is assumed in
`prices.py` and said beside the figure.
"""

import json
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from tests.bench import people, prices
from tests.bench.counts import Usage, deliver_all
from tests.bench.cpu import DeliverCpu
from tests.bench.event_source import answered
from tests.bench.figures import Section
from tests.bench.ingest import proxy_event
from tests.bench.scene import MEMORY_MB, Scene
from tests.local.lytics_twin.twin import LyticsTwin
from tests.local.runtime_api import FunctionProcess

MILLION: Final = 1_000_000
RUN_TRANSITIONS: Final = 40
"""Of one execution with one audience: some 25 states, and settle's loop a few times."""
_PAGE: Final = 100
_SCANNED: Final = 5_000

type Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Taken:
    """What ingest took for some events."""

    events: int
    deliveries: int
    cpu_s: float
    log_bytes: int
    usage: Usage


class _Bill:
    """Adds up a section of costs: each line with its quantity and its dollars beside their floors."""

    def __init__(self, section: Section) -> None:
        self._section = section
        self._dollars = self._floor = 0.0

    def line(self, name: str, quantity: float, price: float, floor: float, how: str, unit: str = "") -> None:
        """Add what something costs; `quantity` and `floor` are for a million."""
        self._section.add(
            name, quantity, unit, floor=floor, dollars=quantity * price, floor_dollars=floor * price, how=how
        )
        self._dollars += quantity * price
        self._floor += floor * price

    def total(self) -> None:
        """Add the sum."""
        self._section.add(
            "together", MILLION, floor=MILLION, dollars=self._dollars, floor_dollars=self._floor
        )


def of_people(scene: Scene, usage: Usage, deliver: DeliverCpu, say: Say) -> Section:
    """Return the costs of a million backfilled people, from what 100,000 took."""
    say("backfill: CPU of a page")
    page_cpu_s = _page_cpu_s(scene)
    share = MILLION / usage.changes
    section = Section("cost_backfill", "A million backfilled people: list prices, us-east-1", counted=False)
    bill = _Bill(section)
    _ledger(bill, usage, share)
    pages = MILLION / _PAGE
    bill.line(
        "Lambda: backfill, GB-seconds",
        pages * (page_cpu_s + prices.LYTICS_PAGE_S) * _gb("backfill"),
        prices.LAMBDA_GB_SECOND,
        pages * prices.LYTICS_PAGE_S * _gb("backfill"),
        f"{page_cpu_s * 1e3:.1f} ms of CPU a page of {_PAGE}, and {prices.LYTICS_PAGE_S} s for Lytics to answer (assumed)",
    )
    _deliver(bill, usage, share, deliver.backfilled_us, deliver.ledger_us)
    invocations = (usage.deliver_invocations + usage.confirm_invocations) * share + RUN_TRANSITIONS
    bill.line(
        "Lambda: requests", invocations, prices.LAMBDA_REQUEST, usage.puts * share, "floor: one for each PUT"
    )
    bill.line(
        "Step Functions: transitions",
        RUN_TRANSITIONS,
        prices.STATE_TRANSITION,
        RUN_TRANSITIONS,
        "one run, one audience",
    )
    log_bytes = usage.log_bytes * share + invocations * prices.PLATFORM_LOG_BYTES
    bill.line("CloudWatch: bytes logged", log_bytes, prices.LOG_BYTE, 0, "with Lambda's own lines (assumed)")
    bill.line(
        "Secrets Manager: calls",
        usage.secret_reads * share,
        prices.SECRET_CALL,
        0,
        "read anew every minute at most",
    )
    bill.total()
    return section


def of_events(scene: Scene, deliver: DeliverCpu, say: Say) -> list[Section]:
    """Return the costs of a million events that come alone, and of a million that come in arrays of 100."""
    sections = []
    for key, title, size, deliveries in (
        ("cost_events_alone", "A million events, alone: list prices, us-east-1", 1, prices.EVENTS_A_BATCH),
        ("cost_events_arrays", "A million events, in arrays of 100: list prices, us-east-1", 100, 100),
    ):
        say(f"ingest: {deliveries:,} deliveries of {size}, over the counting wire")
        taken = _taken(scene, size, deliveries, say)
        section = Section(key, title, counted=False)
        _events(_Bill(section), taken, deliver)
        sections.append(section)
    return sections


def a_month(scene: Scene) -> Section:
    """Return what the stack costs while nothing happens."""
    template = (scene.build / "template.yaml").read_text()
    alarms, sources = template.count("AWS::CloudWatch::Alarm"), template.count("FunctionResponseTypes")
    section = Section("cost_month", "A month in which nothing happens: list prices, us-east-1", counted=False)
    bill = _Bill(section)
    bill.line(
        "CloudWatch: alarms", alarms, prices.ALARM_MONTH, alarms, "the first ten of an account are free"
    )
    polls = sources * prices.EMPTY_POLLS_MONTH
    bill.line(
        "SQS: empty receives",
        polls,
        prices.SQS_REQUEST,
        polls,
        f"{sources} queues, Lambda's pollers (assumed)",
    )
    bill.line("Secrets Manager: secrets", 1, prices.SECRET_MONTH, 1, "one an authorization")
    bill.total()
    return section


def _ledger(bill: _Bill, usage: Usage, share: float) -> None:
    bill.line(
        "DynamoDB: write units",
        usage.write_units * share,
        prices.DYNAMODB_WRITE_UNIT,
        MILLION,
        "floor: one a person",
    )
    bill.line(
        "DynamoDB: read units",
        usage.read_units * share,
        prices.DYNAMODB_READ_UNIT,
        MILLION / 2,
        "floor: half a person",
    )
    bill.line(
        "SQS: requests, at 64 KB",
        usage.sqs_requests * share,
        prices.SQS_REQUEST,
        usage.sqs_floor * share,
        "floor: the bytes of changes and imports, sent and received",
    )


def _deliver(bill: _Bill, usage: Usage, share: float, change_us: float, ledger_us: float) -> None:
    puts_s = usage.puts * share * prices.PUT_S
    calls_s = usage.ledger_calls * share * prices.AWS_CALL_S / 8
    cpu_s = change_us * MILLION / 1e6
    bill.line(
        "Lambda: deliver, GB-seconds",
        (cpu_s + puts_s + calls_s) * _gb("deliver"),
        prices.LAMBDA_GB_SECOND,
        ledger_us * MILLION / 1e6 * _gb("deliver"),
        f"{change_us:.0f} µs of CPU a change; {puts_s:.0f} s for SendGrid and {calls_s:.0f} s for DynamoDB to answer "
        f"(assumed). floor: the CPU of the ledger's calls",
    )
    confirm_s = usage.confirm_cpu_s * share
    bill.line(
        "Lambda: confirm, GB-seconds",
        confirm_s * _gb("confirm"),
        prices.LAMBDA_GB_SECOND,
        0,
        f"{confirm_s:.1f} s of CPU",
    )


def _events(bill: _Bill, taken: Taken, deliver: DeliverCpu) -> None:
    usage, share = taken.usage, MILLION / taken.events
    deliveries = taken.deliveries * share
    bill.line("API Gateway: requests", deliveries, prices.GATEWAY_REQUEST, deliveries, "one a delivery")
    cpu_ms = taken.cpu_s / taken.deliveries * 1e3
    billed_ms = math.ceil(cpu_ms + prices.AWS_CALL_S * 1e3)
    bill.line(
        "Lambda: ingest, GB-seconds",
        deliveries * billed_ms / 1e3 * _gb("ingest"),
        prices.LAMBDA_GB_SECOND,
        deliveries * prices.AWS_CALL_S * _gb("ingest"),
        f"{cpu_ms:.2f} ms of CPU and {prices.AWS_CALL_S * 1e3:.0f} ms for SQS (assumed), billed as {billed_ms} ms. "
        f"floor: SQS alone",
    )
    _ledger(bill, usage, share)
    _deliver(bill, usage, share, deliver.alone_us, deliver.ledger_us)
    invocations = deliveries + (usage.deliver_invocations + usage.confirm_invocations) * share
    bill.line("Lambda: requests", invocations, prices.LAMBDA_REQUEST, deliveries, "floor: ingest's")
    log_bytes = (taken.log_bytes + usage.log_bytes) * share
    log_bytes += invocations * prices.PLATFORM_LOG_BYTES + deliveries * prices.ACCESS_LOG_BYTES
    bill.line(
        "CloudWatch: bytes logged",
        log_bytes,
        prices.LOG_BYTE,
        invocations * prices.PLATFORM_LOG_BYTES,
        f"{taken.log_bytes / taken.deliveries:.0f} bytes by ingest itself; Lambda's and the gateway's lines are assumed",
    )
    bill.total()


def _taken(scene: Scene, size: int, deliveries: int, say: Say) -> Taken:
    scene.forget()
    first = 30_000_000 + size * MILLION
    events = [proxy_event(_body(range(first + n * size, first + (n + 1) * size))) for n in range(deliveries)]
    with scene.function("ingest", counted=True) as ingest:
        _taken_in(ingest, proxy_event("[]"))
        before_s = ingest.cpu_seconds()
        for one in events:
            _taken_in(ingest, one)
        cpu_s = ingest.cpu_seconds() - before_s
    log_bytes = scene.log_bytes("ingest")
    usage = Usage(size * deliveries)
    deliver_all(scene, usage, say)
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


def _page_cpu_s(scene: Scene) -> float:
    """Return the CPU of the real backfill function for a page of the Lytics twin's."""
    with LyticsTwin(token="a-token") as lytics:
        audience = lytics.add_audience(
            people.AUDIENCE.name, slug=people.AUDIENCE.slug, audience_id=people.AUDIENCE.id
        )
        for number in range(_SCANNED):
            lytics.add_profile(people.person(number), [audience])
        # To a queue that nobody reads: only the scan is looked at.
        elsewhere = {"LYTICS_URL": lytics.url, "CHANGES_QUEUE_URL": scene.queues["rejects"]}
        with scene.function("backfill", environment=elsewhere) as function:
            taken = []
            for run in ("cold", "warm"):
                event = {"run": run, "export": scene.export.name, "authorization": "default", "number": 0}
                before_s = function.cpu_seconds() if function.pid else 0.0
                answered(function.invoke(json.dumps({**event, "audience": {"id": audience}}).encode()))
                taken.append(function.cpu_seconds() - before_s)
    return taken[1] / (_SCANNED / _PAGE)


def _gb(function: str) -> float:
    return MEMORY_MB[function] / 1024
