"""What SendGrid's answer to an upsert means for its rows.

This is the only place that decides by message text, because SendGrid offers nothing else: which addresses it
refuses (``email 'x' is not valid``) and whether it knows the field ids (``invalid custom field ids supplied -
…``). Sources: the body that Twilio's own connector matches (segmentio/action-destinations,
sendgrid-audiences), and sendgrid/sendgrid-nodejs issue 953 (both read 2026-11-23).
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from lytics_sendgrid.domain.numbers import parse_decimal
from lytics_sendgrid.domain.retry_after import retry_after_s

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lytics_sendgrid.transport.client import Answer

_BAD_ADDRESS: Final = re.compile(r"email '(.+?)' is not valid", re.IGNORECASE | re.DOTALL)
_QUOTED_ADDRESS: Final = re.compile(r'"[^"]*"(?:[@\uff20\ufe6b]|%40)\S*', re.IGNORECASE)
_ADDRESS: Final = re.compile(r"\S*(?:[@\uff20\ufe6b]|%40)\S*", re.IGNORECASE)
_AROUND: Final = "'\"<>()[],;:."
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
    """The request was refused for a reason other than its rows.

    An unknown field id, a deleted list, a key, a proxy.

    Attributes:
        message: SendGrid's.
        of_list: a list may be the reason. SendGrid does not document how it refuses a deleted list.
    """

    message: str
    of_list: bool = False


@dataclass(frozen=True, slots=True)
class Busy:
    """429, or no connection: nothing was accepted. The message is SendGrid's, or ours."""

    message: str


@dataclass(frozen=True, slots=True)
class Unanswered:
    """The request may have worked: timeout, dropped connection, 5xx, or a 202 without a job id."""

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
        return Busy(message)
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


def busy_until(headers: Mapping[str, str], now_s: float) -> float | None:
    """Return when a request may follow a 429, Unix seconds, or None if the answer does not say.

    It is the reset of the rate limit or the end of ``Retry-After``, whichever is later.
    """
    wait_s = retry_after_s(headers, now_s)
    ends = [reset_epoch_s(headers), None if wait_s is None else now_s + wait_s]
    return max((end for end in ends if end is not None), default=None)


def exhausted_until(headers: Mapping[str, str]) -> float | None:
    """Return when the next request may be made, or None if the headers do not say that none is left."""
    return reset_epoch_s(headers) if headers.get("x-ratelimit-remaining") == "0" else None


def messages(document: Any) -> list[str]:
    """Return the messages of a refusal.

    Most hold a list ``errors`` of objects or texts. A few are such a list, one of its objects, or hold
    ``error``.
    """
    errors = document.get("errors") if isinstance(document, dict) else document
    if errors is None or errors == []:
        errors = [document]
    texts = map(_text_of, errors if isinstance(errors, list) else [errors])
    return [text for text in texts if text]


def _text_of(error: Any) -> str:
    """Return the message of one error: a text, or an object that holds ``message`` or ``error``."""
    if isinstance(error, dict):
        values = (error.get("message"), error.get("error"))
        inner = next((value for value in values if value), None)
        error = _text_of(inner) if isinstance(inner, dict) else inner
    return error if isinstance(error, str) else ""


def without_addresses(text: str) -> str:
    """Return a text that keeps nothing of any address in it, because it goes into logs.

    A word with an ``@`` goes as a whole: an address may hold an apostrophe, and a refused one anything.
    """
    text = _BAD_ADDRESS.sub("email '(address)' is not valid", text)
    return _ADDRESS.sub(_redacted, _QUOTED_ADDRESS.sub("(address)", text))


def _redacted(match: re.Match[str]) -> str:
    word = match.group()
    before = word[: len(word) - len(word.lstrip(_AROUND))]
    after = word[len(word.rstrip(_AROUND)) :]
    return f"{before}(address){after}"


def _message(document: Any) -> str:
    """Return SendGrid's messages without addresses."""
    return "; ".join(dict.fromkeys(map(without_addresses, messages(document))))[:_MAX_MESSAGE_CHARS]
