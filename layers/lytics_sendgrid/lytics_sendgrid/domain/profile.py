"""Choose the fields of a Lytics profile that are queued. The profile comes from the webhook or a scan."""

import json
from collections.abc import Iterable, Mapping
from typing import Any, Final

from lytics_sendgrid.domain.change import NO_FIELDS, Value
from lytics_sendgrid.domain.instants import NANOSECONDS_PER_S

MAX_AHEAD_NS: Final = 300 * NANOSECONDS_PER_S
"""An event further ahead of our clock is refused: until then, every other event would be older and lose."""
MAX_TEXT_CHARS: Final = 4_000
"""SendGrid's text fields hold 1,000. ``deliver`` cuts to the exact length."""
MAX_FIELDS_BYTES: Final = 900_000
"""A change must fit a message of 1 MiB. Without its fields it always fits, so its membership gets through."""
_MAX_NUMBER: Final = 10**308


def scalar_fields(data: Mapping[str, Any], names: Iterable[str]) -> tuple[Mapping[str, Value], int]:
    """Return the values of a profile that can be queued, and how many named fields were dropped.

    A value that is not a finite scalar is dropped. If all values together are too long for a message, all are
    dropped.
    """
    fields: dict[str, Value] = {}
    dropped = 0
    text_chars = 0
    for name in names:
        value = data.get(name)
        if value is None:
            continue
        usable = _usable(value)
        if usable is None:
            dropped += 1
            continue
        fields[name] = usable
        if isinstance(usable, str):
            text_chars += len(usable)
    # JSON writes a character in at most 12 characters (\ud83d\ude00), so shorter texts always fit.
    if text_chars * 12 > MAX_FIELDS_BYTES and len(json.dumps(fields)) > MAX_FIELDS_BYTES:
        return NO_FIELDS, dropped + len(fields)
    return fields, dropped


def _usable(value: Any) -> Value | None:
    """Return a scalar as it is queued, or None if the value is not a finite scalar."""
    if isinstance(value, str):
        # JSON can hold half of a surrogate pair, but UTF-8, and so SendGrid, cannot.
        text = value if value.isascii() else value.encode("utf-8", "replace").decode()
        return text[:MAX_TEXT_CHARS]
    if isinstance(value, bool):
        return value
    if isinstance(value, int | float) and -_MAX_NUMBER < value < _MAX_NUMBER:
        return value
    return None
