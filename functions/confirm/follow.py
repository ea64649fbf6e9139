"""Follow import jobs to their end: a 202 only says that SendGrid took the request.

What a job leaves to do is queued before the job's message is acknowledged: a refresh for the contacts of a job that
failed, that nobody can follow, or that took so long that a later one may have been overtaken; a reject for each row
that failed. A contact whose jobs fail again and again is parked: its message goes to the dead-letter queue of the
imports with the reason, and is tried from the start when it is redriven.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final, Protocol

from functions.confirm.consequences import ATTEMPTS, LONGEST_DELAY_S, Followed, Leftovers
from functions.confirm.errors_file import BadRow, bad_rows, names_the_contact_limit, text_lines
from lytics_sendgrid.domain.backoff import backoff_s
from lytics_sendgrid.domain.rejection_limits import MIN_REJECT_LIMIT
from lytics_sendgrid.errors import RequestRefused, RetryLater, StopRun
from lytics_sendgrid.queues.imports import ImportedContact, ImportMessage, import_body
from lytics_sendgrid.queues.interface import Queue
from lytics_sendgrid.sendgrid.import_job import Job

_ABANDONED_AFTER_DELAYS: Final = 8
"""A job that is pending after so many refresh delays, two hours by default, is taken to never end."""
_FOLLOWED_FOR_DELAYS: Final = 96
"""So long, a day by default, it is still asked for: it may end all the same, and overwrite what was sent again."""
MAX_POLLS: Final = 500
"""How often a job is asked for before its message is left to the dead-letter queue: for five days."""
_UNREAD: Final = "SendGrid refused rows of the import job, and whose they are could not be read"
_FULL: Final = "SendGrid's account has no room for more contacts"


class Jobs(Protocol):
    """SendGrid's import jobs."""

    def job(self, job_id: str) -> Job: ...  # noqa: D102

    def errors_file(self, url: str) -> Iterable[bytes]: ...  # noqa: D102


class Runs(Protocol):
    """The part of the exports table that confirm writes."""

    def record_job(  # noqa: D102
        self, run: str, job: str, part_of: tuple[int, int], outcome: Mapping[str, Any], now_s: int
    ) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Delays:
    """How long things wait, in seconds.

    Attributes:
        confirm_s: until a pending job is asked for again, at first.
        refresh_s: after how long no import job of an earlier request is in flight any more.
    """

    confirm_s: int
    refresh_s: int


