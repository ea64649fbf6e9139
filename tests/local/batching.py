"""What Lambda's SQS event source decides, without any I/O: where a batch ends, and what of it has failed.

Source: <https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html> and
<https://docs.aws.amazon.com/lambda/latest/dg/invocation-eventsourcemapping.html> (read 2026-11-23).
"""

import json
from collections import deque
from collections.abc import Sequence, Set
from dataclasses import dataclass, field
from typing import Any

from tests.local.runtime_server import MAX_PAYLOAD_BYTES

_HEAD, _SEPARATOR, _TAIL = b'{"Records":[', b",", b"]}"


@dataclass(frozen=True, slots=True)
class Record:
    """One message as the function will see it.

    Attributes:
        message_id: What a function reports as failed.
        receipt_handle: What deletes the message, as long as nobody has received it again.
        serialised: The record's JSON.
    """

    message_id: str
    receipt_handle: str
    serialised: bytes


@dataclass(slots=True)
class Gathering:
    """Records that wait for their batch to be full or for its window to pass.

    Attributes:
        batch_size: Most records in a batch.
        window_s: How long the first record of a batch may wait for others.
    """

    batch_size: int
    window_s: float
    _records: deque[Record] = field(default_factory=deque)
    _bytes: int = 0
    _opened_s: float = 0.0

    def add(self, records: Sequence[Record], now_s: float) -> None:
        """Add records; the window opens with the first one."""
        if not self._records:
            self._opened_s = now_s
        self._records.extend(records)
        self._bytes += sum(len(record.serialised) + len(_SEPARATOR) for record in records)

    @property
    def free_records(self) -> int:
        """How many more records the batch takes, by their number."""
        return max(0, self.batch_size - len(self._records))

    @property
    def free_bytes(self) -> int:
        """How many more bytes the batch takes; 0 or less if it is full."""
        return MAX_PAYLOAD_BYTES - len(_HEAD) - len(_TAIL) - self._bytes

    def due_s(self, now_s: float) -> float | None:
        """Return when the batch has to go (in the past: now), None while there is none."""
        if not self._records:
            return None
        if self.free_records == 0 or self.free_bytes <= 0:
            return now_s
        return self._opened_s + self.window_s

    def cut(self, now_s: float) -> list[Record]:
        """Take a batch out: as many records as its size and Lambda's payload limit allow.

        What is left over is the beginning of the next batch, whose window opens now.
        """
        batch: list[Record] = []
        size = len(_HEAD) + len(_TAIL)
        while self._records and len(batch) < self.batch_size:
            size += len(self._records[0].serialised) + len(_SEPARATOR)
            # The last record has no separator behind it.
            if batch and size - len(_SEPARATOR) > MAX_PAYLOAD_BYTES:
                break
            batch.append(self._records.popleft())
        self._bytes -= sum(len(record.serialised) + len(_SEPARATOR) for record in batch)
        self._opened_s = now_s
        return batch


def payload(batch: Sequence[Record]) -> bytes:
    """Return the event that a batch makes, as the function gets it."""
    return _HEAD + _SEPARATOR.join(record.serialised for record in batch) + _TAIL


def serialise(record: dict[str, Any]) -> bytes:
    """Return a record's JSON as compact as Lambda writes it: the 6 MB are counted in these bytes."""
    return json.dumps(record, ensure_ascii=False, separators=(",", ":")).encode()


def failed_ids(response: object, batch_ids: Set[str]) -> Set[str]:
    """Return which messages of a batch a function has reported as failed under `ReportBatchItemFailures`.

    Nothing at all (null, `{}`, an empty or null list) is a success. Whatever Lambda cannot make sense of is a
    failure of the whole batch: another type, an entry without `itemIdentifier`, an empty one, or one that
    is not in the batch.
    """
    if response is None:
        return frozenset()
    if not isinstance(response, dict):
        return batch_ids
    failures = response.get("batchItemFailures")
    if failures is None:
        return frozenset()
    if not isinstance(failures, list):
        return batch_ids
    reported: set[str] = set()
    for failure in failures:
        identifier = failure.get("itemIdentifier") if isinstance(failure, dict) else None
        if not isinstance(identifier, str) or identifier not in batch_ids:
            return batch_ids
        reported.add(identifier)
    return reported
