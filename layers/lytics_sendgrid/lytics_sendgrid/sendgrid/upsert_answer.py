"""What SendGrid's answer to an upsert means for its rows.

This is the only place that decides by message text, because SendGrid offers nothing else: which addresses it refuses
(``email 'x' is not valid``) and whether it knows the field ids (``invalid custom field ids supplied - …``). Sources: the body that Twilio's own connector matches (segmentio/action-destinations, sendgrid-audiences), and
sendgrid/sendgrid-nodejs issue 953 (both read 2026-11-23).
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from lytics_sendgrid.domain.numbers import parse_decimal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lytics_sendgrid.transport.client import Answer

_BAD_ADDRESS: Final = re.compile(r"email '(.+?)' is not valid", re.IGNORECASE | re.DOTALL)
_ADDRESS: Final = re.compile(r"[^\s'\"<>(),;:]+@[^\s'\"<>(),;:]+")
_UNKNOWN_FIELD: Final = "invalid custom field ids supplied"
_MAX_MESSAGE_CHARS: Final = 300


@dataclass(frozen=True, slots=True)
class Accepted:
    """202: an import job will process the rows."""

    job: str


@dataclass(frozen=True, slots=True)
class BadAddresses:
    """400: the whole request was refused for the addresses it names, here in lower case."""

    addresses: frozenset[str]
    message: str


@dataclass(frozen=True, slots=True)
class RowsRefused:
    """400 or 413: the whole request was refused, and no row is named."""

    message: str


@dataclass(frozen=True, slots=True)
class RequestFault:
    """The request was refused for a reason other than its rows: an unknown field id, a deleted list, a key, a proxy.

    Attributes:
        message: SendGrid's.
        of_list: a list may be the reason. SendGrid does not document how it refuses a deleted list.
    """

    message: str
    of_list: bool = False


@dataclass(frozen=True, slots=True)
class Busy:
    """429, or no connection: nothing was accepted.

    Attributes:
        message: SendGrid's, or ours.
        until_epoch_s: when to continue, Unix seconds; None if unknown.
    """

    message: str
    until_epoch_s: float | None = None


@dataclass(frozen=True, slots=True)
class Unanswered:
    """The request may have worked: time-out, dropped connection, 5xx, or a 202 without a job id."""

    message: str


type Verdict = Accepted | BadAddresses | RowsRefused | RequestFault | Busy | Unanswered


def interpret(answer: Answer) -> Verdict:
    """Return the verdict of an answer to ``PUT /v3/marketing/contacts``."""
    status = answer.status
    document = answer.json()
    if status == 202:
        job = document.get("job_id") if isinstance(document, dict) else None
        return Accepted(job) if isinstance(job, str) and job else Unanswered("202 without a job id")
    message = f"{status} {_message(document)}".strip()
    if status == 429:
        return Busy(message, reset_epoch_s(answer.headers))
    if status in (400, 422) and document is not None:
        return _refusal(messages(document), message)
    if status == 413:
        return RowsRefused(message)
    if status >= 500 or 200 <= status < 300 or status == 408:
        return Unanswered(message)
    return RequestFault(message, of_list=status > 400 and status not in (401, 403, 422))


def _refusal(texts: list[str], message: str) -> Verdict:
    addresses = frozenset(a.strip().lower() for text in texts for a in _BAD_ADDRESS.findall(text))
    if addresses:
        return BadAddresses(addresses, message)
    if any(_UNKNOWN_FIELD in text.lower() or text.lower().startswith("invalid json") for text in texts):
        return RequestFault(message)
    return RowsRefused(message)


def reset_epoch_s(headers: Mapping[str, str]) -> float | None:
    """Return when the rate limit resets (``X-RateLimit-Reset``, Unix seconds), or None if unknown."""
    try:
        reset = parse_decimal(headers["x-ratelimit-reset"].strip())
    except (KeyError, ValueError):
        return None
    return reset if math.isfinite(reset) else None


def exhausted_until(headers: Mapping[str, str]) -> float | None:
    """Return when the next request may be made, or None if the headers do not say that none is left."""
    return reset_epoch_s(headers) if headers.get("x-ratelimit-remaining") == "0" else None


def messages(document: Any) -> list[str]:
    """Return the messages of a refusal: most hold a list ``errors``, a few are such a list, or one of its objects."""
    errors = document.get("errors", [document]) if isinstance(document, dict) else document
    if not isinstance(errors, list):
        return []
    texts = [error.get("message") for error in errors if isinstance(error, dict)]
    return [text for text in texts if isinstance(text, str) and text]


def _message(document: Any) -> str:
    """Return SendGrid's messages without addresses, because they go into logs."""
    return "; ".join(dict.fromkeys(_ADDRESS.sub("(address)", text) for text in messages(document)))[
        :_MAX_MESSAGE_CHARS
    ]
