"""What AWS would bill for the calls that pass: SQS by 64 KB, DynamoDB by the sizes of the items.

Sources, read 2026-11-23: aws.amazon.com/sqs/pricing ("every 64 KB chunk of a payload is billed as 1 request")
and the DynamoDB developer guide, "read and write operations" and "item sizes and formats". Of an update the
larger of the item before and after counts; a condition that fails costs what the write would have; a read of
nothing costs the least read.
"""

import json
import math
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

SQS_CHUNK_BYTES: Final = 65_536
WRITE_UNIT_BYTES: Final = 1024
READ_UNIT_BYTES: Final = 4096
_PAGE_BYTES: Final = 2**20
INDEX: Final = "contacts/index/rejected"
INDEX_KEY: Final = "rejected_account"
"""Only items with this attribute are in the index. It holds whole items, so it costs as much as the table."""
_NAMES: Final = re.compile(r"'(\w+)':\?|\"?(\w+)\"?=\?")
_REMOVED: Final = re.compile(r'REMOVE "?(\w+)')
_TABLE: Final = re.compile(r'"([^"]+)"')

type Item = dict[str, Any]


@dataclass(slots=True)
class Bill:
    """Counts so far.

    Attributes:
        calls: by service and operation, such as ``sqs SendMessage``; DynamoDB's and SQS' with table or queue.
        sqs_requests: by operation and queue, counted at 64 KB.
        write_units: by table, and of the index of rejected contacts.
        read_units: by table.
        sent_bytes: by queue, of all messages sent to it.
        sent_messages: by queue.
        item_bytes: the largest contact item seen.
    """

    calls: Counter[str] = field(default_factory=Counter)
    sqs_requests: Counter[str] = field(default_factory=Counter)
    write_units: Counter[str] = field(default_factory=Counter)
    read_units: dict[str, float] = field(default_factory=dict)
    sent_bytes: Counter[str] = field(default_factory=Counter)
    sent_messages: Counter[str] = field(default_factory=Counter)
    item_bytes: int = 0
    _items: dict[tuple[str, str], Item] = field(default_factory=dict)

    def take(self, target: str, request: bytes, response: bytes) -> None:
        """Count one call that AWS answered with success or partial success.

        Args:
            target: `X-Amz-Target`.
            request: JSON.
            response: JSON.
        """
        service, _, operation = target.partition(".")
        asked, answered = json.loads(request), json.loads(response) if response else {}
        if service == "AmazonSQS":
            queue = asked["QueueUrl"].rpartition("/")[2].removeprefix("bench-")
            self.calls[f"sqs {operation} {queue}"] += 1
            payload_bytes = _payload(operation, asked, answered)
            self.sqs_requests[f"{operation} {queue}"] += max(1, math.ceil(payload_bytes / SQS_CHUNK_BYTES))
            if operation in {"SendMessage", "SendMessageBatch"}:
                self.sent_bytes[queue] += payload_bytes
                self.sent_messages[queue] += len(asked.get("Entries", [asked]))
        elif service.startswith("DynamoDB"):
            self._dynamodb(operation, asked, answered)
        else:
            self.calls[f"{service} {operation}"] += 1

    def of_sqs(self) -> int:
        """Return all SQS requests, as billed."""
        return sum(self.sqs_requests.values())

    def least_sqs_requests(self, queue: str, deliveries: int = 0) -> int:
        """Return the requests that a queue's messages demand: by their bytes, and ten of them at a time.

        Args:
            queue: its name.
            deliveries: how many had to be sent before another came; of the changes queue only.
        """
        chunks = math.ceil(self.sent_bytes[queue] / SQS_CHUNK_BYTES)
        tens = math.ceil(self.sent_messages[queue] / 10)
        least_sends = deliveries if queue == "changes" else 0
        return max(chunks, tens, least_sends) + max(chunks, tens) + tens

    def forget(self) -> None:
        """Set the counts to zero; what is known of items stays."""
        self.calls.clear()
        self.sqs_requests.clear()
        self.write_units.clear()
        self.read_units.clear()
        self.sent_bytes.clear()
        self.sent_messages.clear()

    def _dynamodb(self, operation: str, asked: Any, answered: Any) -> None:
        match operation:
            case "BatchGetItem":
                for table, request in asked["RequestItems"].items():
                    self.calls[f"dynamodb {operation} {table}"] += 1
                    items = answered["Responses"].get(table, [])
                    missing = len(request["Keys"]) - len(items)
                    share = 1.0 if request.get("ConsistentRead") else 0.5
                    units = sum(_read_units(item) for item in items) + missing
                    self._read(table, share * units)
            case "GetItem":
                table = asked["TableName"]
                self.calls[f"dynamodb {operation} {table}"] += 1
                share = 1.0 if asked.get("ConsistentRead") else 0.5
                self._read(table, share * _read_units(answered.get("Item", {})))
            case "Scan" | "Query":
                # Of a page the items together are rounded up, filtered ones included: only DynamoDB knows.
                table = asked["TableName"]
                self.calls[f"dynamodb {operation} {table}"] += 1
                share = 1.0 if asked.get("ConsistentRead") else 0.5
                size = sum(map(item_bytes, answered["Items"]))
                self._read(table, share * max(1, math.ceil(size / READ_UNIT_BYTES)))
            case "PutItem":
                table = asked["TableName"]
                self.calls[f"dynamodb {operation} {table}"] += 1
                self._write(table, _key_of(asked["Item"]), asked["Item"])
            case "UpdateItem":  # of the bench's small items only: the day's counts
                table = asked["TableName"]
                self.calls[f"dynamodb {operation} {table}"] += 1
                self.write_units[table] += 1
            case "BatchExecuteStatement":
                tables = set()
                for statement, response in zip(asked["Statements"], answered["Responses"], strict=True):
                    found_table = _TABLE.search(statement["Statement"])
                    assert found_table is not None
                    tables.add(found_table[1])
                    self._statement(found_table[1], statement, succeeded="Error" not in response)
                for table in tables:
                    self.calls[f"dynamodb {operation} {table}"] += 1
            case _:
                self.calls[f"dynamodb {operation} {asked.get('TableName', '')}"] += 1

    def _statement(self, table: str, statement: Mapping[str, Any], *, succeeded: bool) -> None:
        names = [first or second for first, second in _NAMES.findall(statement["Statement"])]
        given: Item = {}
        for name, value in zip(names, statement["Parameters"], strict=True):
            given.setdefault(name, value)  # the condition's version comes after the new one
        key = _key_of(given)
        after = {**self._items.get((table, key), {}), **given}
        for name in _REMOVED.findall(statement["Statement"]):
            after.pop(name, None)
        self._write(table, key, after, succeeded=succeeded)

    def _write(self, table: str, key: str, after: Item, *, succeeded: bool = True) -> None:
        before = self._items.get((table, key), {})
        size = max(item_bytes(after), item_bytes(before))
        units = max(1, math.ceil(size / WRITE_UNIT_BYTES))
        self.write_units[table] += units
        if INDEX_KEY in before or INDEX_KEY in after:
            self.write_units[INDEX] += units
        if table == "contacts":
            self.item_bytes = max(self.item_bytes, size)
            if succeeded:
                self._items[table, key] = after

    def _read(self, table: str, units: float) -> None:
        self.read_units[table] = self.read_units.get(table, 0.0) + units


