"""Follow import jobs to their end: a 202 only says that SendGrid has taken the request.

Poll the job, match its status, decide the consequences, queue them. All of that happens before the job's
message is acknowledged. The consequences are a refresh for the contacts of a job that failed, that SendGrid
does not know, or that may have overwritten a later one; and a reject for each row that SendGrid refused. A
contact whose jobs fail again and again is parked: its message goes to the dead-letter queue of the imports
queue with the reason.
"""

import math
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final, Protocol

from functions.confirm.consequences import (
    MAX_DELAY_S,
    ConfirmDelays,
    Consequences,
    EndedJob,
    after_errors,
    after_failure,
    after_loss,
    late_rejects,
    overwritten,
    rejectable,
)
from functions.confirm.errors_file import FailedRows, failed_rows
from functions.confirm.follow_ups import FollowUps
from lytics_sendgrid.domain.backoff import backoff_s
from lytics_sendgrid.domain.clock import Clock
from lytics_sendgrid.errors import RetryLater, StopRun
from lytics_sendgrid.queues.imports import ImportMessage, import_body
from lytics_sendgrid.queues.interface import Queue
from lytics_sendgrid.sendgrid.import_job import Job

_ABANDON_AFTER_DELAYS: Final = 8
"""A job that is pending after this many refresh delays, by default two hours, is abandoned: its contacts are
resent."""
_POLL_FOR_DELAYS: Final = 96
"""An abandoned job is polled for this many, by default a day: it may still end, and overwrite what was
resent."""
MAX_POLLS: Final = 500
"""After this many polls, about five days, a message that cannot be followed is left for the dead-letter
queue."""


class Jobs(Protocol):
    """SendGrid's import jobs."""

    def job(self, job_id: str) -> Job: ...  # noqa: D102

    def errors_file(self, url: str) -> Iterable[bytes]: ...  # noqa: D102


class Runs(Protocol):
    """The part of the exports table that confirm writes."""

    def record_job(  # noqa: D102
        self, run: str, job: str, part_of: tuple[int, int], outcome: Mapping[str, Any], now_s: int
    ) -> None: ...


@dataclass(frozen=True, slots=True)
class JobOutcome:
    """What became of a job.

    Attributes:
        status: SendGrid's; ``abandoned`` if the job has been pending for too long; ``put_off`` if it could
            not be followed now.
        counts: SendGrid's counts, and how many contacts were ``rejected``, ``refreshed`` and ``parked``.
        confirmed: how many contacts SendGrid has accepted.
        again: numbers of the messages that carry contacts of a run again.
        fault: why the job was put off.
        undocumented: SendGrid's own status if it is not a documented one.
    """

    status: str
    counts: Mapping[str, int] = field(default_factory=dict)
    confirmed: int = 0
    again: tuple[str, ...] = ()
    fault: str = ""
    undocumented: str = ""

    def document(self) -> dict[str, Any]:
        """Return the outcome as JSON values."""
        document = {"status": self.status, **self.counts, "confirmed": self.confirmed}
        return document | ({"again": list(self.again)} if self.again else {})


