"""The console without a browser, a socket or AWS: its routes over tables in memory."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final, cast
from urllib.parse import parse_qs, urlencode, urlsplit

from functions.console.aws.monitoring import Alarm
from functions.console.context import Console
from functions.console.links import Links
from functions.console.routes import ROUTERS, Application
from functions.console.settings import ConsoleSettings
from functions.console.signin.attempts import Attempt
from functions.console.signin.roles import Identity
from functions.console.signin.sessions import COOKIE, Sessions
from functions.console.web import Router
from lytics_sendgrid.domain.execution import Execution
from lytics_sendgrid.tables.console import ConsoleTable
from lytics_sendgrid.tables.days import DaysTable
from lytics_sendgrid.tables.exports import ExportsTable
from lytics_sendgrid.tables.rejected import RejectedIndex
from lytics_sendgrid.tables.run_history import RunHistory
from lytics_sendgrid.tables.summaries import SummariesTable
from tests.clock import ManualClock
from tests.doubles.dynamodb import DynamoDb

BASE_URL: Final = "https://abc.execute-api.eu-west-1.amazonaws.com/console"
OPERATOR: Final = Identity("operator-1", "olga@example.com", frozenset())
VIEWER: Final = Identity("viewer-1", "victor@example.com", frozenset())
STRANGER: Final = Identity("stranger-1", "sam@example.com", frozenset())

SETTINGS: Final = ConsoleSettings(
    console_table="console",
    exports_table="exports",
    contacts_table="contacts",
    console_base_url=BASE_URL,
    console_issuer="https://login.example.com",
    console_client_id="client-1",
    console_client_credentials="none",
    console_operators="olga@example.com,",
    console_viewers="victor@example.com",
    console_groups_claim="groups",
    state_machine_arn="arn:aws:states:eu-west-1:123456789012:stateMachine:shop-export",
    inspect_function="shop-inspect",
    catalogue_function="shop-catalogue",
    resync_schedule="cron(10 3 * * ? *)",
    changes_queue_url="https://sqs/1/changes",
    imports_queue_url="https://sqs/1/imports",
    changes_dead_letter_queue_url="https://sqs/1/changes-dead",
    imports_dead_letter_queue_url="https://sqs/1/imports-dead",
    rejects_queue_url="https://sqs/1/rejects",
    alarm_prefix="shop-",
)


class Audits:
    """The audit trail in memory."""

    def __init__(self) -> None:
        self.lines: list[dict[str, str]] = []

    def record(self, act: str, subject: str, **details: str) -> None:
        self.lines.append({"act": act, "subject": subject, **details})


class Machine:
    """A state machine in memory. Its executions run until the test ends them.

    Attributes:
        started: every execution by its ARN.
        new: ARNs of executions that Step Functions does not know yet.
        stopped: what was stopped, with the cause.
        states: that an execution has entered, the newest first.
    """

    ARN: Final = "arn:aws:states:eu-west-1:123456789012:execution:shop-export"

    def __init__(self) -> None:
        self.started: dict[str, Execution] = {}
        self.new: set[str] = set()
        self.stopped: list[tuple[str, str]] = []
        self.states: dict[str, tuple[str, ...]] = {}

    def arn(self, name: str) -> str:
        return f"{self.ARN}:{name}"

    def entered(self, arn: str) -> tuple[str, ...]:
        return self.states.get(arn, ())

    def start(self, name: str, document: Mapping[str, Any]) -> bool:
        arn, known = self.arn(name), len(self.started)
        self.started.setdefault(arn, Execution(arn, name, "RUNNING", 1_800_000_000, input=dict(document)))
        return len(self.started) > known

    def run(self, name: str, document: Mapping[str, Any]) -> str:
        """Start an execution, as somebody else does, and return its ARN."""
        self.start(name, document)
        return self.arn(name)

    def describe(self, arn: str) -> Execution | None:
        return None if arn in self.new else self.started.get(arn)

    def stop(self, arn: str, cause: str) -> bool:
        if arn in self.new:
            return False
        self.stopped.append((arn, cause))
        self.end(arn, status="ABORTED", error="Cancelled", cause=cause)
        return True

    def end(self, arn: str, status: str = "SUCCEEDED", **details: Any) -> None:
        """End an execution, with its ``output``, or its ``error`` and ``cause``."""
        self.started[arn] = replace(self.started[arn], status=status, ended_s=1_800_000_060, **details)


class Invoked:
    """Functions in memory: what was invoked, and what they answer."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.answers: dict[str, dict[str, Any] | Exception] = {}

    def invoke(self, name: str, payload: Mapping[str, Any]) -> dict[str, Any]:
        self.calls.append((name, dict(payload)))
        answer = self.answers.get(name, {})
        if isinstance(answer, Exception):
            raise answer
        return answer

    def invoke_later(self, name: str, payload: Mapping[str, Any]) -> None:
        self.calls.append((name, dict(payload)))


