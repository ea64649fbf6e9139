"""DynamoDB as far as the product uses it: batches with an outcome for each part, stale reads, single items."""

import re
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any, Final

from botocore.exceptions import ClientError, ReadTimeoutError

from tests.simulation.engine import World
from tests.simulation.faults import Faults
from tests.simulation.queues import crash

_TIMEOUT: Final = ReadTimeoutError(endpoint_url="dynamodb")
_INSERT: Final = re.compile(r"INSERT INTO \"(?P<table>\w+)\" VALUE \{(?P<names>[^}]*)\}")
_UPDATE: Final = re.compile(
    r"UPDATE \"(?P<table>\w+)\"(?P<sets>(?: SET \"\w+\"=\?)+)(?: REMOVE \"(?P<removed>\w+)\")?"
    r" WHERE \"pk\"=\?(?P<version> AND \"version\"=\?)?"
)
_CODES: Final = ("ThrottlingError", "ProvisionedThroughputExceeded", "InternalServerError")
_MAX_STATEMENTS: Final = 25
_MAX_KEYS: Final = 100

type Item = Mapping[str, Any]


class Table:
    """A table's items, each with what it was before: that is what a stale read sees."""

    def __init__(self) -> None:
        self.items: dict[Any, Item] = {}
        self.before: dict[Any, Item | None] = {}

    def write(self, key: Any, item: Item) -> None:
        self.before[key] = self.items.get(key)
        self.items[key] = item


