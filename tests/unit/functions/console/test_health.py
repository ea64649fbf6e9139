"""What the page Health says of queues and alarms."""

from functions.console.aws.monitoring import Alarm
from functions.console.health import alarm_rows, queues
from lytics_sendgrid.errors import ServiceUnavailable
from tests.unit.functions.console.scene import Monitored

NOW_S = 1_795_000_000.0
URLS = {"changes": "https://sqs/1/changes", "rejects": "https://sqs/1/rejects"}
TOPIC = "arn:aws:sns:eu-west-1:123456789012:on-call"


def test_queues_say_how_much_waits_and_since_when() -> None:
    monitored = Monitored()
    monitored.counts, monitored.ages = {"changes": 7}, {"changes": 60.0, "rejects": 9.0}
    changes, rejects = queues(monitored, URLS, NOW_S)
    assert (changes.title, changes.count, changes.since_s) == (
        "Changes that wait for SendGrid",
        7,
        NOW_S - 60,
    )
    assert (rejects.count, rejects.since_s) == (0, None)


def test_what_aws_does_not_say_is_unknown() -> None:
    monitored = Monitored()
    monitored.broken = ServiceUnavailable("down")
    assert [(queue.count, queue.since_s) for queue in queues(monitored, URLS, NOW_S)] == [(None, None)] * 2


def test_alarms_that_are_on_come_first_with_their_runbook() -> None:
    text = "console crashed. https://github.com/acme/lytics/docs/operate.md#alarm-console-errors"
    rows = alarm_rows(
        [
            Alarm("shop-a", "OK", 1, "fine", ()),
            Alarm("shop-b", "ALARM", 2, text, (TOPIC,)),
            Alarm("shop-c", "INSUFFICIENT_DATA", 3, "", ()),
            Alarm("shop-d", "NEW", 3, "", ()),
        ],
        "shop-",
    )
    assert [(row.name, row.kind, row.text) for row in rows] == [
        ("b", "bad", "On"),
        ("a", "good", "Off"),
        ("c", "off", "No data yet"),
        ("d", "off", "NEW"),
    ]
    assert (rows[0].meaning, rows[0].runbook, rows[0].topics) == (
        "console crashed.",
        "https://github.com/acme/lytics/docs/operate.md#alarm-console-errors",
        ("on-call",),
    )
    assert (rows[1].meaning, rows[1].runbook) == ("fine", "")
    assert (rows[1].runbook, rows[1].topics) == ("", ())
