"""What SendGrid's answer to an upsert means for its rows.

The one place where a decision is made by message text, because SendGrid gives nothing else: which addresses it
refuses (``email 'x' is not valid``) and which field ids it does not know (``invalid custom field ids supplied - …``).
Sources: the body that Twilio's own connector matches (segmentio/action-destinations, sendgrid-audiences), and
sendgrid/sendgrid-nodejs issue 953 (both read 2026-11-23).
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lytics_sendgrid.transport.client import Answer

_BAD_ADDRESS: Final = re.compile(r"email '(.+?)' is not valid", re.IGNORECASE | re.DOTALL)
_ADDRESS: Final = re.compile(r"[^\s'\"<>(),;:]+@[^\s'\"<>(),;:]+")
_UNKNOWN_FIELD: Final = "invalid custom field ids supplied"
_WORDS: Final = 300


@dataclass(frozen=True, slots=True)
class Accepted:
    """202: an import job carries the rows."""

    job: str


@dataclass(frozen=True, slots=True)
class BadAddresses:
    """400: the whole request was refused for the addresses that are named, in lower case."""

    addresses: frozenset[str]
    words: str


@dataclass(frozen=True, slots=True)
class RowsRefused:
    """400 or 413: the whole request was refused and no row is named."""

    words: str


@dataclass(frozen=True, slots=True)
class RequestFault:
    """The request was refused whatever its rows are: an unknown field id, a list that is gone, a key, a page of a proxy.

    Attributes:
        words: SendGrid's.
        of_list: it may be for a list; how SendGrid refuses one that is gone is not documented.
    """

    words: str
    of_list: bool = False


@dataclass(frozen=True, slots=True)
class Busy:
    """429 or 5xx before anything was done, or nobody there: nothing was accepted.

    Attributes:
        until_epoch_s: when to go on, where SendGrid says it.
    """

    words: str
    until_epoch_s: float | None = None


@dataclass(frozen=True, slots=True)
class Unanswered:
    """The request was sent and may have worked: time-out, dropped connection, 5xx, or a 202 that names no job."""

    words: str


type Verdict = Accepted | BadAddresses | RowsRefused | RequestFault | Busy | Unanswered


def interpret(answer: Answer) -> Verdict:
    """Tell what an answer to ``PUT /v3/marketing/contacts`` means."""
    status = answer.status
    document = answer.json()
    if status == 202:
        job = document.get("job_id") if isinstance(document, dict) else None
        return Accepted(job) if isinstance(job, str) and job else Unanswered("202 without a job id")
    words = f"{status} {_words(document)}".strip()
    if status == 429:
        return Busy(words, reset_epoch_s(answer.headers))
    if status in (400, 422) and document is not None:
        return _refusal(messages(document), words)
    if status == 413:
        return RowsRefused(words)
    if status >= 500 or 200 <= status < 300 or status == 408:
        return Unanswered(words)
    return RequestFault(words, of_list=status > 400 and status not in (401, 403, 422))


def _refusal(messages: list[str], words: str) -> Verdict:
    addresses = frozenset(a.strip().lower() for m in messages for a in _BAD_ADDRESS.findall(m))
    if addresses:
        return BadAddresses(addresses, words)
    if any(_UNKNOWN_FIELD in m.lower() or m.lower().startswith("invalid json") for m in messages):
        return RequestFault(words)
    return RowsRefused(words)


def reset_epoch_s(headers: Mapping[str, str]) -> float | None:
    """Return when the rate limit starts afresh (``X-RateLimit-Reset``, Unix seconds), or None where it is not said."""
    try:
        reset = float(headers["x-ratelimit-reset"])
    except (KeyError, ValueError):
        return None
    return reset if math.isfinite(reset) else None


def exhausted_until(headers: Mapping[str, str]) -> float | None:
    """Return when the next request may be made, where the headers say that none is left until then."""
    return reset_epoch_s(headers) if headers.get("x-ratelimit-remaining") == "0" else None


def messages(document: Any) -> list[str]:
    """Return what SendGrid says: most refusals hold ``errors``, a list; a few are such a list, or one such object."""
    errors = document.get("errors", [document]) if isinstance(document, dict) else document
    if not isinstance(errors, list):
        return []
    said = [error.get("message") for error in errors if isinstance(error, dict)]
    return [text for text in said if isinstance(text, str) and text]


def _words(document: Any) -> str:
    """Return what SendGrid said, without addresses: a refusal names everybody's, and its words go into logs too."""
    return "; ".join(dict.fromkeys(_ADDRESS.sub("(address)", m) for m in messages(document)))[:_WORDS]
