"""SendGrid as documented: each upsert becomes an import job, whose rows it processes in any order."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import Any, Final
from urllib.parse import unquote

from lytics_sendgrid.errors import AnswerLost, RequestRefused, ServiceUnavailable
from lytics_sendgrid.transport.client import Answer
from tests.simulation.engine import World
from tests.simulation.faults import Faults
from tests.simulation.queues import crash

REFUSED: Final = "refused"
"""SendGrid refuses a request with this field value."""
ERRORED: Final = "errored"
"""A row with this field value fails in its import job."""
INVALID: Final = "invalid"
"""SendGrid refuses an address with this prefix."""
LISTS: Final = ("list1", "list2")
SLOW_S: Final = 60.0
"""The longest that a request is delayed: longer than the client waits."""
_ABANDONED_S: Final = 7_200.0
"""The time after which confirm gives up on a job."""
_JOB: Final = re.compile(r"/v3/marketing/contacts/imports/(.+)")


@dataclass(slots=True)
class ImportJob:
    """An import job.

    Attributes:
        name: its id.
        status: its status in SendGrid's terms.
        rows: the rows not processed yet.
        seen: whether it was polled, and so is followed.
        is_late: it takes longer than the limit.
        is_forgotten: SendGrid no longer finds it.
        finished_s: when it ended.
        rejected: addresses of the rows that failed.
    """

    name: str
    rows: list[dict[str, Any]]
    lists: list[str]
    status: str = "pending"
    seen: bool = False
    is_late: bool = False
    is_forgotten: bool = False
    finished_s: float | None = None
    rejected: list[str] = field(default_factory=list)


class SendGrid:
    """SendGrid's contacts and import jobs, as the product's HTTP client sees them.

    Attributes:
        contacts: address to the contact's fields; `custom_fields` and `lists` among them.
        jobs: by id.
        requests: upserts accepted.
    """

    base_url = "https://sendgrid.example.com"

    def __init__(self, world: World, faults: Faults, job_max_s: float, *, says_when: bool) -> None:
        """Start without contacts.

        Args:
            world: the clock.
            faults: the faults to inject.
            job_max_s: the longest that an import job takes, unless it is late.
            says_when: whether jobs report when they finished.
        """
        self.contacts: dict[str, dict[str, Any]] = {}
        self.jobs: dict[str, ImportJob] = {}
        self.requests = 0
        self._created_contacts = 0
        self._ids: dict[str, str] = {}
        self._created: dict[str, str] = {}
        self._world = world
        self._faults = faults
        self._job_max_s = job_max_s
        self._says_when = says_when
        self._busy_until_s = 0.0
        self._fault_until_s = 0.0
        self._gone_until_s = dict.fromkeys(LISTS, 0.0)

    def request(
        self,
        method: str,
        path: str,
        *,
        body: bytes | None = None,
        query: Mapping[str, str] | None = None,
        timeout_s: float = 25.0,
    ) -> Answer:
        """Answer or raise as `VendorHttp.request` does."""
        world, hit = self._world, self._faults.hit
        crash(world, self._faults)
        if hit("refused_connection") is not None:
            world.tell("SendGrid refuses the connection")
            raise ServiceUnavailable("connection refused")
        world.tell("%s %s %s", method, path, body or b"")
        if hit("dropped_request") is not None:
            world.sleep(timeout_s)
            raise _lost()
        if (severity := hit("abandoned")) is not None:
            process, at_s = world.running.process, world.now + world.latency_s * (1 + severity)
            world.at(at_s, lambda: world.kill(process, "it has sent a request"))
        late_s = SLOW_S * (hit("slow_request") or 0.0)
        back_s = SLOW_S * (hit("slow_answer") or 0.0)
        answer = world.call(
            partial(self._serve, method, body, path, query or {}),
            _lost,
            timeout_s=timeout_s,
            travel_s=late_s,
            back_s=back_s,
        )
        if hit("lost_answer") is not None:
            world.tell("SendGrid's answer is lost")
            raise _lost()
        world.tell("SendGrid answers %d %s", answer.status, answer.body)
        assert isinstance(answer, Answer)
        return answer

    def _serve(self, method: str, body: bytes | None, path: str, query: Mapping[str, str]) -> Answer:
        now = self._world.now
        if (severity := self._faults.hit("busy")) is not None:
            self._busy_until_s = now + 60 * severity
        if now < self._busy_until_s:
            reset = {"x-ratelimit-remaining": "0", "x-ratelimit-reset": str(int(self._busy_until_s) + 1)}
            return _answer(429, _errors("too many requests"), reset)
        severity = self._faults.hit("server_error")
        if severity is not None and severity < 0.5:
            return Answer(503, {}, b"<html>")
        if method == "DELETE":
            answer = self._delete(query["ids"].split(","))
        elif path.endswith("/search/emails"):
            answer = self._search(json.loads(body or b"")["emails"])
        else:
            answer = self._upsert(json.loads(body)) if body is not None else self._job(path)
        if severity is not None:
            return Answer(500, {}, b"<html>")
        if answer.status == 202 and self._faults.hit("no_job_id") is not None:
            return _answer(202, {})
        return answer

    def _upsert(self, document: Mapping[str, Any]) -> Answer:
        if (severity := self._faults.hit("request_fault")) is not None:
            self._fault_until_s = self._world.now + 600 * severity
        if self._world.now < self._fault_until_s:
            return _answer(400, _errors("invalid custom field ids supplied - e1_T"))
        if (severity := self._faults.hit("list_gone")) is not None:
            self._gone_until_s[LISTS[severity < 0.5]] = self._world.now + 3_600 * severity
        if any(self._gone_until_s[list_id] > self._world.now for list_id in document.get("list_ids", ())):
            return _answer(404, _errors("not found"))
        rows = document["contacts"]
        invalid = [row["email"] for row in rows if row["email"].startswith(INVALID)]
        if invalid and self._faults.hit("unnamed_refusal") is None:
            return _answer(400, _errors(*(f"email '{email}' is not valid" for email in invalid)))
        if invalid or any(REFUSED in row.get("custom_fields", {}).values() for row in rows):
            return _answer(400, _errors("something about a contact"))
        self.requests += 1
        job = ImportJob(f"job{len(self.jobs) + 1}", rows, document.get("list_ids", []))
        self.jobs[job.name] = job
        self._begin(job, self._job_max_s)
        return _answer(202, {"job_id": job.name})

    def _search(self, emails: Sequence[str]) -> Answer:
        if not any(email in self.contacts for email in emails):
            return _answer(404, _errors("not found"))
        result = {
            email: {"contact": {"id": self._ids[email], "email": email, "created_at": self._created[email]}}
            if email in self.contacts
            else {"error": "contact not found"}
            for email in emails
        }
        return _answer(200, {"result": result})

    def _delete(self, ids: Sequence[str]) -> Answer:
        """Delete contacts some time later, as an import job."""
        world = self._world
        for contact_id in ids:
            world.at(world.now + self._job_max_s * world.timing.random(), partial(self._remove, contact_id))
        return _answer(202, {"job_id": "deletion"})

    def _remove(self, contact_id: str) -> None:
        for email, known in self._ids.items():
            if known == contact_id and self.contacts.pop(email, None) is not None:
                self._world.note("SendGrid: %s is deleted", email)

    def _begin(self, job: ImportJob, longest_s: float) -> None:
        """Process a job: some rows on the way, the rest at its end. A failed job skips the rest."""
        world, random = self._world, self._world.timing.random
        left_s = longest_s * (1 - random())
        early = int(len(job.rows) * random())
        for row in job.rows[:early]:
            world.at(world.now + left_s * random(), partial(self._apply, job, row))
        job.rows = job.rows[early:]
        world.at(world.now + left_s, lambda: self._end(job))

    def _apply(self, job: ImportJob, row: dict[str, Any]) -> None:
        email = row["email"]
        if ERRORED in row.get("custom_fields", {}).values():
            job.rejected.append(email)
            self._world.note("SendGrid: %s: the row of %s fails", job.name, email)
            return
        if email not in self.contacts:
            self._created_contacts += 1
            self._ids[email] = f"contact-{self._created_contacts}"
            self._created[email] = datetime.fromtimestamp(self._world.now, UTC).isoformat()
        contact = self.contacts.setdefault(email, {"custom_fields": {}, "lists": set()})
        contact |= {name: value for name, value in row.items() if name != "custom_fields"}
        contact["custom_fields"] |= row.get("custom_fields", {})
        contact["lists"].update(job.lists)
        self._world.note("SendGrid: %s: %s", job.name, row)

    def _end(self, job: ImportJob) -> None:
        """End a job. Only a followed job may exceed the limit: the end of another would go unnoticed."""
        hit, note = self._faults.hit, self._world.note
        if job.seen and (severity := hit("job_late")) is not None:
            note("SendGrid: %s takes longer", job.name)
            job.is_late = True
            self._begin(job, 3600 * severity)
            return
        if job.seen and not job.is_late and (severity := hit("job_stuck")) is not None:
            note("SendGrid: %s hangs", job.name)
            if severity > 0.5:
                job.is_late = True
                self._world.at(self._world.now + _ABANDONED_S * 2 * severity, lambda: self._end(job))
            return
        failed = hit("job_failed") is not None
        if not failed:
            for row in job.rows:
                self._apply(job, row)
        job.finished_s = self._world.now
        job.status = "failed" if failed else "errored" if job.rejected else "completed"
        job.is_forgotten = hit("job_forgotten") is not None
        note("SendGrid: %s is %s", job.name, job.status)

    def _job(self, path: str) -> Answer:
        match = _JOB.fullmatch(path)
        job = self.jobs.get(unquote(match[1])) if match else None
        if job is None or job.is_forgotten:
            return _answer(404, _errors("not found"))
        if not job.is_late and self._faults.hit("job_unseen") is not None:
            job.seen = False
            return _answer(404, _errors("not found"))
        job.seen = True
        document: dict[str, Any] = {"id": job.name, "status": job.status}
        results: dict[str, Any] = {"errored_count": len(job.rejected)}
        if job.finished_s is not None:
            if self._says_when:
                document["finished_at"] = datetime.fromtimestamp(job.finished_s, UTC).isoformat()
            if job.rejected:
                results["errors_url"] = f"https://files.example.com/{job.name}"
        return _answer(200, document | {"results": results})

    def download(self, url: str) -> Iterator[bytes]:
        """Yield a job's errors file in parts."""
        severity = self._faults.hit("file_unavailable")
        if severity is not None:
            raise ServiceUnavailable("the file did not come") if severity < 0.7 else RequestRefused("no file")
        yield b"email,reason\n"
        for email in self.jobs[url.rpartition("/")[2]].rejected:
            yield f"{email},a field is wrong\n".encode()


def _answer(status: int, document: Any, headers: Mapping[str, str] | None = None) -> Answer:
    return Answer(status, headers or {}, json.dumps(document).encode())


def _errors(*messages: str) -> dict[str, Any]:
    return {"errors": [{"message": message} for message in messages]}


def _lost() -> AnswerLost:
    """Return a new error: one that is raised again and again keeps everything that its tracebacks hold."""
    return AnswerLost("no answer")
