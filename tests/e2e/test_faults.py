"""Faults only cost time: SendGrid matches Lytics afterwards."""

import os
import re
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import pytest

from tests.e2e.customer import PUT_CONTACTS, Customer, Product, customer_of
from tests.local.polling import poll
from tests.local.sendgrid_twin.options import Fault, FaultKind
from tests.newsletter import HIGH_VALUE, LAPSED

FAULTS: Final = {
    "a burst of 429": [Fault(kind=FaultKind.RATE_LIMITED, on=PUT_CONTACTS, max_count=2, seconds=0.1)],
    "429 and 500 everywhere": [
        Fault(kind=FaultKind.RATE_LIMITED, rate=0.2, max_count=3, seconds=0.1),
        Fault(kind=FaultKind.SERVER_ERROR, rate=0.2, max_count=3),
    ],
    "a nameless 400": [Fault(kind=FaultKind.NAMELESS_400, on=PUT_CONTACTS, max_count=2)],
    "lost requests and answers": [
        Fault(kind=FaultKind.DROP_BEFORE, on=PUT_CONTACTS, max_count=1),
        Fault(kind=FaultKind.DROP_AFTER, on=PUT_CONTACTS, max_count=1),
    ],
    "late import jobs": [Fault(kind=FaultKind.JOB_LATE, rate=0.5, seconds=1.0, max_count=4)],
}


@pytest.mark.parametrize("name", FAULTS)
def test_backfill_and_live_events_arrive_despite_sendgrid_faults(customer: Customer, name: str) -> None:
    customer.lytics.populate(150, 3, seed=len(name))
    customer.lytics.set_faults(shuffle=True, duplicate_rate=0.1)
    customer.sendgrid.set_faults(*FAULTS[name], seed=1)
    customer.succeed(customer.input())
    customer.lytics.make_events(40, seed=2)
    assert customer.lytics.drain(20)
    customer.wait_until_equal(customer.input())
    assert sum(fault["struck"] for fault in customer.sendgrid.state()["faults"]) > 0


@pytest.mark.parametrize(
    "faults",
    [
        {"api_429_rate": 0.1, "api_5xx_rate": 0.1},
        {"api_html_rate": 0.1, "api_truncate_rate": 0.1, "api_drop_rate": 0.1},
        {
            "scan_next_key": "next",
            "scan_total_offset": 7,
            "scan_empty_page_every": 2,
            "scan_duplicate_rate": 0.1,
            "scan_numbers_as_strings": True,
        },
    ],
    ids=" ".join,
)
def test_scan_is_complete_despite_lytics_faults(customer: Customer, faults: dict[str, Any]) -> None:
    customer.lytics.populate(700, 3, seed=4)
    customer.lytics.set_faults(**faults)
    report = customer.succeed(customer.input())
    assert [audience["scanned"] >= audience["lytics"] for audience in report["audiences"]] == [True] * 3
    customer.wait_until_equal(customer.input())


def test_bad_address_does_not_affect_other_people(customer: Customer) -> None:
    customer.lytics.populate(150, 3, seed=4)
    customer.sendgrid.set_options(refuse_emails="^odd[.]one@")
    customer.lytics.add_profile({"email": "odd.one@example.com"}, [LAPSED])
    report = customer.succeed(customer.input())
    assert report["people"]["rejected"] == {"address": 1}
    customer.product.wait_until_idle()
    audit = customer.audit(customer.input())
    assert {re.split("[ :]", difference)[0] for difference in audit.differences} == {"odd.one@example.com"}
    assert audit.contacts >= 130

    customer.sendgrid.set_options(refuse_emails="")
    customer.lytics.change("odd.one@example.com", {"first_name": "Otis"})
    assert customer.lytics.drain(10)
    customer.wait_until_equal(customer.input())


def test_deleted_field_stops_the_export_until_it_is_recreated(customer: Customer) -> None:
    """All rows contain the field, so SendGrid refuses every request. That must not reject any contact."""
    customer.lytics.populate(40, 3, seed=4)
    customer.succeed(customer.input())
    customer.product.wait_until_idle()
    customer.delete_field("lifetime_value")
    customer.lytics.add_profile({"email": "vera.sand@example.com", "lifetime_value": 12.5})
    customer.lytics.enter("vera.sand@example.com", LAPSED)
    assert customer.lytics.drain(10)

    question = {"export": customer.name, "email": "vera.sand@example.com"}

    def stopped() -> Any:
        return customer.product.invoke("InspectFunction", question)[1]["stop"]

    assert "No contact is rejected" in poll(stopped, "the stop", timeout_s=30, interval_s=0.5)
    _, answer = customer.product.invoke("InspectFunction", question)
    assert answer["ledger"]["rejection"] is None
    assert answer["answer"].startswith("The export is stopped")
    assert [reject for reject in customer.product.rejects() if reject["export"] == customer.name] == []

    report = customer.succeed(customer.input())
    assert report["created"]["fields"] == ["lifetime_value"]
    customer.wait_until_equal(customer.input())
    assert customer.product.invoke("InspectFunction", question)[1]["stop"] is None


