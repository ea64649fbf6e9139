"""Timeouts, retention and batch sizes of queues fit their consumers."""

from lytics_sendgrid.queues.writer import MAX_REQUEST_BYTES
from tests.template.sources import Template

MAXIMUM_RETENTION_S = 14 * 24 * 3600
MAXIMUM_DELAY_S = 900


def _consumers(template: Template) -> dict[str, str]:
    sources = {name: template.source_queue(name) for name in template.functions}
    return {name: queue for name, queue in sources.items() if queue is not None}


def test_changes_and_imports_have_a_consumer(template: Template) -> None:
    assert _consumers(template) == {"DeliverFunction": "ChangesQueue", "ConfirmFunction": "ImportsQueue"}


def test_visibility_timeout_is_six_timeouts_plus_the_window(template: Template) -> None:
    for name, queue in _consumers(template).items():
        (event,) = template.queue_events(name)
        window_s = template.greatest(event.get("MaximumBatchingWindowInSeconds", 0))
        needed_s = 6 * template.functions[name]["Timeout"] + window_s
        assert template.queues[queue]["VisibilityTimeout"] >= needed_s


def test_dead_letter_queues_keep_messages_longer_than_their_source(template: Template) -> None:
    for queue in _consumers(template).values():
        redrive = template.queues[queue]["RedrivePolicy"]
        target, attribute = redrive["deadLetterTargetArn"]["Fn::GetAtt"]
        assert attribute == "Arn"
        # Lambda throttles in rounds of a visibility timeout. Good messages must survive an hour of it.
        assert redrive["maxReceiveCount"] == 10
        assert redrive["maxReceiveCount"] * template.queues[queue]["VisibilityTimeout"] >= 2 * 3600
        # A message in a dead-letter queue keeps its first enqueue time.
        assert template.queues[target]["MessageRetentionPeriod"] == MAXIMUM_RETENTION_S
        assert template.queues[queue]["MessageRetentionPeriod"] < MAXIMUM_RETENTION_S


def test_rejects_queue_is_not_a_dead_letter_queue_and_keeps_longest(template: Template) -> None:
    assert template.queues["RejectsQueue"]["MessageRetentionPeriod"] == MAXIMUM_RETENTION_S
    assert not any(
        "RejectsQueue" in str(queue.get("RedrivePolicy", "")) for queue in template.queues.values()
    )


def test_every_queue_is_encrypted(template: Template) -> None:
    assert len(template.queues) == 5
    for queue in template.queues.values():
        assert queue["SqsManagedSseEnabled"]["Fn::If"] == ["HasKmsKey", {"Ref": "AWS::NoValue"}, True]


def test_consumers_report_failed_messages_and_have_a_maximum(template: Template) -> None:
    for name in _consumers(template):
        (event,) = template.queue_events(name)
        assert event["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
        assert template.greatest(event["ScalingConfig"]["MaximumConcurrency"]) >= 2


def test_deliver_takes_the_largest_batches_which_need_a_window(template: Template) -> None:
    (event,) = template.queue_events("DeliverFunction")
    assert event["BatchSize"] == 10_000
    least, _ = template.bounds(event["MaximumBatchingWindowInSeconds"]["Ref"]) or (0, 0)
    assert least >= 1


def test_only_functions_that_feed_themselves_may_loop(template: Template) -> None:
    feeding_themselves = {
        name
        for name, queue in _consumers(template).items()
        if template.allows(name, "sqs:SendMessage", queue)
    }
    allowed = {
        name for name, function in template.functions.items() if function.get("RecursiveLoop") == "Allow"
    }
    assert feeding_themselves == {"DeliverFunction", "ConfirmFunction"}
    assert allowed == feeding_themselves


def test_delays_are_no_longer_than_a_queue_can_delay(template: Template) -> None:
    for name in ("RefreshDelaySeconds", "ConfirmDelaySeconds", "StopRetrySeconds"):
        assert template.greatest({"Ref": name}) <= MAXIMUM_DELAY_S


def test_every_queue_takes_messages_as_large_as_the_code_sends(template: Template) -> None:
    """The default is the region's, which may be less."""
    assert {queue["MaximumMessageSize"] for queue in template.queues.values()} == {MAX_REQUEST_BYTES}


def test_every_queue_refuses_requests_without_tls(template: Template) -> None:
    (policy,) = template.of_type("AWS::SQS::QueuePolicy").values()
    assert policy["Properties"]["Queues"] == [{"Ref": name} for name in template.queues]
    (statement,) = policy["Properties"]["PolicyDocument"]["Statement"]
    assert statement == {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "sqs:*",
        "Resource": "*",
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }


def test_only_the_dead_letter_queues_can_become_one(template: Template) -> None:
    for name, queue in template.queues.items():
        may = queue.get("RedriveAllowPolicy", {"redrivePermission": "allowAll"})["redrivePermission"]
        assert may == ("allowAll" if name.endswith("DeadLetterQueue") else "denyAll"), name
