"""Instants as integer nanoseconds since 1970-01-01T00:00:00Z, the precision of Lytics' times."""

import re
from datetime import UTC, datetime, timedelta
from typing import Final

NANOSECONDS_PER_S: Final = 1_000_000_000
NANOSECONDS_PER_MS: Final = 1_000_000
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_YEAR_2_NS: Final = (datetime(2, 1, 1, tzinfo=UTC) - _EPOCH).days * 86_400 * NANOSECONDS_PER_S
_RFC_3339: Final = re.compile(
    r"(\d{4}-\d{2}-\d{2})[Tt ](\d{2}:\d{2}:\d{2})(?:\.(\d{1,9})\d*)?(?:[Zz]|([+-])(\d{2}):(\d{2}))", re.ASCII
)


def parse_rfc3339_ns(text: str) -> int:
    """Parse an RFC 3339 time with an offset and up to nine decimals.

    ``datetime.fromisoformat`` keeps only six of the nine decimals that Lytics writes.

    Args:
        text: for example ``2020-10-14T13:27:33.916374949-07:00``.

    Returns:
        Nanoseconds since 1970; negative for earlier times.

    Raises:
        ValueError: the text is not such a time, or has no offset.
    """
    match = _RFC_3339.fullmatch(text)
    if match is None:
        raise ValueError("not an RFC 3339 time with an offset")
    date, time, fraction, sign, hours, minutes = match.groups()
    if minutes is not None and (int(hours) > 23 or int(minutes) > 59):
        raise ValueError("its offset is out of range")
    since_epoch = datetime.fromisoformat(f"{date}T{time}+00:00") - _EPOCH
    seconds = since_epoch.days * 86_400 + since_epoch.seconds
    if sign:
        offset_s = (int(hours) * 60 + int(minutes)) * 60
        seconds += offset_s if sign == "-" else -offset_s
    return seconds * NANOSECONDS_PER_S + int((fraction or "").ljust(9, "0"))


def is_go_zero_time(instant_ns: int) -> bool:
    """Return whether an instant is in the year 1 or before.

    Go writes a time that was never set as ``0001-01-01T00:00:00Z``, and Lytics is written in Go. With another
    time zone's offset, the same text is some hours away from it. No real time is in that year.
    """
    return instant_ns < _YEAR_2_NS


def format_s(epoch_s: float) -> str:
    """Return a time in Unix seconds as ``format_rfc3339`` writes it."""
    return format_rfc3339(int(epoch_s) * NANOSECONDS_PER_S)


def format_ms(epoch_ms: int) -> str:
    """Return a time in milliseconds since 1970 as ``format_rfc3339`` writes it."""
    return format_rfc3339(epoch_ms * NANOSECONDS_PER_MS)


def format_rfc3339(instant_ns: int) -> str:
    """Return an instant as ISO 8601 in UTC with whole seconds: ``2020-10-14T20:27:33Z``.

    Raises:
        ValueError: the year is outside 1 to 9999.
    """
    try:
        moment = _EPOCH + timedelta(seconds=instant_ns // NANOSECONDS_PER_S)
    except OverflowError as error:
        raise ValueError("its year is outside 1 to 9999") from error
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ") if moment.year >= 1000 else f"{moment.isoformat()[:19]}Z"
