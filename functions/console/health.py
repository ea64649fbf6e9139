"""What the page Health shows: what waits, what was given up, which alarms are on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from functions.console.aws.monitoring import Alarm
from lytics_sendgrid.errors import LyticsSendGridError

_RUNBOOK: Final = "/operate.md#"


class Monitoring(Protocol):
    """Queues and alarms."""

    def waiting(self, queue_url: str) -> int: ...  # noqa: D102
    def ages_s(self, queue_urls: Mapping[str, str], now_s: float) -> Mapping[str, float]: ...  # noqa: D102
    def alarms(self) -> Sequence[Alarm]: ...  # noqa: D102


@dataclass(frozen=True, slots=True)
class QueueRow:
    """A queue.

    Attributes:
        name: short: ``changes``, ``imports``, ``rejects``.
        title: what waits in it, in the reader's words.
        count: about how many messages; None: unknown.
        since_s: when the oldest was queued, Unix seconds; None: unknown, or there is none.
    """

    name: str
    title: str
    count: int | None
    since_s: float | None


@dataclass(frozen=True, slots=True)
class AlarmRow:
    """An alarm on the page.

    Attributes:
        name: without the stack's name.
        kind: of the sign.
        text: its state in words.
        since_s: Unix seconds.
        meaning: what it means.
        runbook: where its runbook is: an https address, or a path in this project; empty: nowhere.
        topics: names of the topics that it notifies; empty: it notifies nobody.
    """

    name: str
    kind: str
    text: str
    since_s: float
    meaning: str
    runbook: str
    topics: tuple[str, ...]


TITLES: Final = {
    "changes": "Changes that wait for SendGrid",
    "imports": "SendGrid's import jobs under way",
    "changes_given_up": "Changes that were given up",
    "imports_given_up": "Import jobs that were given up",
    "rejects": "Events that could not be read",
}
_STATES: Final = {"ALARM": ("bad", "On"), "OK": ("good", "Off"), "INSUFFICIENT_DATA": ("off", "No data yet")}


def queues(monitoring: Monitoring, urls: Mapping[str, str], now_s: float) -> tuple[QueueRow, ...]:
    """Return what waits in each queue. A count or an age that AWS does not give is unknown."""
    try:
        ages_s = monitoring.ages_s(urls, now_s)
    except LyticsSendGridError:
        ages_s = {}
    rows = []
    for name, url in urls.items():
        try:
            count: int | None = monitoring.waiting(url)
        except LyticsSendGridError:
            count = None
        age_s = ages_s.get(name) if count else None
        rows.append(QueueRow(name, TITLES[name], count, None if age_s is None else now_s - age_s))
    return tuple(rows)


def alarm_rows(alarms: Sequence[Alarm], prefix: str) -> tuple[AlarmRow, ...]:
    """Return the alarms for the page, those that are on first."""
    rows = [_alarm_row(alarm, prefix) for alarm in alarms]
    return tuple(sorted(rows, key=lambda row: row.kind != "bad"))


def _alarm_row(alarm: Alarm, prefix: str) -> AlarmRow:
    kind, text = _STATES.get(alarm.state, ("off", alarm.state))
    meaning, _, runbook = alarm.description.rpartition(" ")
    if _RUNBOOK not in runbook:
        meaning, runbook = alarm.description, ""
    return AlarmRow(
        alarm.name.removeprefix(prefix),
        kind,
        text,
        alarm.since_s,
        meaning,
        runbook,
        tuple(arn.rpartition(":")[2] for arn in alarm.actions),
    )
