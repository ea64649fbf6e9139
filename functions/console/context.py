"""What a page gets: the visitor and the collaborators."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from functions.console.health import Monitoring
    from functions.console.links import Links
    from functions.console.settings import ConsoleSettings
    from functions.console.signin.attempts import Attempt
    from functions.console.signin.roles import Identity
    from lytics_sendgrid.domain.clock import Clock
    from lytics_sendgrid.domain.execution import Execution
    from lytics_sendgrid.tables.console import ConsoleTable
    from lytics_sendgrid.tables.days import DaysTable
    from lytics_sendgrid.tables.exports import ExportsTable
    from lytics_sendgrid.tables.rejected import RejectedIndex
    from lytics_sendgrid.tables.run_history import RunHistory
    from lytics_sendgrid.tables.summaries import SummariesTable


class Role(StrEnum):
    """What somebody may do.

    Operators may do everything that the console can do. Viewers see counts, and no person.
    """

    OPERATOR = "operator"
    VIEWER = "viewer"


@dataclass(frozen=True, slots=True)
class Visitor:
    """A person who requests a page.

    Attributes:
        subject: the provider's id of the person.
        email: a verified address, if the provider gave one.
        groups: the person's groups at the provider.
        role: worked out from the lists with this request.
    """

    subject: str
    email: str | None
    groups: frozenset[str]
    role: Role

    @property
    def name(self) -> str:
        """How the page calls the visitor."""
        return self.email or self.subject


class Executions(Protocol):
    """The executions of the state machine."""

    def arn(self, name: str) -> str:
        """Return the ARN of the execution with a name."""

    def start(self, name: str, document: Mapping[str, Any]) -> bool:
        """Start an execution. A name starts once: later calls change nothing."""

    def describe(self, arn: str) -> Execution | None:
        """Return an execution, or None: it does not exist any more, or was started a moment ago."""

    def entered(self, arn: str) -> tuple[str, ...]:
        """Return the names of the states that an execution has entered last, the newest first."""

    def stop(self, arn: str, cause: str) -> bool:
        """Stop an execution, and return whether AWS knows it."""


class Functions(Protocol):
    """The functions that the console invokes."""

    def invoke(self, name: str, payload: Mapping[str, Any]) -> dict[str, Any]:
        """Invoke a function and return its answer."""

    def invoke_later(self, name: str, payload: Mapping[str, Any]) -> None:
        """Invoke a function without waiting for its end."""


class Audit(Protocol):
    """The audit trail: one log line for each act."""

    def record(self, act: str, subject: str, **details: str) -> None:
        """Record an act.

        Args:
            act: such as ``export_started``.
            subject: the provider's id of the person.
            details: such as ``execution`` and ``export``. Never an address.
        """


class Provider(Protocol):
    """The sign-in provider. Each method may find that it does not answer, or is set up wrongly."""

    def authorization_url(self, attempt: Attempt, *, as_another: bool) -> str:
        """Return where somebody signs in.

        Args:
            attempt: of the sign-in.
            as_another: offer to choose another account than the one in use.
        """

    def identity(self, code: str, attempt: Attempt) -> Identity:
        """Return who has signed in.

        Args:
            code: that the provider has answered with.
            attempt: of the sign-in.

        Raises:
            SignInRefused: the provider refused the code, or its token is not accepted.
        """

    def sign_out_url(self) -> str | None:
        """Return where somebody signs out at the provider, if that is possible."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Console:
    """The collaborators of every page.

    Attributes:
        settings: the environment.
        clock: the time.
        links: addresses of pages.
        store: the console's own table.
        exports: the exports table.
        history: the runs of each export.
        days: the counts of each day.
        rejected: the index of rejected contacts.
        summaries: what is known of each export at a glance.
        executions: of the state machine.
        functions: others of the stack.
        monitoring: queues and alarms.
        provider: where people sign in.
        audit: who did what.
        new_token: returns 256 random bits as 43 letters, digits, hyphens and underscores.
    """

    settings: ConsoleSettings
    clock: Clock
    links: Links
    store: ConsoleTable
    exports: ExportsTable
    history: RunHistory
    days: DaysTable
    rejected: RejectedIndex
    summaries: SummariesTable
    executions: Executions
    functions: Functions
    monitoring: Monitoring
    provider: Provider
    audit: Audit
    new_token: Callable[[], str]
