"""Parse JSON that is valid but unreasonable, so that the good elements beside it are not lost."""

import json
import math
import re
from typing import Any, Final

MAX_DEPTH: Final = 64
"""Lytics' envelopes have four levels."""
_MAX_DIGITS: Final = 400
_TOKEN: Final = re.compile(r'"(?:[^"\\]++|\\.)*+"?|[\[\]{}]', re.DOTALL)


def parse(text: str) -> Any:
    """Return the value of a JSON text.

    Values that Python's parser refuses are replaced: an array or object nested deeper than 64 levels becomes
    null, an integer of more than 400 digits becomes infinity. ``NaN`` and ``Infinity``, which are not JSON,
    become floats.

    Raises:
        ValueError: the text is not JSON. The message may quote the text: do not log it.
    """
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        raise
    except (RecursionError, ValueError):
        return json.loads(_flattened(text), parse_int=_bounded_int)


def _bounded_int(digits: str) -> int | float:
    return int(digits) if len(digits) <= _MAX_DIGITS else math.inf


def _flattened(text: str) -> str:
    parts = []
    depth = kept_to = 0
    for match in _TOKEN.finditer(text):
        mark = match.group()
        if mark in "[{":
            depth += 1
            if depth == MAX_DEPTH + 1:
                parts.append(text[kept_to : match.start()] + "null")
        elif mark in "]}":
            if depth == MAX_DEPTH + 1:
                kept_to = match.end()
            depth -= 1
    if depth <= MAX_DEPTH:
        parts.append(text[kept_to:])
    return "".join(parts)
