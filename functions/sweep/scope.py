"""What a sweep may decide about each audience: what its scan saw, since when, and why nobody may leave."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from lytics_sendgrid.domain.checkpoint import Checkpoint, is_far_fewer, shortage
from lytics_sendgrid.domain.configuration import Account, Audience, Export
from lytics_sendgrid.domain.email_fields import email_fields

FIRST, SECOND = 0, 1
"""The numbers of a run's two scans of an audience."""
CHANGED: Final = "its exports or their e-mail fields were changed during the run: nobody was queued"
_LEFT: Final = "Nobody was taken out of its segment"


@dataclass(frozen=True, slots=True)
class SweepRequest:
    """What to sweep.

    Attributes:
        run: the execution's name.
        export: the run's export.
        account: the SendGrid account.
        audiences: of the export.
        swept_only: audiences that only other exports still have. The guard is lifted for them.
        max_leavers_percent: more suspects than this percentage of an audience's members stop the sweep of it.
        verify_delay_s: how long after the beginning of its scan an audience's suspects are verified.
        dry_run: find and verify, and queue nothing.
        prefix: of the numbers of this invocation's messages, unique in the run.
    """

    run: str
    export: str
    account: str
    audiences: tuple[Audience, ...]
    swept_only: tuple[Audience, ...]
    max_leavers_percent: int
    verify_delay_s: int
    dry_run: bool
    prefix: str


@dataclass(frozen=True, slots=True)
class Configured:
    """How an audience is configured.

    Attributes:
        since_ns: events not later than this are ignored.
        email_fields: each export that has it, and the export's e-mail field.
    """

    since_ns: int
    email_fields: frozenset[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Scope:
    """One swept audience.

    Attributes:
        audience: the audience.
        is_guarded: the guard counts. It is lifted for an audience that the export no longer has.
        email_fields: by which its members were seen, each once.
        export: the export that its messages name.
        scan: the checkpoint of the run's first scan; None: there is none.
        trouble: why nobody may leave, and what to do; empty if people may.
        now: how the audience is configured now.
    """

    audience: Audience
    is_guarded: bool
    email_fields: tuple[str, ...]
    export: str
    scan: Checkpoint | None
    trouble: str
    now: Configured

    @property
    def is_stale(self) -> bool:
        """Whether the exports that have the audience, or their e-mail fields, are not those of the scan."""
        return frozenset(self.scan.email_fields if self.scan else ()) != self.now.email_fields

    @property
    def since_ns(self) -> int:
        """Events not later than this are ignored."""
        return self.now.since_ns

    @property
    def whole_scan(self) -> Checkpoint | None:
        """The scan, if it has shown everybody whom it should."""
        return self.scan if self.scan is not None and self.scan.done and not self.scan.trouble else None

    @property
    def is_shown(self) -> bool:
        """Whether the scan shows the audience by the e-mail fields that it has now."""
        return self.whole_scan is not None and not self.is_stale

    @property
    def stamp_ns(self) -> int:
        """The scan shows every event up to this time; 0 if there is no scan."""
        return (self.scan.stamp_ns if self.scan else None) or 0


def scope_of(
    audience: Audience, request: SweepRequest, scan: Checkpoint | None, size: int | None, now: Configured
) -> Scope:
    """Return what may be decided about an audience.

    Args:
        audience: the audience.
        request: what to sweep.
        scan: the checkpoint of its first scan.
        size: how many people Lytics counts in it now; None: it does not say.
        now: how the audience is configured now.
    """
    seen_by = scan.email_fields if scan else ()
    names = [name for name, _ in seen_by]
    return Scope(
        audience,
        audience not in request.swept_only,
        tuple(dict.fromkeys(field for _, field in seen_by)),
        request.export if request.export in names or not names else names[0],
        scan,
        scan_trouble(scan, size),
        now,
    )


def configured(audience: str, account: Account, exports: Callable[[str], Export | None]) -> Configured:
    """Return how an audience is configured, stopped exports included: their people stay.

    Args:
        audience: its id.
        account: the SendGrid account.
        exports: reads an export's configuration.
    """
    provisioned = account.audiences.get(audience)
    if provisioned is None:
        return Configured(0, frozenset())
    return Configured(provisioned.since_ns, frozenset(email_fields(account, audience, exports)))


def scan_trouble(scan: Checkpoint | None, size: int | None) -> str:
    """Return why a scan does not show which people have left; empty if it does.

    Args:
        scan: its checkpoint; None: it has not begun.
        size: how many people Lytics counts in the audience now; None: it does not say.
    """
    if scan is None or not scan.ended:
        return f"its scan has not ended. {_LEFT}. Start the resync again"
    if scan.trouble:
        return f"{scan.trouble.rstrip('.')}. {_LEFT}"
    if size is None:
        return f"Lytics does not say how many people are in it. {_LEFT}. Check that the audience still exists"
    if short := scan.mismatch or _shortage(scan, size):
        return f"{short}. {_LEFT}. If the next resync says the same, ask Lytics' support"
    if scan.scanned and not scan.addresses_found:
        return (
            f"none of the {scan.scanned} rows of its scan has an address in the e-mail field. {_LEFT}. Check "
            "in Lytics that the field still holds the addresses"
        )
    return ""


def _shortage(scan: Checkpoint, size: int) -> str:
    """If a scan ends early, the totals on its pages may be wrong, too."""
    if not is_far_fewer(scan.scanned, size):
        return ""
    return shortage(size, scan.scanned)
