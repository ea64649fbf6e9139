"""Convert Lytics' values to SendGrid's.

Lytics' types differ from payload to payload (numbers as text, booleans as ``t`` and ``f``). So the type of
the SendGrid field decides how a value is converted, not the type of the value.
"""

import math
import re
from typing import Final, assert_never

from lytics_sendgrid.domain.change import Value
from lytics_sendgrid.domain.configuration import FieldKind
from lytics_sendgrid.domain.instants import format_rfc3339, is_go_zero_time, parse_rfc3339_ns
from lytics_sendgrid.domain.numbers import parse_decimal

_DATE: Final = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_UNSENDABLE: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
_MAX_EXACT: Final = 2**53
"""A reader that takes JSON numbers as doubles loses digits of larger integers."""


def convert(value: object, kind: FieldKind, max_chars: int) -> Value | None:
    """Convert a value for a SendGrid field.

    Args:
        value: what Lytics sent.
        kind: the SendGrid field's type.
        max_chars: the longest text that the field takes. Longer texts are cut.

    Returns:
        Text without control characters, a finite number, or a date as ISO 8601 in UTC. SendGrid accepts an
        epoch number as a date with 202 but drops it silently, so none is sent. None if the value is empty, is
        Go's zero time, or cannot be converted: SendGrid documents no way to clear a field, so nothing is
        sent.
    """
    match kind:
        case FieldKind.TEXT:
            return _text(value, max_chars)
        case FieldKind.NUMBER:
            return _number(value)
        case FieldKind.DATE:
            return _date(value)
        case _ as never:
            assert_never(never)


def _text(value: object, max_chars: int) -> str | None:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return None if isinstance(value, float) and not math.isfinite(value) else _written(value)[:max_chars]
    if not isinstance(value, str):
        return None
    if not value.isprintable():
        value = _UNSENDABLE.sub("", value)
    text = value.strip()
    if len(text) > max_chars:
        text = text[:max_chars].rstrip()
    return text or None


def _written(value: float) -> str:
    return (
        str(int(value))
        if isinstance(value, float) and value.is_integer() and abs(value) < _MAX_EXACT
        else str(value)
    )


def _number(value: object) -> int | float | None:
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, str):
        try:
            value = parse_decimal(value.strip())
        except ValueError:
            return None
    if isinstance(value, int):
        return value if abs(value) < 10**300 else None
    if isinstance(value, float) and math.isfinite(value):
        return int(value) if value.is_integer() and abs(value) < _MAX_EXACT else value
    return None


def _date(value: object) -> str | None:
    if not isinstance(value, str):
        return None
    text = value.strip()
    if _DATE.fullmatch(text):
        text += "T00:00:00Z"
    try:
        instant_ns = parse_rfc3339_ns(text)
        return None if is_go_zero_time(instant_ns) else format_rfc3339(instant_ns)
    except ValueError:
        return None
