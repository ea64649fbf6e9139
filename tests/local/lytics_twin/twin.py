"""A twin of Lytics: a server with the documented behaviour, its ground truth and its faults.

Example:
    >>> with LyticsTwin(time_scale=0.01) as twin:
    ...     audiences = twin.populate(people=1000, audiences=3, seed=1)
    ...     twin.make_events(200, seed=2)
    ...     twin.drain(timeout_s=30)
    ...     twin.members(audiences[0])
"""

import functools
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Self

from tests.local.lytics_twin.account import Account, Audience, Occurrence, Profile
from tests.local.lytics_twin.answers import Reply
from tests.local.lytics_twin.authorizations import Authorizations
from tests.local.lytics_twin.clock import Clock, ScaledClock
from tests.local.lytics_twin.control import control_routes
from tests.local.lytics_twin.faults import Dice, Faults
from tests.local.lytics_twin.front import Front
from tests.local.lytics_twin.jobs import Job, JobBook
from tests.local.lytics_twin.jobs_api import JobsApi
from tests.local.lytics_twin.population import make_events, populate
from tests.local.lytics_twin.routes import Request
from tests.local.lytics_twin.scan import Scans
from tests.local.lytics_twin.schema import Schema
from tests.local.lytics_twin.segments_api import SegmentsApi
from tests.local.lytics_twin.sender import Sender
from tests.local.lytics_twin.server import Server
from tests.local.lytics_twin.truth import state, truth

DEFAULT_TOKEN = "lytics-token"
CHANGING_FIELDS = ("first_name", "city", "lifetime_value")


