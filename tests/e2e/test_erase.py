"""A person is erased: gone from SendGrid and the ledger, and brought back only by a new enter event."""

import json
from pathlib import Path
from typing import Any

from tests.e2e.customer import Customer
from tests.e2e.test_run import operate
from tests.local.polling import poll
from tests.newsletter import HIGH_VALUE, READERS

ERASED, OTHER = "mariela.quispe@example.org", "nadia.faure@example.com"
LEFT = "marisol.ek@example.net"
"""Of one test alone: all customers share the tables."""
_LATE = json.loads(Path("events/lytics/enter-selected-fields.json").read_text())


def erase(customer: Customer, *emails: str, **more: Any) -> dict[str, str]:
    """Erase people until nobody is under way, and return what became of each."""

    def statuses() -> dict[str, str] | None:
        request = {"export": customer.name, "emails": list(emails), **more}
        error, answer = customer.product.invoke("EraseFunction", request)
        assert error is None, answer
        found = {person["email"]: person["status"] for person in answer["people"]}
        return None if "under_way" in found.values() else found

    return poll(statuses, "the end of the erasure", timeout_s=60, interval_s=1.0)


def is_gone(customer: Customer) -> bool:
    return customer.contact(ERASED) is None and ERASED not in customer.ledger()


def settle(customer: Customer) -> None:
    customer.product.wait_until_idle()
    customer.sendgrid.settle()


def test_erased_person_is_gone_until_she_signs_up_again(customer: Customer) -> None:
    customer.lytics.populate(20, 2, seed=5)
    customer.lytics.add_profile({"email": ERASED, "first_name": "Mariela"}, [HIGH_VALUE, READERS])
    customer.lytics.add_profile({"email": OTHER, "first_name": "Nadia"}, [HIGH_VALUE])
    customer.succeed(customer.input())
    settle(customer)
    assert customer.contact(ERASED) is not None

    assert erase(customer, ERASED.title(), "nobody@example.org", "no address") == {
        ERASED.title(): "erased",
        "nobody@example.org": "not_found",
        "no address": "invalid",
    }
    assert is_gone(customer)
    assert customer.contact(OTHER) is not None

    assert customer.post(json.dumps(_LATE)).status_code == 200
    settle(customer)
    assert is_gone(customer)
    report = customer.succeed(customer.input())
    settle(customer)
    assert is_gone(customer)
    assert report["people"]["erased"] >= 1
    _, inspected = customer.product.invoke("InspectFunction", {"export": customer.name, "email": ERASED})
    assert "was erased at" in inspected["answer"]
    assert inspected["erased"]["kept_out_until"] > inspected["erased"]["at"]

    customer.lytics.exit(ERASED, HIGH_VALUE)
    assert customer.lytics.drain(10)
    settle(customer)
    assert is_gone(customer)
    customer.lytics.enter(ERASED, HIGH_VALUE)
    assert customer.lytics.drain(10)
    settle(customer)
    contact = customer.contact(ERASED)
    assert contact is not None
    assert contact["custom_fields"]["lytics_segments"] == HIGH_VALUE
    assert erase(customer, ERASED) == {ERASED: "back"}


def test_erase_command_waits_until_the_people_of_a_file_are_gone(customer: Customer, tmp_path: Path) -> None:
    customer.lytics.add_profile({"email": ERASED}, [HIGH_VALUE])
    customer.succeed(customer.input())
    settle(customer)
    file = tmp_path / "people.txt"
    file.write_text(f"{ERASED}\n\n")
    variables = {"EXPORT": customer.name, "EMAILS": str(file)}
    status, printed = operate(customer, "erase", **variables, WAIT="0")
    assert (status, printed.split("\t")[:2]) == (1, ["under_way", ERASED])
    status, printed = operate(customer, "erase", **variables)
    assert status == 0, printed
    assert printed.splitlines()[-1] == "1 erased"
    assert is_gone(customer)


def test_no_log_holds_an_erased_address(customer: Customer) -> None:
    customer.lytics.add_profile({"email": ERASED}, [HIGH_VALUE])
    customer.succeed(customer.input())
    settle(customer)
    erase(customer, ERASED)
    error, answer = customer.product.invoke("EraseFunction", {"export": "unknown", "emails": [ERASED]})
    assert (error is None, answer["errorType"]) == (False, "InputInvalid")
    cloud = customer.product.deployment.cloud
    logs = {log.name: log.read_text(errors="replace").lower() for log in cloud.logs.glob("e2e-*.log")}
    assert "e2e-erase.log" in logs
    assert [name for name, log in logs.items() if "mariela" in log] == []


def test_no_table_holds_an_erased_address(customer: Customer) -> None:
    customer.lytics.populate(30, 2, seed=5)
    customer.lytics.add_profile({"email": LEFT}, [HIGH_VALUE])
    start = customer.input()
    customer.succeed(start)
    settle(customer)
    customer.lytics.exit(LEFT, HIGH_VALUE, silently=True)
    assert customer.succeed({"action": "resync", "export": customer.name})["drift"]["extra"] == 1
    settle(customer)
    assert erase(customer, LEFT) == {LEFT: "erased"}
    deployment = customer.product.deployment
    pages = deployment.cloud.client("dynamodb").get_paginator("scan")
    for table in ("ContactsTable", "ExportsTable"):
        items = [
            item for page in pages.paginate(TableName=deployment.outputs[table]) for item in page["Items"]
        ]
        assert items
        assert [item["pk"]["S"] for item in items if LEFT in str(item)] == []
