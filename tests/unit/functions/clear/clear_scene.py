"""An account with a removed audience, for tests of the clearing. Tables and queue are real, over doubles."""

from dataclasses import replace
from typing import Any, Final

from functions.clear.clearing import TASK, ClearRequest, ClearTools, clear
from functions.clear.finish import finish
from lytics_sendgrid.domain.change import Change
from lytics_sendgrid.domain.configuration import Account, AudienceState, Export, ProvisionedAudience
from lytics_sendgrid.domain.contact import Contact, encode
from lytics_sendgrid.domain.deadline import Deadline
from lytics_sendgrid.errors import RequestRefused
from lytics_sendgrid.queues.changes import decode
from lytics_sendgrid.sendgrid.resources import Segment, segment_query
from lytics_sendgrid.tables.ledger_walk import LedgerPage, LedgerWalk
from lytics_sendgrid.tables.walks import WalksTable
from lytics_sendgrid.workflow.clear_progress import ClearProgress, Finished
from tests.clock import START_S, ManualClock
from tests.doubles.adapters import exports_table, queue_writer
from tests.doubles.dynamodb import DynamoDb
from tests.doubles.sendgrid import SendGridInMemory
from tests.doubles.sqs import Queue

RUN: Final = "run-1"
GONE, KEPT = "a" * 32, "b" * 32
REMOVED_S: Final = int(START_S)
DELAY_S: Final = 180
CLEARED: Final = ProvisionedAudience(
    "lytics_segments", "s-gone", None, (), state=AudienceState.CLEARED, made=True, delete_segment=True
)


class ShortPages(LedgerWalk):
    """A walk whose pages hold two contacts."""

    def page(
        self, account: str, segment: int, segments: int, start: str | None = None, limit: int | None = None
    ) -> LedgerPage:
        return super().page(account, segment, segments, start, limit or 2)


class Scene:
    """One run of an export whose account has an audience to clear."""

    def __init__(self) -> None:
        self.clock = ManualClock(START_S + DELAY_S)
        self.dynamodb = DynamoDb()
        client: Any = self.dynamodb
        live = ProvisionedAudience("lytics_segments", "s-kept", None, ("newsletter",))
        account = Account("acme", 7, audiences={GONE: CLEARED, KEPT: live}, to_clear={GONE: REMOVED_S})
        self.exports = exports_table(
            self.dynamodb, account, Export("newsletter", "default", "acme", 7, "email", (), ())
        )
        self.walks = WalksTable(client, "exports")
        self.ledger = ShortPages(client, "contacts")
        self.queue = Queue("changes")
        self.sendgrid = SendGridInMemory()
        self.sendgrid.all_segments = [
            Segment(name, f"Segment {name}", None, segment_query("lytics_segments", audience))
            for name, audience in (("s-gone", GONE), ("s-kept", KEPT))
        ]
        self.left_s = 60.0
        self.calls = 0

    @property
    def account(self) -> Account:
        return self.exports.account("acme")

    def change_account(self, **changes: Any) -> None:
        account = self.account
        self.exports.put_account(replace(account, **changes, version=account.version + 1), account.version)

    def contact(self, email: str, *audiences: str, left: tuple[str, ...] = (), account: str = "acme") -> None:
        """Put a contact into the ledger who is in some audiences and has left others."""
        memberships = dict.fromkeys(audiences, 5) | dict.fromkeys(left, -5)
        item = {"pk": {"S": f"{account}#{email}"}, "version": {"N": "1"}}
        self.dynamodb.put_item(
            TableName="contacts", Item=item | {"state": {"S": encode(Contact(1, memberships))}}
        )

    @property
    def segment_ids(self) -> list[str]:
        """SendGrid's segments."""
        return [segment.id for segment in self.sendgrid.all_segments]

    def change_segment(self, query: str | None) -> None:
        """Let somebody change the query of the segment to delete."""
        gone, kept = self.sendgrid.all_segments
        self.sendgrid.all_segments = [replace(gone, query=query), kept]

    def lose_segment(self) -> None:
        """Let somebody delete it."""
        del self.sendgrid.all_segments[0]

    def clear(self, run: str = RUN, *, dry_run: bool = False, delay_s: int = DELAY_S) -> ClearProgress:
        """Call the task once; each call has another prefix."""
        self.calls += 1
        writer, _ = queue_writer(self.queue)
        deadline = Deadline.after(self.clock, self.left_s)
        tools = ClearTools(self.ledger, self.exports, self.walks, writer, self.clock, deadline)
        return clear(ClearRequest(run, "newsletter", "acme", f"clear.{self.calls}", delay_s, dry_run), tools)

    def finish(self, run: str = RUN) -> Finished:
        return finish(run, "acme", self.sendgrid, self.exports, self.walks, clock=self.clock)

    def queued(self) -> list[Change]:
        return [change for body in self.queue.bodies for change in decode(body).changes]

    def emails(self) -> list[str]:
        return sorted(change.email for change in self.queued())

    def segments_of(self, run: str = RUN) -> dict[str, Any]:
        """Return what became of the segments, as it is kept for the report."""
        document: dict[str, Any] = (self.walks.walk(run, TASK) or {})["segments"]
        return document


REFUSED: Final = RequestRefused("SendGrid answered 400: no")
