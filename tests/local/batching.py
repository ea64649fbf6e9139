"""The decisions of Lambda's SQS event source, without I/O: where a batch ends, and which records failed.

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
    """One message in the form that the function gets.

    Attributes:
        message_id: The id that a function reports for a failed message.
        receipt_handle: Deletes the message, unless it has been received again.
        serialised: The record's JSON.
    """

    message_id: str
    receipt_handle: str
    serialised: bytes


@dataclass(slots=True)
class Gathering:
    """Records that wait until their batch is full or its window ends.

    Attributes:
        batch_size: The maximum number of records in a batch.
        window_s: The maximum time that a batch's first record waits for others.
    """

    batch_size: int
    window_s: float
    _records: deque[Record] = field(default_factory=deque)
    _bytes: int = 0
    _opened_s: float = 0.0

    def add(self, records: Sequence[Record], now_s: float) -> None:
        """Add records. The window starts with the first one."""
        if not self._records:
            self._opened_s = now_s
        self._records.extend(records)
        self._bytes += sum(len(record.serialised) + len(_SEPARATOR) for record in records)

    @property
    def free_records(self) -> int:
        """The number of records that still fit in the batch."""
        return max(0, self.batch_size - len(self._records))

    @property
    def free_bytes(self) -> int:
        """The number of bytes that still fit in the batch; 0 or less if it is full."""
        return MAX_PAYLOAD_BYTES - len(_HEAD) - len(_TAIL) - self._bytes

    def due_s(self, now_s: float) -> float | None:
        """Return when the batch is due (a time in the past: now); None without records."""
        if not self._records:
            return None
        if self.free_records == 0 or self.free_bytes <= 0:
            return now_s
        return self._opened_s + self.window_s

    def cut(self, now_s: float) -> list[Record]:
        """Remove and return a batch: as many records as the batch size and Lambda's payload limit allow.

        The remaining records start the next batch, whose window starts now.
        """
        batch: list[Record] = []
        size = len(_HEAD) + len(_TAIL)
        while self._records and len(batch) < self.batch_size:
            size += len(self._records[0].serialised) + len(_SEPARATOR)
            # The last record has no separator after it.
            if batch and size - len(_SEPARATOR) > MAX_PAYLOAD_BYTES:
                break
            batch.append(self._records.popleft())
        self._bytes -= sum(len(record.serialised) + len(_SEPARATOR) for record in batch)
        self._opened_s = now_s
        return batch


def payload(batch: Sequence[Record]) -> bytes:
    """Return a batch as the event that the function gets."""
    return _HEAD + _SEPARATOR.join(record.serialised for record in batch) + _TAIL


def serialise(record: dict[str, Any]) -> bytes:
    """Return a record's JSON, as compact as Lambda's: these bytes count towards the 6 MB."""
    return json.dumps(record, ensure_ascii=False, separators=(",", ":")).encode()


def failed_ids(response: object, batch_ids: Set[str]) -> Set[str]:
    """Return the ids of a batch's messages that a function reported under `ReportBatchItemFailures`.

    An empty response (null, `{}`, an empty or null list) is a success. An invalid response fails the whole
    batch: another type, or an entry whose `itemIdentifier` is missing, empty or not in the batch.
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
