"""Where the local cloud's SQS event source ends a batch, and what it takes for failed."""

import json

import pytest

from tests.local.batching import Gathering, Record, failed_ids, payload, serialise
from tests.local.runtime_server import MAX_PAYLOAD_BYTES

BATCH = frozenset({"a", "b"})


def record(number: int, body: str = "") -> Record:
    return Record(str(number), f"handle-{number}", serialise({"messageId": str(number), "body": body}))


@pytest.mark.parametrize(
    "response", [None, {}, {"batchItemFailures": []}, {"batchItemFailures": None}, {"other": 1}]
)
def test_response_without_failures_is_a_success(response: object) -> None:
    assert failed_ids(response, BATCH) == set()


def test_reported_message_alone_has_failed() -> None:
    assert failed_ids({"batchItemFailures": [{"itemIdentifier": "b"}]}, BATCH) == {"b"}


@pytest.mark.parametrize(
    "response",
    [
        "text",
        ["a"],
        {"batchItemFailures": "a"},
        {"batchItemFailures": ["a"]},
        {"batchItemFailures": [{"id": "a"}]},
        {"batchItemFailures": [{"itemIdentifier": ""}]},
        {"batchItemFailures": [{"itemIdentifier": None}]},
        {"batchItemFailures": [{"itemIdentifier": ["a"]}]},
        {"batchItemFailures": [{"itemIdentifier": "a"}, {"itemIdentifier": "unknown"}]},
    ],
)
def test_response_that_makes_no_sense_fails_the_whole_batch(response: object) -> None:
    assert failed_ids(response, BATCH) == BATCH


def test_window_opens_with_the_first_record_and_a_full_batch_does_not_wait() -> None:
    gathering = Gathering(batch_size=3, window_s=5.0)
    assert gathering.due_s(100.0) is None
    gathering.add([record(1)], now_s=100.0)
    gathering.add([record(2)], now_s=104.0)
    assert gathering.due_s(104.0) == 105.0
    gathering.add([record(3)], now_s=104.5)
    assert gathering.due_s(104.5) == 104.5


def test_batch_fills_six_megabytes_to_the_last_byte() -> None:
    empty = len(payload([record(1), record(2)]))
    fitting = [record(1), record(2, "x" * (MAX_PAYLOAD_BYTES - empty))]
    assert len(payload(fitting)) == MAX_PAYLOAD_BYTES
    gathering = Gathering(batch_size=10, window_s=0.0)
    gathering.add(fitting, now_s=0.0)
    assert gathering.cut(now_s=0.0) == fitting


def test_record_that_does_not_fit_begins_the_next_batch_and_its_window() -> None:
    large = [record(number, "x" * 4_000_000) for number in range(2)]
    gathering = Gathering(batch_size=10, window_s=5.0)
    gathering.add(large, now_s=0.0)
    assert gathering.due_s(1.0) == 1.0
    assert gathering.cut(now_s=1.0) == large[:1]
    assert gathering.due_s(2.0) == 6.0
    assert gathering.cut(now_s=6.0) == large[1:]
    assert gathering.due_s(6.0) is None


def test_event_is_the_records_as_compact_utf8() -> None:
    event = payload([record(1, 'ü"'), record(2)])
    assert json.loads(event) == {
        "Records": [{"messageId": "1", "body": 'ü"'}, {"messageId": "2", "body": ""}]
    }
    assert "ü".encode() in event
