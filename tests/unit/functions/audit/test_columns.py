"""What SendGrid should hold, in a form that can be compared with its export."""

import pytest

from functions.audit.columns import UNREADABLE, Column, cells, columns_of, digest_of, expected_values
from lytics_sendgrid.domain.change import Value
from lytics_sendgrid.domain.configuration import Account, FieldKind, ProvisionedAudience
from lytics_sendgrid.domain.contact import Contact, Rejection
from lytics_sendgrid.sendgrid.row import row_form
from tests.newsletter import HIGH_VALUE, NEWSLETTER

CITY = Column("e1_T", "city", FieldKind.TEXT)
VALUE = Column("e2_N", "lifetime_value", FieldKind.NUMBER)
DATE = Column("e3_D", "last_purchase", FieldKind.DATE)
ACCOUNT = Account(
    "main",
    4,
    {"lytics_segments": "e7_T", "lytics_segments_1": None},
    {HIGH_VALUE: ProvisionedAudience("lytics_segments", "s1", None, ("newsletter",))},
    {"newsletter": ("e1_T", "e2_N", "e3_D")},
)


def test_columns_are_membership_fields_and_every_mapped_field_once() -> None:
    columns = columns_of(ACCOUNT, [NEWSLETTER, NEWSLETTER])
    assert columns[0] == Column("e7_T", "lytics_segments", FieldKind.TEXT)
    assert [column.name for column in columns[1:]] == [mapped.name for mapped in NEWSLETTER.fields]


@pytest.mark.parametrize(
    ("column", "ledger", "cell"),
    [
        (CITY, "Paris", "Paris"),
        (CITY, "Paris", " Paris\n"),
        (CITY, "a\r\nb", "a\nb"),
        (VALUE, 12.5, "12.50"),
        (VALUE, 12, "12.0"),
        (VALUE, 1200, "1.2e3"),
        (DATE, "2026-11-23T10:00:00Z", "2026-11-23"),
        (DATE, "2026-11-23T23:30:00-02:00", "2026-11-24T00:00:00Z"),
        (DATE, "2026-11-23T10:00:00Z", "2026-11-23T00:00:00"),
        (DATE, "2026-11-23T10:00:00Z", "11/23/2026"),
    ],
)
def test_equal_values_are_equal_however_an_export_writes_them(
    column: Column, ledger: Value, cell: str
) -> None:
    assert digest_of(column, ledger) == digest_of(column, cell)


@pytest.mark.parametrize(
    ("column", "ledger", "cell"),
    [
        (CITY, "Paris", "paris"),
        (CITY, "Paris", ""),
        (VALUE, 12.5, "12.51"),
        (DATE, "2026-11-23T10:00:00Z", "2026-11-24"),
    ],
)
def test_different_values_differ(column: Column, ledger: Value, cell: str) -> None:
    assert digest_of(column, ledger) != digest_of(column, cell)


@pytest.mark.parametrize(("column", "cell"), [(VALUE, "twelve"), (DATE, "yesterday"), (DATE, "13/13/2026")])
def test_unreadable_cell_decides_nothing(column: Column, cell: str) -> None:
    assert digest_of(column, cell) == UNREADABLE


def test_value_that_is_missing_has_no_digest() -> None:
    assert [digest_of(CITY, None), digest_of(VALUE, " ")] == [0, 0]


def test_cells_are_found_by_name_or_id_and_missing_columns_decide_nothing() -> None:
    row = {"city": "Paris", "e2_n": "12"}
    assert cells(row, (CITY, VALUE, DATE)) == [digest_of(CITY, "Paris"), digest_of(VALUE, 12), UNREADABLE]


def test_expected_values_are_memberships_and_fields() -> None:
    contact = Contact(1, {HIGH_VALUE: 5}, {"e1_T": (4, "Paris")})
    form = row_form(ACCOUNT, "none")
    assert expected_values(contact, form) == {"e7_T": HIGH_VALUE, "e1_T": "Paris"}
    refused = Contact(1, {HIGH_VALUE: 5}, {"e1_T": (4, "P")}, rejection=Rejection("fields", "x", "r", 0))
    assert expected_values(refused, form) == {"e7_T": HIGH_VALUE}
