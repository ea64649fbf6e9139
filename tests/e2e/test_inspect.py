"""Why is she not in the segment? What inspect answers about people of a live export."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.e2e.customer import QUICK, Customer, Product, customer_of
from tests.newsletter import HIGH_VALUE, LAPSED

REFUSED = "odd.one@example.com"


@pytest.fixture(scope="module")
def customer(product: Product) -> Iterator[Customer]:
    """Return a customer whose export runs, with one person whom SendGrid refuses."""
    with customer_of(product, QUICK) as made:
        made.sendgrid.set_options(refuse_emails="^odd[.]one@")
        made.lytics.populate(40, 3, seed=9)
        made.lytics.add_profile({"email": "Nadia.Faure@Example.com", "first_name": "Nadia"}, [HIGH_VALUE])
        made.lytics.add_profile({"email": REFUSED, "first_name": "Odd"}, [HIGH_VALUE])
        made.succeed(made.input())
        made.product.wait_until_idle()
        made.sendgrid.settle()
        made.sendgrid.refresh_segments()
        yield made


def ask(customer: Customer, email: str) -> dict[str, Any]:
    error, answer = customer.product.invoke("InspectFunction", {"export": customer.name, "email": email})
    assert error is None, answer
    assert isinstance(answer, dict)
    return answer


def seat(answer: dict[str, Any], audience: str) -> tuple[bool, ...]:
    """Return where the person stands in an audience: in Lytics, the ledger, SendGrid and its segment."""
    (found,) = [one for one in answer["audiences"] if one["id"] == audience]
    return tuple(found[side] for side in ("lytics", "ledger", "sendgrid", "segment"))


def test_member_on_whom_all_agree(customer: Customer) -> None:
    answer = ask(customer, "nadia.faure@example.com")
    assert answer["answer"] == "All agree: the person is in 'High value users'"
    assert answer["differences"] == []
    assert seat(answer, HIGH_VALUE) == (True,) * 4
    assert seat(answer, LAPSED) == (False,) * 4
    assert answer["fields"]["first_name"] == dict.fromkeys(("lytics", "ledger", "sendgrid"), "Nadia")
    assert answer["ledger"]["import_job"]


def test_person_whose_enter_never_came(customer: Customer) -> None:
    customer.lytics.add_profile({"email": "late.arrival@example.com"}, [LAPSED])
    answer = ask(customer, "late.arrival@example.com")
    assert seat(answer, LAPSED) == (True, False, False, False)
    assert "Lytics has the person in 'Lapsed customers' and the ledger does not" in answer["answer"]
    assert "start the export again" in answer["answer"]


def test_person_whose_exit_never_came(customer: Customer) -> None:
    customer.lytics.add_profile({"email": "gone.quietly@example.com"}, [])
    customer.lytics.enter("gone.quietly@example.com", LAPSED)
    assert customer.lytics.drain(10)
    customer.product.wait_until_idle()
    customer.sendgrid.settle()
    customer.lytics.exit("gone.quietly@example.com", LAPSED, silently=True)
    answer = ask(customer, "gone.quietly@example.com")
    assert seat(answer, LAPSED)[:3] == (False, True, True)
    assert "The ledger has the person in 'Lapsed customers' and Lytics does not" in answer["answer"]


def test_address_that_sendgrid_refuses(customer: Customer) -> None:
    answer = ask(customer, REFUSED)
    assert "SendGrid refused this contact (address)" in answer["answer"]
    assert answer["ledger"]["rejection"]["reason"] == "address"
    assert "is not valid" in answer["ledger"]["rejection"]["words"]
    assert answer["sendgrid"]["known"] is False


def test_person_whom_nobody_knows(customer: Customer) -> None:
    answer = ask(customer, "nobody@example.com")
    assert answer["answer"].startswith("Neither Lytics nor SendGrid nor the ledger knows this person")
    assert (answer["lytics"]["known"], answer["ledger"]["known"], answer["sendgrid"]["known"]) == (False,) * 3


@pytest.mark.parametrize(
    "question", [{"email": "nadia.faure@example.com", "export": "unknown"}, {"email": "x"}, {}]
)
def test_question_that_cannot_be_answered_is_refused_in_words(
    customer: Customer, question: dict[str, Any]
) -> None:
    error, answer = customer.product.invoke("InspectFunction", {"export": customer.name} | question)
    assert error is not None
    assert answer["errorType"] == "InputInvalid"


def test_no_log_holds_an_address_a_name_or_a_key(customer: Customer) -> None:
    ask(customer, "nadia.faure@example.com")
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
