"""Read SendGrid's answer about an import job."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from lytics_sendgrid.domain.instants import NANOSECONDS_PER_S, is_go_zero_time, parse_rfc3339_ns
from lytics_sendgrid.errors import RetryLater

COUNTS: Final = ("requested", "created", "updated", "errored")
_DOCUMENTED: Final = frozenset({"pending", "completed", "errored", "failed"})
_FIT_FOR_LOG: Final = re.compile(r"[a-z0-9_ -]{1,40}")
_NEVER: Final = "0001-01-01"
"""Go's zero time: a time that was not set."""


@dataclass(frozen=True, slots=True)
class Job:
    """An import job.

    Attributes:
        status: ``pending``, ``completed``, ``errored`` or ``failed``; ``unknown`` if SendGrid has no such
            job. A completed job with failed rows is ``errored``.
        counts: ``requested``, ``created``, ``updated`` and ``errored``, as far as known.
        errors_url: the URL of the errors file, if there is one.
        finished_s: when the job ended, Unix seconds by SendGrid's clock, if known.
        undocumented: SendGrid's own status if it is not a documented one; "?" if it is not fit for a log.
    """

    status: str
    counts: Mapping[str, int] = field(default_factory=dict)
    errors_url: str | None = None
    finished_s: float | None = None
    undocumented: str = ""

    def took_s(self, sent_ms: int, waited_s: float) -> float:
        """Return the seconds from our request to the job's end; an upper bound if the end is unknown.

        Args:
            sent_ms: our clock just before the request, milliseconds since 1970.
            waited_s: seconds since then.
        """
        return waited_s if self.finished_s is None else self.finished_s - sent_ms / 1000


def job_from(document: Any) -> Job:
    """Read an import job leniently: counts may be absent, and the job's type is not checked.

    A job with an undocumented status is ``pending`` until it has an end. Then its counts decide.

    Raises:
        RetryLater: the document is not a job.
    """
    status = document.get("status") if isinstance(document, dict) else None
    if not isinstance(status, str) or not status.strip():
        raise RetryLater("SendGrid's answer about an import job is not a job")
    results = document.get("results")
    found = results if isinstance(results, dict) else {}
    counts = {name: count for name in COUNTS if type(count := found.get(f"{name}_count")) is int}
    url = found.get("errors_url")
    status, undocumented = status.strip().lower(), ""
    end = document.get("finished_at")
    if status not in _DOCUMENTED:
        undocumented = status if _FIT_FOR_LOG.fullmatch(status) else "?"
        status = _status_of_counts(counts) if _has_ended(end) else "pending"
    elif status == "completed" and counts.get("errored"):
        status = "errored"
    return Job(
        status,
        counts,
        url if isinstance(url, str) and url else None,
        _finished_s(end),
        undocumented,
    )


def _status_of_counts(counts: Mapping[str, int]) -> str:
    """Return the documented status that fits the counts of a job that has ended.

    A job counts as ``failed`` unless its counts cover every row and SendGrid has accepted some: a status such
    as "cancelled" must not confirm rows that were never processed. Contacts of a failed job are resent, which
    is harmless.
    """
    accepted, errored = counts.get("created", 0) + counts.get("updated", 0), counts.get("errored", 0)
    if not accepted or accepted + errored < counts.get("requested", math.inf):
        return "failed"
    return "errored" if errored else "completed"


def _has_ended(end: Any) -> bool:
    if isinstance(end, str):
        return bool(end.strip()) and not end.strip().startswith(_NEVER)
    return bool(end)


def _finished_s(text: Any) -> float | None:
    try:
        instant_ns = parse_rfc3339_ns(text) if isinstance(text, str) else None
    except ValueError:
        return None
    return None if instant_ns is None or is_go_zero_time(instant_ns) else instant_ns / NANOSECONDS_PER_S
