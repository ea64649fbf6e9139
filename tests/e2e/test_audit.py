"""An audit through the state machine: what somebody changed in SendGrid is right again after it."""

from collections.abc import Iterator

import pytest

from lytics_sendgrid.sendgrid.resources import segment_query
from tests.e2e.customer import Customer, Product, customer_of
from tests.local.polling import poll
from tests.newsletter import HIGH_VALUE

OTHER = segment_query("lytics_segments", "0" * 32)


@pytest.fixture
def customer(product: Product) -> Iterator[Customer]:
    with customer_of(product) as customer:
        customer.lytics.populate(60, 3, seed=11)
        yield customer


def test_audit_puts_right_what_was_changed_in_sendgrid(customer: Customer) -> None:
    start = customer.input()
    customer.succeed(start)
    customer.wait_until_equal(start)
    customer.product.wait_until_idle()  # after that, nothing of ours overwrites what is changed
    overwritten, deleted = sorted(customer.lytics.members(HIGH_VALUE))[:2]
    customer.overwrite(overwritten, "lytics_segments", "none")
    customer.delete_contact(deleted)
    customer.sendgrid.settle()
    audit = {"action": "resync", "export": customer.name, "audit": True}

    def asked() -> bool:
        """Return whether every row is old enough to be compared. A dry run changes nothing."""
        found = customer.run(audit | {"dry_run": True, "restore_deleted": True}).output["audit"]
        return (found["overwritten"], found["deleted"], found["recent"]) == (1, 1, 0)

    poll(asked, "an audit of everybody", timeout_s=60)
    assert customer.contact(deleted) is None
    customer.delete_segment("Lapsed customers")
    failed = customer.run(audit | {"audit": False})
    assert "'Lapsed customers': its segment does not exist in SendGrid any more" in failed.error
    report = customer.run(audit | {"repair_segments": True, "restore_deleted": True}).output
    assert report["audit"]["segments"] == [
        "the segment of 'Lapsed customers' was deleted in SendGrid. It is repaired"
    ]
    assert (report["audit"]["sent_again"], report["audit"]["fields"]) == (2, {"lytics_segments": 1})
    customer.wait_until_equal(start)
    assert "Lapsed customers" in customer.sendgrid.names()["segments"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"export_outcome": "failure"}, "export of contacts failed: the export could not be created"),
        ({"export_hidden_columns": ["lytics_segments"]}, "no column for the custom field 'lytics_segments'"),
    ],
)
def test_audit_whose_export_fails_changes_nobody(
    customer: Customer, options: dict[str, object], message: str
) -> None:
    start = customer.input()
    customer.succeed(start)
    customer.wait_until_equal(start)
    customer.product.wait_until_idle()  # after that, nothing of ours brings back who is deleted
    deleted = min(customer.lytics.members(HIGH_VALUE))
    customer.delete_contact(deleted)
    customer.sendgrid.settle()
    customer.sendgrid.set_options(**options)
    audit = {"action": "resync", "export": customer.name, "audit": True, "restore_deleted": True}
    failed = customer.run(audit)
    assert failed.status == "FAILED"
    assert message in failed.error
    assert "no contact was compared, sent again or created again" in failed.error
    assert customer.contact(deleted) is None


def test_changed_query_and_name_are_found_and_repaired(customer: Customer) -> None:
    start = customer.input()
    customer.succeed(start)
    customer.sendgrid.set_options(segment_patch_wait_s=0.0)
    customer.change_segment("Lapsed customers", {"name": "Mine", "query_dsl": OTHER})
    notes = customer.succeed(start)["notes"]
    assert any("the query of the segment 'Mine' was changed in SendGrid" in note for note in notes)
    audit = {"action": "resync", "export": customer.name, "audit": True}
    segments = customer.succeed(audit | {"repair_segments": True})["audit"]["segments"]
    assert segments == [
        "the query of the segment 'Mine' was changed in SendGrid, so it shows other people. It is repaired",
        "the segment of 'Lapsed customers' was renamed to 'Mine' in SendGrid. It is repaired",
    ]
    customer.wait_until_equal(start)