class Monitored:
    """Queues and alarms in memory.

    Attributes:
        counts: messages by the queue's name in its URL.
        ages: of the oldest message, by a short name.
        raised: alarms.
        broken: what every call raises, while it is set.
        unread_queues, unread_alarms: what the calls for only these raise.
    """

    def __init__(self) -> None:
        self.unread_queues: Exception | None = None
        self.unread_alarms: Exception | None = None
        self.counts: dict[str, int] = {}
        self.ages: dict[str, float] = {}
        self.raised: list[Alarm] = []
        self.broken: Exception | None = None

    def waiting(self, queue_url: str) -> int:
        self._read(self.unread_queues)
        return self.counts.get(queue_url.rpartition("/")[2], 0)

    def ages_s(self, queue_urls: Mapping[str, str], now_s: float) -> Mapping[str, float]:
        self._read(self.unread_queues)
        return {name: age_s for name, age_s in self.ages.items() if name in queue_urls}

    def alarms(self) -> list[Alarm]:
        self._read(self.unread_alarms)
        return self.raised

    def _read(self, error: Exception | None) -> None:
        if error or self.broken:
            raise error or self.broken or AssertionError


class FakeProvider:
    """A sign-in provider in memory.

    Attributes:
        identity_or_error: who signs in, or what is raised instead.
        broken: what every call raises, while it is set.
        codes: that were exchanged.
        sign_out: where people sign out, if that is possible.
    """

    def __init__(self) -> None:
        self.identity_or_error: Identity | Exception = OPERATOR
        self.broken: Exception | None = None
        self.codes: list[str] = []
        self.sign_out: str | None = "https://login.example.com/logout?client_id=client-1"

    def authorization_url(self, attempt: Attempt, *, as_another: bool) -> str:
        if self.broken:
            raise self.broken
        prompt = {"prompt": "select_account"} if as_another else {}
        query = {"state": attempt.state, "nonce": attempt.nonce, **prompt}
        return f"https://login.example.com/authorize?{urlencode(query)}"

    def identity(self, code: str, attempt: Attempt) -> Identity:
        if self.broken:
            raise self.broken
        self.codes.append(code)
        if isinstance(self.identity_or_error, Exception):
            raise self.identity_or_error
        return self.identity_or_error

    def sign_out_url(self) -> str | None:
        if self.broken:
            raise self.broken
        return self.sign_out


@dataclass(frozen=True, slots=True)
class Page:
    """An answer of the console.

    Attributes:
        status: the HTTP status.
        headers: each with its first value, names in lower case.
        cookies: every ``Set-Cookie``.
        html: the body.
    """

    status: int
    headers: dict[str, str]
    cookies: list[str]
    html: str

    @property
    def text(self) -> str:
        """The words of the page, without its tags and with single spaces."""
        return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", self.html)).split())

    @property
    def location(self) -> str:
        """Where a redirect leads."""
        return self.headers["location"]

    def cookie(self, name: str) -> str:
        """Return the value of a cookie that is set."""
        (found,) = [line for line in self.cookies if line.startswith(f"{name}=")]
        return found.partition("=")[2].partition(";")[0]


