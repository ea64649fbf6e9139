"""Addresses: written as SendGrid keys contacts by them, or refused where they never can be one."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lytics_sendgrid.domain.email_address import invisible_inside, normalise


@pytest.mark.parametrize(
    ("value", "address"),
    [
        ("Ida.Holm@Example.COM", "ida.holm@example.com"),
        (" ida@example.com\n", "ida@example.com"),
        ("ida+news@mail.example.co.uk", "ida+news@mail.example.co.uk"),
        ("o'neil@example.org", "o'neil@example.org"),
        ("\ufeffida@example.com", "ida@example.com"),
        ("\u200b \u00adida@example.com\u2060\n\u200f", "ida@example.com"),
        ("zoe\u0308@example.com", "zo\u00eb@example.com"),
        ("ZOE\u0308@example.com", "zo\u00eb@example.com"),
        ("\u212bke@example.com", "\u00e5ke@example.com"),
        ("\uff49da@example.com", "\uff49da@example.com"),
        ("žofie@příklad.org", "žofie@příklad.org"),
        ("x" * 244 + "@ex-am.org", "x" * 244 + "@ex-am.org"),
    ],
)
def test_address_is_trimmed_and_lower_cased(value: str, address: str) -> None:
    assert normalise(value) == address


@pytest.mark.parametrize(
    "value",
    [
        None,
        5,
        True,
        ["ida@example.com"],
        {},
        "",
        " ",
        "ida",
        "ida@",
        "@example.com",
        "ida@example",
        "ida@example.",
        "ida@@example.com",
        "ida@a@example.com",
        "ida holm@example.com",
        "ida@example.com, b@example.com",
        "Ida <ida@example.com>",
        "ida\x00@example.com",
        "ida\u200b \u00a0x@example.com",
        "ida\u200b@example.com",
        "ida@exam\u00adple.com",
        "\ufeff",
        "ida\ud83d@example.com",
        "x" * 245 + "@ex-am.org",
    ],
)
def test_impossible_addresses_are_refused(value: Any) -> None:
    assert normalise(value) is None


@pytest.mark.parametrize(
    ("value", "point"),
    [
        ("ida\u200bx@example.com", "U+200B"),
        ("ida@exam\u00adple.com", "U+00AD"),
        ("ida\U000e0041@example.com", "U+E0041"),
        ("\ufeffida@example.com", ""),
        ("ida@example.com", ""),
        ("idä", ""),
        (5, ""),
    ],
)
def test_invisible_character_inside_is_named(value: Any, point: str) -> None:
    assert invisible_inside(value) == point


def test_lone_surrogate_is_refused() -> None:
    # Not parameters: as names of tests they are all the same.
    assert [normalise(f"ida{half}@example.com") for half in ("\ud800", "\udfff")] == [None, None]


@settings(suppress_health_check=[HealthCheck.too_slow])  # its first use makes a table of all characters
@given(st.text(st.characters(exclude_categories=()), max_size=40) | st.emails())
def test_normalised_address_is_stable_and_utf8(text: str) -> None:
    address = normalise(text)
    if address is not None:
        assert normalise(address) == address
        address.encode()
