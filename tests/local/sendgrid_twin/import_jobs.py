"""Import jobs: the asynchronous work behind a 202, and `imports/{id}`."""

import csv
import io
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from tests.local.sendgrid_twin.contacts import Contact, Contacts, Row, RowError
from tests.local.sendgrid_twin.exchange import Answer, Request, general_error
from tests.local.sendgrid_twin.options import Fault, FaultKind
from tests.local.sendgrid_twin.situation import Situation, iso
from tests.local.sendgrid_twin.upsert import Upsert


@dataclass(slots=True)
class Job:
    """One job.

    Attributes:
        type: Such as `upsert_contacts`. Recorded answers use this form, the OpenAPI documents say `upsert`.
        parts_left: The number of parts not yet applied.
        error: Why the whole job failed.
        errors: The address and the error of each row that could not be applied.
        applied_s: When the last part was applied (epoch); `None` before.
        finished_s: When `imports/{id}` first reported the end (epoch); `None` before.
    """

    id: str
    type: str
    requested: int
    started_s: float
    parts_left: int = 1
    created: int = 0
    updated: int = 0
    deleted: int = 0
    error: str = ""
    errors: list[tuple[str, str]] = field(default_factory=list)
    applied_s: float | None = None
    finished_s: float | None = None

    @property
    def status(self) -> str:
        """The job's status, as SendGrid names it."""
        if self.finished_s is None:
            return "pending"
        if self.error or (self.errors and len(self.errors) >= self.requested):
            return "failed"
        return "errored" if self.errors else "completed"


class ImportJobs:
    """All jobs of the account."""

    def __init__(self, situation: Situation, contacts: Contacts) -> None:
        self._situation = situation
        self._contacts = contacts
        self.by_id: dict[str, Job] = {}
        self.rows_accepted = 0
        self.rows_applied = 0

    def start_upsert(self, upsert: Upsert, fault: Fault | None) -> Answer:
        """Accept a validated upsert and schedule its rows."""
        kind = fault.kind if fault is not None else None
        parts = max(1, min(self._situation.options.job_parts, len(upsert.rows)))
        job = self._new("upsert_contacts", len(upsert.rows), parts)
        self.rows_accepted += len(upsert.rows)
        doomed: frozenset[int] = frozenset()
        late_s = 0.0
        ends = True
        if fault is not None and kind is FaultKind.JOB_ERRORED:
            count = max(1, round(len(upsert.rows) * fault.share))
            doomed = frozenset(self._situation.random.sample(range(len(upsert.rows)), count))
        elif fault is not None and kind is FaultKind.JOB_LATE:
            late_s = fault.seconds
        elif kind is FaultKind.JOB_FAILED:
            job.error = "the job could not be processed"
        elif fault is not None and kind is FaultKind.JOB_NEVER_ENDS:
            ends = False
            if fault.work == "never":
                return Answer(202, {"job_id": job.id})
        for part in range(parts):
            rows = [
                (upsert.rows[number], number in doomed) for number in range(part, len(upsert.rows), parts)
            ]
            self._later(job, partial(self._apply, job, rows, upsert.list_ids), late_s, ends)
        return Answer(202, {"job_id": job.id})

    def start_other(
        self, kind: str, contacts: list[Contact], work: Callable[[Contact], None], *, counts_deleted: bool
    ) -> str:
        """Start a job that calls `work` for each contact, such as a deletion. Returns the job id."""
        job = self._new(kind, len(contacts), 1)

        def do(_now: float) -> None:
            for contact in contacts:
                if contact.id in self._contacts.by_id:
                    work(contact)
                    job.deleted += counts_deleted

        self._later(job, do, 0.0, ends=True)
        return job.id

    def status(self, request: Request, job_id: str) -> Answer:
        """GET imports/{id}. Counts of zero are absent."""
        job = self.by_id.get(job_id)
        if job is None or self._is_forgotten(job):
            return general_error(404, "not found")
        results: dict[str, Any] = {"requested_count": job.requested}
        counts = {
            "created_count": job.created,
            "updated_count": job.updated,
            "deleted_count": job.deleted,
            "errored_count": job.requested if job.error else len(job.errors),
        }
        results.update({name: value for name, value in counts.items() if value})
        if job.errors and job.finished_s is not None:
            results["errors_url"] = (
                f"{self._situation.url}/_files/imports/{job.id}/errors.csv?X-Signature=twin"
            )
        answer: dict[str, Any] = {
            "id": job.id,
            "status": job.status,
            "job_type": job.type,
            "results": results,
            "started_at": iso(job.started_s),
        }
        if job.finished_s is not None:
            answer["finished_at"] = iso(job.finished_s)
        return Answer(200, answer)

    def _is_forgotten(self, job: Job) -> bool:
        options = self._situation.options
        if job.finished_s is None:
            since_s, kept_s = job.started_s, options.job_forgotten_s
        else:
            since_s, kept_s = job.finished_s, options.job_ttl_s
        return kept_s is not None and self._situation.now() > since_s + kept_s

    def errors_file(self, job_id: str) -> bytes | None:
        """Return the errors file of a job as CSV. SendGrid does not document its columns."""
        job = self.by_id.get(job_id)
        if job is None or not job.errors:
            return None
        sheet = io.StringIO()
        writer = csv.writer(sheet)
        header = self._situation.options.errors_header
        writer.writerow(header)
        for email, reason in job.errors:
            writer.writerow(email if "mail" in column.lower() else reason for column in header)
        return sheet.getvalue().encode()

    def _new(self, kind: str, requested: int, parts: int) -> Job:
        job = Job(self._situation.new_id(), kind, requested, self._situation.now(), parts)
        self.by_id[job.id] = job
        return job

    def _later(self, job: Job, work: Callable[[float], None], late_s: float, ends: bool) -> None:
        options = self._situation.options

        def act(now: float) -> None:
            work(now)
            job.parts_left -= 1
            if job.parts_left == 0:
                job.applied_s = now
                if ends:
                    due = now + options.job_report_lag_s
                    self._situation.later(due, lambda end: setattr(job, "finished_s", end))

        jitter_s = self._situation.random.uniform(0.0, options.job_jitter_s)
        self._situation.later(self._situation.now() + options.job_delay_s + jitter_s + late_s, act)

    def _apply(self, job: Job, rows: list[tuple[Row, bool]], list_ids: list[str], now: float) -> None:
        limit = self._situation.options.contact_limit
        if limit is not None and len(self._contacts) + self._new_contacts(rows) > limit:
            job.error = "you have hit your contact limit"
            job.errors += [(str(row.get("email", "")), job.error) for row, _ in rows]
        if job.error:
            return
        for row, doomed in rows:
            try:
                if doomed:
                    raise RowError("the contact could not be processed")
                created = self._contacts.apply(row, list_ids, now)
            except RowError as error:
                job.errors.append((str(row.get("email", "")), str(error)))
            else:
                job.created += created
                job.updated += not created
                self.rows_applied += 1

    def _new_contacts(self, rows: list[tuple[Row, bool]]) -> int:
        return sum(self._contacts.find("email", str(row.get("email", ""))) is None for row, _ in rows)
