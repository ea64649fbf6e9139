"""DynamoDB in memory, under the names of boto3's client: what the two tables' adapters call, and no more.

It keeps the same contract as DynamoDB does: `tests/contract/ledger_contract.py` also runs on the local cloud,
`tests/contract/test_exports_table.py` also on moto.
"""

import math
import re
import zlib
from collections.abc import Callable, Mapping, Sequence
from functools import cache, lru_cache
from typing import Any, Final

from tests.doubles.calls import Calls, refusal

MAX_KEYS: Final = 100
MAX_STATEMENTS: Final = 25
MAX_ITEM_BYTES: Final = 409_600
MAX_PAGE_BYTES: Final = 1_048_576
READ_UNIT_BYTES: Final = 4_096
"""Of a consistent read. An eventually consistent one costs half a unit."""

type Item = Mapping[str, Any]
type Key = tuple[str, ...]

_INSERT: Final = re.compile(r"INSERT INTO \"(?P<table>[\w-]+)\" VALUE \{(?P<names>[^}]*)\}")
_UPDATE: Final = re.compile(
    r"UPDATE \"(?P<table>[\w-]+)\"(?P<sets>(?: SET \"\w+\"=\?)+)(?: REMOVE \"(?P<removed>\w+)\")?"
    r" WHERE \"pk\"=\?(?P<version> AND \"version\"=\?)?"
)
_DELETE: Final = re.compile(
    r"DELETE FROM \"(?P<table>[\w-]+)\" WHERE \"pk\"=\?(?P<version> AND \"version\"=\?)?"
)
_ADDITION: Final = re.compile(
    r"SET (?P<sets>\w+ = :\w+(?:, \w+ = :\w+)*)(?: ADD (?P<adds>\w+ :\w+(?:, \w+ :\w+)*))?"
)
_BETWEEN: Final = "pk = :pk AND sk BETWEEN :first AND :last"
_BEGINS: Final = "pk = :pk AND begins_with(sk, :beginning)"
_CONDITION: Final = re.compile(r"attribute_not_exists\((\w+)\) OR (\w+) (=|<=) (:\w+)")


class Table:
    """A table's items.

    Attributes:
        items: by key.
        before: each item as it was before its last write, or None: what a stale read returns.
        on_write: called with each key that is written or deleted.
    """

    def __init__(self, *key_names: str) -> None:
        self.items: dict[Key, Item] = {}
        self.before: dict[Key, Item | None] = {}
        self.on_write: Callable[[Key], None] = lambda _: None
        self._key_names = key_names

    def key(self, item: Item) -> Key:
        return tuple(item[name]["S"] for name in self._key_names)

    def write(self, item: Item) -> None:
        key = self.key(item)
        self.before[key] = self.items.get(key)
        self.items[key] = item
        self.on_write(key)

    def delete(self, item: Item) -> None:
        key = self.key(item)
        self.before[key] = self.items.pop(key)
        self.on_write(key)

    def as_key(self, key: Key) -> Item:
        return {name: {"S": text} for name, text in zip(self._key_names, key, strict=True)}


