"""Lytics' answers as JSON objects or as our errors.

Lytics answers in two shapes, ``{"data":…,"status":200,"message":"success"}`` under ``/api`` and
``{"data":…,"status":200,"request_id":…}`` under ``/v2``; refusals have ``message`` in the first and
``errors`` in the second (Lytics agent-skills, references/api.md, 2026-05). An answer of another shape is
never taken for a success.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from lytics_sendgrid.domain.instants import NANOSECONDS_PER_S
from lytics_sendgrid.domain.retry_after import http_date_s, retry_after_s
from lytics_sendgrid.errors import AnswerLost, KeyRefused, RequestRefused, ServiceUnavailable, Throttled

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lytics_sendgrid.transport.client import Answer

_MAX_MESSAGE_CHARS: Final = 300
_SUCCESSES: Final = frozenset({"success", "ok"})
_STATUS: Final = re.compile(r"\d{3}", re.ASCII)


def document_of(answer: Answer, what: str, *, writes: bool = False) -> Mapping[str, Any]:
    """Return a successful answer's JSON object, or raise what the refusal means to the caller.

    Args:
        answer: of any status.
        what: what was requested, for our message. Must not hold a profile value.
        writes: whether the request changes something, so that an unreadable success may have worked.

    Raises:
        KeyRefused: 401 or 403.
        Throttled: 429.
        ServiceUnavailable: 5xx, 408, or a success of undocumented form, or one that reports an error.
        AnswerLost: such a success of a write.
        RequestRefused: any other status.
    """
    document = answer.json()
    status = answer.status
    if 200 <= status < 300:
        if not isinstance(document, dict):
            raise unreadable(what, "its answer is not a JSON object", writes=writes)
        # Older calls answer a refusal with 200 and put its status into the body.
        status = _status_inside(document, what, writes=writes)
        if status < 400:
            if document.get("errors"):
                raise unreadable(what, f"a success with errors: {message_of(document)}", writes=writes)
            return document
    message = message_of(document)
    summary = f"Lytics answered {status} for {what}" + (f": {message}" if message else "")
    if status in {401, 403}:
        raise KeyRefused(
            f"{summary}. Check lytics_api_token in the secret: it may have expired, lack a role, or be "
            f"limited to addresses that AWS does not use",
            lacks_permission=status == 403,
        )
    if status == 429:
        raise Throttled(summary, retry_after_s(answer.headers))
    if status >= 500 or status == 408:
        raise ServiceUnavailable(summary, retry_after_s(answer.headers))
    raise RequestRefused(summary)


def _status_inside(document: Mapping[str, Any], what: str, *, writes: bool) -> int:
    """Return the status in an answer's document: a number, digits, a word, or 200 if it is missing."""
    status = document.get("status")
    if isinstance(status, str):
        if status.casefold() in _SUCCESSES:
            return 200
        if _STATUS.fullmatch(status):
            return int(status)
    if status is None:
        return 200
    if isinstance(status, int) and not isinstance(status, bool):
        return status
    raise unreadable(what, f"an invalid status, with the message: {message_of(document)}", writes=writes)


def unreadable(what: str, why: str, *, writes: bool = False) -> ServiceUnavailable | AnswerLost:
    """Return the error for a success of undocumented form: a proxy's page, a truncated body."""
    error = AnswerLost if writes else ServiceUnavailable
    return error(f"Lytics' answer for {what} is not as documented: {why}")


def message_of(document: Any) -> str:
    """Return the messages of a refusal of either shape as one text, truncated; empty if there are none."""
    if not isinstance(document, dict):
        return ""
    texts = [document.get("message")]
    errors = document.get("errors")
    if isinstance(errors, list):
        texts += [error.get("message") for error in errors if isinstance(error, dict)]
    return "; ".join(text for text in texts if isinstance(text, str) and text)[:_MAX_MESSAGE_CHARS]


def date_ns(answer: Answer) -> int | None:
    """Return the answer's ``Date`` in nanoseconds since 1970, or None if it has none."""
    seconds = http_date_s(answer.headers.get("date", ""))
    return None if seconds is None else int(seconds) * NANOSECONDS_PER_S


def list_of(document: Mapping[str, Any], what: str) -> list[Mapping[str, Any]]:
    """Return the objects under ``data``.

    Lytics does not document how it writes an empty list, and failures have null there. So null counts as an
    empty list only if the answer reports a success.

    Raises:
        ServiceUnavailable: there is no list of objects.
    """
    data = document.get("data", ())
    if data is None and document.get("status") is not None and _is_success(document.get("message")):
        return []
    if not isinstance(data, list) or not all(isinstance(element, dict) for element in data):
        raise unreadable(what, "no list of objects under data")
    return data


def _is_success(message: Any) -> bool:
    return message is None or (isinstance(message, str) and message.casefold() in {"", *_SUCCESSES})


def object_of(document: Mapping[str, Any], what: str, *, writes: bool = False) -> Mapping[str, Any]:
    """Return the object under ``data``.

    Raises:
        ServiceUnavailable: there is none.
        AnswerLost: there is none in the answer to a write.
    """
    data = document.get("data")
    if not isinstance(data, dict):
        raise unreadable(what, "no object under data", writes=writes)
    return data
