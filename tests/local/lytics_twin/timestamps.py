"""Lytics' time formats: RFC 3339 in UTC or with an offset."""

import datetime as dt


def rfc3339_ns(ns: int, offset_minutes: int = 0) -> str:
    """Format nanoseconds since 1970 with nine fractional digits.

    Example:
        >>> rfc3339_ns(1_602_707_613_916_374_949, -420)
        '2020-10-14T13:33:33.916374949-07:00'
    """
    seconds, fraction = divmod(ns, 1_000_000_000)
    zone = dt.timezone(dt.timedelta(minutes=offset_minutes))
    moment = dt.datetime.fromtimestamp(seconds, zone)
    suffix = "Z" if offset_minutes == 0 else moment.strftime("%z")
    if offset_minutes:
        suffix = f"{suffix[:3]}:{suffix[3:]}"
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{fraction:09d}{suffix}"


def rfc3339_ms(ns: int) -> str:
    """Format nanoseconds since 1970 in UTC with milliseconds, as in segments and jobs."""
    return rfc3339_ns(ns)[:23] + "Z"
