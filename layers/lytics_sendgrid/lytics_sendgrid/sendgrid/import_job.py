"""Read SendGrid's answer about an import job."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from lytics_sendgrid.domain.instants import NANOSECONDS_PER_S, is_go_zero_time, parse_rfc3339_ns
from lytics_sendgrid.errors import RetryLater

_COUNTS: Final = ("requested", "created", "updated", "errored")


@dataclass(frozen=True, slots=True)
class Job:
    """An import job.

    Attributes:
        status: ``pending``, ``completed``, ``errored`` or ``failed``; ``unknown`` if SendGrid has no such job. A completed
            job with failed rows is ``errored``.
        counts: ``requested``, ``created``, ``updated`` and ``errored``, as far as known.
        errors_url: the URL of the errors file, if there is one.
        finished_s: when the job ended, Unix seconds by SendGrid's clock, if known.
    """

    status: str
    counts: Mapping[str, int] = field(default_factory=dict)
    errors_url: str | None = None
    finished_s: float | None = None

    def took_s(self, sent_ms: int, waited_s: float) -> float:
        """Return the seconds from our request to the job's end; an upper bound if the end is unknown.

        Args:
            sent_ms: our clock just before the request, milliseconds since 1970.
            waited_s: seconds since then.
        """
        return waited_s if self.finished_s is None else self.finished_s - sent_ms / 1000


def job_from(document: Any) -> Job:
    """Read an import job leniently: counts are absent until they are known, and the job's type is not checked.

    Raises:
        RetryLater: the document is not a job.
    """
    status = document.get("status") if isinstance(document, dict) else None
    if not isinstance(status, str) or not status:
        raise RetryLater("SendGrid's answer about an import job is not a job")
    results = document.get("results")
    found = results if isinstance(results, dict) else {}
    counts = {name: count for name in _COUNTS if type(count := found.get(f"{name}_count")) is int}
    url = found.get("errors_url")
    status = status.strip().lower()
    return Job(
        "errored" if status == "completed" and counts.get("errored") else status,
        counts,
        url if isinstance(url, str) and url else None,
        _finished_s(document.get("finished_at")),
    )


def _finished_s(text: Any) -> float | None:
    try:
        instant_ns = parse_rfc3339_ns(text) if isinstance(text, str) else None
    except ValueError:
        return None
    return None if instant_ns is None or is_go_zero_time(instant_ns) else instant_ns / NANOSECONDS_PER_S
