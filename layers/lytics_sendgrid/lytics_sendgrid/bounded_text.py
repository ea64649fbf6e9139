"""Text that must fit a limit which AWS counts on the JSON that holds it."""

import json
from bisect import bisect_right
from collections.abc import Iterable
from typing import Final

_MAX_ESCAPED_CHARS: Final = 12
"""JSON writes a character in at most 12 characters: ``\\ud83d\\ude00``."""
_CUT: Final = " ..."


def json_chars(text: str) -> int:
    """Return how many characters a text takes inside a JSON string that is all ASCII.

    A text never takes more bytes of UTF-8 in JSON than that.
    """
    return len(json.dumps(text)) - 2


def shortened(text: str, max_chars: int) -> str:
    """Return a text that takes at most ``max_chars`` inside JSON. A cut text ends with dots."""
    if len(text) * _MAX_ESCAPED_CHARS <= max_chars or json_chars(text) <= max_chars:
        return text
    max_chars -= len(_CUT)
    kept = bisect_right(range(1, len(text) + 1), max_chars, key=lambda length: json_chars(text[:length]))
    return text[:kept] + _CUT


def first_that_fit(texts: Iterable[str], max_chars: int) -> tuple[str, ...]:
    """Return the first texts that together take at most ``max_chars`` inside JSON, each in quotes."""
    fitting = []
    for text in texts:
        max_chars -= json_chars(text) + len('"", ')
        if max_chars < 0:
            break
        fitting.append(text)
    return tuple(fitting)


def enumerated(texts: Iterable[str], max_chars: int) -> str:
    """Return texts separated by commas, and how many more there are if they do not fit."""
    whole = tuple(texts)
    fitting = first_that_fit(whole, max_chars)
    more = (f"and {len(whole) - len(fitting)} more",) if len(fitting) < len(whole) else ()
    return ", ".join((*fitting, *more))