class DynamoDb:
    """The part of boto3's DynamoDB client that the product uses.

    Attributes:
        contacts: by `pk`.
        exports: by `pk` and `sk`.
    """

    def __init__(self, world: World, faults: Faults) -> None:
        self.contacts = Table()
        self.exports = Table()
        self._world = world
        self._faults = faults

    def batch_get_item(self, *, RequestItems: Mapping[str, Any]) -> Any:
        ((name, request),) = RequestItems.items()
        keys = [key["pk"]["S"] for key in request["Keys"]]
        if not 1 <= len(set(keys)) == len(keys) <= _MAX_KEYS:
            raise AssertionError(f"{len(keys)} keys in a BatchGetItem")
        if not self._world.running.process.doomed_keys.isdisjoint(keys):
            self._world.die("the poison")
        consistent = bool(request.get("ConsistentRead"))
        items, unprocessed = self._call("BatchGetItem", lambda: self._read(keys, consistent))
        if self._world.trace is not None:
            self._world.tell("load %s", ", ".join(map(_shown, items)) or "nobody")
        answer: dict[str, Any] = {"Responses": {name: items} if items else {}}
        if unprocessed:
            self._world.tell("unprocessed: %s", ", ".join(unprocessed))
            answer["UnprocessedKeys"] = {name: {**request, "Keys": [{"pk": {"S": k}} for k in unprocessed]}}
        return answer

    def _read(self, keys: Sequence[str], consistent: bool) -> tuple[list[Item], list[str]]:
        hit, table = self._faults.hit, self.contacts
        unprocessed = [key for key in keys if hit("unprocessed") is not None]
        items = []
        for key in keys:
            stale = not consistent and key in table.before and hit("stale_read") is not None
            item = table.before[key] if stale else table.items.get(key)
            if stale:
                self._world.note("the read of %s is stale", key)
            if item is not None and key not in unprocessed:
                items.append(item)
        return items, unprocessed

    def batch_execute_statement(self, *, Statements: Sequence[Mapping[str, Any]]) -> Any:
        if not 1 <= len(Statements) <= _MAX_STATEMENTS:
            raise AssertionError(f"{len(Statements)} statements in a BatchExecuteStatement")
        if self._world.trace is not None:
            for statement in Statements:
                self._world.tell("commit %s", _parameters(statement))
        return self._call("BatchExecuteStatement", lambda: {"Responses": list(map(self._one, Statements))})

    def _one(self, statement: Mapping[str, Any]) -> dict[str, Any]:
        if (severity := self._faults.hit("statement_refused")) is not None:
            return {"Error": {"Code": _CODES[int(severity * len(_CODES))]}}
        code = self._executed(_parsed(statement["Statement"]), statement["Parameters"])
        if code is not None:
            self._world.note("%s: %s", code, _parameters(statement))
            return {"Error": {"Code": code}}
        if self._faults.hit("statement_failed") is not None:
            return {"Error": {"Code": "InternalServerError"}}
        return {"TableName": "contacts"}

    def _executed(self, parsed: "_Statement", parameters: Sequence[Any]) -> str | None:
        values = dict(zip(parsed.names, parameters, strict=False))
        if parsed.inserts:
            key = values["pk"]["S"]
            if key in self.contacts.items:
                return "DuplicateItem"
            self.contacts.write(key, values)
            return None
        key = parameters[len(parsed.names)]["S"]
        item = self.contacts.items.get(key)
        if item is None or (parsed.conditional and item["version"] != parameters[-1]):
            return "ConditionalCheckFailed"
        kept = {name: value for name, value in item.items() if name != parsed.removed}
        self.contacts.write(key, {**kept, **values})
        return None

    def get_item(self, *, TableName: str, Key: Item, ConsistentRead: bool = False) -> Any:
        key = Key["pk"]["S"], Key["sk"]["S"]
        item = self._call("GetItem", lambda: self.exports.items.get(key))
        return {} if item is None else {"Item": item}

    def put_item(
        self, *, TableName: str, Item: Item, ExpressionAttributeValues: Item | None = None, **_: Any
    ) -> Any:
        """Write an item; of conditions this knows that of a stop, which one that was lifted later prevents."""
        key = Item["pk"]["S"], Item["sk"]["S"]
        self._world.tell("put %s %s", key[0], key[1].partition("#")[0])

        def serve() -> bool:
            lifted_ms = int(self.exports.items.get(key, {}).get("lifted_ms", {"N": "0"})["N"])
            since_ms = int((ExpressionAttributeValues or {}).get(":than", {"N": "0"})["N"])
            if ExpressionAttributeValues is not None and lifted_ms > since_ms:
                return False
            self.exports.write(key, Item)
            return True

        if not self._call("PutItem", serve):
            raise ClientError({"Error": {"Code": "ConditionalCheckFailedException"}}, "PutItem")
        return {}

    def query(self, *, ExpressionAttributeValues: Item, **_: Any) -> Any:
        """Return the items of one partition; asked when the schedule is over, so nothing goes wrong with it."""
        pk = ExpressionAttributeValues[":pk"]["S"]
        return {"Items": [item for key, item in self.exports.items.items() if key[0] == pk]}

    def _call(self, operation: str, serve: Callable[[], Any]) -> Any:
        world, hit = self._world, self._faults.hit
        crash(world, self._faults)
        if (severity := hit("dynamodb_refused")) is not None:
            code = "ProvisionedThroughputExceededException" if severity < 0.5 else "InternalServerError"
            world.tell("DynamoDB refuses %s: %s", operation, code)
            status = 400 if severity < 0.5 else 500
            answer: Any = {"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}}
            raise ClientError(answer, operation)
        slow_s = 15 * (hit("dynamodb_slow") or 0.0)
        answer = world.call(serve, _TIMEOUT, travel_s=slow_s)
        if hit("dynamodb_retried") is not None:
            world.tell("boto3 retries %s, which had worked", operation)
            answer = world.call(serve, _TIMEOUT)
        if hit("dynamodb_lost") is not None:
            world.tell("the answer to %s is lost", operation)
            raise _TIMEOUT
        return answer


class _Statement:
    """A PartiQL statement: `names` of the values that are set, in the order of its parameters."""

    def __init__(self, text: str) -> None:
        self.removed: str | None = None
        self.conditional = True
        insert, update = _INSERT.fullmatch(text), _UPDATE.fullmatch(text)
        self.inserts = insert is not None
        if insert is not None:
            self.names = re.findall(r"'(\w+)':\?", insert["names"])
        elif update is not None:
            self.names = re.findall(r"SET \"(\w+)\"=\?", update["sets"])
            self.removed = update["removed"]
            self.conditional = update["version"] is not None
        else:
            raise AssertionError(f"not a statement that this double knows: {text}")


@cache
def _parsed(text: str) -> _Statement:
    return _Statement(text)


def _parameters(statement: Mapping[str, Any]) -> str:
    return ", ".join(next(iter(value.values())) for value in statement["Parameters"])


def _shown(item: Item) -> str:
    return f"{item['pk']['S']} v{item['version']['N']} {item['state']['S']}"
