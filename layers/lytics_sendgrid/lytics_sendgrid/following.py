"""Follow import jobs to their end: a 202 only says that SendGrid took the request.

What a job leaves to do is queued before the job's message is acknowledged: a refresh for the contacts of a job that
failed, that nobody can follow, or that took so long that a later one may have been overtaken; a reject for each row
that failed. A contact whose jobs fail again and again is parked: its message goes to the dead-letter queue of the
imports with the reason, and is tried from the start when it is redriven.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final, Protocol

from lytics_sendgrid.change import Change, Kind, Message
from lytics_sendgrid.errors import RequestRefused, RetryLater
from lytics_sendgrid.errors_file import BadRow, bad_rows, text_lines
from lytics_sendgrid.import_job import Job
from lytics_sendgrid.outbox import NANOSECONDS_PER_MS, Carried, Import, Queue, bodies, import_body
from lytics_sendgrid.upsert import FEWEST_REJECTED

_LONGEST_DELAY_S: Final = 900
_ABANDONED_AFTER_DELAYS: Final = 8
"""A job that is pending after so many refresh delays, two hours by default, is taken to never end."""
MOST_POLLS: Final = 500
"""How often a job is asked for before its message is left to the dead-letter queue: for five days."""
ATTEMPTS: Final = 6
"""So many jobs may fail in a row for a contact, over most of an hour, until it is parked."""

_UNREAD: Final = "SendGrid refused rows of the import job, and whose they are could not be read"


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


@dataclass(slots=True)
class Followed:
    """What became of a job.

    Attributes:
        status: as SendGrid says it; ``abandoned`` where it has been pending for too long; ``put_off`` where it could not
            be followed now.
        stamp_ms: of the refreshes that it leads to. Usually the job's ``sent``; now, where the job took longer than the
            delay: it may have overtaken even those that were sent and refreshed meanwhile.
        counts: SendGrid's, and how many contacts were ``rejected``, ``refreshed``, ``parked``.
        again: numbers of the messages that carry the contacts of a run once more.
        fault: why it could not be followed now.
    """

    status: str
    stamp_ms: int = 0
    counts: dict[str, int] = field(default_factory=dict)
    again: list[str] = field(default_factory=list)
    fault: str = ""

    def document(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {"status": self.status, **self.counts, **({"again": self.again} if self.again else {})}


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
        self._parked = parked
        self._changes = changes
        self._delays = delays
        self._clock = clock

    def follow(self, followed: Import) -> Followed:
        """Ask for a job and do what its state asks for; everything is queued when this returns.

        Where SendGrid or the table does not answer, the job is put off: a message that stays instead would come back no
        sooner than after its visibility time-out, and be dead-lettered after an hour without SendGrid.

        Raises:
            RetryLater: a queue did not answer, or this has been put off for days: the message must stay.
            StopRun: SendGrid refuses the key.
        """
        try:
            return self._follow(followed)
        except RetryLater as error:
            if followed.polls >= MOST_POLLS:
                raise
            return self.put_off(followed, str(error))

    def put_off(self, followed: Import, fault: str) -> Followed:
        """Ask for a job later; raises as ``follow`` does."""
        self._poll_again(followed)
        return Followed("put_off", fault=fault)

    def _poll_again(self, followed: Import) -> None:
        again = replace(followed, polls=followed.polls + 1)
        self._imports.send([import_body(again)], self._next_poll_s(again.polls))

    def _follow(self, followed: Import) -> Followed:
        jobs = self._jobs(followed.authorization)
        job = jobs.job(followed.job)
        waited_s = self._clock() - followed.sent_ms / 1000
        if job.status == "pending":
            if waited_s < self._delays.refresh_s * _ABANDONED_AFTER_DELAYS:
                self._poll_again(followed)
                return Followed(job.status, followed.sent_ms)
            job = replace(job, status="abandoned")
        is_late = job.took_s(followed.sent_ms, waited_s) > self._delays.refresh_s
        result = Followed(job.status, self._now_ms() if is_late else followed.sent_ms, dict(job.counts))
        if job.status == "errored":
            rest = self._reject(followed, job, jobs, result)
            if result.counts.get("unread"):
                self._send_again(followed, rest, result, _UNREAD, 0)
        elif job.status == "failed":
            self._fail(followed, job, jobs, result)
        elif job.status != "completed":
            words = f"SendGrid's import job is {job.status}: nobody can tell what became of it"
            self._send_again(followed, followed.contacts, result, words, self._delays.refresh_s)
        if job.status in {"completed", "errored"} and is_late:
            self._refresh(followed, followed.contacts, result, 0)
        now_s = int(self._clock())
        for run in followed.runs:
            self._runs.record_job(
                run, followed.job, (followed.part, followed.parts), result.document(), now_s
            )
        return result

    def _now_ms(self) -> int:
        return int(self._clock() * 1000)

    def _next_poll_s(self, polls: int) -> int:
        return min(self._delays.confirm_s << min(polls // 2, 6), _LONGEST_DELAY_S)

    def _fail(self, followed: Import, job: Job, jobs: Jobs, result: Followed) -> None:
        """Have a failed job's contacts sent once more, each but a row that fails to the last though it is almost alone.

        SendGrid also says ``failed`` where every row is bad, as one that was sent alone. A whole batch of bad rows is not
        believed: an account without room fails everybody's job.
        """
        last = {email: one for email, one in followed.contacts.items() if one.attempt + 1 >= ATTEMPTS}
        rest = followed.contacts
        if last and job.errors_url and followed.parts == 1 and len(followed.contacts) <= FEWEST_REJECTED:
            unnamed = self._reject(replace(followed, contacts=last), job, jobs, result)
            rest = {email: one for email, one in rest.items() if email not in last or email in unnamed}
        self._send_again(followed, rest, result, "SendGrid failed the import job", 0)

    def _reject(self, followed: Import, job: Job, jobs: Jobs, result: Followed) -> dict[str, Carried]:
        """Tie each bad row of a job to its contact, and return those contacts that none could be tied to.

        Where fewer rows are listed than SendGrid counts, nobody knows whose the others are: the list counts as unread.
        """
        now_ns = self._now_ms() * NANOSECONDS_PER_MS
        changes: dict[str, dict[str, Change]] = {}
        listed = 0
        for bad in self._bad_rows(followed, job, jobs, result):
            # A stranger's row is one of another part, or of those that are not asked for, or nobody can tell whose.
            listed += bad.email is not None or followed.parts > 1 or job.status == "failed"
            if bad.email is None:
                continue
            carried = followed.contacts[bad.email]
            change = Change(bad.email, now_ns, Kind.REJECT, row=carried.row, reason=bad.words)
            changes.setdefault(carried.export, {})[bad.email] = change
        if listed < job.counts.get("errored", 1):
            result.counts["unread"] = 1
        result.counts["rejected"] = sum(len(of_export) for of_export in changes.values())
        now_ms = now_ns // NANOSECONDS_PER_MS
        messages = [Message(export, tuple(c.values()), queued_ms=now_ms) for export, c in changes.items()]
        self._changes.send(bodies(messages), 0)
        return {
            email: carried
            for email, carried in followed.contacts.items()
            if email not in changes.get(carried.export, {})
        }

    def _bad_rows(self, followed: Import, job: Job, jobs: Jobs, result: Followed) -> Iterator[BadRow]:
        if job.errors_url is None:
            result.counts["unread"] = 1
            return
        try:
            yield from bad_rows(text_lines(jobs.errors_file(job.errors_url)), followed.contacts)
        except RequestRefused:
            # Its address has run out, or it is no file. The job of the next try has another.
            result.counts["unread"] = 1

    def _send_again(
        self,
        followed: Import,
        contacts: Mapping[str, Carried],
        result: Followed,
        words: str,
        least_delay_s: int,
    ) -> None:
        """Have contacts of a job sent once more, or parked where that has failed often enough."""
        by_attempt: dict[int, dict[str, Carried]] = {}
        for email, carried in contacts.items():
            by_attempt.setdefault(carried.attempt + 1, {})[email] = carried
        for attempt, tried in by_attempt.items():
            if attempt < ATTEMPTS:
                delay_s = min(self._delays.confirm_s << (attempt - 1), _LONGEST_DELAY_S)
                self._refresh(followed, tried, result, max(delay_s, least_delay_s), attempt)
            else:
                parked = replace(followed, contacts=tried)
                reason = f"{words}, {attempt} times in a row; redrive it when the cause is mended"
                self._parked.send([import_body(parked, reason)])
                result.counts["parked"] = result.counts.get("parked", 0) + len(tried)

    def _refresh(
        self,
        followed: Import,
        contacts: Mapping[str, Carried],
        result: Followed,
        delay_s: int,
        attempt: int | None = None,
    ) -> None:
        """Queue refreshes; of a run, as messages of that run."""
        stamp_ns = result.stamp_ms * NANOSECONDS_PER_MS
        exports: dict[str, list[Change]] = {}
        for email, carried in contacts.items():
            exports.setdefault(carried.export, []).append(
                Change(email, stamp_ns, Kind.REFRESH, attempt=attempt)
            )
        run = followed.runs[0] if followed.runs else None
        now_ms = self._now_ms()
        for export, changes in exports.items():
            for start in range(0, len(changes), _CONTACTS_A_MESSAGE):
                part = tuple(changes[start : start + _CONTACTS_A_MESSAGE])
                number = f"again.{followed.job}.{attempt or 0}.{part[0].email}" if run else None
                message = Message(export, part, queued_ms=now_ms, run=run, number=number)
                self._changes.send(bodies([message], _ONE_MESSAGE), delay_s)
                if number is not None:
                    result.again.append(number)
        result.counts["refreshed"] = result.counts.get("refreshed", 0) + len(contacts)


_CONTACTS_A_MESSAGE: Final = 2_000
"""Refreshes of a run are numbered a message, so each is cut to fit one: 2,000 addresses of 254 characters."""
_ONE_MESSAGE: Final = 1_000_000
