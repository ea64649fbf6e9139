"""The ledger keeps its contract over the double of DynamoDB, and handles each answer DynamoDB may give.

moto cannot execute a PartiQL INSERT with parameters (5.2.5), so the statements themselves run on the local
cloud: `tests/e2e/test_ledger.py` has the same contract.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

import pytest
from botocore.exceptions import ClientError

from functions.deliver.rounds import LedgerTable
from lytics_sendgrid.domain.contact import UNKNOWN, Commit, Contact
from lytics_sendgrid.errors import ServiceUnavailable, StopRun, Throttled
from lytics_sendgrid.tables.contacts import KEYS_A_READ, STATEMENTS_A_WRITE, ContactsTable
from tests.clock import ManualClock
from tests.contract.ledger_contract import ANN, BOB, CONTRACT, NEW
from tests.doubles.dynamodb import DynamoDb


@pytest.mark.parametrize("clause", CONTRACT, ids=lambda clause: clause.__name__)
def test_double_keeps_the_contract(clause: Callable[[LedgerTable], None]) -> None:
    clause(ContactsTable(cast(Any, DynamoDb()), "contacts", ManualClock(), each=map))


class ScriptedDynamoDb:
    """Answers as a test says: keys left unprocessed, codes of statements, errors of calls."""

    def __init__(self) -> None:
        self.unprocessed: list[int] = []
        self.codes: list[dict[int, str]] = []
        self.error: Exception | None = None
        self.reads: list[list[str]] = []
        self.consistent: list[bool] = []
        self.writes: list[Sequence[Mapping[str, Any]]] = []

    def batch_get_item(self, *, RequestItems: Mapping[str, Any]) -> Any:  # noqa: N803 - boto3's name
        if self.error is not None:
            raise self.error
        ((table, request),) = RequestItems.items()
        keys = request["Keys"]
        self.reads.append([key["pk"]["S"] for key in keys])
        self.consistent.append(request["ConsistentRead"])
        left = self.unprocessed.pop(0) if self.unprocessed else 0
        read = keys[left:]
        items = [
            {**key, "version": {"N": "3"}, "state": {"S": '{"memberships":{},"fields":[],"config":0}'}}
            for key in read
        ]
        rest = {table: {**request, "Keys": keys[:left]}} if left else {}
        return {"Responses": {table: items} if items else {}, "UnprocessedKeys": rest}

    def batch_execute_statement(self, *, Statements: Sequence[Mapping[str, Any]]) -> Any:  # noqa: N803 - boto3's name
        if self.error is not None:
            raise self.error
        self.writes.append(Statements)
        codes = self.codes.pop(0) if self.codes else {}
        return {
            "Responses": [
                {"Error": {"Code": codes[n], "Message": "why"}} if n in codes else {"TableName": "contacts"}
                for n in range(len(Statements))
            ]
        }


class Scene:
    def __init__(self) -> None:
        self.dynamodb, self.clock = ScriptedDynamoDb(), ManualClock()
        self.ledger = ContactsTable(cast(Any, self.dynamodb), "contacts", self.clock, each=map)

    def commit(self, *keys: str, loaded: Contact = UNKNOWN) -> set[str]:
        return self.ledger.commit([Commit(key, NEW) for key in keys], dict.fromkeys(keys, loaded))


def test_reads_take_100_distinct_keys_per_request() -> None:
    scene = Scene()
    keys = [f"acme#p{n}@example.org" for n in range(250)]
    assert scene.ledger.load([*keys, *keys]).keys() == set(keys)
    assert [len(read) for read in scene.dynamodb.reads] == [KEYS_A_READ, KEYS_A_READ, 50]
    assert scene.dynamodb.consistent == [False] * 3


def test_consistent_reads_are_requested_when_needed() -> None:
    scene = Scene()
    scene.ledger.load([ANN], consistent=True)
    assert scene.dynamodb.consistent == [True]


def test_unprocessed_keys_are_read_again() -> None:
    scene = Scene()
    scene.dynamodb.unprocessed = [2, 1]
    assert scene.ledger.load([ANN, BOB])[BOB].version == 3
    assert scene.dynamodb.reads == [[ANN, BOB], [ANN, BOB], [ANN]]
    assert scene.clock.sleeps == [0.05, 0.1]


def test_keys_never_processed_are_retried_later() -> None:
    scene = Scene()
    scene.dynamodb.unprocessed = [1] * 10
    with pytest.raises(ServiceUnavailable):
        scene.ledger.load([ANN])
    assert len(scene.dynamodb.reads) == 6


def test_writes_take_25_statements_per_request() -> None:
    scene = Scene()
    assert scene.commit(*(f"acme#p{n}@example.org" for n in range(60))) == set()
    assert [len(write) for write in scene.dynamodb.writes] == [STATEMENTS_A_WRITE, STATEMENTS_A_WRITE, 10]


def test_only_throttled_statements_are_repeated_and_losers_returned() -> None:
    scene = Scene()
    scene.dynamodb.codes = [{0: "DuplicateItem", 1: "ThrottlingError"}, {0: "ConditionalCheckFailed"}]
    assert scene.commit(ANN, BOB, "acme#cy@example.org") == {ANN, BOB}
    assert [len(write) for write in scene.dynamodb.writes] == [3, 1]
    assert scene.dynamodb.writes[1][0]["Parameters"][0] == {"S": BOB}


def test_statements_always_throttled_are_retried_later() -> None:
    scene = Scene()
    scene.dynamodb.codes = [{0: "InternalServerError"}] * 10
    with pytest.raises(ServiceUnavailable):
        scene.commit(ANN)
    assert len(scene.dynamodb.writes) == 6


@pytest.mark.parametrize("code", ["ValidationError", "ResourceNotFound", "AccessDenied"])
def test_statement_that_can_never_work_stops_the_run(code: str) -> None:
    scene = Scene()
    scene.dynamodb.codes = [{0: code}]
    with pytest.raises(StopRun, match=f"DynamoDB refused to write a contact: {code} why"):
        scene.commit(ANN)


def test_aws_errors_are_translated() -> None:
    scene = Scene()
    error = {"Error": {"Code": "ThrottlingException"}, "ResponseMetadata": {"HTTPStatusCode": 400}}
    scene.dynamodb.error = ClientError(cast(Any, error), "BatchGetItem")
    with pytest.raises(Throttled):
        scene.ledger.load([ANN])
    with pytest.raises(Throttled):
        scene.commit(ANN)


def test_parallel_reads_keep_answers_with_their_keys() -> None:
    dynamodb = ScriptedDynamoDb()
    ledger = ContactsTable(cast(Any, dynamodb), "contacts", ManualClock())
    keys = [f"acme#p{n}@example.org" for n in range(1_000)]
    assert list(ledger.load(keys)) == keys
    assert ledger.commit([Commit(key, NEW) for key in keys], dict.fromkeys(keys, UNKNOWN)) == set()
    assert sorted(write["Parameters"][0]["S"] for batch in dynamodb.writes for write in batch) == sorted(keys)
