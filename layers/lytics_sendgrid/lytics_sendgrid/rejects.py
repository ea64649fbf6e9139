"""What goes to the rejects queue: elements that can never become a change, each with its reason.

Nothing reads this queue but an operator, so a redrive of a dead-letter queue cannot bring a rejected element back.
"""

import json
from typing import Any, Final

MAX_ELEMENT_CHARS: Final = 60_000
"""With the reason around it a reject stays under the 64 KB that SQS bills as one request."""


def reject_body(reason: str, detail: str, source: str, export: str, element: Any) -> str:
    """Write a reject as ASCII JSON of at most 64 KB.

    Args:
        reason: a stable word for counting, such as ``no_email``.
        detail: what was wrong, where, and what to do.
        source: which function rejected it.
        export: the export that it came to.
        element: the element as it was, a JSON value or the raw text; cut where it is too long.
    """
    text = element if isinstance(element, str) else json.dumps(element, separators=(",", ":"), default=str)
    document: dict[str, Any] = {
        "v": 1,
        "reason": reason,
        "detail": detail,
        "source": source,
        "export": export,
    }
    ascii_chars = len(json.dumps(text))
    if ascii_chars > MAX_ELEMENT_CHARS:
        document |= {"cut_from_chars": len(text)}
        text = text[: MAX_ELEMENT_CHARS // (1 if text.isascii() else 12)]
        while len(json.dumps(text)) > MAX_ELEMENT_CHARS:
            text = text[: len(text) * 9 // 10]
    document["element"] = text
    return json.dumps(document, separators=(",", ":"))
