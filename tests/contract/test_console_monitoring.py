"""Queue counts and alarms are read from AWS, on moto."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime

import boto3
import pytest

from functions.console.aws.monitoring import ALARMS, Monitoring
from lytics_sendgrid.errors import StopRun
from tests.contract.moto_aws import aws

NAMES = [f"shop-{name}" for name in ALARMS]


@pytest.fixture
def monitoring(monkeypatch: pytest.MonkeyPatch) -> Iterator[Monitoring]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    with aws():
        yield Monitoring(boto3.client("sqs"), boto3.client("cloudwatch"), NAMES)


def test_messages_are_counted_in_every_state(monitoring: Monitoring) -> None:
    sqs = boto3.client("sqs")
    url = sqs.create_queue(QueueName="changes")["QueueUrl"]
    assert monitoring.waiting(url) == 0
    for delay_s in (0, 0, 900):
        sqs.send_message(QueueUrl=url, MessageBody=json.dumps({}), DelaySeconds=delay_s)
    sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=1)
    assert monitoring.waiting(url) == 3
    with pytest.raises(StopRun):
        monitoring.waiting(url + "-gone")


def test_age_of_the_oldest_message_is_the_newest_value(monitoring: Monitoring) -> None:
    now_s = datetime(2026, 11, 26, 5, 0, tzinfo=UTC).timestamp()
    cloudwatch = boto3.client("cloudwatch")
    for minutes, age_s in ((5, 100.0), (2, 280.0)):
        cloudwatch.put_metric_data(
            Namespace="AWS/SQS",
            MetricData=[
                {
                    "MetricName": "ApproximateAgeOfOldestMessage",
                    "Dimensions": [{"Name": "QueueName", "Value": "changes"}],
                    "Timestamp": datetime.fromtimestamp(now_s - 60 * minutes, UTC),
                    "Value": age_s,
                }
            ],
        )
    urls = {"changes": "https://sqs/1/changes", "imports": "https://sqs/1/imports"}
    assert monitoring.ages_s(urls, now_s) == {"changes": 280.0}


def test_only_alarms_of_this_stack_are_read(monitoring: Monitoring) -> None:
    cloudwatch = boto3.client("cloudwatch")
    of_another_stack = "shop-test-keys"
    for name in ("other", of_another_stack, *NAMES):
        cloudwatch.put_metric_alarm(
            AlarmName=name,
            AlarmDescription="a text",
            AlarmActions=["arn:aws:sns:eu-west-1:123456789012:on-call"],
            MetricName="Errors",
            Namespace="AWS/Lambda",
            Statistic="Sum",
            Period=300,
            EvaluationPeriods=1,
            Threshold=0,
            ComparisonOperator="GreaterThanThreshold",
        )
    cloudwatch.set_alarm_state(AlarmName="shop-keys", StateValue="ALARM", StateReason="test")
    alarms = monitoring.alarms()
    assert [alarm.name for alarm in alarms] == sorted(NAMES)
    assert [alarm.name for alarm in alarms if alarm.state == "ALARM"] == ["shop-keys"]
    assert alarms[0].description == "a text"
    assert alarms[0].actions == ("arn:aws:sns:eu-west-1:123456789012:on-call",)
