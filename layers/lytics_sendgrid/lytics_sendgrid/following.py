"""Follow import jobs to their end: a 202 only says that SendGrid took the request."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, Protocol

from lytics_sendgrid.errors import RetryLater
from lytics_sendgrid.outbox import Import, Queue, import_bodies

_LONGEST_DELAY_S: Final = 900
MAX_POLLS: Final = 200
"""After two days of asking, a job is taken to never end."""
_COUNTS: Final = ("requested", "created", "updated", "errored")


@dataclass(frozen=True, slots=True)
class Job:
    """What SendGrid says of an import job.

    Attributes:
        status: ``pending``, ``completed``, ``errored`` or ``failed``; ``unknown`` where SendGrid has no such job.
        counts: ``requested``, ``created``, ``updated``, ``errored``, as far as they are known.
    """

    status: str
    counts: Mapping[str, int]


class Jobs(Protocol):
    """SendGrid's import jobs."""

    def job(self, job_id: str) -> Job: ...  # noqa: D102


class Runs(Protocol):
    """The part of the exports table that confirm writes."""

    def record_job(self, run: str, job: str, outcome: Mapping[str, Any], now_s: int) -> None: ...  # noqa: D102


def job_from(document: Any) -> Job:
    """Read an import job's answer leniently: counts are absent until they are known, and its type is not checked.

    Raises:
        RetryLater: it is not a job.
    """
    status = document.get("status") if isinstance(document, dict) else None
    if not isinstance(status, str):
        raise RetryLater("SendGrid answered for an import job with something else")
    results = document.get("results")
    found = results if isinstance(results, dict) else {}
    counts = {name: found[f"{name}_count"] for name in _COUNTS if isinstance(found.get(f"{name}_count"), int)}
    return Job(status.lower(), counts)


class Following:
    """Asks for each job until it has ended, and counts it for its runs."""

    def __init__(
        self,
        jobs: Callable[[str], Jobs],
        runs: Runs,
        imports: Queue,
        confirm_delay_s: int,
        clock: Callable[[], float],
    ) -> None:
        self._jobs = jobs
        self._runs = runs
        self._imports = imports
        self._confirm_delay_s = confirm_delay_s
        self._clock = clock

    def follow(self, followed: Import) -> Job:
        """Ask for a job; where it is pending, queue it again before returning; where it has ended, count it.

        Raises:
            RetryLater: SendGrid, the queue or the table did not answer: the message must stay.
            StopRun: SendGrid refuses the key.
        """
        job = self._jobs(followed.authorization).job(followed.job)
        if job.status == "pending" and followed.polls < MAX_POLLS:
            again = replace(followed, polls=followed.polls + 1)
            self._imports.send(import_bodies(again), self._delay_s(again.polls))
        else:
            outcome = {"status": job.status, **job.counts}
            for run in followed.runs:
                self._runs.record_job(run, followed.job, outcome, int(self._clock()))
        return job

    def _delay_s(self, polls: int) -> int:
        return min(self._confirm_delay_s << min(polls // 2, 6), _LONGEST_DELAY_S)
