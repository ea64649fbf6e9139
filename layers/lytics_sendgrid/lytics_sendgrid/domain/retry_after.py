"""How long an answer asks to wait: its ``Retry-After`` header, in seconds or as an HTTP date."""

import re
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import Final

_SECONDS: Final = re.compile(r"\d{1,9}", re.ASCII)


def retry_after_s(headers: Mapping[str, str], now_s: float | None = None) -> float | None:
    """Return the wait that ``Retry-After`` asks for, in seconds, or None if it asks for none.

    Args:
        headers: of the answer, names in lower case.
        now_s: our clock, Unix seconds. A date counts from it if the answer has no ``Date``.
    """
    value = headers.get("retry-after", "").strip()
    if _SECONDS.fullmatch(value):
        return float(value)
    until_s, date_s = http_date_s(value), http_date_s(headers.get("date", ""))
    from_s = now_s if date_s is None else date_s
    return None if until_s is None or from_s is None else max(0.0, until_s - from_s)


def http_date_s(text: str) -> float | None:
    """Return an HTTP date as Unix seconds, or None if it is not one."""
    try:
        return parsedate_to_datetime(text).timestamp()
    except (ValueError, OverflowError):
        return None
