"""Fit a catalogue into the room that one item of DynamoDB has for it."""

import gzip
import json
from bisect import bisect_left
from typing import Any, Final

from lytics_sendgrid.workflow.catalogue import Catalogue

MAX_BYTES: Final = 340_000
"""A catalogue, gzip'd. An item of DynamoDB holds 400 KB, and the console's table takes 350 KB of it."""

_LISTS: Final = ("lytics_fields", "sendgrid_fields", "lists", "audiences")
"""What is cut, in this order. An audience, a field or a list that is left out can be typed in."""


def gzip_bytes(catalogue: Catalogue) -> int:
    """Return how many bytes a catalogue has as gzip'd JSON, in which a character takes at most 12 bytes."""
    return len(gzip.compress(json.dumps(catalogue.document()).encode(), mtime=0))


def with_room(catalogue: Catalogue, max_bytes: int = MAX_BYTES) -> Catalogue:
    """Return a catalogue that fits, and says how much of each of its lists was left out."""
    for name in _LISTS:
        if getattr(catalogue, name) and gzip_bytes(catalogue) > max_bytes:
            catalogue = _cut(catalogue, name, max_bytes)
    return catalogue


def _cut(catalogue: Catalogue, name: str, max_bytes: int) -> Catalogue:
    """Return a catalogue with as many entries of one list as there is room for."""
    entries: tuple[Any, ...] = getattr(catalogue, name)

    def first(count: int) -> Catalogue:
        left_out = {**catalogue.left_out, name: len(entries) - count}
        return catalogue.model_copy(update={name: entries[:count], "left_out": left_out})

    counts = range(1, len(entries))
    kept = bisect_left(counts, 1, key=lambda count: gzip_bytes(first(count)) > max_bytes)
    return first(kept)
