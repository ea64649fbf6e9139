"""The real sweep in the simulated world: adapters between both."""

import json
from array import array
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final
from zlib import crc32

from functions.sweep import queue_all
from functions.sweep.scope import SweepRequest
from functions.sweep.session import SweepInvocation, SweepTools
from functions.sweep.sweeping import sweep
from lytics_sendgrid.domain.change import Kind
from lytics_sendgrid.domain.checkpoint import Checkpoint
from lytics_sendgrid.domain.configuration import Account, Audience, Export, ProvisionedAudience
from lytics_sendgrid.domain.contact import Contact
from lytics_sendgrid.domain.seen import seen_hash
from lytics_sendgrid.errors import RequestRefused
from lytics_sendgrid.lytics.documents import LyticsPerson
from lytics_sendgrid.queues.changes import decode
from lytics_sendgrid.tables.ledger_walk import LedgerPage
from tests.clock import scripted_deadline
from tests.simulation.resync.records import MINUTE_NS, Queued, Scanned, address
from tests.simulation.resync.scans import scan

if TYPE_CHECKING:
    from tests.simulation.resync.world import World

DELAY_S: Final = 11 * 60


class RealSweep:
    """One run's sweep."""

    def __init__(
        self,
        world: "World",
        name: str,
        start: int,
        export: int,
        results: Mapping[str, Scanned],
        *,
        swept_only: Collection[str],
    ) -> None:
        self.world = world
        self.name = name
        self.start = start
        self.number = export
        self.results = results
        self.swept_only = swept_only
        self.second: dict[str, Scanned] = {}
        self.document = "null"
        self.calls = 0
        self._left: dict[tuple[str, str], int] = {}

    def run(self) -> Iterator[None]:
        """Call the real sweep until it is done, and let time pass in between."""
        while True:
            self.calls += 1
            progress = sweep(self._request(), self._tools())
            if progress.done:
                return
            for audience in progress.second_scan:
                self.second[audience.id] = yield from scan(
                    self.world, self.start, audience.id, self.number, queues=False, is_second=True
                )
            until = self.world.now + progress.wait_s / 60
            while self.world.now < until:
                yield
            yield

    def _request(self) -> SweepRequest:
        return SweepRequest(
            run=self.name,
            export=f"export{self.number}",
            account="acme",
            audiences=tuple(Audience(a, a, a) for a in self.results if a not in self.swept_only),
            swept_only=tuple(Audience(a, a, a) for a in self.swept_only),
            max_leavers_percent=20 if self.world.lytics.noise else 100,
            verify_delay_s=DELAY_S,
            dry_run=False,
            prefix=f"sweep.{self.calls}",
        )

    def _tools(self) -> SweepTools:
        def serial[T, R](function: Callable[[T], R], items: Iterable[T], /) -> Iterable[R]:
            return map(function, items)

        chance = self.world.chance
        deadline = scripted_deadline(lambda: chance.choice((True, False, False)))
        return SweepTools(self, self, self, self, self, self, serial, self, deadline)

    # The ledger

    def page(self, account: str, segment: int, segments: int, start: str | None = None) -> LedgerPage:
        assert account == "acme"
        found = sorted(e for e in self.world.ledger if crc32(e.encode()) % segments == segment)
        after = [email for email in found if start is None or email > start]
        contacts = tuple(
            (
                address(email),
                Contact(1, {a: n * MINUTE_NS for a, n in self.world.ledger[email].events.items()}),
            )
            for email in after[:1]
        )
        return LedgerPage(contacts, after[0] if len(after) > 1 else None, 0.5)

    # Configurations and scans

    def account(self, name: str) -> Account:
        configuration = self.world.configuration()
        audiences = {
            audience: ProvisionedAudience(
                "lytics_segments",
                None,
                None,
                tuple(f"export{n}" for n in self.world.counted(audience)),
                since_ns=configuration.since.get(audience, 0) * MINUTE_NS,
            )
            for audience in configuration.exported
        }
        return Account(name, 1, audiences=audiences)

    def export(self, name: str) -> Export | None:
        return Export(name, "default", "acme", 1, f"email{name[-1]}", (), ())

    def scan(self, run: str, audience: str, scan: int = 0) -> Checkpoint | None:
        found = (self.second if scan else self.results).get(audience)
        return None if found is None else found.checkpoint()

    def read_seen(self, run: str, audience: str, scan: int, chunks: int, hashes: int) -> "array[int]":
        found = (self.second if scan else self.results)[audience]
        assert (chunks, hashes) == (1, len(found.seen))
        # Not the product's way, which is made for a million.
        return array("Q", sorted(seen_hash(run, address(email)) for email in found.seen))

    def walk(self, run: str, task: str) -> dict[str, Any] | None:
        document: dict[str, Any] | None = json.loads(self.document)
        return document

    def put_walk(
        self, run: str, task: str, document: Mapping[str, Any], now_s: int, *, finished: bool
    ) -> None:
        self.document = json.dumps(document)

    # Lytics

    def sizes(self, audience_ids: Iterable[str]) -> dict[str, int]:
        world = self.world
        return {
            audience: world.lytics.size(audience) for audience in audience_ids if audience not in world.gone
        }

    def identity_fields(self) -> frozenset[str]:
        return frozenset({"email1", "email2"} if self.world.lytics.identifying else ())

    def person(self, email_field: str, email: str, fields: Sequence[str] = ()) -> LyticsPerson | None:
        found = self.world.lytics.look_up(int(email_field[-1]), email[0])
        if found is None:
            return None
        if isinstance(found, str):
            raise RequestRefused("the answer of this look-up is unclear")
        now = found.emails[int(email_field[-1])]
        values = {email_field: address(now)} if now else {}
        return LyticsPerson(values, found.audiences or frozenset({"all"}), frozenset())

    # The clock, which stands still during an invocation

    def now(self) -> float:
        return self.world.now * 60.0

    def sleep(self, seconds: float) -> None:
        raise AssertionError("no answer of this world is worth a second try")

    def random(self) -> float:
        return self.world.chance.random()

    # The queue

    def leaves(self, session: SweepInvocation, audience: str, email: str) -> None:
        """Check a leaver."""
        world, letter = self.world, email[0]
        second = self.second.get(audience)
        seen = frozenset[str]().union(*(result.seen for result in self.results.values()))
        hides = world.hides_capitals(letter, seen)
        # Of many whom two scans skip, a sample is looked up; of a few, everybody.
        by_look_up = bool(session.state.believed) and session.can_ask(audience) and not hides
        by_look_up &= session.tally(audience).candidates <= world.bias.sample
        scans = (self.results[audience], second) if second is not None else ()
        fields = tuple(world.counted(audience))
        skipped_twice = bool(scans) and all(scan.looks_whole and scan.fields == fields for scan in scans)
        excused = hides or (skipped_twice and not by_look_up)
        if second is not None and letter in second.seen:
            excused = False
        world.takes_out(letter, audience, self.start, self.results[audience].stamp, excused=excused)

    def returns(self, session: SweepInvocation, audience: str, email: str) -> None:
        """Note since when a returner was out."""
        state = session.state
        event = state.young.of(audience).get(email) or state.returning.of(audience).get(email) or 0
        known = self.world.ledger[email[0]].events[audience]
        self._left[email[0], audience] = abs(event) // MINUTE_NS or abs(known)

    def send(self, bodies: Iterable[str], delay_s: int = 0) -> None:
        for body in bodies:
            for change in decode(body).changes:
                assert change.audience is not None
                email, minute = change.email[0], change.time_ns // MINUTE_NS
                delay = self.world.chance.choice((0, 5)) if change.kind is Kind.EXIT else 0
                if change.kind is Kind.EXIT:
                    self.world.swept[email, change.audience] = (minute, self.results[change.audience].stamp)
                self.world.put(
                    Queued(
                        self.world.now + delay,
                        email,
                        change.audience,
                        minute,
                        change.kind.value,
                        0,
                        self.start,
                        self._left.get((email, change.audience)),
                    )
                )


def checked(
    queue: Callable[[SweepInvocation, Kind, str, str], None],
) -> Callable[[SweepInvocation, Kind, str, str], None]:
    """Return a ``_queue`` that has the world check each change first."""

    def queue_and_check(session: SweepInvocation, kind: Kind, audience: str, email: str) -> None:
        real = session.tools.clock
        assert isinstance(real, RealSweep)
        (real.leaves if kind is Kind.EXIT else real.returns)(session, audience, email)
        queue(session, kind, audience, email)

    return queue_and_check


CHECKED_QUEUE: Final = checked(queue_all._queue)
