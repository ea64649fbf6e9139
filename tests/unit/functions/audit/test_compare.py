"""A contact of the ledger is sent again if SendGrid's export has something else."""

from dataclasses import replace
from typing import Final

import pytest

from functions.audit.columns import columns_of
from functions.audit.compare import Comparison
from functions.audit.exported import ExportedContacts
from lytics_sendgrid.domain.audit_findings import AuditFindings
from lytics_sendgrid.domain.contact import Contact, Rejection
from lytics_sendgrid.sendgrid.row import row_form
from tests.newsletter import HIGH_VALUE, NEWSLETTER
from tests.unit.functions.audit.test_columns import ACCOUNT

ADA, BOB = "ada@example.org", "bob@example.org"
SETTLED_MS: Final = 10_000_000
COLUMNS = columns_of(ACCOUNT, [NEWSLETTER])
KNOWN = Contact(1, {HIGH_VALUE: 5}, {"e1_T": (4, "Paris")}, row="r1", job="j1", sent_ms=5)
ROW = {"email": ADA, "lytics_segments": HIGH_VALUE, "city": "Paris"}


def compared(
    contact: Contact, *rows: dict[str, str], email: str = ADA, restore_deleted: bool = False
) -> tuple[bool, AuditFindings]:
    exported = ExportedContacts("run", COLUMNS)
    exported.add_all(rows)
    form = row_form(ACCOUNT, "none")
    comparison = Comparison(form, COLUMNS, exported, SETTLED_MS, restore_deleted=restore_deleted)
    counts = AuditFindings()
    return comparison.is_to_send(email, contact, counts), counts


def test_equal_contact_is_counted_and_left_alone() -> None:
    assert compared(KNOWN, ROW) == (False, AuditFindings(compared=1))


@pytest.mark.parametrize(
    ("change", "field"), [({"city": "Rome"}, "city"), ({"lytics_segments": "none"}, "lytics_segments")]
)
def test_overwritten_field_is_sent_again(change: dict[str, str], field: str) -> None:
    is_to_send, counts = compared(KNOWN, ROW | change)
    assert is_to_send
    assert (counts.overwritten, counts.queued, dict(counts.fields)) == (1, 1, {field: 1})


def test_field_that_the_ledger_does_not_know_is_not_compared() -> None:
    assert compared(replace(KNOWN, fields={}), ROW | {"city": "Rome"}) == (False, AuditFindings(compared=1))


@pytest.mark.parametrize(
    "row", [{"email": ADA, "lytics_segments": HIGH_VALUE}, ROW | {"lifetime_value": "?"}]
)
def test_value_that_cannot_be_read_is_counted_and_decides_nothing(row: dict[str, str]) -> None:
    contact = replace(KNOWN, fields={"e1_T": (4, "Paris"), "e2_N": (4, 12)})
    is_to_send, counts = compared(contact, row)
    assert not is_to_send
    assert counts.unread["lifetime_value"] == 1
    assert counts.unread["city"] == int("city" not in row)


@pytest.mark.parametrize("restore_deleted", [False, True])
def test_deleted_contact_is_made_again_only_on_request(restore_deleted: bool) -> None:
    is_to_send, counts = compared(KNOWN, email=BOB, restore_deleted=restore_deleted)
    assert is_to_send is restore_deleted
    assert counts == AuditFindings(compared=1, deleted=1, queued=int(restore_deleted))


@pytest.mark.parametrize(("sent", "latest"), [(1, 0), (0, 1)])
def test_contact_sent_shortly_before_the_export_is_not_compared(sent: int, latest: int) -> None:
    recent = replace(KNOWN, sent_ms=sent * SETTLED_MS, latest_ms=latest * SETTLED_MS)
    assert compared(recent) == (False, AuditFindings(recent=1))


@pytest.mark.parametrize(
    "contact",
    [
        Contact(1, {HIGH_VALUE: 5}),
        replace(KNOWN, rejection=Rejection("address", "x", "r", 0)),
        replace(KNOWN, rejection=Rejection("row", "x", "r", 0)),
    ],
)
def test_contact_that_sendgrid_never_took_is_not_compared(contact: Contact) -> None:
    assert compared(contact) == (False, AuditFindings())


def test_contact_is_found_by_an_alternate_address() -> None:
    row = ROW | {"email": BOB, "alternate_emails": f'["{ADA}"]'}
    assert compared(KNOWN, row) == (False, AuditFindings(compared=1))


def test_each_address_is_of_one_part() -> None:
    rows = [{"email": f"p{number}@example.org", "city": "Paris"} for number in range(200)]
    parts = [ExportedContacts("run", COLUMNS, part, 3) for part in range(3)]
    for part in parts:
        part.add_all(rows)
    for row in rows:
        held = [part.is_mine(row["email"]) for part in parts]
        assert held == [part.digests(row["email"]) is not None for part in parts]
        assert sum(held) == 1
