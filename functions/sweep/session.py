"""One invocation of a sweep: its collaborators, its checkpoint, and what it has read of the scans."""

import math
from array import array
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import cache, cached_property
from typing import Protocol

from functions.sweep.classify import ScanView
from functions.sweep.look_ups import LookUps, People
from functions.sweep.scope import FIRST, SECOND, Configured, Scope, SweepRequest, configured, scope_of
from functions.sweep.state import Step, SweepState
from lytics_sendgrid.domain.checkpoint import Checkpoint
from lytics_sendgrid.domain.clock import Clock
from lytics_sendgrid.domain.configuration import Account, Audience, Export
from lytics_sendgrid.domain.contact import Contact
from lytics_sendgrid.domain.deadline import Deadline
from lytics_sendgrid.domain.each import Each
from lytics_sendgrid.domain.sweep_findings import SweptAudience
from lytics_sendgrid.domain.walking import Ledger, Walk, Walks
from lytics_sendgrid.queues.interface import Queue
from lytics_sendgrid.queues.outgoing import Outgoing
from lytics_sendgrid.workflow.sweep_progress import SweepProgress

TASK = "sweep"
"""Names the checkpoint among the walks of a run."""


class Exports(Protocol):
    """Configurations and scans."""

    def account(self, name: str) -> Account: ...  # noqa: D102
    def export(self, name: str) -> Export | None: ...  # noqa: D102
    def scan(self, run: str, audience: str, scan: int = 0) -> Checkpoint | None: ...  # noqa: D102


class Seen(Protocol):
    """The people that scans have seen."""

    def read_seen(  # noqa: D102
        self, run: str, audience: str, scan: int, chunks: int, hashes: int
    ) -> "array[int]": ...


class Lytics(People, Protocol):
    """Lytics' sizes, schema and profiles."""

    def sizes(self, audience_ids: Iterable[str]) -> dict[str, int]: ...  # noqa: D102
    def identity_fields(self) -> frozenset[str]: ...  # noqa: D102


@dataclass(frozen=True, slots=True)
class SweepTools:
    """The collaborators.

    Attributes:
        ledger: the contacts table.
        exports: configurations and scans.
        seen: the people that scans have seen.
        walks: the checkpoint.
        lytics: the vendor.
        queue: the changes queue.
        each: applies a function to several items at once.
        clock: ours.
        deadline: of this invocation's work.
    """

    ledger: Ledger
    exports: Exports
    seen: Seen
    walks: Walks
    lytics: Lytics
    queue: Queue
    each: Each
    clock: Clock
    deadline: Deadline