class DynamoDb:
    """boto3's DynamoDB client over tables in memory.

    Attributes:
        contacts: the contacts table, by ``pk``.
        exports: the exports table, by ``pk`` and ``sk``.
        console: the console's table, by ``pk``.
        calls: the calls, and the errors they raise.
        is_unprocessed: whether BatchGetItem leaves a key unprocessed.
        is_stale: whether an eventually consistent read misses the last write of a key.
        refuse_statement: the error code of a statement that is not executed, or None.
        lose_statement: the error code of a statement that is executed although it reports an error, or None.
    """

    def __init__(self) -> None:
        self.contacts = Table("pk")
        self.exports = Table("pk", "sk")
        self.console = Table("pk")
        self.calls = Calls()
        self.is_unprocessed: Callable[[str], bool] = lambda _: False
        self.is_stale: Callable[[str], bool] = lambda _: False
        self.refuse_statement: Callable[[Mapping[str, Any]], str | None] = lambda _: None
        self.lose_statement: Callable[[Mapping[str, Any]], str | None] = lambda _: None

    @property
    def reads(self) -> list[str]:
        """The ``pk`` of every item that was read alone, in order."""
        return [request["Key"]["pk"]["S"] for request in self.calls.of("GetItem")]

    def batch_get_item(self, *, RequestItems: Mapping[str, Any]) -> Any:
        self.calls.received("BatchGetItem", RequestItems=RequestItems)
        ((name, request),) = RequestItems.items()
        table = self._table(name, "BatchGetItem")
        keys = list(map(table.key, request["Keys"]))
        if not 1 <= len(set(keys)) == len(keys) <= MAX_KEYS:
            raise refusal("ValidationException", "BatchGetItem", message=f"{len(keys)} keys")
        unprocessed = [key for key in keys if self.is_unprocessed(key[0])]
        items = []
        for key in keys:
            is_stale = not request.get("ConsistentRead") and key in table.before and self.is_stale(key[0])
            item = table.before[key] if is_stale else table.items.get(key)
            if item is not None and key not in unprocessed:
                items.append(item)
        self.calls.served("BatchGetItem")
        answer: dict[str, Any] = {"Responses": {name: items} if items else {}}
        if unprocessed:
            answer["UnprocessedKeys"] = {name: {**request, "Keys": list(map(table.as_key, unprocessed))}}
        return answer

    def batch_execute_statement(self, *, Statements: Sequence[Mapping[str, Any]]) -> Any:
        self.calls.received("BatchExecuteStatement", Statements=Statements)
        if not 1 <= len(Statements) <= MAX_STATEMENTS:
            raise refusal(
                "ValidationException", "BatchExecuteStatement", message=f"{len(Statements)} statements"
            )
        answer = {"Responses": list(map(self._response, Statements))}
        self.calls.served("BatchExecuteStatement")
        return answer

    def _response(self, statement: Mapping[str, Any]) -> dict[str, Any]:
        code = self.refuse_statement(statement)
        if code is None:
            parsed = _parsed(statement["Statement"])
            code = self._executed(parsed, statement["Parameters"]) or self.lose_statement(statement)
            if code is None:
                return {"TableName": parsed.table}
        return {"Error": {"Code": code, "Message": f"{code} of a test's DynamoDB"}}

    def _executed(self, parsed: "_Statement", parameters: Sequence[Any]) -> str | None:
        """Execute a statement; return its error code, or None."""
        table = self._tables().get(parsed.table)
        if table is None:
            return "ResourceNotFound"
        values = dict(zip(parsed.names, parameters, strict=False))
        if parsed.inserts:
            if table.key(values) in table.items:
                return "DuplicateItem"
            table.write(values)
            return None
        item = table.items.get((parameters[len(parsed.names)]["S"],))
        if parsed.deletes and item is None:
            return None
        if item is None or (parsed.conditional and item["version"] != parameters[-1]):
            return "ConditionalCheckFailed"
        if parsed.deletes:
            table.delete(item)
            return None
        kept = {name: value for name, value in item.items() if name != parsed.removed}
        table.write({**kept, **values})
        return None

    def get_item(self, *, TableName: str, Key: Item, ConsistentRead: bool = False) -> Any:
        self.calls.received("GetItem", TableName=TableName, Key=Key, ConsistentRead=ConsistentRead)
        table = self._table(TableName, "GetItem")
        key = table.key(Key)
        is_stale = not ConsistentRead and key in table.before and self.is_stale(key[0])
        item = table.before[key] if is_stale else table.items.get(key)
        self.calls.served("GetItem")
        return {} if item is None else {"Item": item}

    def put_item(
        self,
        *,
        TableName: str,
        Item: Item,
        ConditionExpression: str | None = None,
        ExpressionAttributeValues: Item | None = None,
    ) -> Any:
        self.calls.received(
            "PutItem", TableName=TableName, Item=Item, ConditionExpression=ConditionExpression
        )
        table = self._table(TableName, "PutItem")
        if _item_bytes(Item) > MAX_ITEM_BYTES:
            raise refusal("ValidationException", "PutItem", message="Item size has exceeded 400 KB")
        before = table.items.get(table.key(Item), {})
        if ConditionExpression is not None and not _holds(
            ConditionExpression, before, ExpressionAttributeValues or {}
        ):
            raise refusal("ConditionalCheckFailedException", "PutItem")
        table.write(dict(Item))
        self.calls.served("PutItem")
        return {}

    def update_item(
        self, *, TableName: str, Key: Item, UpdateExpression: str, ExpressionAttributeValues: Item
    ) -> Any:
        self.calls.received("UpdateItem", TableName=TableName, Key=Key, UpdateExpression=UpdateExpression)
        table = self._table(TableName, "UpdateItem")
        known = _ADDITION.fullmatch(UpdateExpression)
        if known is None:
            raise AssertionError(f"not an update that this double knows: {UpdateExpression}")
        item = {**table.items.get(table.key(Key), Key)}
        for name, value in re.findall(r"(\w+) = (:\w+)", known["sets"]):
            item[name] = ExpressionAttributeValues[value]
        for name, value in re.findall(r"(\w+) (:\w+)", known["adds"] or ""):
            number = int(item.get(name, {"N": "0"})["N"]) + int(ExpressionAttributeValues[value]["N"])
            item[name] = {"N": str(number)}
        table.write(item)
        self.calls.served("UpdateItem")
        return {}

    def delete_item(
        self,
        *,
        TableName: str,
        Key: Item,
        ConditionExpression: str | None = None,
        ExpressionAttributeValues: Item | None = None,
        ReturnValues: str = "NONE",
    ) -> Any:
        self.calls.received("DeleteItem", TableName=TableName, Key=Key)
        table = self._table(TableName, "DeleteItem")
        before = table.items.get(table.key(Key))
        if ConditionExpression is not None:
            if ConditionExpression != "expires_epoch_s > :than":
                raise AssertionError(f"not a condition that this double knows: {ConditionExpression}")
            than = int((ExpressionAttributeValues or {})[":than"]["N"])
            if before is None or int(before["expires_epoch_s"]["N"]) <= than:
                raise refusal("ConditionalCheckFailedException", "DeleteItem")
        if before is not None:
            table.delete(Key)
        self.calls.served("DeleteItem")
        return {"Attributes": before} if ReturnValues == "ALL_OLD" and before is not None else {}

    def transact_write_items(self, *, TransactItems: Sequence[Mapping[str, Any]]) -> Any:
        self.calls.received("TransactWriteItems", TransactItems=TransactItems)
        puts = [item["Put"] for item in TransactItems]
        for put in puts:
            table = self._table(put["TableName"], "TransactWriteItems")
            before = table.items.get(table.key(put["Item"]), {})
            condition = put.get("ConditionExpression")
            if condition is not None and not _holds(
                condition, before, put.get("ExpressionAttributeValues", {})
            ):
                raise refusal("TransactionCanceledException", "TransactWriteItems")
        for put in puts:
            self._table(put["TableName"], "TransactWriteItems").write(dict(put["Item"]))
        self.calls.served("TransactWriteItems")
        return {}

    def query(
        self,
        *,
        TableName: str,
        KeyConditionExpression: str,
        ExpressionAttributeValues: Item,
        ConsistentRead: bool = False,
        ExclusiveStartKey: Item | None = None,
        IndexName: str | None = None,
        ScanIndexForward: bool = True,
        Limit: int | None = None,
    ) -> Any:
        self.calls.received("Query", TableName=TableName, ExclusiveStartKey=ExclusiveStartKey)
        table = self._table(TableName, "Query")
        if IndexName is not None:
            return self._query_index(
                (TableName, IndexName, KeyConditionExpression),
                {name: value["S"] for name, value in ExpressionAttributeValues.items()},
                ExclusiveStartKey,
                Limit,
            )
        pk = ExpressionAttributeValues[":pk"]["S"]
        start = None if ExclusiveStartKey is None else table.key(ExclusiveStartKey)
        items = {key: item for key, item in table.items.items() if key[0] == pk}
        if KeyConditionExpression == _BETWEEN:
            first, last = (ExpressionAttributeValues[name]["S"] for name in (":first", ":last"))
            items = {key: item for key, item in items.items() if first <= key[1] <= last}
        elif KeyConditionExpression == _BEGINS:
            beginning = ExpressionAttributeValues[":beginning"]["S"]
            items = {key: item for key, item in items.items() if key[1].startswith(beginning)}
        elif KeyConditionExpression != "pk = :pk":
            raise AssertionError(f"not a condition that this double knows: {KeyConditionExpression}")
        if not ScanIndexForward:
            self.calls.served("Query")
            newest = sorted(items, key=_utf8, reverse=True)[:Limit]
            return {"Items": [items[key] for key in newest]}
        return self._page("Query", table, items, start, Limit)

    def _query_index(
        self, query: tuple[str, str, str], values: Mapping[str, str], start: Item | None, limit: int | None
    ) -> Any:
        """Read the index of rejected contacts: the items that have its key, with all that they hold."""
        if query != (
            "contacts",
            "rejected",
            "rejected_account = :account AND begins_with(pk, :beginning)",
        ):
            raise AssertionError(f"not a query that this double knows: {query}")
        index = Table("rejected_account", "pk")
        account, beginning = {"S": values[":account"]}, values[":beginning"]
        for item in self.contacts.items.values():
            if item.get("rejected_account") == account and item["pk"]["S"].startswith(beginning):
                index.write(item)
        return self._page("Query", index, index.items, None if start is None else index.key(start), limit)

    def scan(
        self,
        *,
        TableName: str,
        ConsistentRead: bool = False,
        Segment: int = 0,
        TotalSegments: int = 1,
        FilterExpression: str | None = None,
        ExpressionAttributeValues: Item | None = None,
        ExclusiveStartKey: Item | None = None,
        Limit: int | None = None,
        ReturnConsumedCapacity: str = "NONE",
    ) -> Any:
        self.calls.received("Scan", TableName=TableName, Segment=Segment, ExclusiveStartKey=ExclusiveStartKey)
        table = self._table(TableName, "Scan")
        start = None if ExclusiveStartKey is None else table.key(ExclusiveStartKey)
        items = {key: item for key, item in table.items.items() if _segment(key, TotalSegments) == Segment}
        answer = self._page("Scan", table, items, start, Limit)
        if ReturnConsumedCapacity == "TOTAL":
            read = sum(map(_item_bytes, answer["Items"]))
            units = max(1, math.ceil(read / READ_UNIT_BYTES)) / 2
            answer["ConsumedCapacity"] = {"TableName": TableName, "CapacityUnits": units}
        if FilterExpression is not None:
            if FilterExpression != "begins_with(pk, :account)":
                raise AssertionError(f"not a filter that this double knows: {FilterExpression}")
            prefix = (ExpressionAttributeValues or {})[":account"]["S"]
            answer["Items"] = [item for item in answer["Items"] if item["pk"]["S"].startswith(prefix)]
        return answer

    def _page(
        self,
        operation: str,
        table: Table,
        items: Mapping[Key, Item],
        start: Key | None,
        limit: int | None = None,
    ) -> Any:
        """Return the items behind ``start`` in the order of their keys, at most 1 MB of them."""
        page: list[Item] = []
        size = 0
        last: Key = ()
        behind = items if start is None else [key for key in items if _utf8(key) > _utf8(start)]
        for key in sorted(behind, key=_utf8):
            if size > MAX_PAGE_BYTES:
                self.calls.served(operation)
                return {"Items": page, "LastEvaluatedKey": table.as_key(last)}
            page.append(items[key])
            size += _item_bytes(items[key])
            last = key
            if len(page) == limit:
                # DynamoDB returns a key even if nothing follows.
                self.calls.served(operation)
                return {"Items": page, "LastEvaluatedKey": table.as_key(last)}
        self.calls.served(operation)
        return {"Items": page}

    def _tables(self) -> Mapping[str, Table]:
        return {"contacts": self.contacts, "exports": self.exports, "console": self.console}

    def _table(self, name: str, operation: str) -> Table:
        table = self._tables().get(name)
        if table is None:
            raise refusal("ResourceNotFoundException", operation, message=f"no table {name}")
        return table


