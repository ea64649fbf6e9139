"""An import message can be read back, and its parts fit SQS."""

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lytics_sendgrid.queues.changes import MESSAGE_BYTES
from lytics_sendgrid.queues.imports import (
    ImportedContact,
    ImportMessage,
    import_body,
    import_from,
    split_import,
)

JOB = ImportMessage(
    "default",
    "j1",
    1_795_000_000_000,
    ("r1",),
    {"ann@example.org": ImportedContact("newsletter", "0a")},
    2,
    1,
    3,
)

imports = st.builds(
    ImportMessage,
    authorization=st.text(max_size=5),
    job=st.text(max_size=5),
    sent_ms=st.integers(0, 2**43),
    runs=st.lists(st.text(max_size=3), max_size=2).map(tuple),
    contacts=st.dictionaries(
        st.text(max_size=6),
        st.builds(
            ImportedContact, st.sampled_from(["newsletter", "weekly"]), st.text(max_size=4), st.integers(0, 6)
        ),
        max_size=6,
    ),
    polls=st.integers(0, 300),
    part=st.integers(1, 3),
    parts=st.integers(3, 4),
)


def addresses(count: int) -> list[str]:
    return [f"p{number}@example.org" for number in range(count)]


@given(imports)
def test_import_is_read_as_it_was_written(one: ImportMessage) -> None:
    body = import_body(one)
    assert body.isascii()
    assert import_from(body) == one


def test_import_contacts_are_grouped_by_export_without_blanks() -> None:
    contacts = {"a@example.org": ImportedContact("x", "0a"), "b@example.org": ImportedContact("x", "0b", 2)}
    body = import_body(replace(JOB, contacts=contacts))
    assert '"contacts":{"x":[["a@example.org","0a"],["b@example.org","0b",2]]}' in body
    assert " " not in body


def test_parked_import_says_why_and_restarts_when_redriven() -> None:
    parked = import_body(
        replace(JOB, contacts={"ann@example.org": ImportedContact("newsletter", "0a", 6)}), "six in a row"
    )
    assert json.loads(parked)["parked"] == "six in a row"
    assert import_from(parked).contacts == {"ann@example.org": ImportedContact("newsletter", "0a", 0)}


@pytest.mark.parametrize("body", ["", "[]", "{}", '{"v":2}', '{"v":1}', '{"v":1,"contacts":[1]}'])
def test_other_text_is_not_an_import(body: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        import_from(body)


@pytest.mark.parametrize("name", ["p{}@example.org", "ünïcödé-{}@bücher.example", "🏔{}@example.org"])
def test_parts_fit_a_message_and_keep_all_contacts(name: str) -> None:
    carried = {name.format(n): ImportedContact("newsletter", f"{n:016x}~", n % 7) for n in range(20_000)}
    cut = split_import(replace(JOB, contacts=carried))
    assert len(cut) > 1
    assert [(one.part, one.parts) for one in cut] == [(n + 1, len(cut)) for n in range(len(cut))]
    assert {email: one for part in cut for email, one in part.contacts.items()} == carried
    assert sum(len(part.contacts) for part in cut) == len(carried)
    assert all(len(import_body(part)) <= MESSAGE_BYTES for part in cut)


def test_import_of_another_version_is_refused() -> None:
    with pytest.raises(ValueError, match="version 2"):
        import_from(import_body(JOB).replace('"v":1', '"v":2'))


def test_no_more_parts_are_made_than_are_needed() -> None:
    carried = {email: ImportedContact("newsletter", f"{0:016x}~", 1) for email in addresses(20_000)}
    *full, _ = split_import(replace(JOB, contacts=carried))
    assert all(len(import_body(part)) > 0.9 * MESSAGE_BYTES for part in full)


def test_contact_that_is_longer_than_a_message_goes_alone() -> None:
    contacts = {email: ImportedContact("newsletter", "0a") for email in addresses(2)}
    assert [len(part.contacts) for part in split_import(replace(JOB, contacts=contacts), 10)] == [1, 1]


def test_import_without_contacts_is_one_part() -> None:
    (only,) = split_import(replace(JOB, contacts={}))
    assert (only.part, only.parts) == (1, 1)
