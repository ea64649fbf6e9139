"""DynamoDB in the simulated world: every call takes time and may fail in every known way."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from botocore.exceptions import ReadTimeoutError

from tests.doubles import dynamodb
from tests.doubles.calls import refusal
from tests.simulation.engine import World
from tests.simulation.faults import Faults
from tests.simulation.queues import crash

_CODES: Final = ("ThrottlingError", "ProvisionedThroughputExceeded", "InternalServerError")

_MAX_LAG_S: Final = 600.0
"""Of an eventually consistent read. AWS: "usually" a second."""


class DynamoDb:
    """The part of boto3's DynamoDB client that the product uses.

    Attributes:
        contacts: the contacts table.
        exports: the exports table.
        is_over: the schedule is over: the verdict reads without faults.
    """

    def __init__(self, world: World, faults: Faults) -> None:
        self._double = dynamodb.DynamoDb()
        self._double.is_unprocessed = lambda _: faults.hit("unprocessed") is not None
        self._double.is_stale = self._is_stale
        self._double.refuse_statement = self._refuse_statement
        self._double.lose_statement = self._lose_statement
        self.contacts = self._double.contacts
        self.exports = self._double.exports
        self.is_over = False
        self._world = world
        self._faults = faults
        self._written: dict[str, float] = {}
        self._double.contacts.on_write = self._note_write

    def batch_get_item(self, *, RequestItems: Mapping[str, Any]) -> Any:
        ((name, request),) = RequestItems.items()
        if not self._world.running.process.doomed_keys.isdisjoint(key["pk"]["S"] for key in request["Keys"]):
            self._world.die("a poisonous change")
        answer = self._call("BatchGetItem", lambda: self._double.batch_get_item(RequestItems=RequestItems))
        if self._world.trace is not None:
            items = answer["Responses"].get(name, [])
            self._world.tell("load %s", ", ".join(map(_shown, items)) or "nobody")
            if unprocessed := answer.get("UnprocessedKeys"):
                self._world.tell(
                    "unprocessed: %s", ", ".join(k["pk"]["S"] for k in unprocessed[name]["Keys"])
                )
        return answer

    def batch_execute_statement(self, *, Statements: Sequence[Mapping[str, Any]]) -> Any:
        if self._world.trace is not None:
            for statement in Statements:
                self._world.tell("commit %s", _parameters(statement))
        answer = self._call(
            "BatchExecuteStatement", lambda: self._double.batch_execute_statement(Statements=Statements)
        )
        if self._world.trace is not None:
            for statement, response in zip(Statements, answer["Responses"], strict=True):
                if error := response.get("Error"):
                    self._world.tell("%s: %s", error["Code"], _parameters(statement))
        return answer

    def get_item(self, **request: Any) -> Any:
        return self._call("GetItem", lambda: self._double.get_item(**request))

    def put_item(self, *, Item: dynamodb.Item, **request: Any) -> Any:
        self._world.tell("put %s %s", Item["pk"]["S"], Item["sk"]["S"].partition("#")[0])
        return self._call("PutItem", lambda: self._double.put_item(Item=Item, **request))

    def update_item(self, **request: Any) -> Any:
        return self._call("UpdateItem", lambda: self._double.update_item(**request))

    def transact_write_items(self, **request: Any) -> Any:
        return self._call("TransactWriteItems", lambda: self._double.transact_write_items(**request))

    def query(self, **request: Any) -> Any:
        return self._call("Query", lambda: self._double.query(**request))

    def scan(self, **request: Any) -> Any:
        return self._call("Scan", lambda: self._double.scan(**request))

    def _is_stale(self, key: str) -> bool:
        is_recent = self._world.now - self._written.get(key, 0.0) < _MAX_LAG_S
        if self._faults.hit("stale_read") is None or not is_recent:
            return False
        self._world.note("the read of %s is stale", key)
        return True

    def _note_write(self, key: dynamodb.Key) -> None:
        self._written[key[0]] = self._world.now

    def _refuse_statement(self, _statement: Mapping[str, Any]) -> str | None:
        severity = self._faults.hit("statement_refused")
        return None if severity is None else _CODES[int(severity * len(_CODES))]

    def _lose_statement(self, _statement: Mapping[str, Any]) -> str | None:
        return None if self._faults.hit("statement_failed") is None else "InternalServerError"

    def _call(self, operation: str, serve: Callable[[], Any]) -> Any:
        if self.is_over:
            return serve()
        world, hit = self._world, self._faults.hit
        crash(world, self._faults)
        if (severity := hit("dynamodb_refused")) is not None:
            code = "ProvisionedThroughputExceededException" if severity < 0.5 else "InternalServerError"
            world.tell("DynamoDB refuses %s: %s", operation, code)
            raise refusal(code, operation, 400 if severity < 0.5 else 500)
        slow_s = 15 * (hit("dynamodb_slow") or 0.0)
        answer = world.call(serve, _timeout, travel_s=slow_s)
        if hit("dynamodb_retried") is not None:
            world.tell("boto3 retries %s although it succeeded", operation)
            answer = world.call(serve, _timeout)
        if hit("dynamodb_lost") is not None:
            world.tell("the answer to %s is lost", operation)
            raise _timeout()
        return answer


def _parameters(statement: Mapping[str, Any]) -> str:
    return ", ".join(next(iter(value.values())) for value in statement["Parameters"])


def _shown(item: dynamodb.Item) -> str:
    return f"{item['pk']['S']} v{item['version']['N']} {item['state']['S']}"


def _timeout() -> ReadTimeoutError:
    """Return a new error: one that is raised again and again keeps everything that its tracebacks hold."""
    return ReadTimeoutError(endpoint_url="dynamodb")
