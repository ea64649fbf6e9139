"""What SendGrid says of an import job."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from lytics_sendgrid.domain.instants import NANOSECONDS_PER_S, parse_rfc3339_ns
from lytics_sendgrid.errors import RetryLater

_COUNTS: Final = ("requested", "created", "updated", "errored")


@dataclass(frozen=True, slots=True)
class Job:
    """An import job.

    Attributes:
        status: ``pending``, ``completed``, ``errored`` or ``failed``; ``unknown`` where SendGrid has no such job. One that
            has completed and counts rows that failed has ``errored``.
        counts: ``requested``, ``created``, ``updated``, ``errored``, as far as they are known.
        errors_url: where the errors file is, if there is one.
        finished_s: when it ended, Unix seconds by SendGrid's clock, where it says so.
    """

    status: str
    counts: Mapping[str, int] = field(default_factory=dict)
    errors_url: str | None = None
    finished_s: float | None = None

    def took_s(self, sent_ms: int, waited_s: float) -> float:
        """Return how long it took from our request to its end, or at most took.

        Args:
            sent_ms: our clock just before the request.
            waited_s: how long ago that is.
        """
        return waited_s if self.finished_s is None else self.finished_s - sent_ms / 1000


def job_from(document: Any) -> Job:
    """Read an import job's answer leniently: counts are absent until they are known, and its type is not checked.

    Raises:
        RetryLater: it is not a job.
    """
    said = document.get("status") if isinstance(document, dict) else None
    if not isinstance(said, str) or not said:
        raise RetryLater("SendGrid answered for an import job with something else")
    results = document.get("results")
    found = results if isinstance(results, dict) else {}
    counts = {name: count for name in _COUNTS if type(count := found.get(f"{name}_count")) is int}
    url = found.get("errors_url")
    status = said.strip().lower()
    return Job(
        "errored" if status == "completed" and counts.get("errored") else status,
        counts,
        url if isinstance(url, str) and url else None,
        _finished_s(document.get("finished_at")),
    )


def _finished_s(text: Any) -> float | None:
    try:
        return parse_rfc3339_ns(text) / NANOSECONDS_PER_S if isinstance(text, str) else None
    except ValueError:
        return None
