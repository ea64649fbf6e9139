"""The page Health."""

from functions.console.aws.monitoring import Alarm
from lytics_sendgrid.errors import ServiceUnavailable
from tests.unit.functions.console.scene import VIEWER, Scene

TEXT = "console crashed. docs/operate.md#alarm-console-errors"


def test_healthy_stack_says_so_to_everybody() -> None:
    page = Scene().get("/health", as_=VIEWER)
    assert page.status == 200
    assert "No alarm is on. No message was given up." in page.text
    assert "This stack has no alarms." in page.text
    assert "lytics-sendgrid 1.0.0" in page.text


def test_what_was_given_up_comes_with_the_commands() -> None:
    scene = Scene()
    scene.monitoring.counts = {"changes": 12, "imports-dead": 2, "rejects": 1}
    scene.monitoring.ages = {"changes": 60.0, "rejects": 7_200.0}
    page = scene.get("/health")
    assert "No alarm is on. 3 messages were given up." in page.text
    assert "make redrive STACK=shop QUEUE=imports DRY=1" in page.text
    assert "make redrive STACK=shop QUEUE=rejects" in page.text
    assert page.html.count('data-as="ago"') == 2


def test_alarm_that_is_on_has_its_meaning_runbook_and_topic() -> None:
    scene = Scene()
    topic = "arn:aws:sns:eu-west-1:123456789012:on-call"
    scene.monitoring.raised = [Alarm("shop-console-errors", "ALARM", 1_795_000_000, TEXT, (topic,))]
    page = scene.get("/health")
    assert "1 alarm is on. No message was given up." in page.text
    for words in ("console crashed.", "docs/operate.md#alarm-console-errors", "on-call"):
        assert words in page.text
    assert "Nobody is notified" not in page.text


def test_runbook_is_a_link_where_the_address_of_the_docs_is_known() -> None:
    scene = Scene()
    runbook = "https://docs.example/shop/operate.md#alarm-console-errors"
    scene.monitoring.raised = [
        Alarm("shop-console-errors", "ALARM", 1_795_000_000, f"It crashed. {runbook}", ()),
        Alarm("shop-ingest-errors", "ALARM", 1_795_000_000, "It crashed. javascript:/operate.md#x", ()),
    ]
    page = scene.get("/health")
    assert f'<a href="{runbook}">What to do</a>' in page.html
    assert page.html.count("What to do</a>") == 1


def test_alarms_that_notify_nobody_are_pointed_out() -> None:
    scene = Scene()
    scene.monitoring.raised = [Alarm("shop-console-errors", "OK", 1_795_000_000, "", ())]
    page = scene.get("/health")
    assert "Nobody is notified when an alarm turns on" in page.text
    assert "AlarmTopicArn" in page.text


def test_page_is_usable_while_aws_does_not_answer() -> None:
    scene = Scene()
    scene.monitoring.broken = ServiceUnavailable("down")
    page = scene.get("/health")
    assert page.status == 200
    assert "could not be read" in page.text
    assert "unknown" in page.text


def test_unread_alarms_do_not_hide_what_was_given_up() -> None:
    scene = Scene()
    scene.monitoring.counts = {"rejects": 1}
    scene.monitoring.unread_alarms = ServiceUnavailable("down")
    page = scene.get("/health")
    assert "The alarms could not be read. 1 message was given up. Load the page again." in page.text


def test_unread_queues_are_not_said_to_be_empty() -> None:
    scene = Scene()
    scene.monitoring.unread_queues = ServiceUnavailable("down")
    scene.monitoring.raised = [Alarm("shop-console-errors", "ALARM", 1_795_000_000, TEXT, ())]
    page = scene.get("/health")
    assert "1 alarm is on. It is unknown whether messages were given up. Load the page again." in page.text
    assert "Changes that were given up unknown unknown make" in page.text