@dataclass
class Scene:
    """The console and everything around it.

    Attributes:
        clock: moved by the test.
        dynamodb: all tables.
        audits: what the audit trail has.
        executions: of the state machine.
        functions: what was invoked.
        monitoring: queues and alarms.
        provider: where people sign in.
        settings: of the console; another one before the first request.
        with_: other collaborators for ``Console``, by name.
        routers: of the pages.
    """

    clock: ManualClock = field(default_factory=ManualClock)
    dynamodb: DynamoDb = field(default_factory=DynamoDb)
    audits: Audits = field(default_factory=Audits)
    executions: Machine = field(default_factory=Machine)
    functions: Invoked = field(default_factory=Invoked)
    monitoring: Monitored = field(default_factory=Monitored)
    provider: FakeProvider = field(default_factory=FakeProvider)
    settings: ConsoleSettings = SETTINGS
    with_: dict[str, Any] = field(default_factory=dict)
    routers: Iterable[Router] = ROUTERS
    _application: Application | None = None
    _tokens: int = 0

    @property
    def store(self) -> ConsoleTable:
        return ConsoleTable(cast(Any, self.dynamodb), "console")

    @property
    def exports(self) -> ExportsTable:
        return ExportsTable(cast(Any, self.dynamodb), "exports")

    @property
    def summaries(self) -> SummariesTable:
        return SummariesTable(cast(Any, self.dynamodb), "exports")

    @property
    def collaborators(self) -> Console:
        collaborators: dict[str, Any] = {
            "settings": self.settings,
            "clock": self.clock,
            "links": Links(self.settings.console_base_url),
            "store": self.store,
            "exports": self.exports,
            "history": RunHistory(cast(Any, self.dynamodb), "exports"),
            "days": DaysTable(cast(Any, self.dynamodb), "exports"),
            "rejected": RejectedIndex(cast(Any, self.dynamodb), "contacts"),
            "summaries": self.summaries,
            "executions": self.executions,
            "functions": self.functions,
            "monitoring": self.monitoring,
            "provider": self.provider,
            "audit": self.audits,
            "new_token": self.new_token,
        }
        return Console(**(collaborators | self.with_))

    @property
    def application(self) -> Application:
        if self._application is None:
            self._application = Application(self.collaborators, self.routers)
        return self._application

    def forget_application(self) -> None:
        """Have the next request make the application again, with other settings or collaborators."""
        self._application = None

    def new_token(self) -> str:
        """Return a token of the right form, another one with each call."""
        self._tokens += 1
        return f"token-{self._tokens:037d}"

    def signed_in(self, identity: Identity = OPERATOR) -> str:
        """Begin a session, and return the header ``Cookie`` of its browser."""
        token = Sessions(self.store, self.new_token).begin(identity, self.clock.now())
        return f"{COOKIE}={token}"

    def get(
        self, path: str, *, as_: Identity | None = OPERATOR, headers: dict[str, str] | None = None
    ) -> Page:
        """Ask for a page, as a browser does that follows a link.

        Args:
            path: with its query, if any.
            as_: who is signed in; None: nobody.
            headers: more headers.
        """
        return self.send("GET", path, as_=as_, headers=headers)

    def fragment(self, path: str, *, as_: Identity | None = OPERATOR) -> Page:
        """Ask for a part of a page, as htmx does."""
        return self.send("GET", path, as_=as_, headers={"HX-Request": "true"})

    def post(
        self,
        path: str,
        form: dict[str, Any] | None = None,
        *,
        as_: Identity | None = OPERATOR,
        headers: dict[str, str] | None = None,
    ) -> Page:
        """Send a form, as a browser does from one of our own pages.

        Args:
            path: of the form's action.
            form: its fields; a list is a field with several values.
            as_: who is signed in; None: nobody.
            headers: more headers, or others.
        """
        ours = {"Origin": Links(self.settings.console_base_url).origin, "Sec-Fetch-Site": "same-origin"}
        return self.send(
            "POST", path, as_=as_, headers=ours | (headers or {}), body=urlencode(form or {}, doseq=True)
        )

    def send(
        self,
        method: str,
        path: str,
        *,
        as_: Identity | None = None,
        headers: dict[str, str] | None = None,
        body: str | None = None,
    ) -> Page:
        """Send a request through the application."""
        all_headers = dict(headers or {})
        if as_ is not None and "Cookie" not in all_headers:
            all_headers["Cookie"] = self.signed_in(as_)
        answer = self.application.answer(gateway_event(method, path, all_headers, body), None)
        many = answer["multiValueHeaders"]
        return Page(
            answer["statusCode"],
            {name.lower(): values[0] for name, values in many.items()},
            list(many.get("Set-Cookie", [])),
            answer["body"] or "",
        )


def gateway_event(method: str, path: str, headers: dict[str, str], body: str | None) -> dict[str, Any]:
    """Return the event of API Gateway for a request. Its path has no stage, and names of headers any case."""
    parts = urlsplit(path)
    query = parse_qs(parts.query, keep_blank_values=True)
    return {
        "httpMethod": method,
        "path": parts.path,
        "headers": headers,
        "multiValueHeaders": {name: [value] for name, value in headers.items()},
        "queryStringParameters": {name: values[-1] for name, values in query.items()} or None,
        "multiValueQueryStringParameters": query or None,
        "requestContext": {"stage": "console", "path": f"/console{parts.path}"},
        "body": body,
        "isBase64Encoded": False,
    }
