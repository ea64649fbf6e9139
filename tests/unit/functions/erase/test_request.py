"""The people that a request asks to erase."""

import pytest

from functions.erase.request import MAX_EMAILS, EraseRequest, request_from
from lytics_sendgrid.errors import InputInvalid

ANN = "ann@example.org"


def test_request_names_the_export_and_each_address_once() -> None:
    document = {"export": "newsletter", "emails": [ANN, "bob", ANN], "again": True}
    assert request_from(document) == EraseRequest("newsletter", (ANN, "bob"), again=True)
    assert request_from({"emails": [ANN]}) == EraseRequest("default", (ANN,))


@pytest.mark.parametrize(
    ("document", "why"),
    [
        ([ANN], "is not a JSON object"),
        ({"emails": [ANN], "email": ANN}, '"email" is not known'),
        ({"emails": [ANN], ANN: True}, "a key is not known"),
        ({"emails": [ANN], "export": 5}, '"export" must be text'),
        ({}, '"emails" must be a list of texts'),
        ({"emails": ANN}, '"emails" must be a list of texts'),
        ({"emails": [ANN, 5]}, '"emails" must be a list of texts'),
        ({"emails": [ANN], "again": "yes"}, '"again" must be true or false'),
        ({"emails": []}, "has 0 addresses, and must have 1 to 1,000"),
        ({"emails": [ANN] * (MAX_EMAILS + 1)}, "has 1001 addresses"),
    ],
)
def test_wrong_request_is_refused_without_an_address(document: object, why: str) -> None:
    with pytest.raises(InputInvalid) as caught:
        request_from(document)
    assert why in str(caught.value)
    assert ANN not in str(caught.value)


def test_message_shows_what_a_request_looks_like() -> None:
    with pytest.raises(InputInvalid) as refusal:
        request_from([])
    assert str(refusal.value) == (
        'the request is not a JSON object: expected {"export": "name of an export", '
        '"emails": ["jane@example.com"]}'
    )


@pytest.mark.parametrize(
    ("document", "named"),
    [
        ({"b": 1, "a": 1}, '"a", "b" is not known: expected {'),
        ({"b": 1, "ann@example.org": 1}, "a key is not known: expected {"),
    ],
)
def test_unknown_keys_are_named_unless_one_may_be_an_address(document: object, named: str) -> None:
    with pytest.raises(InputInvalid) as refusal:
        request_from(document)
    assert str(refusal.value).startswith(named)


def test_thousand_addresses_are_not_too_many() -> None:
    emails = [f"p{number}@example.org" for number in range(MAX_EMAILS)]
    assert len(request_from({"emails": emails}).emails) == 1_000
