"""The endpoints of jobs and authorizations, with which an export subscribes to Lytics."""

import urllib.parse
from collections.abc import Callable
from typing import Any

from tests.local.lytics_twin.account import Account, Occurrence
from tests.local.lytics_twin.answers import ApiError, Reply, success
from tests.local.lytics_twin.authorizations import HEADER_PARAM_AUTH, Authorizations
from tests.local.lytics_twin.clock import Clock
from tests.local.lytics_twin.envelopes import envelope, subscribed_events
from tests.local.lytics_twin.faults import Faults
from tests.local.lytics_twin.job_config import DEFAULTS, config_faults
from tests.local.lytics_twin.jobs import RESET_BY_UPDATE, WEBHOOKS, Job, JobBook
from tests.local.lytics_twin.routes import Request, Route
from tests.local.lytics_twin.schema import Schema
from tests.local.lytics_twin.sender import Sender, Target
from tests.local.lytics_twin.timestamps import rfc3339_ms

Json = dict[str, Any]
MakeSender = Callable[[Target, Callable[..., None]], Sender]


class JobsApi:
    """Answers calls about jobs, and passes occurrences to the jobs that subscribe to them."""

    def __init__(
        self,
        *,
        account: Account,
        schema: Schema,
        book: JobBook,
        auths: Authorizations,
        faults: Faults,
        clock: Clock,
        make_sender: MakeSender,
        initializing_s: float,
        http_on_loopback: bool,
    ) -> None:
        self._account, self._schema, self._book, self._auths = account, schema, book, auths
        self._faults, self._clock, self._make_sender = faults, clock, make_sender
        self._initializing_s, self._http_on_loopback = initializing_s, http_on_loopback

    def routes(self) -> list[Route]:
        return [
            Route("GET", "/v2/job", self._list),
            Route("POST", "/v2/job", self._create),
            Route("GET", "/v2/job/{id}/logs", self._logs),
            *(Route("POST", f"/v2/job/{{id}}/{command}", self._command(command)) for command in COMMANDS),
            Route("GET", "/v2/job/{workflow}/{id}", self._get),
            Route("PUT", "/v2/job/{workflow}/{id}", self._update),
            Route("GET", "/v2/job/{id}", self._get),
            Route("POST", "/v2/job/{workflow}", self._create),
            Route("GET", "/v2/auth", lambda _: success(2, [auth.as_json() for auth in self._auths.all()])),
            Route("POST", "/v2/auth/{type}", self._create_auth),
            Route("GET", "/v2/auth/{id}", self._get_auth),
            Route("GET", "/v2/auth/{type}/{id}", self._get_auth),
            Route("PUT", "/v2/auth/{id}", self._update_auth),
            Route("PUT", "/v2/auth/{type}/{id}", self._update_auth),
            Route("DELETE", "/v2/auth/{id}", self._delete_auth),
            Route("DELETE", "/v2/auth/{type}/{id}", self._delete_auth),
        ]

    def publish(self, occurrences: list[Occurrence]) -> None:
        """Pass occurrences, in order, to every job that subscribes to them."""
        for job in self._book.all():
            if job.sender is None or job.status == "deleted":
                continue
            bodies: list[Json] = []
            for occurrence in occurrences:
                events = subscribed_events(occurrence, job.config)
                groups = [events] if self._faults.group_elements else [[event] for event in events]
                bodies += [envelope(occurrence, group, job.config, job.id) for group in groups if group]
                occurrence.profile.announced.update(event.audience.id for event in events)
            if bodies:
                job.sender.put(bodies)

    def _list(self, request: Request) -> Reply:
        return success(2, [job.as_json() for job in self._book.listed(request.query)])

    def _get(self, request: Request) -> Reply:
        return success(2, self._find(request).as_json())

    def _logs(self, request: Request) -> Reply:
        return success(2, self._find(request).log_as_json())

    def _create(self, request: Request) -> Reply:
        body = request.json()
        workflow = _snake(request.names.get("workflow") or str(body.get("workflow", "")))
        if workflow != WEBHOOKS:
            raise ApiError(404, f"the twin has no workflow {workflow!r}", "WF-NOTFOUND-005")
        config = self._checked(body)
        self._book.admit()
        runs = request.query.get("run_job", "true") != "false"
        with self._account.lock:
            now = self._clock.wall_ns()
            job_id = f"{len(self._book.all()) + 1:024x}{now % 2**32:08x}"
            details = {key: body.get(key, default) for key, default in RESET_BY_UPDATE.items()}
            job = Job(
                job_id, WEBHOOKS, body["name"], config, list(body.get("auth_ids", [])), details, now, now
            )
            job.sender = self._make_sender(self._target(job), self._notes(job))
            self._book.add(job)
            self._notes(job)("info", "Job created")
            if runs:
                job.start(self._initializing_s)
            if config["withbackfill"]:
                self._backfill(job, job.sender)
        return success(2, job.as_json(), 201)

    def _update(self, request: Request) -> Reply:
        """Replace a job: a `config` in the body replaces the stored one, and omitted details are reset."""
        job = self._find(request)
        body = request.json()
        config = self._checked({"name": job.name, "config": job.config, "auth_ids": job.auth_ids} | body)
        with self._account.lock:
            job.name = body.get("name", job.name)
            job.auth_ids = list(body.get("auth_ids", job.auth_ids))
            job.config = config
            job.details = {key: body.get(key, default) for key, default in RESET_BY_UPDATE.items()}
            job.updated_ns = self._clock.wall_ns()
            if job.sender:
                job.sender.configure(self._target(job))
        self._notes(job)("info", "Job updated")
        return success(2, job.as_json())

    def _command(self, command: str) -> Callable[[Request], Reply]:
        def answer(request: Request) -> Reply:
            if self._faults.refuse_commands:
                raise ApiError(403, "insufficient permissions")
            job = self._find(request)
            if command in {"pause", "kill"}:
                job.stop(COMMANDS[command])
            elif command == "bounce" or job.status == "paused":
                job.start(self._initializing_s)
            self._notes(job)("info", f"Job {command}")
            return success(2, job.as_json())

        return answer

    def _find(self, request: Request) -> Job:
        workflow = request.names.get("workflow")
        return self._book.find(request.names["id"], _snake(workflow) if workflow else None)

    def _checked(self, body: Json) -> Json:
        """Return the configuration with defaults. Raises `ApiError` with all faults."""
        config = body.get("config")
        if not isinstance(config, dict):
            raise ApiError(400, "config is required", "JOB-BADREQ-002")
        faults = config_faults(
            config, self._account.audiences, self._schema.fields, http_on_loopback=self._http_on_loopback
        )
        if not isinstance(body.get("name"), str) or not body["name"]:
            faults.append("name is required")
        auth_ids = body.get("auth_ids", [])
        if not isinstance(auth_ids, list):
            faults.append("auth_ids must be a list")
        else:
            faults += [f"auth_ids: no authorization {name}" for name in auth_ids if name not in self._auths]
        if faults:
            raise ApiError(400, faults[0], "JOB-BADREQ-002", *faults[1:])
        return DEFAULTS | config

    def _backfill(self, job: Job, sender: Sender) -> None:
        """Send an enter for every existing member. It looks like a real one."""
        members = [
            (profile, audience)
            for audience in map(self._account.audience, job.config["segment_ids"])
            for profile in audience.members.values()
        ]
        occurrences = [self._account.occur(profile, [(audience, "enter")]) for profile, audience in members]
        for occurrence in occurrences:
            occurrence.profile.announced.update(event.audience.id for event in occurrence.events)
        bodies = [envelope(occurrence, occurrence.events, job.config, job.id) for occurrence in occurrences]
        if bodies:
            sender.put(bodies)

    def _target(self, job: Job) -> Target:
        config, url = job.config, job.config["webhook_url"]
        headers = {"Content-Type": "application/json", "User-Agent": "lytics-webhooks"}
        for auth in map(self._auths.find, job.auth_ids):
            headers |= auth.headers
            if auth.params:
                url += ("&" if urllib.parse.urlsplit(url).query else "?") + auth.params
        return Target(
            url=url,
            method=config["http_method"],
            headers=headers,
            worker_count=config["worker_count"],
            batch_size=config["batch_size"] if config["batch_requests"] else 0,
            flush_s=config["batch_flush_duration"] if config["batch_requests"] else 0,
            do_not_retry=frozenset(config["do_not_retry"]),
        )

    def _notes(self, job: Job) -> Callable[..., None]:
        def note(level: str, message: str, *, code: str = "", **context: object) -> None:
            entry = {"job_id": job.id, "context": context, "message": message, "level": level}
            moment = {"timestamp": rfc3339_ms(self._clock.wall_ns())}
            job.log.append(entry | moment | ({"code": code} if code else {}))

        return note

    def _create_auth(self, request: Request) -> Reply:
        if _snake(request.names["type"]) != HEADER_PARAM_AUTH:
            raise ApiError(404, f"the twin has no auth type {request.names['type']}", "AUTHTYPE-NOTFOUND-007")
        return success(2, self._auths.create(request.json(), self._clock.wall_ns()).as_json(), 201)

    def _get_auth(self, request: Request) -> Reply:
        return success(2, self._auths.find(request.names["id"]).as_json())

    def _update_auth(self, request: Request) -> Reply:
        auth = self._auths.replace(request.names["id"], request.json(), self._clock.wall_ns())
        for job in self._book.all():
            if job.sender and auth.id in job.auth_ids:
                job.sender.configure(self._target(job))
        return success(2, auth.as_json())

    def _delete_auth(self, request: Request) -> Reply:
        self._auths.delete(request.names["id"])
        return success(2, None, 204)


COMMANDS = {"pause": "paused", "resume": "running", "bounce": "running", "kill": "deleted"}


def _snake(name: str) -> str:
    """Convert a kebab-case name of a path to the snake case of workflows and types."""
    return name.replace("-", "_")
