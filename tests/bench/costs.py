"""What a million people or events cost, beside the minimum this architecture could cost.

Requests, units, bytes and CPU are counted and measured by running the functions; dollars are those at list
prices. What cannot be measured on this machine, above all how long AWS, SendGrid and Lytics take to answer,
is assumed in `prices.py` and said beside the figure.
"""

import math
from collections.abc import Callable
from typing import Final

from tests.bench import prices
from tests.bench.bill import MILLION, Bill
from tests.bench.cpu import DeliverCpu, backfill_page_s
from tests.bench.deliveries import Taken, take_in
from tests.bench.figures import Section
from tests.bench.scene import Scene
from tests.bench.usage import Usage

RUN_TRANSITIONS: Final = 40
"""Of one execution with one audience: some 25 states, and settle's loop a few times."""

type Say = Callable[[str], None]


def of_people(scene: Scene, usage: Usage, deliver: DeliverCpu, say: Say) -> Section:
    """Return the costs of a million backfilled people, from what 100,000 took."""
    page_cpu_s = backfill_page_s(scene, say)
    share = MILLION / usage.changes
    section = Section("cost_backfill", "A million backfilled people: list prices, us-east-1", counted=False)
    bill = Bill(section)
    _ledger(bill, usage)
    bill.scanned(page_cpu_s)
    _deliver(bill, usage, share, deliver.backfilled_us, deliver.ledger_us)
    invocations = (usage.deliver_invocations + usage.confirm_invocations) * share + RUN_TRANSITIONS
    bill.line(
        "Lambda: requests",
        invocations,
        prices.LAMBDA_REQUEST,
        floor=usage.puts * share,
        how="floor: one for each PUT",
    )
    bill.line(
        "Step Functions: transitions",
        RUN_TRANSITIONS,
        prices.STATE_TRANSITION,
        floor=RUN_TRANSITIONS,
        how="one run, one audience",
    )
    log_bytes = usage.log_bytes * share + invocations * prices.PLATFORM_LOG_BYTES
    bill.line(
        "CloudWatch: bytes logged",
        log_bytes,
        prices.LOG_BYTE,
        floor=0,
        how="with Lambda's own lines (assumed)",
    )
    bill.line(
        "Secrets Manager: calls",
        usage.secret_reads * share,
        prices.SECRET_CALL,
        floor=0,
        how="read again at most once a minute",
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
        taken = take_in(scene, size, deliveries, say)
        section = Section(key, title, counted=False)
        _events(Bill(section), taken, deliver)
        sections.append(section)
    return sections


def a_month(scene: Scene) -> Section:
    """Return what the stack costs each month besides."""
    template = (scene.build / "template.yaml").read_text()
    metrics = scene.metrics()
    alarms = unconditional(template, "AWS::CloudWatch::Alarm")
    sources = template.count("FunctionResponseTypes")
    section = Section("cost_month", "A month, whatever happens: list prices, us-east-1", counted=False)
    bill = Bill(section)
    bill.line(
        "CloudWatch: alarms",
        alarms,
        prices.ALARM_MONTH,
        floor=alarms,
        how="the first ten of an account are free",
    )
    polls = sources * prices.EMPTY_POLLS_MONTH
    bill.line(
        "SQS: empty receives",
        polls,
        prices.SQS_REQUEST,
        floor=polls,
        how=f"{sources} queues, Lambda's pollers (assumed)",
    )
    bill.line(
        "CloudWatch: metrics of our own",
        metrics,
        prices.METRIC_MONTH,
        floor=0,
        how=f"each hour that has a value is billed; {metrics} were seen here, 37 are possible",
    )
    secrets = unconditional(template, "AWS::SecretsManager::Secret")
    bill.line(
        "Secrets Manager: secrets",
        secrets,
        prices.SECRET_MONTH,
        floor=1,
        how="two an authorization: ingest must not read the vendors' keys",
    )
    bill.total()
    return section


def unconditional(template: str, kind: str) -> int:
    """Return how many resources of a kind each stack has. The console's have a condition."""
    return template.count(f"Type: {kind}\n    Properties:")


def _ledger(bill: Bill, usage: Usage) -> None:
    bill.delivered(
        usage,
        writes_floor=MILLION,
        writes_how="floor: one a person",
        queued="the bytes of changes and imports, ten messages a request, each delivery queued for itself",
    )


def _deliver(bill: Bill, usage: Usage, share: float, change_us: float, ledger_us: float) -> None:
    puts_s = usage.puts * share * prices.PUT_S
    calls_s = usage.ledger_calls * share * prices.AWS_CALL_S / 8
    bill.function(
        "deliver",
        change_us * MILLION / 1e6 + puts_s + calls_s,
        floor_s=ledger_us * MILLION / 1e6,
        how=(
            f"{change_us:.0f} µs of CPU a change; {puts_s:.0f} s for SendGrid and {calls_s:.0f} s for "
            f"DynamoDB to answer (assumed). floor: the CPU of the ledger's calls"
        ),
    )
    confirm_s = usage.confirm_cpu_s * share
    bill.function("confirm", confirm_s, how=f"{confirm_s:.1f} s of CPU")


def _events(bill: Bill, taken: Taken, deliver: DeliverCpu) -> None:
    usage, share = taken.usage, MILLION / taken.events
    deliveries = taken.deliveries * share
    bill.line(
        "API Gateway: requests", deliveries, prices.GATEWAY_REQUEST, floor=deliveries, how="one a delivery"
    )
    cpu_ms = taken.cpu_s / taken.deliveries * 1e3
    billed_ms = math.ceil(cpu_ms + prices.AWS_CALL_S * 1e3)
    bill.function(
        "ingest",
        deliveries * billed_ms / 1e3,
        floor_s=deliveries * prices.AWS_CALL_S,
        how=(
            f"{cpu_ms:.2f} ms of CPU and {prices.AWS_CALL_S * 1e3:.0f} ms for SQS (assumed), billed as "
            f"{billed_ms} ms. floor: SQS alone"
        ),
    )
    _ledger(bill, usage)
    _deliver(bill, usage, share, deliver.alone_us, deliver.ledger_us)
    invocations = deliveries + (usage.deliver_invocations + usage.confirm_invocations) * share
    bill.line("Lambda: requests", invocations, prices.LAMBDA_REQUEST, floor=deliveries, how="floor: ingest's")
    log_bytes = (taken.log_bytes + usage.log_bytes) * share
    log_bytes += invocations * prices.PLATFORM_LOG_BYTES + deliveries * prices.ACCESS_LOG_BYTES
    bill.line(
        "CloudWatch: bytes logged",
        log_bytes,
        prices.LOG_BYTE,
        floor=invocations * prices.PLATFORM_LOG_BYTES,
        how=(
            f"{taken.log_bytes / taken.deliveries:.0f} bytes by ingest itself; Lambda's and the gateway's "
            f"lines are assumed"
        ),
    )
    bill.total()
