"""A ledger, a run's scans and Lytics, for tests of the sweep. Tables and queue are real, over doubles."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from functions.sweep.scope import SweepRequest
from functions.sweep.session import TASK, SweepInvocation, SweepTools
from functions.sweep.sweeping import sweep
from lytics_sendgrid.domain.change import Change
from lytics_sendgrid.domain.checkpoint import Checkpoint
from lytics_sendgrid.domain.configuration import Account, Audience, Export, ProvisionedAudience
from lytics_sendgrid.domain.contact import Contact, decode_memberships, encode
from lytics_sendgrid.domain.deadline import Deadline
from lytics_sendgrid.domain.seen import in_order, seen_hash
from lytics_sendgrid.lytics.documents import LyticsPerson
from lytics_sendgrid.queues.changes import decode
from lytics_sendgrid.tables.ledger_walk import LedgerPage, LedgerWalk
from lytics_sendgrid.tables.seen import SeenTable
from lytics_sendgrid.tables.walks import WalksTable
from lytics_sendgrid.workflow.sweep_progress import SweepProgress
from tests.clock import START_S, ManualClock
from tests.doubles.adapters import exports_table, queue_writer
from tests.doubles.dynamodb import DynamoDb
from tests.doubles.sqs import Queue

RUN: Final = "resync-1"
VIPS: Final = Audience("a" * 32, "VIPs", "vips")
READERS: Final = Audience("b" * 32, "Readers", "readers")
S_NS: Final = int(START_S) * 1_000_000_000
HOUR_NS: Final = 3_600_000_000_000
SINCE_NS: Final = S_NS - 1_000 * HOUR_NS
BEFORE: Final = S_NS - 48 * HOUR_NS
"""An event that a scan must show, older than a day."""
YOUNG: Final = S_NS - HOUR_NS
DELAY_S: Final = 600


class ScriptedLytics:
    """Lytics' look-ups, sizes and schema.

    Attributes:
        people: e-mail to the profile that is found by it, or to the error of the look-up.
        sizes_of: audience id to its size; an audience that is not here has none.
        identifiers: the fields that identify people.
        asked: every address that was looked up, in order.
    """

    def __init__(self) -> None:
        self.people: dict[str, LyticsPerson | Exception] = {}
        self.sizes_of: dict[str, int] = {}
        self.identifiers = {"email"}
        self.asked: list[str] = []

    def member(self, email: str, *audiences: Audience, now: str | None = None, field: str = "email") -> None:
        """Let a look-up find a profile by an address, although it may have another one now."""
        ids = frozenset(audience.id for audience in audiences) or frozenset({"f" * 32})
        self.people[email] = LyticsPerson({field: now or email.capitalize()}, ids, frozenset())

    def person(self, email_field: str, email: str, fields: Sequence[str] = ()) -> LyticsPerson | None:
        self.asked.append(email)
        found = self.people.get(email)
        if isinstance(found, Exception):
            raise found
        return found

    def sizes(self, audience_ids: Iterable[str]) -> dict[str, int]:
        return {audience: self.sizes_of[audience] for audience in audience_ids if audience in self.sizes_of}

    def identity_fields(self) -> frozenset[str]:
        return frozenset(self.identifiers)


class ShortPages(LedgerWalk):
    """A walk whose pages hold two contacts."""

    def page(
        self, account: str, segment: int, segments: int, start: str | None = None, limit: int | None = None
    ) -> LedgerPage:
        return super().page(account, segment, segments, start, limit or 2)


class Scene:
    """One run, whose scans are over."""

    def __init__(self) -> None:
        self.clock = ManualClock(START_S + DELAY_S)
        self.dynamodb = DynamoDb()
        self.exports = exports_table(self.dynamodb)
        client: Any = self.dynamodb
        self.seen = SeenTable(client, "exports")
        self.walks = WalksTable(client, "exports")
        self.ledger = ShortPages(client, "contacts", decode_memberships)
        self.queue = Queue("changes")
        self.lytics = ScriptedLytics()
        self.left_s = 60.0
        self.audiences: tuple[Audience, ...] = (VIPS, READERS)
        self.request: dict[str, Any] = {}
        self.calls = 0
        self.configure("newsletter")

    def configure(self, *exports: str, email_field: str = "email") -> None:
        """Configure both audiences for exports."""
        provisioned = ProvisionedAudience("lytics_segments", "seg", None, exports, since_ns=SINCE_NS)
        account = self.exports.account("acme")
        new = Account("acme", account.version + 1, audiences={VIPS.id: provisioned, READERS.id: provisioned})
        self.exports.put_account(new, account.version)
        for name in exports:
            self.exports.put_export(Export(name, "default", "acme", 7, email_field, (), (VIPS, READERS)))

    def contact(self, email: str, events: Mapping[Audience, int], account: str = "acme") -> None:
        """Put a contact into the ledger, with the last event in each audience."""
        memberships = {audience.id: event for audience, event in events.items()}
        state = encode(Contact(1, memberships))
        item = {"pk": {"S": f"{account}#{email}"}, "version": {"N": "1"}, "state": {"S": state}}
        self.dynamodb.put_item(TableName="contacts", Item=item)

    def scanned(self, audience: Audience, *emails: str, scan: int = 0, **changes: Any) -> None:
        """Let a scan of an audience have seen these people, and be complete."""
        hashes = in_order({seen_hash(RUN, email) for email in emails})
        self.seen.put(RUN, audience.id, scan, 0, hashes, now_s=int(START_S))
        checkpoint = Checkpoint(
            done=True,
            stamp_ns=S_NS,
            began_s=int(START_S),
            email_fields=(("newsletter", "email"),),
            scanned=len(emails),
            smallest=len(emails),
            largest=len(emails),
            seen=len(hashes),
            chunks=1,
            sample=tuple((email, False) for email in emails[:20]),
        )
        self.exports.put_scan(RUN, audience.id, replace(checkpoint, **changes), int(START_S), scan)
        self.lytics.sizes_of.setdefault(audience.id, len(emails))

    def known(self, audience: Audience, *emails: str) -> None:
        """Let people be in an audience, and the scan have seen them, and look-ups confirm it."""
        for email in emails:
            self.contact(email, {audience: BEFORE})
            self.lytics.member(email, audience)
        self.scanned(audience, *emails)

    def call(self) -> SweepProgress:
        """Invoke the sweep once."""
        self.calls += 1
        return sweep(self._request(), self._tools())

    def session(self) -> SweepInvocation:
        return SweepInvocation(self._request(), self._tools())

    def run(self) -> SweepProgress:
        """Invoke the sweep until it is done; wait as it says. There must be no second scan to ask for."""
        for _ in range(200):
            progress = self.call()
            if progress.done:
                return progress
            assert not progress.second_scan
            self.clock.move(progress.wait_s)
        raise AssertionError("the sweep never ends")

    def changes(self) -> list[Change]:
        """Return every change on the queue, in the order of its address."""
        messages = [decode(message.body) for message in self.queue.messages]
        return sorted((change for message in messages for change in message.changes), key=lambda c: c.email)

    def tally(self, audience: Audience = VIPS) -> dict[str, Any]:
        """Return the counts of an audience, without those that are 0 or empty."""
        tally = self.document()["tallies"][audience.id]
        return {name: value for name, value in tally.items() if value}

    def document(self) -> dict[str, Any]:
        document = self.walks.walk(RUN, TASK)
        assert document is not None
        return document

    def _request(self) -> SweepRequest:
        values: dict[str, Any] = {
            "run": RUN,
            "export": "newsletter",
            "account": "acme",
            "audiences": self.audiences,
            "swept_only": (),
            "max_leavers_percent": 20,
            "verify_delay_s": DELAY_S,
            "dry_run": False,
            "prefix": f"sweep.{self.calls}",
        }
        return SweepRequest(**(values | self.request))

    def _tools(self) -> SweepTools:
        return SweepTools(
            ledger=self.ledger,
            exports=self.exports,
            seen=self.seen,
            walks=self.walks,
            lytics=self.lytics,
            queue=queue_writer(self.queue)[0],
            each=map,
            clock=self.clock,
            deadline=Deadline.after(self.clock, self.left_s),
        )
