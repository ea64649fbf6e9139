"""Start the nightly resync of every live export."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Protocol

from lytics_sendgrid.bounded_text import enumerated
from lytics_sendgrid.domain.configuration import Export
from lytics_sendgrid.domain.nights import night_at, resync_name
from lytics_sendgrid.errors import LyticsSendGridError

MAX_NAMES_CHARS = 2_000


class Exports(Protocol):
    """The exports' configurations."""

    def export_names(self) -> Sequence[str]: ...  # noqa: D102

    def export(self, name: str) -> Export | None: ...  # noqa: D102


class Executions(Protocol):
    """The executions of the state machine."""

    def start(self, name: str, document: Mapping[str, Any]) -> bool: ...  # noqa: D102


@dataclass(slots=True)
class Started:
    """What became of each export in a night.

    Attributes:
        started: their resync was started, or is running since an earlier attempt of this night.
        before: their resync of this night has already ended.
        stopped: a person stopped them, so they have no resync.
        failed: why their resync could not be started.
    """

    started: list[str] = field(default_factory=list)
    before: list[str] = field(default_factory=list)
    stopped: list[str] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)

    def fault(self) -> str:
        """Return which exports could not be resynced and what to do; empty if all were."""
        if not self.failed:
            return ""
        failed = sorted(self.failed.items())
        faults = enumerated((f"'{name}': {why}" for name, why in failed), MAX_NAMES_CHARS)
        return (
            f"the nightly resync of {len(self.failed)} exports could not be started: {faults}. Lambda tries "
            "again twice. If that fails, too, fix the cause and start a resync of each export by hand"
        )


def night_of(event: Mapping[str, Any], now_s: float) -> date:
    """Return the night that an event of the schedule is for.

    A repeated attempt has the same event, so that it starts no second run, even after midnight.

    Args:
        event: EventBridge's; one without a time, as a person may send it, is for tonight.
        now_s: our clock, Unix seconds.
    """
    time = event.get("time")
    try:
        return datetime.fromisoformat(time).date() if isinstance(time, str) else night_at(now_s)
    except ValueError:
        return night_at(now_s)


def start_resyncs(exports: Exports, executions: Executions, night: date, audit_nights: int) -> Started:
    """Start the resync of every live export. One export's failure does not stop the others.

    Args:
        exports: their configurations.
        executions: of the state machine.
        night: which.
        audit_nights: each account is audited every so many nights; 0: never.

    Raises:
        LyticsSendGridError: the list of exports could not be read.
    """
    tonight = Started()
    live: dict[str, list[str]] = {}
    for name in exports.export_names():
        try:
            export = exports.export(name)
        except LyticsSendGridError as error:
            tonight.failed[name] = str(error)
        except Exception as error:  # noqa: BLE001 - a configuration that cannot be read is one export's trouble
            tonight.failed[name] = f"{type(error).__name__}: its configuration cannot be read"
        else:
            if export is None or export.stopped_s is not None:
                tonight.stopped.append(name)
            else:
                live.setdefault(export.account, []).append(name)
    auditing = _auditing(live.values(), night, audit_nights)
    for name in sorted(name for names in live.values() for name in names):
        try:
            is_new = executions.start(resync_name(name, night), resync_input(name, audit=name in auditing))
        except LyticsSendGridError as error:
            tonight.failed[name] = str(error)
        else:
            (tonight.started if is_new else tonight.before).append(name)
    return tonight


def _auditing(accounts: Iterable[Sequence[str]], night: date, audit_nights: int) -> set[str]:
    """Return the exports that audit their accounts in a night.

    An audit is of a whole account, so one export of each account does it. They take turns: the same one could
    be kept from it night after night.
    """
    number, rest = divmod(night.toordinal(), audit_nights) if audit_nights else (0, 1)
    return set() if rest else {names[number % len(names)] for names in accounts}


def resync_input(export: str, *, audit: bool = False) -> dict[str, Any]:
    """Return the input of a nightly resync."""
    document: dict[str, Any] = {"action": "resync", "export": export, "scheduled": True}
    return document | {"audit": True} if audit else document
