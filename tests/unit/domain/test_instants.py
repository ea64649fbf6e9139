"""Instants: RFC 3339 with nanoseconds and offsets, read exactly."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lytics_sendgrid.domain.instants import format_ms, format_rfc3339, format_s, parse_rfc3339_ns


@pytest.mark.parametrize(
    ("text", "ns"),
    [
        ("1970-01-01T00:00:00Z", 0),
        ("1970-01-01T00:00:00.000000001Z", 1),
        ("1969-12-31T23:59:59.999999999Z", -1),
        ("1970-01-01T01:00:00+01:00", 0),
        ("1969-12-31T17:00:00-07:00", 0),
        ("1970-01-01T05:30:00.5+05:30", 500_000_000),
        ("1970-01-01t00:00:01z", 1_000_000_000),
        ("1970-01-01 00:00:01Z", 1_000_000_000),
        ("1970-01-01T00:00:00.1234567899Z", 123_456_789),
        ("2020-10-14T13:27:33.916374949-07:00", 1_602_707_253_916_374_949),
        ("2020-02-29T00:00:00Z", 1_582_934_400_000_000_000),
        ("0001-01-01T00:00:00Z", -62_135_596_800_000_000_000),
        ("9999-12-31T23:59:59Z", 253_402_300_799_000_000_000),
    ],
)
def test_times_are_read_to_the_nanosecond(text: str, ns: int) -> None:
    assert parse_rfc3339_ns(text) == ns


@pytest.mark.parametrize(
    "text",
    [
        "",
        "yesterday",
        "2020-10-14",
        "2020-10-14T13:27:33",
        "2020-10-14T13:27Z",
        "2020-13-14T13:27:33Z",
        "2021-02-29T00:00:00Z",
        "2020-10-14T24:00:01Z",
        "2020-10-14T13:27:60Z",
        "2020-10-14T13:27:33.Z",
        "2020-10-14T13:27:33+24:00",
        "2020-10-14T13:27:33+01:60",
        "2020-10-14T13:27:33+0100",
        "0000-01-01T00:00:00Z",
        "٢٠٢٠-10-14T13:27:33Z",
        " 2020-10-14T13:27:33Z",
        "2020-10-14T13:27:33Z\n",
        "1602707253",
    ],
)
def test_text_without_time_and_offset_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        parse_rfc3339_ns(text)


offsets = st.integers(-23 * 60 - 59, 23 * 60 + 59).map(lambda minutes: timezone(timedelta(minutes=minutes)))


@given(st.datetimes(timezones=offsets), st.integers(0, 999))
def test_times_match_pythons_parser_with_three_more_digits(moment: datetime, nanoseconds: int) -> None:
    text = moment.isoformat(timespec="microseconds")
    fraction = text[:26] + f"{nanoseconds:03d}" + text[26:]
    since = moment - datetime(1970, 1, 1, tzinfo=UTC)
    microseconds = (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds
    assert parse_rfc3339_ns(fraction) == microseconds * 1_000 + nanoseconds


@pytest.mark.parametrize(
    ("ns", "text"),
    [
        (0, "1970-01-01T00:00:00Z"),
        (-1, "1969-12-31T23:59:59Z"),
        (1_602_707_253_916_374_949, "2020-10-14T20:27:33Z"),
        (-62_135_596_800_000_000_000, "0001-01-01T00:00:00Z"),
    ],
)
def test_instants_are_written_in_whole_seconds_of_utc(ns: int, text: str) -> None:
    assert format_rfc3339(ns) == text


@given(st.integers(-62_135_596_800, 253_402_300_799))
def test_formatted_instant_is_parsed_back(seconds: int) -> None:
    assert parse_rfc3339_ns(format_rfc3339(seconds * 1_000_000_000)) == seconds * 1_000_000_000


@pytest.mark.parametrize("ns", [10**30, -(10**30), 253_402_300_800_000_000_000])
def test_year_outside_1_to_9999_cannot_be_formatted(ns: int) -> None:
    with pytest.raises(ValueError, match="year"):
        format_rfc3339(ns)


def test_seconds_and_milliseconds_are_written_alike() -> None:
    assert format_s(1_602_707_253.9) == format_ms(1_602_707_253_916) == "2020-10-14T20:27:33Z"
