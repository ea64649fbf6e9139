"""Lytics' values are converted to the type of a SendGrid field, or dropped."""

from typing import Any

import pytest

from lytics_sendgrid.domain.configuration import FieldKind
from lytics_sendgrid.domain.field_values import convert


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("Oslo", "Oslo"),
        ("  Oslo ", "Oslo"),
        ("", None),
        (" \t", None),
        ("\x00\x07", None),
        ("a\x00b\nc", "ab\nc"),
        ("a\ud800b", "ab"),
        ("Zürich 🏔", "Zürich 🏔"),
        (True, "true"),
        (False, "false"),
        (42, "42"),
        (42.0, "42"),
        (0.1, "0.1"),
        (1e300, "1e+300"),
        (-1e300, "-1e+300"),
        (2.0**53 - 1, "9007199254740991"),
        (2.0**53, "9007199254740992.0"),
        (10**400, f"1{'0' * 400}"),
        (float("nan"), None),
        (float("inf"), None),
        (None, None),
        ([1], None),
        ({"a": 1}, None),
    ],
)
def test_text(value: Any, text: str | None) -> None:
    assert convert(value, FieldKind.TEXT, 1_000) == text


@pytest.mark.parametrize(
    ("value", "text"), [("abcdef", "abcd"), ("abc def", "abc"), (123456, "1234"), ("abcd", "abcd")]
)
def test_long_text_is_cut_without_trailing_space(value: Any, text: str) -> None:
    assert convert(value, FieldKind.TEXT, 4) == text


@pytest.mark.parametrize(
    ("value", "number"),
    [
        (42, 42),
        (42.5, 42.5),
        (42.0, 42),
        (1e300, 1e300),
        (2**60, 2**60),
        (2.0**53 - 1, 2**53 - 1),
        (2.0**53, 2.0**53),
        (-1e300, -1e300),
        (" 9007199254740993 ", 2**53 + 1),
        (" 42 ", 42),
        ("-7", -7),
        ("4.50", 4.5),
        ("1e3", 1000),
        (True, 1),
        (False, 0),
        ("t", None),
        ("", None),
        ("nan", None),
        ("inf", None),
        (float("nan"), None),
        (10**300, None),
        (-(10**300), None),
        ("9" * 301, 1e301),
        ("9" * 400, None),
        ("1234_5678", None),
        ("1_0.5", None),
        ("1e1_0", None),
        ("٣", None),
        ("4٢", None),
        ("+5", 5),
        (".5", 0.5),
        ("5.", 5),
        ("0.0", 0),
        ("-0", 0),
        ("1E-3", 0.001),
        ("Infinity", None),
        ("-inf", None),
        ("NaN", None),
        ("1e400", None),
        ("0x1F", None),
        ("0b1", None),
        ("0o7", None),
        ("1,000", None),
        ("1 000", None),
        ("- 5", None),
        ("++5", None),
        ("1e", None),
        ("e5", None),
        (".", None),
        ("½", None),
        (None, None),
        ([], None),
    ],
)
def test_number(value: Any, number: float | None) -> None:
    converted = convert(value, FieldKind.NUMBER, 1_000)
    assert converted == number
    assert type(converted) is type(number)


@pytest.mark.parametrize(
    ("value", "date"),
    [
        ("2024-01-02", "2024-01-02T00:00:00Z"),
        (" 2024-01-02T03:04:05.678901234Z ", "2024-01-02T03:04:05Z"),
        ("2024-01-02T03:04:05+02:00", "2024-01-02T01:04:05Z"),
        ("2024-13-02", None),
        ("0001-01-01T00:00:00+01:00", None),
        ("0001-01-01T00:00:00Z", None),
        ("0001-01-01T00:00:00.000000000Z", None),
        ("0001-01-01", None),
        ("0001-01-01 00:00:00Z", None),
        ("0001-01-01 00:00:00 +0000 UTC", None),
        ("0001-01-01T01:00:00+01:00", None),
        ("0001-01-01T00:00:00-07:00", None),
        ("0000-12-31T17:00:00-07:00", None),
        ("-62135596800", None),
        ("-62135596800000000000", None),
        (-62135596800, None),
        (-62135596800000000000, None),
        ("0002-01-01", "0002-01-01T00:00:00Z"),
        ("1970-01-01T00:00:00Z", "1970-01-01T00:00:00Z"),
        ("20240102", None),
        ("20240102T030405Z", None),
        ("2024-W01-1", None),
        ("2024-W01-1T00:00:00Z", None),
        ("2024-002", None),
        ("2024-01", None),
        ("2024-1-2", None),
        ("2024_01_02", None),
        ("٢٠٢٤-01-02", None),
        ("2024-01-02T03:04:05", None),
        ("2024-01-02T03:04Z", None),
        ("2024-01-02T03:04:05,5Z", None),
        ("2024-01-02T24:00:00Z", None),
        ("2024-01-02T03:04:05+0200", None),
        ("2024-01-02\u20282024", None),
        ("1/2/2024", None),
        ("1704164645", None),
        (1704164645, None),
        (None, None),
        ("", None),
    ],
)
def test_date(value: Any, date: str | None) -> None:
    assert convert(value, FieldKind.DATE, 1_000) == date
