"""What the simulated queue, configuration and ledger hold, and what a scan has shown."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from lytics_sendgrid.domain.checkpoint import Checkpoint

MINUTE_NS: Final = 60_000_000_000
YOUNG: Final = 120
"""Minutes after an exit within which a person returns only by a look-up. 24 hours in the product."""


@dataclass(frozen=True, slots=True)
class Queued:
    """A change on the queue, from ``ready`` on. ``run`` is the minute when the run that queued it began."""

    ready: int
    email: str
    audience: str
    time: int
    kind: str
    version: int
    run: int | None = None
    left: int | None = None


@dataclass(frozen=True, slots=True)
class ExportState:
    """An export's audiences, and whether it is live."""

    audiences: frozenset[str]
    live: bool


@dataclass(frozen=True, slots=True)
class Configuration:
    """The account's configuration from a minute on."""

    minute: int
    exports: Mapping[int, ExportState]
    since: Mapping[str, int]
    kept: frozenset[str] = frozenset()
    fields: Mapping[str, str] = field(default_factory=dict)
    """Each audience's membership field."""

    @property
    def exported(self) -> frozenset[str]:
        """Audiences whose ids rows hold."""
        return self.exports[1].audiences | self.exports[2].audiences | self.kept

    @property
    def live(self) -> frozenset[str]:
        """Audiences of exports that are not stopped."""
        return frozenset[str]().union(*(one.audiences for one in self.exports.values() if one.live))

    def having(self, audience: str) -> list[int]:
        """Return the exports that have an audience, stopped ones, too: their people stay."""
        return [export for export in (1, 2) if audience in self.exports[export].audiences]

    def since_of(self, audience: str) -> int:
        """Return the minute up to which the audience's events are ignored."""
        return self.since.get(audience, 0)


@dataclass(frozen=True, slots=True)
class Item:
    """A contact in the ledger: each audience's last event, negative if it was an exit, and when it came."""

    events: Mapping[str, int] = field(default_factory=dict)
    came: Mapping[str, int] = field(default_factory=dict)
    row: frozenset[str] = frozenset()
    version: int = 0


@dataclass(frozen=True, slots=True)
class Scanned:
    """The result of a scan.

    Attributes:
        stamp: the minute up to which it shows every event.
        began: when it began, or began again.
        seen: the addresses that it has shown.
        fields: the exports by whose e-mail fields.
        scanned: its rows.
        total: what Lytics has counted.
        gone: Lytics has answered 404.
        flaw: a rule that is switched off, or the guard, is all that keeps a sweep from believing it.
    """

    stamp: int
    began: int
    seen: frozenset[str]
    fields: tuple[int, ...]
    scanned: int
    total: int
    gone: bool
    flaw: bool

    @property
    def looks_whole(self) -> bool:
        """Whether nothing tells that it has left out a person."""
        return not self.flaw and self.scanned >= self.total and bool(self.seen or not self.scanned)

    def checkpoint(self) -> Checkpoint:
        """Return what the scan's checkpoint says."""
        if self.gone:
            return Checkpoint(began_s=self.began * 60, trouble="Lytics answers 404 (not found)")
        return Checkpoint(
            done=True,
            stamp_ns=self.stamp * MINUTE_NS,
            began_s=self.began * 60,
            email_fields=tuple((f"export{n}", f"email{n}") for n in self.fields),
            scanned=self.scanned,
            smallest=self.total,
            largest=self.total,
            seen=len(self.seen),
            chunks=1,
            sample=tuple((address(email), email in "ace") for email in sorted(self.seen)),
        )


def address(email: str) -> str:
    """Return a letter as an address."""
    return f"{email}@example.org"
