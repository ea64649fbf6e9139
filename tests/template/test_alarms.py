"""Every alarm watches an existing resource and points to its heading in the runbook."""

import json
from typing import Any

import pytest

from functions.ingest.gateway import WebhookRequest, WebhookResponse
from functions.ingest.log_line import log_line
from functions.watch.findings import METRICS as WATCH_METRICS
from functions.watch.findings import Trouble
from lytics_sendgrid.queues.writer import MAX_DELAY_S
from tests.documents import anchors, text
from tests.template.sources import REPOSITORY, Template


def _alarms(template: Template) -> dict[str, dict[str, Any]]:
    return {name: alarm["Properties"] for name, alarm in template.of_type("AWS::CloudWatch::Alarm").items()}


def _watched(template: Template, metric: str) -> set[str]:
    found = set()
    for alarm in _alarms(template).values():
        if alarm["MetricName"] == metric:
            (dimension,) = alarm["Dimensions"]
            value = dimension["Value"]
            found.add(value["Ref"] if "Ref" in value else value["Fn::GetAtt"][0])
    return found


def test_every_alarm_points_to_its_heading_in_the_runbook(template: Template) -> None:
    headings = anchors(text("docs/operate.md"))
    assert _alarms(template)
    for name, alarm in _alarms(template).items():
        document, _, anchor = alarm["AlarmDescription"]["Fn::Sub"].rpartition(" ")[2].partition("#")
        assert document == "${DocsUrl}/operate.md", name
        assert anchor in headings, f"{document} has no heading with the anchor #{anchor}"


def test_every_alarm_in_the_runbook_belongs_to_an_alarm(template: Template) -> None:
    named = {alarm["AlarmDescription"]["Fn::Sub"].rpartition("#")[2] for alarm in _alarms(template).values()}
    assert {anchor for anchor in anchors(text("docs/operate.md")) if anchor.startswith("alarm-")} == named


def test_every_alarm_notifies_the_topic_when_it_starts_and_ends(template: Template) -> None:
    topic = {"Fn::If": ["HasAlarmTopic", [{"Ref": "AlarmTopicArn"}], {"Ref": "AWS::NoValue"}]}
    for alarm in _alarms(template).values():
        assert alarm["AlarmActions"] == alarm["OKActions"] == topic
        depth = alarm["MetricName"] == "ApproximateNumberOfMessagesVisible"
        # SQS sends no metric for a queue that nobody has used for six hours, whatever lies on it.
        assert alarm["TreatMissingData"] == ("ignore" if depth else "notBreaching")


def test_every_queue_that_should_be_empty_is_watched(template: Template) -> None:
    dead_letter_queues = {
        queue["RedrivePolicy"]["deadLetterTargetArn"]["Fn::GetAtt"][0]
        for queue in template.queues.values()
        if "RedrivePolicy" in queue
    }
    assert _watched(template, "ApproximateNumberOfMessagesVisible") == dead_letter_queues | {"RejectsQueue"}


def test_age_of_changes_is_watched_beyond_the_longest_delay(template: Template) -> None:
    assert _watched(template, "ApproximateAgeOfOldestMessage") == {"ChangesQueue"}
    watching = {"ApproximateAgeOfOldestMessage", "LongestWait"}
    thresholds_s = [a["Threshold"] for a in _alarms(template).values() if a["MetricName"] in watching]
    assert len(thresholds_s) == 2
    assert min(thresholds_s) > template.greatest({"Ref": "RefreshDelaySeconds"})


def test_unfinished_changes_are_retried_before_their_alarm_ends(template: Template) -> None:
    (alarm,) = [a for a in _alarms(template).values() if a["MetricName"] == "LongestWait"]
    (event,) = template.queue_events("DeliverFunction")
    window_s = template.greatest(event["MaximumBatchingWindowInSeconds"])
    retry_s = MAX_DELAY_S + window_s + template.functions["DeliverFunction"]["Timeout"]
    assert (alarm["Statistic"], alarm["DatapointsToAlarm"]) == ("Maximum", 1)
    assert alarm["Period"] * alarm["EvaluationPeriods"] > retry_s


def test_refused_secrets_are_counted_in_the_log_of_ingest(template: Template) -> None:
    counted = template.resources["WrongSecrets"]["Properties"]
    (transformation,) = counted["MetricTransformations"]
    (alarm,) = [a for a in _alarms(template).values() if a["MetricName"] == transformation["MetricName"]]
    assert alarm["Namespace"] == transformation["MetricNamespace"]
    assert counted["LogGroupName"] == template.functions["IngestFunction"]["LoggingConfig"]["LogGroup"]
    assert counted["FilterPattern"] == "{ $.status = 401 }"
    line = json.loads(
        log_line(
            WebhookRequest("shop", (), "", False, "r1"), WebhookResponse(401, "wrong secret"), "stack", 0
        )
    )
    assert line["status"] == 401


