"""The format of the rejects queue: elements that can never become a change, each with its reason.

Only an operator reads this queue, so a redrive of a dead-letter queue cannot bring a rejected element back.
"""

import itertools
import json
from collections.abc import Iterator, Sequence
from operator import attrgetter
from typing import Any, Final, Protocol

NOT_JSON: Final = "not_json"
"""The reason of a whole webhook body that is not JSON: nothing can be read from it."""
MAX_ELEMENT_CHARS: Final = 60_000
"""With its reason, a reject stays below the 64 KB that SQS bills as one request."""
EXCERPT_CHARS: Final = 1_000
MAX_SINGLE: Final = 200
MAX_TOGETHER: Final = 5_000
_MAX_DEPTH: Final = 20


class Reject(Protocol):
    """An element and what is wrong with it."""

    @property
    def reason(self) -> str: ...  # noqa: D102

    @property
    def detail(self) -> str: ...  # noqa: D102

    @property
    def element(self) -> Any: ...  # noqa: D102


def reject_bodies(rejects: Sequence[Reject], source: str, export: str) -> Iterator[str]:
    """Yield a body for each reject.

    Over 200 rejects share bodies: neighbours with the same reason become a list. Millions of bad elements in
    one webhook body would otherwise take longer to queue than the function may run.
    """
    if len(rejects) <= MAX_SINGLE:
        for reject in rejects:
            yield reject_body(reject.reason, reject.detail, source, export, reject.element)
        return
    for (reason, detail), alike in itertools.groupby(rejects, attrgetter("reason", "detail")):
        for text in _lists([reject.element for reject in alike]):
            yield reject_body(reason, detail, source, export, text)


def reject_body(reason: str, detail: str, source: str, export: str, element: Any) -> str:
    """Return a reject as ASCII JSON of at most 64 KB.

    Args:
        reason: a stable word for counting, such as ``no_email``.
        detail: what is wrong, where, and what to do.
        source: the function that rejected the element.
        export: the export that the element was sent to.
        element: the element as received, a JSON value or raw text; cut if it is too long.
    """
    text = element if isinstance(element, str) else _text(element)
    document: dict[str, Any] = {
        "v": 1,
        "reason": reason,
        "detail": detail,
        "source": source,
        "export": export,
    }
    # A character takes at most 12 bytes, as \ud83d\ude00: measure only what may be too long.
    if len(text) * 12 > MAX_ELEMENT_CHARS and len(json.dumps(text)) > MAX_ELEMENT_CHARS:
        document["cut_from_chars"] = len(text)
        text = _cut(text)
    document["element"] = text
    return json.dumps(document, separators=(",", ":"))


def excerpt(value: Any) -> Any:
    """Return a short JSON value, the beginning of a long text, or the length of any other long value.

    A value of another type never becomes text: a redrive would send that text as if Lytics had.
    """
    if value is None or isinstance(value, bool | float):
        return value
    if isinstance(value, str):
        return value[:EXCERPT_CHARS]
    text = _text(value)
    return json.loads(text) if len(text) <= EXCERPT_CHARS else {"cut_from_chars": len(text)}


def _lists(elements: Sequence[Any]) -> Iterator[str]:
    """Yield elements as JSON lists of at most half a reject's size: as text in JSON they may double.

    A larger element gets a list of its own.
    """
    if len(elements) > MAX_TOGETHER:
        for start in range(0, len(elements), MAX_TOGETHER):
            yield from _lists(elements[start : start + MAX_TOGETHER])
        return
    text = _text(elements)
    if len(elements) == 1 or len(text) <= MAX_ELEMENT_CHARS // 2:
        yield text
    else:
        middle = len(elements) // 2
        yield from _lists(elements[:middle])
        yield from _lists(elements[middle:])


def _cut(text: str) -> str:
    """Return the longest beginning of a text that takes at most 60,000 characters as ASCII JSON."""
    text = text[:MAX_ELEMENT_CHARS]
    fits, too_long = 0, len(text) + 1
    while too_long - fits > 1:
        middle = (fits + too_long) // 2
        if len(json.dumps(text[:middle])) <= MAX_ELEMENT_CHARS:
            fits = middle
        else:
            too_long = middle
    return text[:fits]


def _text(element: Any) -> str:
    """Return any JSON value as text, even one nested deeper than Python can write."""
    try:
        return json.dumps(element, separators=(",", ":"), default=str)
    except (RecursionError, ValueError):
        return json.dumps(_shallow(element, _MAX_DEPTH), separators=(",", ":"), default=str)


def _shallow(value: Any, depth: int) -> Any:
    if isinstance(value, dict):
        return {key: _shallow(v, depth - 1) for key, v in value.items()} if depth else "(more)"
    if isinstance(value, list):
        return [_shallow(v, depth - 1) for v in value] if depth else "(more)"
    if isinstance(value, int) and abs(value) >= 10**308:
        return "(a very long number)"
    return value