class _Statement:
    """A PartiQL statement; ``names`` are those of the values it sets, in the order of its parameters."""

    def __init__(self, text: str) -> None:
        self.removed: str | None = None
        self.conditional = True
        insert, update, delete = (form.fullmatch(text) for form in (_INSERT, _UPDATE, _DELETE))
        self.inserts, self.deletes = insert is not None, delete is not None
        if insert is not None:
            self.table = insert["table"]
            self.names = re.findall(r"'(\w+)':\?", insert["names"])
        elif update is not None:
            self.table = update["table"]
            self.names = re.findall(r"SET \"(\w+)\"=\?", update["sets"])
            self.removed = update["removed"]
            self.conditional = update["version"] is not None
        elif delete is not None:
            self.table = delete["table"]
            self.names = []
            self.conditional = delete["version"] is not None
        else:
            raise AssertionError(f"not a statement that this double knows: {text}")


@cache
def _parsed(text: str) -> _Statement:
    return _Statement(text)


def _holds(condition: str, item: Item, values: Item) -> bool:
    """Return whether a condition holds for the item that a write replaces."""
    known = _CONDITION.fullmatch(condition)
    if known is None:
        raise AssertionError(f"not a condition that this double knows: {condition}")
    absent, name, comparison, value = known.groups()
    if absent not in item:
        return True
    if name not in item:
        return False
    if comparison == "=":
        return bool(item[name] == values[value])
    return int(item[name]["N"]) <= int(values[value]["N"])


def _item_bytes(item: Item) -> int:
    return sum(len(name) + len(_data(value)) for name, value in item.items())


def _data(value: Mapping[str, Any]) -> bytes:
    (data,) = value.values()
    return data if isinstance(data, bytes) else str(data).encode()


@lru_cache(maxsize=100_000)  # a test asks for the same keys on every page
def _segment(key: Key, segments: int) -> int:
    return zlib.crc32(key[0].encode()) % segments


@lru_cache(maxsize=100_000)
def _utf8(key: Key) -> tuple[bytes, ...]:
    return tuple(part.encode() for part in key)
