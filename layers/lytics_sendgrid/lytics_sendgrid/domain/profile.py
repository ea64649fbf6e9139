"""What of a Lytics profile goes on the queue, whether the webhook or a scan brings it."""

import json
from collections.abc import Iterable, Mapping
from typing import Any, Final

from lytics_sendgrid.domain.change import NO_FIELDS, Value
from lytics_sendgrid.domain.instants import NANOSECONDS_PER_S

MAX_AHEAD_NS: Final = 300 * NANOSECONDS_PER_S
"""An event further ahead of our clock is refused: whatever happens until then would be older than it, and lose."""
MAX_TEXT_CHARS: Final = 4_000
"""Well above the 1,000 that SendGrid's text fields take; deliver cuts exactly."""
MAX_FIELDS_BYTES: Final = 900_000
"""A change must fit a message of 1 MiB. Without its fields it always does, and its membership gets through."""
_MAX_NUMBER: Final = 10**308


def scalar_fields(data: Mapping[str, Any], names: Iterable[str]) -> tuple[Mapping[str, Value], int]:
    """Return what of a profile goes on the queue, and how many of its named fields do not, though they hold something.

    Those are the values that are no scalar, or not a finite one; and all, where they are too long for a message.
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
    # The longest that JSON makes of a character is the 12 of \ud83d\ude00: nothing less can be too long.
    if text_chars * 12 > MAX_FIELDS_BYTES and len(json.dumps(fields)) > MAX_FIELDS_BYTES:
        return NO_FIELDS, dropped + len(fields)
    return fields, dropped


def _usable(value: Any) -> Value | None:
    """Return a scalar as it goes on the queue, or None where it is no finite scalar."""
    if isinstance(value, str):
        # JSON can escape half of a surrogate pair, which is no character: UTF-8, and so SendGrid, has none for it.
        text = value if value.isascii() else value.encode("utf-8", "replace").decode()
        return text[:MAX_TEXT_CHARS]
    if isinstance(value, bool):
        return value
    if isinstance(value, int | float) and -_MAX_NUMBER < value < _MAX_NUMBER:
        return value
    return None
