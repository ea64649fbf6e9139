"""The console without a browser, a socket or AWS: its routes over tables in memory."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final, cast
from urllib.parse import parse_qs, urlencode, urlsplit

from functions.console.context import Console
from functions.console.links import Links
from functions.console.routes import ROUTERS, Application
from functions.console.settings import ConsoleSettings
from functions.console.signin.roles import Identity
from functions.console.signin.sessions import COOKIE, Sessions
from functions.console.web import Router
from lytics_sendgrid.tables.console import ConsoleTable
from lytics_sendgrid.tables.exports import ExportsTable
from tests.clock import ManualClock
from tests.doubles.dynamodb import DynamoDb

BASE_URL: Final = "https://abc.execute-api.eu-west-1.amazonaws.com/console"
OPERATOR: Final = Identity("operator-1", "olga@example.com", frozenset())
VIEWER: Final = Identity("viewer-1", "victor@example.com", frozenset())
STRANGER: Final = Identity("stranger-1", "sam@example.com", frozenset())

SETTINGS: Final = ConsoleSettings(
    console_table="console",
    exports_table="exports",
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
)


class Audits:
    """The audit trail in memory."""

    def __init__(self) -> None:
        self.lines: list[dict[str, str]] = []

    def record(self, act: str, subject: str, **details: str) -> None:
        self.lines.append({"act": act, "subject": subject, **details})


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
        return " ".join(re.sub(r"<[^>]*>", " ", self.html).split())

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
        settings: of the console; another one before the first request.
        with_: other collaborators for ``Console``, by name.
        routers: of the pages.
    """

    clock: ManualClock = field(default_factory=ManualClock)
    dynamodb: DynamoDb = field(default_factory=DynamoDb)
    audits: Audits = field(default_factory=Audits)
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
    def application(self) -> Application:
        if self._application is None:
            collaborators: dict[str, Any] = {
                "settings": self.settings,
                "clock": self.clock,
                "links": Links(self.settings.console_base_url),
                "store": self.store,
                "exports": self.exports,
                "audit": self.audits,
                "new_token": self.new_token,
            }
            self._application = Application(Console(**(collaborators | self.with_)), self.routers)
        return self._application

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