def test_deleted_list_stops_only_its_export_until_a_new_list_is_used(
    customer: Customer,
) -> None:
    first, second = (customer.sendgrid.add_list(name) for name in ("First", "Second"))
    starts = {
        audience: customer.input(export=f"{customer.name}-{name}", audiences=[audience], list=name)
        for name, audience in (("First", HIGH_VALUE), ("Second", LAPSED))
    }
    customer.lytics.add_profile({"email": "both@example.com"}, [HIGH_VALUE, LAPSED])
    customer.lytics.add_profile({"email": "first@example.com"}, [HIGH_VALUE])
    for start in starts.values():
        customer.succeed(start)
    customer.product.wait_until_idle()
    customer.delete_list(first)

    customer.lytics.exit("both@example.com", LAPSED)
    assert customer.lytics.drain(10)
    poll(lambda: memberships(customer, "both@example.com") == HIGH_VALUE, "the exit", timeout_s=30)
    customer.lytics.add_profile({"email": "new@example.com"})
    customer.lytics.enter("new@example.com", HIGH_VALUE)
    assert customer.lytics.drain(10)
    question = {"export": starts[HIGH_VALUE]["export"], "email": "new@example.com"}

    def stopped() -> Any:
        return customer.product.invoke("InspectFunction", question)[1]["stop"]

    assert "No contact is rejected" in poll(stopped, "the stop", timeout_s=30, interval_s=0.5)
    assert (
        customer.product.invoke("InspectFunction", {**question, "export": starts[LAPSED]["export"]})[1][
            "stop"
        ]
        is None
    )
    assert customer.contact("new@example.com") is None

    new_list = customer.sendgrid.add_list("First")
    refused = customer.run(starts[HIGH_VALUE])
    assert "SendGrid cannot move a segment" in refused.error
    customer.delete_segment("High value users")
    customer.succeed(starts[HIGH_VALUE])
    customer.lytics.exit("first@example.com", HIGH_VALUE)
    assert customer.lytics.drain(10)
    poll(lambda: memberships(customer, "first@example.com") == "none", "the exit", timeout_s=30)
    customer.sendgrid.settle()
    lists = {contact["email"]: set(contact["list_ids"]) for contact in customer.sendgrid.contacts()}
    assert lists == {
        "both@example.com": {new_list, second},
        "first@example.com": {new_list},
        "new@example.com": {new_list},
    }
    assert stopped() is None


def memberships(customer: Customer, email: str) -> str | None:
    contact = customer.contact(email)
    return None if contact is None else contact["custom_fields"]["lytics_segments"]


def test_revoked_key_of_one_customer_does_not_delay_another(product: Product, customer: Customer) -> None:
    with customer_of(product) as revoked:
        for each in (revoked, customer):
            each.lytics.populate(30, 3, seed=4)
            each.succeed(each.input())
        revoked.sendgrid.set_keys({})
        with product.paused("deliver"):
            for each in (revoked, customer):
                each.lytics.make_events(20, seed=3)
                assert each.lytics.drain(10)
        customer.wait_until_equal(customer.input())
    assert revoked.sendgrid.state()["answers"].get(f"{PUT_CONTACTS} 401", 0) > 0


def test_consumer_killed_between_request_and_commit_loses_nothing(customer: Customer) -> None:
    customer.lytics.populate(60, 3, seed=4)
    customer.succeed(customer.input())
    customer.product.wait_until_idle()
    customer.sendgrid.set_faults(Fault(kind=FaultKind.HANG, on=PUT_CONTACTS, max_count=1, seconds=3.0))
    sent = customer.writes()[PUT_CONTACTS]
    with visibility(customer.product, "ChangesQueueUrl", seconds=4):
        customer.lytics.make_events(20, seed=3)
        assert customer.lytics.drain(10)
        poll(lambda: hanging(customer) > 0, "a hanging request")
        kill_deliver(customer.product)
        customer.wait_until_equal(customer.input())
        customer.product.wait_until_idle()
    assert customer.writes()[PUT_CONTACTS] > sent + 1
    assert customer.audit(customer.input()).ok


def hanging(customer: Customer) -> int:
    return sum(fault["struck"] for fault in customer.sendgrid.state()["faults"])


@contextmanager
def visibility(product: Product, queue: str, seconds: int) -> Iterator[None]:
    """Make the messages of a dead consumer visible again sooner than after 13 minutes."""
    sqs, url = product.deployment.cloud.client("sqs"), product.deployment.outputs[queue]
    before = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["VisibilityTimeout"])["Attributes"]
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"VisibilityTimeout": str(seconds)})
    yield
    sqs.set_queue_attributes(QueueUrl=url, Attributes=before)


def kill_deliver(product: Product) -> None:
    """Kill the processes of deliver, as a host failure does."""
    for process in product.deployment.cloud.processes():
        if b"functions.deliver.app" in Path(f"/proc/{process}/cmdline").read_bytes():
            os.kill(process, signal.SIGKILL)