def item_bytes(item: Item) -> int:
    """Return the size of an item as DynamoDB counts it for its units: names and values in UTF-8."""
    return sum(len(name.encode()) + _value_bytes(value) for name, value in item.items())


def scan_units(table_bytes: int, segments: int) -> tuple[float, float]:
    """Return the read units of one eventually consistent scan of a whole table: the floor, and the most.

    Each page of 1 MB is rounded up to 4 KB, and the last page of each segment may be short.

    Args:
        table_bytes: the size of all items.
        segments: of the scan.
    """
    floor = table_bytes / READ_UNIT_BYTES / 2
    return floor, floor + (math.ceil(table_bytes / _PAGE_BYTES) + segments) / 2


def _value_bytes(value: Mapping[str, Any]) -> int:
    ((kind, content),) = value.items()
    if kind == "S":
        return len(content.encode())
    if kind == "B":
        return len(content) * 3 // 4  # base64
    if kind == "N":
        return (len(content.strip("-0.")) + 1) // 2 + 1
    raise ValueError(f"the bench does not know the size of {kind}")


def _read_units(item: Item) -> int:
    return max(1, math.ceil(item_bytes(item) / READ_UNIT_BYTES))


def _key_of(item: Item) -> str:
    return f"{item['pk']['S']} {item.get('sk', {'S': ''})['S']}"


def _payload(operation: str, asked: Any, answered: Any) -> int:
    match operation:
        case "SendMessage":
            return len(asked["MessageBody"].encode())
        case "SendMessageBatch":
            return sum(len(entry["MessageBody"].encode()) for entry in asked["Entries"])
        case "ReceiveMessage":
            return sum(len(message["Body"].encode()) for message in answered.get("Messages") or ())
    return 0
