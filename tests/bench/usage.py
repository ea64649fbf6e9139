"""Deliver what is on the queues, and count what that took of each service."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from functions.backfill.outbox import Stores
from lytics_sendgrid.queues.writer import QueueWriter
from lytics_sendgrid.tables.exports import ExportsTable
from lytics_sendgrid.tables.seen import SeenTable
from tests.bench.event_source import answered, drain, event
from tests.bench.scene import PUT, Scene

CONFIRM_BATCH: Final = 10
"""As in template.yaml."""

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
        peaks: the greatest memory of deliver's process so far, in bytes, after each of its invocations.
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
    peaks: list[int] = field(default_factory=list)

    @property
    def peak_bytes(self) -> int:
        """The greatest memory of deliver's process."""
        return max(self.peaks, default=0)


def deliver_all(scene: Scene, usage: Usage, say: Say, deliveries: int = 0) -> None:
    """Deliver and confirm what is on the queues, over the counting wire, and add to what it took.

    Args:
        scene: its counts begin with what was put on the queue.
        usage: is added to.
        say: receives the name of each step.
        deliveries: of events, each of which has to be queued before it is answered; none in a backfill.
    """
    sqs = scene.sqs(counted=True)
    with scene.function("deliver", counted=True) as deliver:

        def invoke(batch: bytes) -> Any:
            say(f"delivering batch {usage.deliver_invocations + 1}: {len(batch) / 2**20:.1f} MiB")
            usage.deliver_invocations += 1
            answer = answered(deliver.invoke(batch))
            usage.peaks.append(deliver.peak_memory_bytes())
            return answer

        drain(sqs, scene.queues["changes"], invoke)
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


def counted_stores(scene: Scene) -> Stores:
    """Return where a scan writes to, over the counting wire."""
    dynamodb = scene.dynamodb(counted=True)
    queue = QueueWriter(scene.sqs(counted=True), scene.queues["changes"])
    return Stores(queue, ExportsTable(dynamodb, "exports"), SeenTable(dynamodb, "exports"))
