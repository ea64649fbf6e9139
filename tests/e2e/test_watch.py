"""The two functions that a schedule calls, on the local cloud: nightly and watch."""

import json
from typing import Any

from tests.e2e.customer import Customer, Product
from tests.local.build import REPOSITORY

EVENT: dict[str, Any] = json.loads((REPOSITORY / "events" / "eventbridge" / "schedule.json").read_text())


def nightly(product: Product, night: str) -> dict[str, Any]:
    """Call the function as its schedule does. The stack has the exports of other tests, too."""
    error, answer = product.invoke("NightlyFunction", EVENT | {"time": f"{night}T03:10:00Z"})
    assert error is None, answer
    assert isinstance(answer, dict)
    return answer


def resyncs(customer: Customer, night: str) -> list[dict[str, Any]]:
    """Return the input of each execution that a night has started for a customer."""
    deployment = customer.product.deployment
    client = deployment.cloud.client("stepfunctions")
    listed = client.list_executions(stateMachineArn=deployment.outputs["StateMachineArn"], maxResults=1000)
    name = f"resync-{customer.name}-{night.replace('-', '')}"
    arns = [found["executionArn"] for found in listed["executions"] if found["name"] == name]
    return [json.loads(client.describe_execution(executionArn=arn)["input"]) for arn in arns]


def test_nightly_starts_one_run_for_each_live_export(customer: Customer) -> None:
    customer.lytics.populate(10, 3, seed=4)
    customer.succeed(customer.input(list=None))
    first = nightly(customer.product, "2027-01-01")
    again = nightly(customer.product, "2027-01-01")
    assert customer.name in first["started"]
    assert customer.name in [*again["started"], *again["before"]]
    expected = {"action": "resync", "export": customer.name, "scheduled": True}
    assert resyncs(customer, "2027-01-01") == [expected]
    assert customer.name in nightly(customer.product, "2027-01-02")["started"]
    assert resyncs(customer, "2027-01-02") == [expected]
