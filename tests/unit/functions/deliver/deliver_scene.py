"""The scene of deliver's tests: the real deliverer and its real adapters over the doubles."""

import json
from collections.abc import Callable, Sequence
from typing import Any

from functions.deliver.deliverer import Deliverer
from functions.deliver.exchange import Contacts
from functions.deliver.export_views import ExportViews, View
from functions.deliver.invocation import InvocationSummary
from functions.deliver.outbox import Outbox
from functions.deliver.received import SqsRecord
from functions.deliver.requeue import Requeuer
from functions.deliver.rounds import Rounds
from functions.deliver.upsert import UpsertLimits
from lytics_sendgrid.domain.change import Kind, Message
from lytics_sendgrid.domain.contact import Contact, ContactKey
from lytics_sendgrid.domain.contact import decode as contact_decode
from lytics_sendgrid.domain.contact import encode as contact_encode
from lytics_sendgrid.domain.stop import Stop
from lytics_sendgrid.queues.changes import decode, encode
from lytics_sendgrid.queues.imports import import_from
from tests.clock import ManualClock
from tests.doubles.adapters import contacts_table, erasures_table, exports_table, queue_writer
from tests.doubles.dynamodb import DynamoDb
from tests.doubles.sqs import Queue
from tests.doubles.upserts import SendGridUpserts
from tests.unit.functions.deliver.example_export import FORM, VIEW, account_of

REFRESH_S = 900


