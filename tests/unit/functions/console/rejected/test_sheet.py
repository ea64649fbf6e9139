"""The CSV of rejected people is a whole one, within its limits, and no cell is a formula."""

import csv
import io
import json

import pytest

from functions.console.rejected.listing import RejectedPerson
from functions.console.rejected.sheet import MAX_BYTES, MAX_ROWS, safe_cell, sheet
from lytics_sendgrid.domain.contact import Rejection

SINCE_MS = 1_795_000_000_000


def person(email: str = "ann@example.org", words: str = "not valid") -> RejectedPerson:
    return RejectedPerson(email, Rejection("address", words, "0a", SINCE_MS))


def rows(text: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text)))


def test_each_person_has_a_row_and_the_last_row_says_that_these_are_all() -> None:
    heading, ann, last = rows(sheet([person(words='He said: "no",\r\n never')], whole=True))
    assert heading == ["address", "reason", "since", "SendGrid's message"]
    assert ann == ["ann@example.org", "address", "2026-11-18T11:06:40Z", 'He said: "no", never']
    assert last == ["These are all rejected people of the export."]


def test_last_row_says_that_there_are_more() -> None:
    assert rows(sheet([person()], whole=False))[-1][0].startswith("There are more rejected people")


def test_file_holds_at_most_20_000_rows() -> None:
    found = rows(sheet([person()] * (MAX_ROWS + 1), whole=True))
    assert len(found) == MAX_ROWS + 2
    assert found[-1][0].startswith("There are more rejected people than this file holds: 20,000 rows.")
    assert rows(sheet([person()] * MAX_ROWS, whole=True))[-1][0].startswith("These are all")


@pytest.mark.parametrize("words", ["x" * 300, "ü" * 300, '"' * 300])
def test_answer_stays_below_what_lambda_returns(words: str) -> None:
    text = sheet([person(words=words)] * MAX_ROWS, whole=True)
    assert len(json.dumps(text)) <= MAX_BYTES + 1_000
    assert len(json.dumps(text)) < 6 * 1024 * 1024


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\rx", "\nx"])
def test_cell_that_a_spreadsheet_would_act_on_gets_an_apostrophe(text: str) -> None:
    assert safe_cell(text) == f"'{text}"
    assert rows(sheet([person(f"{text}@example.org")], whole=True))[1][0] == f"'{text}@example.org"


@pytest.mark.parametrize("text", ["", "ann@example.org", "1+1", "'=1"])
def test_other_cells_stay_as_they_are(text: str) -> None:
    assert safe_cell(text) == text
