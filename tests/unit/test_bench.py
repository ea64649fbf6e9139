"""The bench's own arithmetic: what AWS bills, what a limit is, and that what it watches is still there."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.bench import people
from tests.bench.billing import INDEX, Bill, item_bytes, scan_units
from tests.bench.costs import unconditional
from tests.bench.event_source import BATCH_SIZE, batches, made_record
from tests.bench.figures import Figure
from tests.bench.latency import WINDOW_S
from tests.local.batching import payload
from tests.local.runtime_server import MAX_PAYLOAD_BYTES

_ROOT = Path(__file__).resolve().parents[2]
_INSERT = "INSERT INTO \"contacts\" VALUE {'pk':?,'version':?,'state':?}"
_UPDATE = 'UPDATE "contacts" SET "version"=? SET "state"=? WHERE "pk"=? AND "version"=?'


def _take(bill: Bill, target: str, asked: Any, answered: Any) -> None:
    bill.take(target, json.dumps(asked).encode(), json.dumps(answered).encode())


def _write(bill: Bill, statement: str, parameters: list[Any], error: str | None = None) -> None:
    response = {} if error is None else {"Error": {"Code": error}}
    asked = {"Statements": [{"Statement": statement, "Parameters": parameters}]}
    _take(bill, "DynamoDB_20120810.BatchExecuteStatement", asked, {"Responses": [response]})


def test_an_item_is_as_large_as_its_names_and_values_in_utf_8() -> None:
    assert item_bytes({"pk": {"S": "aé"}, "version": {"N": "123"}}) == 2 + 3 + 7 + 3


@pytest.mark.parametrize(("state_bytes", "units"), [(900, 1), (1_003, 1), (1_004, 2), (2_100, 3)])
def test_a_write_is_rounded_up_to_1_kb(state_bytes: int, units: int) -> None:
    bill = Bill()
    # pk 2 + 5, version 7 + 2, state 5: with 1,003 of text 1,024.
    _write(bill, _INSERT, [{"S": "a#b@c"}, {"N": "1"}, {"S": "x" * state_bytes}])
    assert bill.write_units["contacts"] == units


def test_update_costs_the_larger_item_even_if_it_fails() -> None:
    bill = Bill()
    key, version = {"S": "a#b@c"}, {"N": "1"}
    _write(bill, _INSERT, [key, version, {"S": "x" * 1_500}])
    _write(bill, _UPDATE, [{"N": "2"}, {"S": "short"}, key, version], error="ConditionalCheckFailed")
    assert bill.write_units["contacts"] == 4


def test_only_writes_of_rejected_contacts_cost_the_index_units() -> None:
    bill = Bill()
    key, state = {"S": "a#b@c"}, {"S": "x" * 1_500}
    _write(bill, _INSERT, [{"S": "a#d@e"}, {"N": "1"}, state])
    assert bill.write_units[INDEX] == 0
    _write(bill, _INSERT.replace("}", ",'rejected_account':?}"), [key, {"N": "1"}, state, {"S": "a"}])
    assert bill.write_units == {"contacts": 4, INDEX: 2}
    accepted = _UPDATE.replace(" WHERE", ' REMOVE "rejected_account" WHERE')
    _write(bill, accepted, [{"N": "2"}, state, key, {"N": "1"}])
    assert bill.write_units == {"contacts": 6, INDEX: 4}
    _write(bill, _UPDATE, [{"N": "3"}, state, key, {"N": "2"}])
    assert bill.write_units == {"contacts": 8, INDEX: 4}


def test_an_update_of_the_days_counts_costs_one_unit() -> None:
    bill = Bill()
    _take(bill, "DynamoDB_20120810.UpdateItem", {"TableName": "exports", "Key": {"pk": {"S": "a"}}}, {})
    assert (bill.write_units["exports"], bill.calls["dynamodb UpdateItem exports"]) == (1, 1)


def test_a_read_of_nothing_costs_as_much_as_the_smallest_item() -> None:
    bill = Bill()
    asked = {"RequestItems": {"contacts": {"Keys": [{"pk": {"S": "a"}}, {"pk": {"S": "b"}}]}}}
    found = {"Responses": {"contacts": [{"pk": {"S": "a"}, "state": {"S": "x" * 5_000}}]}}
    _take(bill, "DynamoDB_20120810.BatchGetItem", asked, found)
    assert bill.read_units["contacts"] == 0.5 * 2 + 0.5


def test_scan_of_a_table_may_not_cost_much_more_than_its_size() -> None:
    floor, limit = scan_units(40 * 2**20, 8)
    assert floor == 40 * 256 / 2
    assert floor < limit < 1.01 * floor


@pytest.mark.parametrize(
    ("sizes", "requests"), [([10, 10], 1), ([65_536], 1), ([65_536, 1], 2), ([262_144], 4)]
)
def test_sqs_counts_every_64_kb_of_a_request_as_one(sizes: list[int], requests: int) -> None:
    bill = Bill()
    entries = [{"Id": str(number), "MessageBody": "x" * size} for number, size in enumerate(sizes)]
    _take(
        bill, "AmazonSQS.SendMessageBatch", {"QueueUrl": "http://q/1/bench-changes", "Entries": entries}, {}
    )
    assert bill.of_sqs() == requests
    assert bill.sent_bytes["changes"] == sum(sizes)


def test_batches_hold_6_mb_or_10_000_messages() -> None:
    small = [made_record("{}")] * (BATCH_SIZE + 1)
    assert [len(batch) for batch in batches(small)] == [BATCH_SIZE, 1]
    large = [made_record("x" * 250_000)] * 30
    cut = list(batches(large))
    assert [len(batch) for batch in cut] == [25, 5]
    assert len(payload(cut[0])) <= MAX_PAYLOAD_BYTES


def test_the_same_number_is_the_same_person() -> None:
    assert people.person(17) == people.person(17)
    assert len({people.person(number)["email"] for number in range(1_000)}) == 1_000


def test_a_limit_is_kept_up_to_and_with_its_value() -> None:
    assert Figure(name="requests", value=8, limit=8).ok
    assert not Figure(name="requests", value=9, limit=8).ok
    assert Figure(name="ratio", value=2, limit=2, at_least=True).ok
    assert not Figure(name="ratio", value=1, limit=2, at_least=True).ok


def test_batching_window_of_the_latency_is_the_templates() -> None:
    template = (_ROOT / "template.yaml").read_text()
    found = re.search(r"  DeliverBatchingWindowSeconds:\n.*?\n    Default: \"(\d+)\"", template, re.DOTALL)
    assert found is not None
    assert int(found[1]) == WINDOW_S


def test_only_what_every_stack_has_is_on_its_monthly_bill() -> None:
    template = (_ROOT / "template.yaml").read_text()
    assert unconditional(template, "AWS::SecretsManager::Secret") == 2
    assert template.count("AWS::SecretsManager::Secret\n") == 3


def test_everything_that_the_stopwatch_watches_is_there() -> None:
    environment = {"PYTHONPATH": str(_ROOT / "tests" / "bench" / "probes"), "AWS_DEFAULT_REGION": "us-east-1"}
    command = [sys.executable, "-c", "import stopwatch; print(stopwatch.lambda_handler.__name__)"]
    finished = subprocess.run(
        command, cwd=_ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert finished.stdout == "lambda_handler\n", finished.stderr