class ImportJobFollower:
    """Polls each job until it has ended, and queues what must follow."""

    def __init__(
        self,
        *,
        jobs: Callable[[str], Jobs],
        runs: Runs,
        imports: Queue,
        follow_ups: FollowUps,
        delays: ConfirmDelays,
        clock: Clock,
    ) -> None:
        """Keep the collaborators.

        Args:
            jobs: returns the import jobs of an authorization's SendGrid account.
            runs: where the outcome is recorded for the runs that wait for it.
            imports: the imports queue.
            follow_ups: what must follow goes there.
            delays: of polls and refreshes.
            clock: wall time.
        """
        self._jobs = jobs
        self._runs = runs
        self._imports = imports
        self._follow_ups = follow_ups
        self._delays = delays
        self._clock = clock

    def follow(self, message: ImportMessage) -> JobOutcome:
        """Poll a job and queue what must follow; all of it is queued when this returns.

        If SendGrid or the table does not answer, or refuses, the job is put off with a new message. SQS would
        deliver the old one again only after its visibility timeout, and dead-letter it within an hour.

        Raises:
            RetryLater: a queue did not answer, or the job has been put off for days: the message must stay.
            StopRun: likewise, because a key or a permission was refused.
        """
        try:
            return self._follow(message)
        except (RetryLater, StopRun) as error:
            if message.polls >= MAX_POLLS:
                raise
            wait_s = error.retry_after_s if isinstance(error, RetryLater) else None
            return self.put_off(message, str(error), wait_s or 0.0)

    def put_off(self, message: ImportMessage, fault: str, wait_s: float = 0.0) -> JobOutcome:
        """Poll a job again, no sooner than ``wait_s``. Raises what ``follow`` raises."""
        self._poll_later(message, wait_s)
        return JobOutcome("put_off", fault=fault)

    def _follow(self, message: ImportMessage) -> JobOutcome:
        jobs = self._jobs(message.authorization)
        job = jobs.job(message.job)
        now_s = self._clock.now()
        waited_s = now_s - message.sent_ms / 1000
        if job.status == "pending":
            if waited_s < self._delays.refresh_s * _ABANDON_AFTER_DELAYS:
                self._poll_later(message)
                return JobOutcome("pending", undocumented=job.undocumented)
            job = replace(job, status="abandoned")
        is_late = job.took_s(message.sent_ms, waited_s) > self._delays.refresh_s
        ended = EndedJob(message, job, int(now_s * 1000), is_late)
        if message.abandoned:
            return self._follow_abandoned(ended, jobs, waited_s)
        match job.status:
            case "completed":
                consequences = Consequences(confirmed=len(message.contacts))
            case "errored":
                consequences = after_errors(
                    ended, _read_errors_file(jobs, job, message.contacts), self._delays
                )
            case "failed":
                named = rejectable(message)
                rows = _read_errors_file(jobs, job, named) if named and job.errors_url else None
                consequences = after_failure(ended, rows, self._delays)
            case _:
                consequences = after_loss(ended, self._delays)
        if is_late and job.status in {"completed", "errored"}:
            consequences = consequences.followed_by(overwritten(ended))
        outcome = self._queue(ended, consequences)
        for run in message.runs:
            part_of = message.part, message.parts
            self._runs.record_job(run, message.job, part_of, outcome.document(), int(self._clock.now()))
        if job.status == "abandoned":
            self._poll_later(replace(message, runs=(), abandoned=True))
        return outcome

    def _follow_abandoned(self, ended: EndedJob, jobs: Jobs, waited_s: float) -> JobOutcome:
        """Follow a job whose contacts were resent. If it ends after all, it may overwrite those rows."""
        ended = replace(ended, is_late=True)
        consequences = Consequences()
        match ended.job.status:
            case "abandoned":
                if waited_s < self._delays.refresh_s * _POLL_FOR_DELAYS:
                    self._poll_later(ended.message)
            case "errored":
                rows = _read_errors_file(jobs, ended.job, ended.message.contacts)
                consequences = late_rejects(ended, rows).followed_by(overwritten(ended))
            case "completed":
                consequences = consequences.followed_by(overwritten(ended))
        return self._queue(ended, consequences)

    def _queue(self, ended: EndedJob, consequences: Consequences) -> JobOutcome:
        numbers = self._follow_ups.queue(ended.message, consequences.follow_ups)
        counts = {**ended.job.counts, **consequences.counts}
        return JobOutcome(
            ended.job.status, counts, consequences.confirmed, numbers, undocumented=ended.job.undocumented
        )

    def _poll_later(self, message: ImportMessage, wait_s: float = 0.0) -> None:
        # Not a failure: most jobs end soon, so every second poll doubles the delay, at most six times.
        polls = message.polls + 1
        delay_s = backoff_s(min(polls // 2, 6) + 1, self._delays.confirm_s, MAX_DELAY_S)
        delay_s = min(max(delay_s, math.ceil(wait_s)), MAX_DELAY_S)
        self._imports.send([import_body(replace(message, polls=polls))], int(delay_s))


def _read_errors_file(jobs: Jobs, job: Job, emails: Collection[str]) -> FailedRows:
    if job.errors_url is None:
        return FailedRows(is_complete=False)
    return failed_rows(jobs.errors_file(job.errors_url), emails)
