"""An account, its ledger and a run, for tests of the audit. Tables and queue are real, over doubles."""

import gzip
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, Final

from functions.audit.auditing import TASK, audit
from functions.audit.contact_export import ContactExport
from functions.audit.tools import AuditRequest, AuditTools, SendGridAccount
from lytics_sendgrid.domain.change import Change
from lytics_sendgrid.domain.configuration import Account, Audience, ProvisionedAudience
from lytics_sendgrid.domain.contact import Contact, encode
from lytics_sendgrid.domain.deadline import Deadline
from lytics_sendgrid.errors import RequestRefused
from lytics_sendgrid.queues.changes import decode
from lytics_sendgrid.sendgrid.resources import ContactList, Segment, segment_query
from lytics_sendgrid.sendgrid.row import row_form
from lytics_sendgrid.tables.ledger_walk import LedgerPage, LedgerWalk
from lytics_sendgrid.tables.walks import WalksTable
from lytics_sendgrid.workflow.audit_progress import AuditProgress
from tests.clock import START_S, ManualClock
from tests.doubles.adapters import exports_table, queue_writer
from tests.doubles.dynamodb import DynamoDb
from tests.doubles.sqs import Queue
from tests.newsletter import HIGH_VALUE, NEWSLETTER

RUN: Final = "resync-1"
OLD_MS: Final = int(START_S * 1000) - 3_600_000
QUERY: Final = segment_query("lytics_segments", HIGH_VALUE)
VALUES: Final = {HIGH_VALUE: 5}


class ScriptedSendGrid:
    """Segments, and an export that is ready after some questions."""

    def __init__(self) -> None:
        self.all_segments = {
            "s1": Segment("s1", "High value users", None, QUERY),
            "other": Segment("other", "Other", None, "x"),
        }
        self.exports: list[ContactExport | Exception] = []
        self.refusal: Exception | None = None
        self.calls: list[str] = []

    def lists(self) -> tuple[ContactList, ...]:
        return (ContactList("l1", "News"),)

    def segments(self) -> tuple[Segment, ...]:
        return tuple(self.all_segments.values())

    def segment(self, segment_id: str) -> Segment:
        return self.all_segments[segment_id]

    def create_segment(self, name: str, query: str, list_id: str | None) -> Segment:
        self.calls.append(f"create {name}")
        if self.refusal:
            raise self.refusal
        if name in {segment.name for segment in self.all_segments.values()}:
            raise RequestRefused("a segment of this name already exists")
        self.all_segments["s9"] = Segment("s9", name, list_id, query)
        return self.all_segments["s9"]

    def change_segment(self, segment_id: str, *, name: str | None, query: str | None) -> None:
        self.calls.append(f"change {segment_id}: {name}, {query}")
        if self.refusal:
            raise self.refusal
        if name in {segment.name for segment in self.all_segments.values()}:
            raise RequestRefused("a segment of this name already exists")
        known = self.all_segments[segment_id]
        changed = replace(known, name=name or known.name, query=query or known.query)
        self.all_segments[segment_id] = changed

    def start_contact_export(self) -> str:
        self.calls.append("export")
        if self.refusal:
            raise self.refusal
        return "job-1"

    def contact_export(self, job: str) -> ContactExport:
        export = self.exports[0] if len(self.exports) == 1 else self.exports.pop(0)
        if isinstance(export, Exception):
            raise export
        return export


class ShortPages(LedgerWalk):
    """A walk whose pages hold two contacts."""

    def page(
        self, account: str, segment: int, segments: int, start: str | None = None, limit: int | None = None
    ) -> LedgerPage:
        return super().page(account, segment, segments, start, limit or 2)


class Scene:
    """An account with one export and some contacts."""

    def __init__(self) -> None:
        self.clock = ManualClock(START_S)
        self.dynamodb = DynamoDb()
        self.exports = exports_table(self.dynamodb)
        client: Any = self.dynamodb
        self.walks = WalksTable(client, "exports")
        self.ledger = ShortPages(client, "contacts")
        self.queue = Queue("changes")
        self.sendgrid = ScriptedSendGrid()
        self.account: SendGridAccount | None = None
        self.file = "EMAIL,lytics_segments\n"
        self.left_s = 60.0
        self.request: dict[str, Any] = {}
        self.calls = 0
        self.download: Callable[[str], Iterator[bytes]] = self._file
        provisioned = ProvisionedAudience("lytics_segments", "s1", None, ("newsletter",))
        self.exports.put_account(
            Account("default", 3, {"lytics_segments": "e7_T"}, {HIGH_VALUE: provisioned}, {"newsletter": ()}),
            0,
        )
        self.exports.put_export(NEWSLETTER)

    def contact(self, email: str, cell: str | None = HIGH_VALUE, **changes: Any) -> None:
        """Put a contact that is in the audience into the ledger, and a row with a cell into the export."""
        contact = replace(Contact(1, VALUES, row="r", job="j", sent_ms=OLD_MS), **changes)
        item = {"pk": {"S": f"default#{email}"}, "version": {"N": "1"}, "state": {"S": encode(contact)}}
        self.dynamodb.put_item(TableName="contacts", Item=item)
        if cell is not None:
            self.file += f"{email},{cell}\n"

    def ready(self, contacts: int | None = None) -> None:
        rows = self.file.count("\n") - 1
        self.sendgrid.exports = [ContactExport("ready", ("https://files/1",), contacts or rows)]

    def call(self) -> AuditProgress:
        self.calls += 1
        values: dict[str, Any] = {
            "run": RUN,
            "export": "newsletter",
            "account": "default",
            "audiences": (Audience(HIGH_VALUE, "High value users", "high"),),
            "prefix": f"audit.{self.calls}",
            "dry_run": False,
            "restore_deleted": False,
            "repair_segments": False,
            "in_flight_ms": 900_000,
        }
        tools = AuditTools(
            sendgrid=self.account or self.sendgrid,
            configurations=self.exports,
            walks=self.walks,
            ledger=self.ledger,
            queue=queue_writer(self.queue)[0],
            each=map,
            form=lambda account: row_form(account, "none"),
            download=self.download,
            clock=self.clock,
            deadline=Deadline.after(self.clock, self.left_s),
        )
        return audit(AuditRequest(**(values | self.request)), tools)

    def run(self) -> dict[str, Any]:
        """Call until it is done, waiting as it says, and return the checkpoint."""
        for _ in range(2_000):
            progress = self.call()
            if progress.done:
                return self.document()
            self.clock.move(progress.wait_s)
        raise AssertionError("the audit never ends")

    def document(self) -> dict[str, Any]:
        document = self.walks.walk(RUN, TASK)
        assert document is not None
        return document

    def document_or_none(self) -> dict[str, Any] | None:
        return self.walks.walk(RUN, TASK)

    def changes(self) -> list[Change]:
        messages = [decode(message.body) for message in self.queue.messages]
        return sorted((change for message in messages for change in message.changes), key=lambda c: c.email)

    def _file(self, url: str) -> Iterator[bytes]:
        assert url == "https://files/1"
        yield gzip.compress(self.file.encode())
