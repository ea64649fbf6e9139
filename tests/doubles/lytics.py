"""Lytics' adapter in memory: for tests of what is decided between one call and the next.

HTTP below it has doubles of its own: `http.ScriptedHttp` and the twin in `tests/local/lytics_twin`.
"""

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from lytics_sendgrid.lytics.documents import (
    HeaderAuthorization,
    LyticsAudience,
    LyticsJob,
    ScanPage,
    job_from,
)


class PagedAudience:
    """An audience's scan: numbered pages, and faults that happen before chosen calls.

    Args:
        pages: rows of each page; the cursor of the nth, counted from 0, is ``c<n>``.
        total: what every page says; the number of rows where it is None.
        date_ns: Lytics' clock at the first call; each call takes a second.
    """

    def __init__(
        self, pages: Sequence[Sequence[Mapping[str, Any]]], total: int | None = None, date_ns: int = 0
    ) -> None:
        self.pages = pages
        self.total = sum(map(len, pages)) if total is None else total
        self.date_ns = date_ns or 1_790_000_000_000_000_000
        self.faults: dict[int, Exception] = {}
        self.cursors: dict[int, str] = {}
        self.calls: list[str] = []
        self.known: LyticsAudience | Exception | None = None

    def audience(self, reference: str) -> LyticsAudience | None:
        if isinstance(self.known, Exception):
            raise self.known
        return self.known

    def scan_page(
        self, audience_id: str, start: str, fields: Sequence[str], *, splits: str = "", rows: int = 100
    ) -> ScanPage:
        assert not splits
        call = len(self.calls)
        self.calls.append(start)
        if call in self.faults:
            raise self.faults[call]
        number = int(start[1:]) if start else 0
        following = f"c{number + 1}" if number + 1 < len(self.pages) else ""
        return ScanPage(
            tuple({name: row[name] for name in fields if name in row} for row in self.pages[number]),
            self.cursors.get(number, following),
            self.total,
            self.date_ns + call * 1_000_000_000,
        )


class LyticsJobs:
    """Lytics' webhook jobs and header authorizations.

    ``refusals`` maps a method's name to what it raises. If ``vanishing``, jobs are listed but gone.
    """

    def __init__(self) -> None:
        self.all_jobs: list[LyticsJob] = []
        self.headers: dict[str, dict[str, str]] = {}
        self.labels: dict[str, str] = {}
        self.fields = {"email": "string", "segment_events": "dynamic"}
        self.refusals: dict[str, Exception] = {}
        self.calls: list[str] = []
        self.status_of_new = "initializing"
        self.vanishing = False

    def _called(self, name: str) -> None:
        self.calls.append(name)
        if name in self.refusals:
            raise self.refusals[name]

    def schema_fields(self) -> dict[str, str]:
        self._called("schema_fields")
        return self.fields

    def jobs(self, workflow: str | None = None) -> tuple[LyticsJob, ...]:
        self._called("jobs")
        return tuple(job for job in self.all_jobs if workflow in {None, job.workflow})

    def create_webhook_job(self, document: Mapping[str, Any]) -> LyticsJob:
        self._called("create_webhook_job")
        return self.add({**document, "id": f"job{len(self.all_jobs)}"}, self.status_of_new)

    def update_webhook_job(self, job_id: str, document: Mapping[str, Any]) -> LyticsJob:
        self._called("update_webhook_job")
        (old,) = [job for job in self.all_jobs if job.id == job_id]
        self.all_jobs.remove(old)
        return self.add({**document, "id": job_id}, old.status)

    def add(self, document: Mapping[str, Any], status: str) -> LyticsJob:
        job = job_from({**document, "workflow": "webhook_triggers", "status": status})
        assert job is not None
        self.all_jobs.append(job)
        return job

    def _commanded(self, name: str, job_id: str, status: str | None) -> bool:
        self._called(name)
        found = [job for job in self.all_jobs if job.id == job_id and not self.vanishing]
        others = [job for job in self.all_jobs if job.id != job_id]
        self.all_jobs = others + [dataclasses.replace(job, status=status) for job in found if status]
        return bool(found)

    def pause_job(self, job_id: str) -> bool:
        return self._commanded("pause_job", job_id, "paused")

    def resume_job(self, job_id: str) -> bool:
        return self._commanded("resume_job", job_id, "running")

    def delete_job(self, job_id: str) -> bool:
        return self._commanded("delete_job", job_id, None)

    def become(self, status: str) -> None:
        self.all_jobs = [dataclasses.replace(job, status=status) for job in self.all_jobs]

    def header_authorizations(self) -> tuple[HeaderAuthorization, ...]:
        self._called("header_authorizations")
        return tuple(
            HeaderAuthorization(key, label, "header_param_auth") for key, label in self.labels.items()
        )

    def create_header_authorization(self, label: str, headers: Mapping[str, str]) -> HeaderAuthorization:
        self._called("create_header_authorization")
        return self._keep(f"auth{len(self.labels)}", label, headers)

    def update_header_authorization(
        self, authorization_id: str, label: str, headers: Mapping[str, str]
    ) -> HeaderAuthorization:
        self._called("update_header_authorization")
        return self._keep(authorization_id, label, headers)

    def delete_header_authorization(self, authorization_id: str) -> bool:
        self._called("delete_header_authorization")
        return self.labels.pop(authorization_id, None) is not None

    def _keep(self, key: str, label: str, headers: Mapping[str, str]) -> HeaderAuthorization:
        self.labels[key], self.headers[key] = label, dict(headers)
        return HeaderAuthorization(key, label, "header_param_auth")


class LyticsInMemory:
    """A Lytics account: audiences by slug, a schema and jobs; ``refusals`` are raised by call."""

    def __init__(self, *audiences: LyticsAudience) -> None:
        self.all_audiences = audiences
        self.fields = {"email": "string", "first_name": "string", "last_name": "string"}
        self.refusals: dict[str, Exception] = {}
        self.all_jobs: tuple[LyticsJob, ...] = ()

    def _called(self, name: str) -> None:
        if name in self.refusals:
            raise self.refusals[name]

    def audiences(self) -> tuple[LyticsAudience, ...]:
        self._called("audiences")
        return self.all_audiences

    def find_audiences(self, reference: str, listed: Sequence[LyticsAudience]) -> tuple[LyticsAudience, ...]:
        self._called("find_audiences")
        return tuple(audience for audience in listed if audience.slug == reference)

    def schema_fields(self) -> dict[str, str]:
        self._called("schema_fields")
        return self.fields

    def jobs(self, workflow: str | None = None) -> tuple[LyticsJob, ...]:
        self._called("jobs")
        return self.all_jobs

    def job(self, job_id: str) -> LyticsJob | None:
        self._called("job")
        return next((job for job in self.all_jobs if job.id == job_id), None)

    def sizes(self, audience_ids: Iterable[str]) -> dict[str, int]:
        self._called("sizes")
        return {
            audience.id: audience.size or 0 for audience in self.all_audiences if audience.id in audience_ids
        }