class Following:
    """Asks for each job until it has ended, and queues what it leaves to do."""

    def __init__(
        self,
        *,
        jobs: Callable[[str], Jobs],
        runs: Runs,
        imports: Queue,
        parked: Queue,
        changes: Queue,
        delays: Delays,
        clock: Callable[[], float],
    ) -> None:
        self._jobs = jobs
        self._runs = runs
        self._imports = imports
        self._leftovers = Leftovers(changes, parked, delays.confirm_s, clock)
        self._delays = delays
        self._clock = clock

    def follow(self, followed: ImportMessage) -> Followed:
        """Ask for a job and do what its state asks for; everything is queued when this returns.

        Where SendGrid or the table does not answer, or refuses, the job is put off: a message that stays instead would
        come back no sooner than after its visibility time-out, and be dead-lettered after an hour.

        Raises:
            RetryLater: a queue did not answer, or this has been put off for days: the message must stay.
            StopRun: likewise, because a key or a permission is refused.
        """
        try:
            return self._follow(followed)
        except (RetryLater, StopRun) as error:
            if followed.polls >= MAX_POLLS:
                raise
            return self.put_off(followed, str(error))

    def put_off(self, followed: ImportMessage, fault: str) -> Followed:
        """Ask for a job later; raises as ``follow`` does."""
        self._poll_again(followed)
        return Followed("put_off", fault=fault)

    def _poll_again(self, followed: ImportMessage) -> None:
        again = replace(followed, polls=followed.polls + 1)
        self._imports.send([import_body(again)], self._next_poll_s(again.polls))

    def _follow(self, followed: ImportMessage) -> Followed:
        jobs = self._jobs(followed.authorization)
        job = jobs.job(followed.job)
        waited_s = self._clock() - followed.sent_ms / 1000
        if job.status == "pending":
            if waited_s < self._delays.refresh_s * _ABANDONED_AFTER_DELAYS:
                self._poll_again(followed)
                return Followed(job.status)
            job = replace(job, status="abandoned")
        is_late = job.took_s(followed.sent_ms, waited_s) > self._delays.refresh_s
        result = Followed(job.status, self._now_ms() if is_late else followed.sent_ms, dict(job.counts))
        if followed.abandoned:
            is_over = waited_s >= self._delays.refresh_s * _FOLLOWED_FOR_DELAYS
            self._end_after_all(followed, job, jobs, result, is_over=is_over)
            return result
        match job.status:
            case "completed":
                result.confirmed = len(followed.contacts)
            case "errored":
                self._reject(followed, job, jobs, result)
            case "failed":
                self._fail(followed, job, jobs, result)
            case _:
                words = f"SendGrid's import job is {job.status}: nobody can tell what became of it"
                self._leftovers.send_again(followed, followed.contacts, words, result, self._delays.refresh_s)
        if job.status in {"completed", "errored"} and is_late:
            self._leftovers.refresh_overtaken(followed, result)
        now_s = int(self._clock())
        for run in followed.runs:
            self._runs.record_job(
                run, followed.job, (followed.part, followed.parts), result.document(), now_s
            )
        if job.status == "abandoned":
            self._poll_again(replace(followed, runs=(), abandoned=True))
        return result

    def _now_ms(self) -> int:
        return int(self._clock() * 1000)

    def _next_poll_s(self, polls: int) -> int:
        return int(backoff_s(min(polls // 2, 6) + 1, self._delays.confirm_s, LONGEST_DELAY_S))

    def _end_after_all(
        self, followed: ImportMessage, job: Job, jobs: Jobs, result: Followed, *, is_over: bool
    ) -> None:
        """See to a job that was abandoned: what it carries was sent again, which it may overwrite when it ends."""
        if job.status == "abandoned" and not is_over:
            self._poll_again(followed)
        elif job.status == "errored":
            named = self._named(followed, job, jobs, _Others(), result)
            self._leftovers.reject(followed, named, result)
        if job.status in {"completed", "errored"}:
            result.stamp_ms = self._now_ms()
            self._leftovers.refresh_overtaken(followed, result)

    def _reject(self, followed: ImportMessage, job: Job, jobs: Jobs, result: Followed) -> None:
        """Have an errored job's bad rows rejected. Where nobody can tell whose all of them are, the others are sent again."""
        others = _Others(dict(followed.contacts))
        named = self._named(followed, job, jobs, others, result)
        elsewhere = self._leftovers.reject(followed, named, result)
        named_here = len(followed.contacts) - len(others.unnamed)
        if no_room := named_here - result.counts["rejected"]:
            result.counts["no_room"] = no_room
        if elsewhere + named_here < job.counts.get("errored", 1):
            result.counts["unread"] = 1
        self._leftovers.send_again(followed, others.full, _FULL, result)
        if result.counts.get("unread"):
            self._leftovers.send_again(followed, others.unnamed, _UNREAD, result)
        else:
            result.confirmed = len(others.unnamed)

    def _fail(self, followed: ImportMessage, job: Job, jobs: Jobs, result: Followed) -> None:
        """Have a failed job's contacts sent once more, each but a row that fails to the last though it is almost alone.

        SendGrid also says ``failed`` where every row is bad, as one that was sent alone. A whole batch of bad rows is not
        believed, nor a row for which the account has no room: that fails everybody's job.
        """
        last = {email: one for email, one in followed.contacts.items() if one.attempt + 1 >= ATTEMPTS}
        others = _Others(dict(followed.contacts))
        if last and job.errors_url and followed.parts == 1 and len(followed.contacts) <= MIN_REJECT_LIMIT:
            part = replace(followed, contacts=last)
            self._leftovers.reject(part, self._named(part, job, jobs, others, result), result)
        self._leftovers.send_again(followed, others.unnamed, "SendGrid failed the import job", result)
        self._leftovers.send_again(followed, others.full, _FULL, result)

    def _named(
        self, followed: ImportMessage, job: Job, jobs: Jobs, others: "_Others", result: Followed
    ) -> Iterator[BadRow]:
        """Return the rows to reject of a job's contacts, and note among the others for whom there only was no room."""
        for bad in self._bad_rows(followed, job, jobs, result):
            if bad.email is not None:
                others.unnamed.pop(bad.email, None)
                if names_the_contact_limit(bad.words):
                    others.full[bad.email] = followed.contacts[bad.email]
                    continue
            yield bad

    def _bad_rows(self, followed: ImportMessage, job: Job, jobs: Jobs, result: Followed) -> Iterator[BadRow]:
        if job.errors_url is None:
            result.counts["unread"] = 1
            return
        try:
            yield from bad_rows(text_lines(jobs.errors_file(job.errors_url)), followed.contacts)
        except RequestRefused:
            # Its address has run out, or it is no file. The job of the next try has another.
            result.counts["unread"] = 1


@dataclass(slots=True)
class _Others:
    """Contacts of a job that are not rejected.

    Attributes:
        unnamed: whom its errors file does not name.
        full: for whom the account only had no room.
    """

    unnamed: dict[str, ImportedContact] = field(default_factory=dict)
    full: dict[str, ImportedContact] = field(default_factory=dict)
