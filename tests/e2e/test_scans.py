"""Scans of audiences: in parts, with an audience in trouble, and of people for whom nothing has changed."""

from typing import Any

import pytest

from tests.e2e.customer import PUT_CONTACTS, Customer

PEOPLE = 900


def states_of(customer: Customer) -> dict[str, str]:
    """Return the version of each of the customer's contacts in the ledger."""
    deployment = customer.product.deployment
    client = deployment.cloud.client("dynamodb")
    pages = client.get_paginator("scan").paginate(TableName=deployment.outputs["ContactsTable"])
    return {
        item["pk"]["S"]: item["version"]["N"]
        for page in pages
        for item in page["Items"]
        if item["pk"]["S"].startswith(f"{customer.name}#")
    }


@pytest.mark.parametrize("faults", [{}, {"scan_no_split_rate": 0.05}, {"scan_refuse_splits": True}])
def test_everybody_arrives_however_the_audiences_are_scanned(
    customer: Customer, faults: dict[str, Any]
) -> None:
    customer.lytics.populate(PEOPLE, 3, seed=3)
    customer.lytics.set_faults(**faults)
    start = customer.input(scan_parallelism=6)
    report = customer.succeed(start)
    customer.wait_until_equal(start)
    assert all(audience["complete"] for audience in report["audiences"])
    assert any("whole" in audience for audience in report["audiences"]) == bool(faults)
    assert any("parts" in audience for audience in report["audiences"]) == (not faults)


def test_audience_in_trouble_stops_no_other_and_is_named(customer: Customer) -> None:
    large, *small = [audience.id for audience in customer.lytics.audiences()]
    for number in range(300):
        customer.lytics.add_profile({"email": f"large{number}@example.com"}, [large])
    for number in range(30):
        customer.lytics.add_profile({"email": f"small{number}@example.com"}, small)
    customer.lytics.set_faults(scan_repeat_cursor=True)

    finished = customer.run(customer.input(scan_parallelism=1))

    assert finished.status == "FAILED"
    assert finished.error.startswith("AudiencesInTrouble")
    assert "'High value users': Lytics' scan repeats its cursor" in finished.error
    assert "Lapsed" not in finished.error
    assert "Nobody was taken out of their segments" in finished.error
    emails = {contact["email"] for contact in customer.sendgrid.contacts()}
    assert {f"small{number}@example.com" for number in range(30)} <= emails


def test_second_start_writes_nothing_for_whom_nothing_changed(customer: Customer) -> None:
    customer.lytics.populate(PEOPLE, 3, seed=3)
    start = customer.input()
    customer.succeed(start)
    customer.wait_until_equal(start)
    before, puts = states_of(customer), customer.writes()[PUT_CONTACTS]
    report = customer.succeed(start)
    assert states_of(customer) == before
    assert customer.writes()[PUT_CONTACTS] == puts
    assert report["people"]["accepted"] == 0