class LyticsTwin:
    """A Lytics account behind a URL. A profile id or e-mail names a person, an id or slug an audience."""

    def __init__(
        self,
        *,
        port: int = 0,
        token: str = DEFAULT_TOKEN,
        clock: Clock | None = None,
        time_scale: float = 1.0,
        seed: int = 0,
        cursor_age_s: float = 300.0,
        initializing_s: float = 1.0,
        enforce_job_limits: bool = False,
        http_on_loopback: bool = True,
        request_timeout_s: float = 30.0,
        retry_pause_s: float = 1.0,
    ) -> None:
        """Start the server.

        Args:
            port: A port on 127.0.0.1; 0 picks a free one.
            token: The valid API token.
            clock: A clock in place of real time (`ManualClock` in tests).
            time_scale: Real seconds per Lytics second, for every wait of Lytics: sleep, initializing, flush,
                pause before a retry, the hour of the job limit. 0.01 makes a minute 0.6 s.
            seed: The seed of faults and shuffling.
            cursor_age_s: Real seconds after which a scan's cursor expires.
            initializing_s: How long a started job is `initializing`, in Lytics seconds.
            enforce_job_limits: Whether to refuse more than 10 new jobs an hour and 200 active ones.
            http_on_loopback: Whether to accept a webhook URL with http on loopback. Lytics requires https.
            request_timeout_s: The timeout of a webhook request in real seconds (undocumented).
            retry_pause_s: Lytics seconds from a failed request to its retry (undocumented).
        """
        self.clock = clock or ScaledClock(time_scale)
        self.faults = Faults()
        self.account = Account(self.clock)
        self.schema = Schema()
        self.authorizations = Authorizations()
        self._dice = Dice(seed)
        self._book = JobBook(self.clock.elapsed_s, enforce_limits=enforce_job_limits)
        scans = Scans(self.account, self.clock, self.faults, self._dice, cursor_age_s)
        segments = SegmentsApi(self.account, self.schema, scans, self.faults, self.clock)
        self._jobs_api = JobsApi(
            account=self.account,
            schema=self.schema,
            book=self._book,
            auths=self.authorizations,
            faults=self.faults,
            clock=self.clock,
            make_sender=functools.partial(
                Sender,
                clock=self.clock,
                faults=self.faults,
                dice=self._dice,
                request_timeout_s=request_timeout_s,
                retry_pause_s=retry_pause_s,
            ),
            initializing_s=initializing_s,
            http_on_loopback=http_on_loopback,
        )
        self.account.publish = self._jobs_api.publish
        self._front = Front(
            token,
            self.faults,
            self._dice,
            calls=[*segments.routes(), *self._jobs_api.routes()],
            controls=control_routes(self),
        )
        self._server = Server(port, self.answer, self.clock.wall_ns)

    @property
    def url(self) -> str:
        return self._server.url

    @property
    def token(self) -> str:
        """The valid API token. Setting another invalidates the old one, as if it had expired."""
        return self._front.token

    @token.setter
    def token(self, token: str) -> None:
        self._front.token = token

    def answer(self, request: Request, authorization: str | None) -> Reply | None:
        """Answer a request of any server; None closes its connection without an answer."""
        return self._front.answer(request, authorization)

    def close(self) -> None:
        """Stop serving and sending."""
        self._front.closing.set()
        for job in self._book.all():
            if job.sender:
                job.sender.close()
        self._server.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def populate(
        self,
        people: int = 10_000,
        audiences: int = 3,
        *,
        seed: int = 0,
        overlap: float = 0.2,
        outside: float = 0.1,
        without_email: float = 0.0,
    ) -> list[str]:
        """Add generated people without events. Returns the audiences' ids, `high_value_users` first."""
        shares = {"overlap": overlap, "outside": outside, "without_email": without_email}
        return populate(self.account, people, audiences, seed=seed, **shares)

    def add_audience(self, name: str, **details: Any) -> str:
        """Add an audience (details: slug, audience_id, kind, table, valid). Returns its id."""
        return self.account.add_audience(name, **details).id

    def rename_audience(self, audience: str, *, name: str | None = None, slug: str | None = None) -> str:
        """Rename an audience. Returns its slug, with a suffix if the slug was taken."""
        return self.account.rename_audience(audience, name=name, slug=slug).slug

    def delete_audience(self, audience: str) -> None:
        """Delete an audience without an event."""
        self.account.delete_audience(audience)

    def add_profile(self, fields: Mapping[str, Any], audiences: Sequence[str] = ()) -> str:
        """Add a person to audiences without an event. Returns the profile id."""
        return self.account.add_profile(fields, audiences).id

    def delete_profile(self, person: str) -> None:
        """Delete a person without an event."""
        self.account.delete_profile(self.account.profile(person))

    def merge(self, person: str, into: str) -> None:
        """Merge a person into another without an event: their audiences, and what finds them."""
        with self.account.lock:
            self.account.merge(self.account.profile(person), self.account.profile(into))

    def enter(self, person: str, audience: str, *, silently: bool = False) -> bool:
        """Let a person enter. Returns whether they were out. `silently` publishes no event."""
        with self.account.lock:
            profile, where = self.account.profile(person), self.account.audience(audience)
            return self._publish(self.account.enter(profile, where), silently=silently)

    def exit(self, person: str, audience: str, *, silently: bool = False) -> bool:
        """Let a person exit. Returns whether they were in."""
        with self.account.lock:
            profile, where = self.account.profile(person), self.account.audience(audience)
            return self._publish(self.account.exit(profile, where), silently=silently)

    def change(self, person: str, fields: Mapping[str, Any], *, silently: bool = False) -> bool:
        """Change a person's fields (None removes one). Returns whether the change caused an event."""
        with self.account.lock:
            profile = self.account.profile(person)
            return self._publish(self.account.change(profile, fields), silently=silently)

    def make_events(
        self,
        count: int,
        *,
        seed: int = 0,
        audiences: Sequence[str] | None = None,
        fields: Sequence[str] = CHANGING_FIELDS,
    ) -> dict[str, int]:
        """Let random people enter, exit and change. Returns how many of each.

        The truth changes in order. The faults decide whether events are sent shuffled or twice.
        """
        with self.account.lock:
            names = self.account.audiences if audiences is None else audiences
            chosen = [self.account.audience(name) for name in names]
            happened = make_events(self.account, count, seed=seed, audiences=chosen, fields=fields)
            self.account.publish(happened)
        kinds = [occurrence.events[0].event for occurrence in happened]
        return {kind: kinds.count(kind) for kind in ("enter", "exit", "change")}

    def _publish(self, occurrence: Occurrence | None, *, silently: bool) -> bool:
        if occurrence is not None and not silently:
            self.account.publish([occurrence])
        return occurrence is not None

    def members(self, audience: str) -> set[str]:
        """Return the lower-case e-mails of an audience's members."""
        with self.account.lock:
            people = self.account.audience(audience).members.values()
            return {profile.email for profile in people if profile.email is not None}

    def profiles(self) -> list[Profile]:
        with self.account.lock:
            return list(self.account.profiles.values())

    def audiences(self) -> list[Audience]:
        with self.account.lock:
            return list(self.account.audiences.values())

    def truth(self) -> dict[str, dict[str, Any]]:
        """Return audiences, announced audiences and fields by e-mail: see `truth.truth`."""
        return truth(self.account)

    def seed_job(
        self,
        workflow: str,
        *,
        name: str = "",
        config: Mapping[str, Any] | None = None,
        status: str = "running",
    ) -> str:
        """Add a job that the twin does not run, such as a live `sendgrid_export_new`. Returns its id."""
        now = self.clock.wall_ns()
        job_id = f"5eed{len(self._book.all()) + 1:028x}"
        details = {"description": "", "hidden": False}
        self._book.add(
            Job(job_id, workflow, name or workflow, dict(config or {}), [], details, now, now, None, status)
        )
        return job_id

    def jobs(self) -> list[Job]:
        """Return all jobs, even killed ones, with `.status`, `.config`, `.log` and `.sender.counts`."""
        return self._book.all()

    def set_faults(self, **changes: Any) -> None:
        """Change settings of `Faults`."""
        self.faults.update(**changes)

    def fail_next(self, *statuses: int) -> None:
        """Answer each of the next API requests with one of these statuses."""
        self._front.next_statuses.extend(statuses)

    def requests(self) -> dict[str, int]:
        """Return the number of requests by "METHOD path template"."""
        return dict(self._front.calls.counts)

    def struck(self) -> dict[str, int]:
        """Return how often each API fault has struck: `429`, `500`, `html`, `truncate`, `drop`."""
        return dict(self._front.struck)

    def state(self) -> dict[str, Any]:
        """Return the audiences' sizes and the jobs with their counts, as JSON."""
        return state(self.account, self.jobs())

    def drain(self, timeout_s: float) -> bool:
        """Wait until every event is delivered or omitted. False if `timeout_s` real seconds pass."""
        return self.wait_until(lambda: all(job.sender.idle for job in self.jobs() if job.sender), timeout_s)

    def wait_until(self, holds: Callable[[], bool], timeout_s: float) -> bool:
        """Wait until a condition holds. False if `timeout_s` real seconds pass."""
        deadline = time.monotonic() + timeout_s
        while not holds():
            if time.monotonic() > deadline or self._front.closing.wait(0.005):
                return False
        return True
