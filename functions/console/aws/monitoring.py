"""What waits in the queues and since when, and the alarms of the stack."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from lytics_sendgrid.aws.errors import translated

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_COUNTS: Final = (
    "ApproximateNumberOfMessages",
    "ApproximateNumberOfMessagesNotVisible",
    "ApproximateNumberOfMessagesDelayed",
)
_AGE: Final = "ApproximateAgeOfOldestMessage"
_LOOKED_BACK: Final = timedelta(minutes=15)
"""SQS reports an age each minute, and late."""

MAX_ALARMS: Final = 100
"""One request can name this many alarms, and one answer holds them."""
ALARMS: Final = (
    "webhook-5xx",
    "gateway-answers",
    "ingest-errors",
    "ingest-throttles",
    "webhook-401",
    "webhook-unknown-export",
    "webhook-not-json",
    "rejects-queue",
    "changes-age",
    "changes-unfinished",
    "deliver-errors",
    "deliver-throttles",
    "changes-dead-letter-queue",
    "export-stopped",
    "confirm-errors",
    "confirm-throttles",
    "imports-dead-letter-queue",
    "nightly-errors",
    "watch-errors",
    "webhook-jobs",
    "keys",
    "silent-exports",
    "resyncs-skipped",
    "export-run-failed",
    "export-run-timed-out",
    "export-run-stopped",
    "console-errors",
    "catalogue-errors",
)
"""The alarms of a stack, without its name.

A prefix would not do: the alarms of the stack ``shop-test`` begin with ``shop-``, too.
"""


@dataclass(frozen=True, slots=True)
class Alarm:
    """An alarm of the stack.

    Attributes:
        name: the alarm's.
        state: ``OK``, ``ALARM`` or ``INSUFFICIENT_DATA``.
        since_s: when it came into this state, Unix seconds.
        description: what it means, and at its end where its runbook is.
        actions: ARNs of the topics that it notifies.
    """

    name: str
    state: str
    since_s: float
    description: str
    actions: tuple[str, ...]


class Monitoring:
    """Queues and alarms of one stack."""

    def __init__(self, sqs: Any, cloudwatch: Any, alarm_names: Sequence[str]) -> None:
        self._sqs = sqs
        self._cloudwatch = cloudwatch
        self._alarm_names = alarm_names

    def waiting(self, queue_url: str) -> int:
        """Return about how many messages a queue has: those that wait, are delayed, or are being handled."""
        with translated("SQS"):
            answer = self._sqs.get_queue_attributes(QueueUrl=queue_url, AttributeNames=list(_COUNTS))
        return sum(int(answer["Attributes"].get(name, 0)) for name in _COUNTS)

    def ages_s(self, queue_urls: Mapping[str, str], now_s: float) -> dict[str, float]:
        """Return the age of the oldest message of each queue, in seconds; one that is missing is not known.

        Args:
            queue_urls: by a short name.
            now_s: our clock.
        """
        now = datetime.fromtimestamp(now_s, UTC)
        names = dict(enumerate(queue_urls))
        queries = [
            {
                "Id": f"q{number}",
                "MetricStat": {
                    "Metric": {
                        "Namespace": "AWS/SQS",
                        "MetricName": _AGE,
                        "Dimensions": [
                            {"Name": "QueueName", "Value": queue_urls[name].rpartition("/")[2]},
                        ],
                    },
                    "Period": 60,
                    "Stat": "Maximum",
                },
            }
            for number, name in names.items()
        ]
        with translated("CloudWatch"):
            answer = self._cloudwatch.get_metric_data(
                MetricDataQueries=queries,
                StartTime=now - _LOOKED_BACK,
                EndTime=now,
                ScanBy="TimestampDescending",
            )
        return {
            names[int(result["Id"][1:])]: float(result["Values"][0])
            for result in answer["MetricDataResults"]
            if result["Values"]
        }

    def alarms(self) -> Sequence[Alarm]:
        """Return the alarms of the stack, in the order of their names."""
        with translated("CloudWatch"):
            answer = self._cloudwatch.describe_alarms(
                AlarmNames=list(self._alarm_names), AlarmTypes=["MetricAlarm"], MaxRecords=MAX_ALARMS
            )
        found = [
            Alarm(
                alarm["AlarmName"],
                alarm["StateValue"],
                alarm["StateUpdatedTimestamp"].timestamp(),
                alarm.get("AlarmDescription") or "",
                tuple(alarm.get("AlarmActions") or ()),
            )
            for alarm in answer["MetricAlarms"]
        ]
        return sorted(found, key=lambda alarm: alarm.name)