def test_errors_of_functions_outside_the_state_machine_are_watched(template: Template) -> None:
    by_hand = {"InspectFunction", "EraseFunction"}
    unwatched = template.functions.keys() - set(template.tasks.values()) - by_hand
    assert _watched(template, "Errors") == unwatched


def test_throttles_of_functions_that_no_state_machine_retries_are_watched(template: Template) -> None:
    """Lambda itself tries a scheduled invocation that is throttled again, for six hours."""
    scheduled = {
        target["Arn"]["Fn::GetAtt"][0]
        for rule in template.of_type("AWS::Events::Rule").values()
        for target in rule["Properties"]["Targets"]
    }
    seen = {"ConsoleFunction", "CatalogueFunction"}  # somebody waits for the answer, and tries again
    assert _watched(template, "Throttles") == _watched(template, "Errors") - scheduled - seen
    for alarm in _alarms(template).values():
        if alarm["MetricName"] == "Throttles":
            assert alarm["Period"] * alarm["EvaluationPeriods"] == 900  # a few are harmless


def test_strangers_who_guess_names_do_not_hold_the_5xx_alarm(template: Template) -> None:
    """Ingest answers an unknown export 503. The access log cannot tell it from another 503 of ingest."""
    (alarm,) = [a for a in _alarms(template).values() if a["AlarmName"]["Fn::Sub"].endswith("-webhook-5xx")]
    filters = [f["Properties"] for f in template.of_type("AWS::Logs::MetricFilter").values()]
    counted = {
        f["LogGroupName"]["Ref"]: f["FilterPattern"]
        for f in filters
        if f["MetricTransformations"][0]["MetricName"] == alarm["MetricName"]
    }
    assert counted == {
        "ApiLogs": '{ ($.status = "5*") && ($.ingestStatus != "503") }',
        "IngestLogs": '{ ($.status = 503) && ($.answer != "unknown export") }',
    }
    assert all(
        f["MetricTransformations"][0]["MetricNamespace"] == alarm["Namespace"]
        for f in filters
        if f["MetricTransformations"][0]["MetricName"] == alarm["MetricName"]
    )


def test_deliveries_for_unknown_exports_are_watched_apart(template: Template) -> None:
    counted = template.resources["UnknownExports"]["Properties"]
    (transformation,) = counted["MetricTransformations"]
    (alarm,) = [a for a in _alarms(template).values() if a["MetricName"] == transformation["MetricName"]]
    assert alarm["Namespace"] == transformation["MetricNamespace"]
    assert counted["LogGroupName"] == {"Ref": "IngestLogs"}
    assert counted["FilterPattern"] == '{ $.answer = "unknown export" }'
    assert '"unknown export"' in (REPOSITORY / "functions" / "ingest" / "intake.py").read_text()


def test_alarms_of_the_watch_last_until_it_looks_again(template: Template) -> None:
    counted = template.resources["SkippedResyncs"]["Properties"]
    assert counted["FilterPattern"] == f'{{ $.message = "{Trouble.SKIPPED.value}" }}'
    assert counted["LogGroupName"] == template.functions["WatchFunction"]["LoggingConfig"]["LogGroup"]
    assert template.resources["WatchSchedule"]["Properties"]["ScheduleExpression"] == "rate(1 hour)"
    metrics = {*WATCH_METRICS.values(), counted["MetricTransformations"][0]["MetricName"]}
    alarms = [alarm for alarm in _alarms(template).values() if alarm["MetricName"] in metrics]
    assert len(alarms) == len(metrics) == len(Trouble)
    for alarm in alarms:
        assert (alarm["Period"], alarm["EvaluationPeriods"], alarm["DatapointsToAlarm"]) == (3_600, 2, 1)


@pytest.mark.parametrize("metric", ["ExecutionsFailed", "ExecutionsTimedOut", "ExecutionsAborted"])
def test_runs_that_fail_are_watched(template: Template, metric: str) -> None:
    assert _watched(template, metric) == {"ExportStateMachine"}


def test_our_own_metrics_are_emitted_by_the_code(template: Template) -> None:
    namespace = template.globals["Function"]["Environment"]["Variables"]["POWERTOOLS_METRICS_NAMESPACE"]
    metrics = [alarm["MetricName"] for alarm in _alarms(template).values() if alarm["Namespace"] == namespace]
    sources = [*REPOSITORY.glob("layers/lytics_sendgrid/**/*.py"), *REPOSITORY.glob("functions/**/*.py")]
    code = "".join(source.read_text() for source in sources)
    watched = set(WATCH_METRICS.values())
    assert set(metrics) == {"ExportStopped", "LongestWait", "NotJson"} | watched
    assert all(f'"{metric}"' in code for metric in metrics)