@dataclass
class SweepInvocation:
    """One invocation.

    Attributes:
        request: what to sweep.
        tools: the collaborators.
        state: the checkpoint.
    """

    request: SweepRequest
    tools: SweepTools
    state: SweepState = field(init=False)
    _worked: bool = field(init=False, default=False)

    def __post_init__(self) -> None:
        self.state = SweepState.read(self.tools.walks.walk(self.request.run, TASK))

    @property
    def audiences(self) -> tuple[Audience, ...]:
        """Every swept audience."""
        return (*self.request.audiences, *self.request.swept_only)

    @cached_property
    def sizes(self) -> dict[str, int]:
        """How many people Lytics counts in each audience now."""
        return self.tools.lytics.sizes([audience.id for audience in self.audiences])

    @cached_property
    def scopes(self) -> dict[str, Scope]:
        """What may be decided about each audience."""
        request, exports = self.request, self.tools.exports
        now = self._configured()
        return {
            audience.id: scope_of(
                audience,
                request,
                exports.scan(request.run, audience.id, FIRST),
                self.sizes.get(audience.id),
                now[audience.id],
            )
            for audience in self.audiences
        }

    @cached_property
    def views(self) -> dict[str, ScanView]:
        """What the first scan of each audience has seen; without those that it does not show at all."""
        return {
            audience: ScanView(scope.since_ns, scope.stamp_ns, self.seen(scope.scan, audience, FIRST))
            for audience, scope in self.scopes.items()
            if scope.scan is not None and scope.is_shown
        }

    @cached_property
    def second_scans(self) -> dict[str, Checkpoint]:
        """The second scans that have begun."""
        exports, run = self.tools.exports, self.request.run
        scans = {audience.id: exports.scan(run, audience.id, SECOND) for audience in self.audiences}
        return {audience: scan for audience, scan in scans.items() if scan is not None}

    @cached_property
    def identity_fields(self) -> frozenset[str]:
        """The fields by which Lytics finds a person."""
        return self.tools.lytics.identity_fields()

    @cached_property
    def look_ups(self) -> LookUps:
        """Look-ups of this invocation."""
        return LookUps(self.tools.lytics, self.tools.clock)

    @cached_property
    def outgoing(self) -> Outgoing:
        """The messages of this invocation."""
        request, tools = self.request, self.tools
        names = {scope.export for scope in self.scopes.values()}
        found = {name: tools.exports.export(name) for name in names}
        versions = {name: export.version for name, export in found.items() if export is not None}
        return Outgoing(tools.queue, tools.clock, request.run, request.prefix, versions)

    def seen(self, scan: Checkpoint, audience: str, number: int) -> "array[int]":
        """Return the hashes of the people that a scan has seen."""
        return self.tools.seen.read_seen(self.request.run, audience, number, scan.chunks, scan.seen)

    def tally(self, audience: str) -> SweptAudience:
        """Return the counts of an audience."""
        return self.state.tallies[audience]

    def undecided(self) -> list[str]:
        """Return the audiences with suspects that may leave and are not decided yet."""
        state = self.state
        return [
            audience
            for audience, tally in state.tallies.items()
            if tally.suspects
            and not tally.trouble
            and audience not in state.leavers
            and audience not in state.by_walk
            and not self.scopes[audience].is_stale
        ]

    def can_ask(self, audience: str) -> bool:
        """Return whether look-ups can decide about an audience: its e-mail fields identify people."""
        fields = self.scopes[audience].email_fields
        return bool(fields) and self.identity_fields.issuperset(fields)

    def ask(self, email: str, audiences: Iterable[str]) -> dict[str, bool | None]:
        """Look a person up once for several audiences."""
        wanted = [self.scopes[audience] for audience in audiences]
        fields = {scope.audience.id: scope.email_fields for scope in wanted}
        return self.look_ups.answers(email, [scope.audience for scope in wanted], fields)

    def changed(self) -> set[str]:
        """Return the audiences whose exports, or their e-mail fields, are not those of the scan any more."""
        now = self._configured()
        return {
            audience
            for audience, scope in self.scopes.items()
            if scope.scan is not None and frozenset(scope.scan.email_fields) != now[audience].email_fields
        }

    def _configured(self) -> dict[str, Configured]:
        """Read how each audience is configured now."""
        exports = self.tools.exports
        account, export = exports.account(self.request.account), cache(exports.export)
        return {audience.id: configured(audience.id, account, export) for audience in self.audiences}

    def has_time(self) -> bool:
        """Return whether to go on: always for the first piece of work, otherwise while time is left."""
        has_time = not (self._worked and self.tools.deadline.has_passed())
        self._worked = True
        return has_time

    def walk(self, visit: Callable[[str, Contact], None]) -> bool:
        """Walk on through the ledger; return whether everybody is visited."""
        tools, state = self.tools, self.state
        walk = Walk(tools.ledger, tools.each, self.request.account, state.position)
        done = self.has_time() and walk.run(visit, tools.deadline)
        state.read_units += walk.read_units
        return done

    def keep(self) -> None:
        """Queue what is left to be queued, and write the checkpoint: once, at the end of the invocation."""
        if "outgoing" in self.__dict__:
            self.outgoing.flush()
            self.state.expected = (*self.state.expected, (self.request.prefix, self.outgoing.messages))
        document, now_s = self.state.document(), math.floor(self.tools.clock.now())
        self.tools.walks.put_walk(
            self.request.run, TASK, document, now_s, finished=self.state.step is Step.DONE
        )


def go_on(doing: str) -> SweepProgress:
    """Return the progress of a step whose time is up."""
    return SweepProgress(done=False, doing=doing)
