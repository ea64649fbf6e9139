"""What inspect answers about people of a live export."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.e2e.customer import QUICK, Customer, Product, customer_of
from tests.newsletter import HIGH_VALUE, LAPSED

REFUSED = "odd.one@example.com"


@pytest.fixture(scope="module")
def customer(product: Product) -> Iterator[Customer]:
    """Return a customer with a live export and one person that SendGrid refuses."""
    with customer_of(product, QUICK) as new_customer:
        new_customer.sendgrid.set_options(refuse_emails="^odd[.]one@")
        new_customer.lytics.populate(40, 3, seed=9)
        new_customer.lytics.add_profile(
            {"email": "Nadia.Faure@Example.com", "first_name": "Nadia"}, [HIGH_VALUE]
        )
        new_customer.lytics.add_profile({"email": REFUSED, "first_name": "Odd"}, [HIGH_VALUE])
        new_customer.succeed(new_customer.input())
        new_customer.product.wait_until_idle()
        new_customer.sendgrid.settle()
        new_customer.sendgrid.refresh_segments()
        yield new_customer


def inspect(customer: Customer, email: str) -> dict[str, Any]:
    error, answer = customer.product.invoke("InspectFunction", {"export": customer.name, "email": email})
    assert error is None, answer
    assert isinstance(answer, dict)
    return answer


def membership(answer: dict[str, Any], audience: str) -> tuple[bool, ...]:
    """Return whether the person is in an audience in Lytics, the ledger, SendGrid and its segment."""
    (sides,) = [each for each in answer["audiences"] if each["id"] == audience]
    return tuple(sides[side] for side in ("lytics", "ledger", "sendgrid", "segment"))


def test_member_on_all_sides(customer: Customer) -> None:
    answer = inspect(customer, "nadia.faure@example.com")
    assert answer["answer"] == "All agree: the person is in 'High value users'"
    assert answer["differences"] == []
    assert membership(answer, HIGH_VALUE) == (True,) * 4
    assert membership(answer, LAPSED) == (False,) * 4
    assert answer["fields"]["first_name"] == dict.fromkeys(("lytics", "ledger", "sendgrid"), "Nadia")
    assert answer["ledger"]["import_job"]


def test_person_with_a_lost_enter(customer: Customer) -> None:
    customer.lytics.add_profile({"email": "late.arrival@example.com"}, [LAPSED])
    answer = inspect(customer, "late.arrival@example.com")
    assert membership(answer, LAPSED) == (True, False, False, False)
    assert "Lytics has the person in 'Lapsed customers' and the ledger does not" in answer["answer"]
    assert "To put the person in, start a resync" in answer["answer"]


def test_person_with_a_lost_exit(customer: Customer) -> None:
    customer.lytics.add_profile({"email": "gone.quietly@example.com"}, [])
    customer.lytics.enter("gone.quietly@example.com", LAPSED)
    assert customer.lytics.drain(10)
    customer.product.wait_until_idle()
    customer.sendgrid.settle()
    customer.lytics.exit("gone.quietly@example.com", LAPSED, silently=True)
    answer = inspect(customer, "gone.quietly@example.com")
    assert membership(answer, LAPSED)[:3] == (False, True, True)
    assert "The ledger has the person in 'Lapsed customers' and Lytics does not" in answer["answer"]


def test_address_refused_by_sendgrid(customer: Customer) -> None:
    answer = inspect(customer, REFUSED)
    assert "SendGrid refused this contact (address)" in answer["answer"]
    assert answer["ledger"]["rejection"]["reason"] == "address"
    assert "is not valid" in answer["ledger"]["rejection"]["message"]
    assert answer["sendgrid"]["known"] is False


def test_person_unknown_on_all_sides(customer: Customer) -> None:
    answer = inspect(customer, "nobody@example.com")
    assert answer["answer"].startswith("Neither Lytics nor SendGrid nor the ledger knows this person")
    assert (answer["lytics"]["known"], answer["ledger"]["known"], answer["sendgrid"]["known"]) == (False,) * 3


@pytest.mark.parametrize(
    "question", [{"email": "nadia.faure@example.com", "export": "unknown"}, {"email": "x"}, {}]
)
def test_invalid_question_is_refused_as_input_invalid(customer: Customer, question: dict[str, Any]) -> None:
    error, answer = customer.product.invoke("InspectFunction", {"export": customer.name} | question)
    assert error is not None
    assert answer["errorType"] == "InputInvalid"


def test_no_log_contains_an_address_a_name_or_a_key(customer: Customer) -> None:
    inspect(customer, "nadia.faure@example.com")
    cloud = customer.product.deployment.cloud
    logs = {log.name: log.read_text(errors="replace").lower() for log in cloud.logs.glob("e2e-*.log")}
    assert len(logs) >= 8
    secrets = (
        "nadia",
        "faure",
        "odd.one",
        customer.webhook_secret,
        customer.lytics.token,
        f"sg.{customer.name}",
    )
    assert [(name, secret) for name, log in logs.items() for secret in secrets if secret.lower() in log] == []
