"""SQS event source mappings as in Lambda, in place of ministack's poller.

Adds batches of up to 10,000 messages, the batching window, the limit of 6 MB, responses that report unknown
messages, and times in fractions of a second. Does not poll Kinesis and DynamoDB streams, which this product
does not use.
"""

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests.local.batching import Gathering, Record, failed_ids, payload, serialise

_log = logging.getLogger("event-source")
# The interval of regular passes, which find messages whose delay or visibility timeout has ended.
_IDLE_S = 0.1
# Each new message triggers a pass. Messages within this time share one.
_PAUSE_S = 0.01
# Retention checks every message of a queue, so it runs less often.
_SWEEP_S = 0.2
# The maximum number of messages per receive: it holds the lock of all the emulator's SQS requests.
_CHUNK = 500


class EventSources:
    """Polls the queues of all event source mappings and invokes their functions."""

    def __init__(self, lambda_service: Any, sqs: Any, parse_arn: Any) -> None:
        """Prepare with ministack's modules `lambda_svc` and `sqs`, and its `parse_arn`."""
        self._lambda, self._sqs, self._parse_arn = lambda_service, sqs, parse_arn
        self._gatherings: dict[str, Gathering] = {}
        self._swept_s: dict[str, float] = {}

    def run(self) -> None:
        """Poll forever."""
        while True:
            self._lambda._esm_wake.clear()
            due_s = time.monotonic() + _IDLE_S
            mappings = list(self._lambda._iter_all_esms())
            for identifier in self._gatherings.keys() - {mapping["UUID"] for _, _, mapping in mappings}:
                del self._gatherings[identifier]
            for account, region, mapping in mappings:
                with self._scope(account, region):
                    try:
                        due_s = min(due_s, self._poll(mapping))
                    except Exception:  # noqa: BLE001 - one broken mapping must not stop the others
                        _log.exception("polling for %s", mapping.get("FunctionName"))
            self._lambda._esm_wake.wait(max(0.0, due_s - time.monotonic()))
            time.sleep(_PAUSE_S)

    @contextmanager
    def _scope(self, account: str, region: str) -> Iterator[None]:
        # ministack looks everything up by the account and region of the current context.
        account_token = self._lambda._request_account_id.set(account)
        region_token = self._lambda._request_region.set(region)
        try:
            yield
        finally:
            self._lambda._request_account_id.reset(account_token)
            self._lambda._request_region.reset(region_token)

    def _poll(self, mapping: dict[str, Any]) -> float:
        """Receive messages and start due batches. Returns the monotonic time of the next action."""
        never = float("inf")
        identifier = mapping["UUID"]
        arn = self._parse_arn(mapping["EventSourceArn"])
        if arn.service != "sqs":
            return never
        function, configuration = self._lambda._get_func_record_for_qualifier(
            mapping["FunctionName"], mapping.get("Qualifier")
        )
        url = self._sqs._queue_url(self._lambda._sqs_queue_name_from_arn_spec(arn))
        queue = self._sqs._queues.get(url)
        if function is None or queue is None:
            return never
        gathering = self._gatherings.setdefault(identifier, Gathering(10, 0.0))
        gathering.batch_size = int(mapping.get("BatchSize") or 10)
        gathering.window_s = float(mapping.get("MaximumBatchingWindowInSeconds") or 0)
        # In the emulator, a number from a template parameter is a string.
        limit = int(self._lambda._sqs_esm_concurrency(mapping, function, configuration, queue))
        enabled = mapping.get("Enabled", True)
        while self._lambda._esm_inflight.get(identifier, 0) < limit:
            if enabled:  # a disabled mapping still passes on what it has received
                self._gather(gathering, mapping, queue)
            now_s = time.monotonic()
            due_s = gathering.due_s(now_s)
            if due_s is None:
                return never
            if due_s > now_s:
                return due_s
            self._lambda._dispatch_esm_batch(
                identifier, self._invoke, mapping, function, gathering.cut(now_s), url
            )
        # The end of an invocation wakes the loop.
        return never

    def _gather(self, gathering: Gathering, mapping: dict[str, Any], queue: dict[str, Any]) -> None:
        """Receive visible messages until the batch is full or there are no more."""
        while gathering.free_records and gathering.free_bytes > 0:
            messages = self._receive(queue, min(_CHUNK, gathering.free_records), gathering.free_bytes)
            if not messages:
                return
            events = [self._event(message, mapping["EventSourceArn"]) for message in messages]
            wanted = self._lambda._apply_filter_criteria(events, mapping)
            gathering.add(
                [Record(event["messageId"], event["receiptHandle"], serialise(event)) for event in wanted],
                time.monotonic(),
            )
            # Filtered messages are deleted, as on AWS.
            unwanted = {event["receiptHandle"] for event in events} - {
                event["receiptHandle"] for event in wanted
            }
            self._sqs._delete_messages_for_esm(queue["url"], unwanted)

    def _event(self, message: dict[str, Any], queue_arn: str) -> dict[str, Any]:
        arn = self._parse_arn(queue_arn)
        attributes = {
            "ApproximateReceiveCount": str(message["receive_count"]),
            "SentTimestamp": str(int(message["sent_at"] * 1000)),
            "SenderId": arn.account_id,
            "ApproximateFirstReceiveTimestamp": str(int(message["first_receive_at"] * 1000)),
        }
        optional = {
            "AWSTraceHeader": message["sys"].get("AWSTraceHeader"),
            "MessageGroupId": message["group_id"],
            "MessageDeduplicationId": message["dedup_id"],
            "SequenceNumber": message["seq"],
        }
        attributes |= {name: str(value) for name, value in optional.items() if value}
        return {
            "messageId": message["id"],
            "receiptHandle": message["receipt_handle"],
            "body": message["body"],
            "attributes": attributes,
            "messageAttributes": self._lambda._sqs_message_attributes_to_camel_case(
                message["message_attributes"]
            ),
            "md5OfBody": message["md5_body"],
            "eventSource": "aws:sqs",
            "eventSourceARN": queue_arn,
            "awsRegion": arn.region,
        }

    def _receive(self, queue: dict[str, Any], max_messages: int, max_bytes: int) -> list[dict[str, Any]]:
        now, visibility_s = time.time(), int(queue["attributes"].get("VisibilityTimeout", "30"))
        with self._sqs._queues_lock:
            name = queue["attributes"]["QueueArn"]
            if now - self._swept_s.get(name, 0.0) >= _SWEEP_S:
                self._swept_s[name] = now
                self._sqs._expire_retained(queue)
            if queue["is_fifo"]:
                self._sqs._dlq_sweep(queue)
                return list(self._sqs._collect_msgs(queue, min(max_messages, 10), visibility_s))
            received = self._visible(queue, max_messages, max_bytes, now)
            if any(message["receive_count"] for message in received):
                # First dead-letter, so that no message is received more often than its queue allows.
                self._sqs._dlq_sweep(queue)
                received = self._visible(queue, max_messages, max_bytes, now)
            # ministack's receive marks the first visible messages, which are the same ones.
            visible = {"messages": received, "is_fifo": False}
            return list(self._sqs._collect_msgs(visible, max_messages, visibility_s))

    def _visible(
        self, queue: dict[str, Any], max_messages: int, max_bytes: int, now: float
    ) -> list[dict[str, Any]]:
        visible: list[dict[str, Any]] = []
        size = 0
        for message in queue["messages"]:
            if message.get("visible_at", 0.0) > now:
                continue
            self._sqs._ensure_msg_fields(message)
            visible.append(message)
            size += len(message["body"])
            if len(visible) == max_messages or size >= max_bytes:
                break
        return visible

    def _invoke(
        self, mapping: dict[str, Any], function: dict[str, Any], batch: list[Record], url: str
    ) -> None:
        result = self._lambda._execute_function(function, payload(batch))
        name = mapping["FunctionName"]
        if result.get("error") or result.get("throttle"):
            # Nothing is deleted: the messages return after their visibility timeout.
            mapping["LastProcessingResult"] = "FAILED"
            _log.warning("%s failed a batch of %d: %s", name, len(batch), result.get("body"))
            return
        identifiers = {record.message_id for record in batch}
        failed = (
            failed_ids(result.get("body"), identifiers)
            if "ReportBatchItemFailures" in (mapping.get("FunctionResponseTypes") or [])
            else frozenset()
        )
        done = {record.receipt_handle for record in batch if record.message_id not in failed}
        self._sqs._delete_messages_for_esm(url, done)
        mapping["LastProcessingResult"] = f"OK - {len(done)} of {len(batch)} records"
        _log.info("%s processed %d of %d messages", name, len(done), len(batch))
