"""The steps of a run as a person would call them, how far the present ones are, and how long is left."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from lytics_sendgrid.domain.checkpoint import Checkpoint
from lytics_sendgrid.domain.run_progress import RunProgress
from lytics_sendgrid.workflow.run_record import RunRecord

TITLES: Final = {
    "check": "Check the input against both accounts",
    "create": "Create fields and segments in SendGrid",
    "subscribe": "Subscribe to changes in Lytics",
    "stop": "Stop the export",
    "clear": "Empty the segments of removed audiences",
    "read": "Read the audiences in Lytics",
    "compare": "Compare with the people already sent",
    "audit": "Compare with SendGrid's own contacts",
    "send": "Send people to SendGrid",
    "report": "Compare the counts and write the report",
}
"""Every step of any run, in its order."""
_STEPS: Final[Mapping[str, tuple[str, ...]]] = {
    "start": ("check", "create", "subscribe", "send", "report"),
    "resync": ("check", "send", "report"),
    "stop": ("check", "stop", "clear", "send", "report"),
}
STEP_OF: Final = {
    "Plan": "check",
    "Provision": "create",
    "Activate": "subscribe",
    "WaitForLytics": "subscribe",
    "Deactivate": "stop",
    "Clear": "clear",
    "WaitToClear": "clear",
    "Backfill": "read",
    "Scan": "read",
    "Sweep": "compare",
    "WaitToSweep": "compare",
    "SecondScan": "compare",
    "ScanAgain": "compare",
    "Audit": "audit",
    "WaitToAudit": "audit",
    "Settle": "send",
    "WaitToSettle": "send",
    "Resume": "send",
    "ContinueInNewExecution": "send",
    "Finish": "report",
    "Report": "report",
}
"""The step of each state of the state machine that takes time."""
_MIN_ELAPSED_S: Final = 5
"""A rate of fewer seconds says little."""
_SOON_S: Final = 2
_LATER_S: Final = 10
_SOON_FOR_S: Final = 120


class State(StrEnum):
    """Where a step stands."""

    DONE = "done"
    NOW = "now"
    WAITS = "waits"


@dataclass(frozen=True, slots=True)
class Bar:
    """A bar with its numbers.

    Attributes:
        label: what is counted.
        done: how much is done.
        of: of how much; 0: not known yet.
        people: how many people that is; None: ``done`` counts people.
    """

    label: str
    done: int
    of: int
    people: int | None = None

    @property
    def percent(self) -> int:
        """How much is done, in percent, rounded down: 100 only if everything is."""
        return min(100, self.done * 100 // self.of) if self.of else 0


@dataclass(frozen=True, slots=True)
class Step:
    """A step.

    Attributes:
        key: of ``TITLES``.
        state: where it stands.
        bars: how far it is, if that can be counted.
    """

    key: str
    state: State
    bars: tuple[Bar, ...] = ()

    @property
    def title(self) -> str:
        """What the step does."""
        return TITLES[self.key]


@dataclass(frozen=True, slots=True)
class AudienceScan:
    """How far the scan of one audience is.

    Attributes:
        name: the audience's.
        scanned: people read.
        of: people that Lytics counts; 0: not known yet.
        done: the scan has ended.
        trouble: why it could not be scanned; empty if it could.
    """

    name: str
    scanned: int
    of: int
    done: bool
    trouble: str


@dataclass(frozen=True, slots=True)
class RunView:
    """How far a run is.

    Attributes:
        steps: in their order.
        audiences: the scan of each audience that has begun, the unfinished ones first.
        left_s: seconds until everything is sent, by the rate so far; None: not known.
        again_s: seconds until the page should ask again.
    """

    steps: tuple[Step, ...]
    audiences: tuple[AudienceScan, ...]
    left_s: int | None
    again_s: int

    @property
    def now(self) -> str:
        """The title of the step that the run is in. People are sent while others are still read."""
        return next((step.title for step in self.steps if step.state is State.NOW), "")


def run_view(
    record: RunRecord | None,
    entered: Sequence[str],
    progress: RunProgress,
    started_s: int,
    now_s: int,
    *,
    action: str = "start",
) -> RunView:
    """Return how far a run is.

    Args:
        record: the run's; None: it has not been planned yet.
        entered: the states of the state machine that were entered last, the newest first.
        progress: what the run's functions have recorded.
        started_s: when the run began, Unix seconds.
        now_s: our clock, Unix seconds.
        action: what its input asks for. Before the plan, it may be anything.
    """
    current = next((STEP_OF[name] for name in entered if name in STEP_OF), "check") if record else "check"
    keys = _steps_of(record, current, action)
    reading, sending = _reading(record, progress), _sending(progress)
    bars = {"read": (reading,), "send": sending}
    began_s = min((scan.began_s for scan in progress.scans.values() if scan.began_s), default=started_s)
    steps = tuple(
        Step(
            key,
            _state(keys.index(key), keys.index(current), begun=key == "send" and sending[0].of > 0),
            bars.get(key, ()) if record else (),
        )
        for key in keys
    )
    return RunView(
        steps=steps,
        audiences=tuple(sorted(_audiences(record, progress.scans), key=lambda scan: scan.done)),
        left_s=_left_s((reading, *sending), current, now_s - began_s) if record else None,
        again_s=_SOON_S if now_s - started_s < _SOON_FOR_S else _LATER_S,
    )


def epoch_s(text: str) -> int:
    """Return the Unix seconds of a time in ISO 8601."""
    return int(datetime.fromisoformat(text).timestamp())


def _steps_of(record: RunRecord | None, current: str, action: str) -> list[str]:
    keys = {*_STEPS.get(record.action if record else action, _STEPS["start"]), current}
    if record is not None:
        optional = {"read": record.backfill, "compare": record.sweep, "audit": record.audit}
        keys |= {key for key, wanted in optional.items() if wanted}
    return [key for key in TITLES if key in keys]


def _state(position: int, current: int, *, begun: bool) -> State:
    if position < current:
        return State.DONE
    return State.NOW if position == current or begun else State.WAITS


def _reading(record: RunRecord | None, progress: RunProgress) -> Bar:
    scans = progress.scans.values()
    scanned = sum(scan.scanned for scan in scans)
    all_ended = bool(record) and len(scans) >= len(record.audiences if record else ()) and bool(scans)
    if all_ended and all(scan.ended for scan in scans):
        return Bar("read", scanned, scanned)
    return Bar("read", scanned, max(record.people if record else 0, scanned))


def _sending(progress: RunProgress) -> tuple[Bar, Bar]:
    expected = progress.expected | progress.again
    done = len(expected & progress.numbers)
    people = sum(
        count
        for name, count in progress.counts.items()
        if name in {"accepted", "unchanged"} or name.startswith("rejected.")
    )
    confirmed = sum(outcome.get("confirmed", 0) for outcome in progress.ended.values())
    jobs, ended = len(progress.jobs), len(progress.jobs & progress.ended.keys())
    return (
        Bar("delivered", done, len(expected), max(0, people)),
        Bar("confirmed", ended, jobs, confirmed),
    )


def _audiences(record: RunRecord | None, scans: Mapping[str, Checkpoint]) -> Iterator[AudienceScan]:
    names = {audience.id: audience.name for audience in record.audiences} if record else {}
    for audience, scan in scans.items():
        of = scan.counted or scan.largest or 0
        yield AudienceScan(names.get(audience) or audience, scan.scanned, of, scan.ended, scan.trouble)


def _left_s(bars: tuple[Bar, ...], current: str, elapsed_s: int) -> int | None:
    """Return how long the slowest of what is under way takes, by the rate so far."""
    if current not in {"read", "send"} or elapsed_s < _MIN_ELAPSED_S:
        return None
    counted = [bar for bar in bars if bar.of and bar.label != "confirmed"]
    if not counted or any(bar.done == 0 for bar in counted):
        return None
    return max(elapsed_s * (bar.of - bar.done) // bar.done for bar in counted)
