"""An audit through the state machine: what somebody changed in SendGrid is right again after it."""

from collections.abc import Iterator

import pytest

from tests.e2e.customer import Customer, Product, customer_of
from tests.local.polling import poll
from tests.newsletter import HIGH_VALUE


@pytest.fixture(scope="module")
def customer(product: Product) -> Iterator[Customer]:
    with customer_of(product) as customer:
        customer.lytics.populate(60, 3, seed=11)
        yield customer


def test_audit_puts_right_what_was_changed_in_sendgrid(customer: Customer) -> None:
    start = customer.input()
    customer.succeed(start)
    customer.wait_until_equal(start)
    overwritten, deleted = sorted(customer.lytics.members(HIGH_VALUE))[:2]
    customer.overwrite(overwritten, "lytics_segments", "none")
    customer.delete_contact(deleted)
    customer.delete_segment("Lapsed customers")
    customer.sendgrid.settle()
    audit = {"action": "resync", "export": customer.name, "audit": True}

    def asked() -> bool:
        """Return whether every row is old enough to be compared. A dry run changes nothing."""
        found = customer.run(audit | {"dry_run": True, "restore_deleted": True}).output["audit"]
        return (found["overwritten"], found["deleted"], found["recent"]) == (1, 1, 0)

    poll(asked, "an audit of everybody", timeout_s=60)
    assert customer.contact(deleted) is None
    report = customer.run(audit | {"repair_segments": True, "restore_deleted": True}).output
    assert report["audit"]["segments"] == [
        "the segment of 'Lapsed customers' was deleted in SendGrid. It is repaired"
    ]
    assert (report["audit"]["sent_again"], report["audit"]["fields"]) == (2, {"lytics_segments": 1})
    customer.wait_until_equal(start)
    assert "Lapsed customers" in customer.sendgrid.names()["segments"]