class Scene:
    """A deliverer with everything around it, and a clock that moves only when code sleeps.

    Attributes:
        dynamodb: both tables, and their faults.
        changes: the changes queue; ``changes_sqs`` is the client that writes to it.
        imports: the imports queue; ``imports_sqs`` is the client that writes to it.
        written: the views that the exports table was given, by export.
        rivals: called one by one, each before one write of contacts: what another consumer does meanwhile.
    """

    def __init__(
        self, *views: View, fault_retry_s: float = 60.0, chance: Callable[[], float] = lambda: 0.0
    ) -> None:
        self.clock = ManualClock(chance=chance)
        self.dynamodb = DynamoDb()
        self.ledger = contacts_table(self.dynamodb, self.clock)
        self.exports = exports_table(self.dynamodb)
        self.erasures = erasures_table(self.dynamodb)
        self.views = ExportViews(self.exports, self.erasures, FORM.no_audience_value, self.clock)
        self.written: dict[str, View] = {}
        for view in views or (VIEW,):
            self.put_view(view)
        self.dynamodb.calls.made.clear()
        self.dynamodb.calls.before = self._before
        self.rivals: list[Callable[[], None]] = []
        self.changes, self.imports = Queue("changes"), Queue("imports")
        self.changes_writer, self.changes_sqs = queue_writer(self.changes)
        self.imports_writer, self.imports_sqs = queue_writer(self.imports)
        self.sendgrid = SendGridUpserts(self.clock)
        self.others: dict[str, Contacts] = {}
        self.keys: list[str] = []
        self.no_key: dict[str, Exception] = {}
        outbox = Outbox(self.changes_writer, self.imports_writer, REFRESH_S, 60)
        rounds = Rounds(
            ledger=self.ledger,
            views=self.views,
            runs=self.exports,
            outbox=outbox,
            contacts=self._contacts,
            limits=UpsertLimits(fault_retry_s),
        )
        self.deliverer = Deliverer(
            rounds=rounds,
            views=self.views,
            runs=self.exports,
            requeuer=Requeuer(outbox),
            clock=self.clock,
        )

    def _before(self, operation: str, _request: object) -> None:
        if operation == "BatchExecuteStatement" and self.rivals:
            self.rivals.pop(0)()

    def put_view(self, view: View) -> None:
        """Write an export, its account and its stop. A cached view stays until it is old."""
        self.written[view.export.name] = view
        account = account_of(view)
        self.exports.put_account(account, read_version=self.exports.account(account.name).version)
        self.exports.put_export(view.export)
        if view.stop is not None:
            self.exports.put_stop(view.export.name, view.stop)

    def _contacts(self, authorization: str) -> Contacts:
        self.keys.append(authorization)
        if authorization in self.no_key:
            raise self.no_key[authorization]
        return self.others.get(authorization, self.sendgrid)

    def deliver(
        self, *messages: Message | str, receives: int | Sequence[int] = 1, seconds: float = 120.0
    ) -> InvocationSummary:
        """Deliver messages in one invocation, with the ids m0, m1 and so on."""
        counts = [receives] * len(messages) if isinstance(receives, int) else receives
        bodies = [one if isinstance(one, str) else encode(one) for one in messages]
        pairs = enumerate(zip(bodies, counts, strict=True))
        records = [SqsRecord(f"m{n}", body, count) for n, (body, count) in pairs]
        return self.deliverer.deliver(records, self.clock.now_s + seconds)

    def deliver_queue(self, seconds: float = 120.0) -> InvocationSummary:
        """Deliver everything on the changes queue in one invocation, whatever its delay."""
        waiting = self.changes.take_all()
        return self.deliver(*(body for _, body in waiting), seconds=seconds)

    def now_ms(self) -> int:
        return int(self.clock.now_s * 1000)

    @property
    def contacts(self) -> dict[ContactKey, Contact]:
        """The committed contacts."""
        return {
            item["pk"]["S"]: contact_decode(item["state"]["S"], int(item["version"]["N"]))
            for item in self.dynamodb.contacts.items.values()
        }

    def put_contact(self, email: str, contact: Contact) -> None:
        """Write a contact, whatever the ledger has."""
        item = {"pk": {"S": f"acme#{email}"}, "state": {"S": contact_encode(contact)}}
        self.dynamodb.contacts.write({**item, "version": {"N": str(contact.version)}})

    def contact(self, email: str) -> Contact:
        item = self.dynamodb.contacts.items[f"acme#{email}",]
        return contact_decode(item["state"]["S"], int(item["version"]["N"]))

    def has(self, email: str) -> bool:
        return (f"acme#{email}",) in self.dynamodb.contacts.items

    def contact_reads(self) -> list[tuple[int, bool]]:
        """Return each read of contacts: how many, and whether consistently."""
        requests = [request["RequestItems"]["contacts"] for request in self.dynamodb.calls.of("BatchGetItem")]
        return [(len(request["Keys"]), request["ConsistentRead"]) for request in requests]

    def contact_writes(self) -> int:
        """Return the number of states that were written."""
        return sum(len(request["Statements"]) for request in self.dynamodb.calls.of("BatchExecuteStatement"))

    def export_reads(self) -> list[str]:
        """Return the exports whose configuration was read, in order."""
        keys = [request["Key"] for request in self.dynamodb.calls.of("GetItem")]
        return [
            key["pk"]["S"].removeprefix("export#")
            for key in keys
            if key["pk"]["S"].startswith("export#") and key["sk"]["S"] == "config"
        ]

    def stops(self) -> dict[str, Stop]:
        """Return the exports' stops."""
        items = self._export_items("stop")
        return {pk: Stop(**json.loads(item["doc"]["S"])) for pk, item in items if "doc" in item}

    def resumed(self) -> list[str]:
        """Return the exports whose stop was lifted."""
        return [pk for pk, item in self._export_items("stop") if "lifted_ms" in item]

    def records(self) -> list[tuple[str, set[str], set[str], dict[str, int]]]:
        """Return each record of a run, in order: run, message numbers, import jobs, counts."""
        items = self._export_items("started#", "done#")
        documents = [(run, json.loads(item["doc"]["S"])) for run, item in items]
        return [(run, set(one["numbers"]), set(one["jobs"]), one["counts"]) for run, one in documents]

    def _export_items(self, *prefixes: str) -> list[tuple[str, Any]]:
        """Return the items whose sort key begins so, each with its export's or its run's name."""
        items = self.dynamodb.exports.items.items()
        return [(pk.partition("#")[2], item) for (pk, sk), item in items if sk.startswith(prefixes)]

    def queued(self) -> list[tuple[float, Message]]:
        """Return the messages on the changes queue, with their delays in seconds."""
        return [(delay_s, decode(body)) for delay_s, body in self.changes.sent]

    def refreshes(self) -> list[tuple[float, int, list[str]]]:
        """Return the refreshes on the changes queue: delay in seconds, stamp in milliseconds, addresses."""
        return [
            (delay_s, message.changes[0].time_ns // 1_000_000, sorted(c.email for c in message.changes))
            for delay_s, message in self.queued()
            if message.changes[0].kind is Kind.REFRESH and message.hops == 0
        ]

    def requeued(self) -> list[tuple[float, Message]]:
        """Return the requeued messages, with their delays in seconds."""
        return [(delay_s, m) for delay_s, m in self.queued() if m.hops]

    def jobs(self) -> dict[str, list[str]]:
        """Return the queued import jobs, and the addresses in each."""
        imports = [import_from(body) for _, body in self.imports.sent]
        return {one.job: sorted(one.contacts) for one in imports}
