"""The jobs of the account."""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

from tests.local.lytics_twin.answers import ApiError
from tests.local.lytics_twin.sender import Sender
from tests.local.lytics_twin.timestamps import rfc3339_ms

Json = dict[str, Any]

WEBHOOKS = "webhook_triggers"
MAX_ACTIVE = 200
MAX_CREATED_AN_HOUR = 10
# "An update is not a merge": a PUT resets these to their defaults if its body omits them.
RESET_BY_UPDATE: Json = {
    "description": "",
    "hidden": False,
    "verbose_logging": False,
    "meta": None,
    "expires_at": None,
    "quiet_time_of_day": "",
    "quiet_timezone": "",
    "quiet_period": 0,
}


@dataclasses.dataclass(slots=True, eq=False)
class Job:
    """One job. Only webhook jobs have a sender; other jobs keep the status they were seeded with."""

    id: str
    workflow: str
    name: str
    config: Json
    auth_ids: list[str]
    details: Json
    created_ns: int
    updated_ns: int
    sender: Sender | None = None
    seeded_status: str = "running"
    log: list[Json] = dataclasses.field(default_factory=list)

    @property
    def status(self) -> str:
        return self.sender.status if self.sender else self.seeded_status

    def stop(self, status: str) -> None:
        if self.sender:
            self.sender.stop(status)
        else:
            self.seeded_status = status

    def start(self, initializing_s: float) -> None:
        if self.sender:
            self.sender.start(initializing_s)
        else:
            self.seeded_status = "running"

    def as_json(self) -> Json:
        return {
            "id": self.id,
            "name": self.name,
            "workflow": self.workflow,
            "config": self.config,
            "auth_ids": self.auth_ids,
            "status": self.status,
            "created": rfc3339_ms(self.created_ns),
            "updated": rfc3339_ms(self.updated_ns),
            **self.details,
        }

    def log_as_json(self) -> list[Json]:
        """Return the log, and an entry whose `context` counts the events sent so far, as in Lytics."""
        if self.sender is None:
            return list(self.log)
        counts = self.sender.counts
        summary = {
            "job_id": self.id,
            "context": {"added": counts.added, "omitted": counts.omitted, "removed": 0},
            "message": "Events sent",
            "level": "info",
            "timestamp": rfc3339_ms(self.updated_ns),
        }
        return [*self.log, summary]


class JobBook:
    """All jobs by id, with the account's limits."""

    def __init__(self, now_s: Callable[[], float], *, enforce_limits: bool) -> None:
        self._jobs: dict[str, Job] = {}
        self._now_s = now_s
        self._enforce_limits = enforce_limits
        self._created_s: list[float] = []

    def admit(self) -> None:
        """Count a new job. Refuses the eleventh within an hour and the 201st active one."""
        if self._enforce_limits:
            now = self._now_s()
            recent = [moment for moment in self._created_s if now - moment < 3600]
            if len(recent) >= MAX_CREATED_AN_HOUR:
                raise ApiError(429, f"more than {MAX_CREATED_AN_HOUR} jobs created within an hour")
            active = [job for job in self._jobs.values() if job.status not in {"deleted", "completed"}]
            if len(active) >= MAX_ACTIVE:
                raise ApiError(400, f"more than {MAX_ACTIVE} active jobs", "JOB-BADREQ-002")
            self._created_s = [*recent, now]

    def add(self, job: Job) -> None:
        self._jobs[job.id] = job

    def all(self) -> list[Job]:
        return list(self._jobs.values())

    def find(self, job_id: str, workflow: str | None = None) -> Job:
        """Find a job. Killed jobs do not exist any more."""
        job = self._jobs.get(job_id)
        if job is None or job.status == "deleted" or workflow not in {None, job.workflow}:
            raise ApiError(404, f"no job {job_id}", "JOB-NOTFOUND-004")
        return job

    def listed(self, query: Mapping[str, str]) -> list[Job]:
        """Filter jobs as the list endpoint does. `show_all`, or both other flags, show killed jobs."""
        show_all = query.get("show_all") == "true"
        completed = show_all or query.get("show_completed") == "true"
        deleted = show_all or (completed and query.get("show_deleted") == "true")
        workflow = query.get("workflow")
        auths = {name for name in query.get("auth_ids", "").split(",") if name}
        return [
            job
            for job in self._jobs.values()
            if (workflow in {None, "", job.workflow})
            and (not auths or auths & set(job.auth_ids))
            and (completed or job.status != "completed")
            and (deleted or job.status != "deleted")
            and (show_all or not job.details.get("hidden"))
        ]
