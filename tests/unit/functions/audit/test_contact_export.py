"""SendGrid's export of contacts, read leniently: its answers and its files."""

from typing import Any

import pytest

from functions.audit.contact_export import ContactExport, contact_export_from, exported_rows
from lytics_sendgrid.errors import RequestRefused
from tests.unit.functions.audit.test_columns import CITY


@pytest.mark.parametrize(
    ("document", "export"),
    [
        ({"status": "pending"}, ContactExport("pending")),
        ({"status": "READY", "urls": ["u", 3], "contact_count": 2}, ContactExport("ready", ("u",), 2)),
        ({"status": "ready", "contact_count": 0}, ContactExport("ready", (), 0)),
        ({"status": "ready"}, ContactExport("pending")),
        ({"status": "failure", "message": "m" * 400}, ContactExport("failure", message="m" * 300)),
        ({"status": "in_progress", "contact_count": True, "message": 3}, ContactExport("pending")),
        ({}, None),
    ],
)
def test_export_job_is_read(document: dict[str, Any], export: ContactExport | None) -> None:
    assert contact_export_from(document) == export


@pytest.mark.parametrize("size", [1, 7, 1000])
def test_rows_are_read_however_the_text_is_cut(size: int) -> None:
    text = 'EMAIL,city,City note\na@example.org,"Paris, 2nd","two\nlines"\n\nb@example.org,Rome'
    parts = [text[start : start + size] for start in range(0, len(text), size)]
    assert list(exported_rows(parts, [CITY])) == [
        {"email": "a@example.org", "city": "Paris, 2nd", "city note": "two\nlines"},
        {"email": "b@example.org", "city": "Rome"},
    ]


@pytest.mark.parametrize("text", ["", '{"email": "a@example.org"}\n', "<html></html>"])
def test_file_of_another_form_is_refused(text: str) -> None:
    with pytest.raises(RequestRefused, match="not a CSV file with a column"):
        list(exported_rows([text], []))


@pytest.mark.parametrize("column", ["CITY", "e1_T"])
def test_required_column_is_found_by_name_or_id(column: str) -> None:
    assert list(exported_rows([f"email,{column}\na@example.org,Paris\n"], [CITY]))


def test_file_without_a_required_column_is_refused() -> None:
    with pytest.raises(RequestRefused, match="no column for the custom field 'city': if somebody deleted"):
        list(exported_rows(["email,first_name\n"], [CITY]))


def test_cell_that_is_too_long_is_refused() -> None:
    with pytest.raises(RequestRefused, match="cannot be read as CSV"):
        list(exported_rows(["email\n", "x" * 1_000_001], []))
