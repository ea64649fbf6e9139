"""The exports' configurations as deliver needs them, cached for some seconds between invocations."""

from dataclasses import dataclass, replace
from typing import Protocol

from lytics_sendgrid.domain.clock import Clock
from lytics_sendgrid.domain.configuration import Account, Export
from lytics_sendgrid.domain.erasure import NO_HOLDS, Holds
from lytics_sendgrid.domain.stop import Stop
from lytics_sendgrid.sendgrid.row import RowForm, row_form


class Exports(Protocol):
    """The part of the exports table that is read."""

    def account(self, name: str) -> Account: ...  # noqa: D102

    def export(self, name: str) -> Export | None: ...  # noqa: D102

    def stop(self, export: str) -> Stop | None: ...  # noqa: D102


class Erasures(Protocol):
    """The people that each account has erased."""

    def holds(self, account: str, now_s: float, cached: Holds = NO_HOLDS) -> Holds: ...  # noqa: D102


@dataclass(frozen=True, slots=True)
class View:
    """An export as deliver sees it.

    Attributes:
        export: its configuration.
        form: what its account's rows are made with.
        stop: why its changes wait, if they do.
    """

    export: Export
    form: RowForm
    stop: Stop | None


@dataclass(frozen=True, slots=True)
class _Cached:
    """A cached view.

    Attributes:
        read_epoch_s: when it was read.
        version: the version asked for; kept even if no such version exists, so that it is not looked up
            again.
        view: the view.
    """

    read_epoch_s: float
    version: int
    view: View


class ExportViews:
    """Views of exports, read again when they are old, or when a newer version is known to exist."""

    def __init__(
        self,
        exports: Exports,
        erasures: Erasures,
        no_audience_value: str,
        clock: Clock,
        *,
        max_age_s: float = 20.0,
    ) -> None:
        """Keep the collaborators.

        Args:
            exports: the exports table.
            erasures: the same, for the erased people.
            no_audience_value: the value of the membership field of a person in no audience.
            clock: wall time.
            max_age_s: how long a view is kept.
        """
        self._exports = exports
        self._erasures = erasures
        self._holds: dict[str, Holds] = {}
        self._no_audience_value = no_audience_value
        self._clock = clock
        self._max_age_s = max_age_s
        self._cached: dict[str, _Cached] = {}

    def view(self, export: str, at_least_version: int = 0) -> View | None:
        """Return an export's view.

        Args:
            export: the export's name.
            at_least_version: of the account's configuration, where such a version exists.

        Returns:
            None where there is no such export, or its account has no membership field yet.

        Raises:
            RetryLater: the exports table did not answer.
        """
        cached, now_s = self._cached.get(export), self._clock.now()
        # The age is negative where the wall clock was set back.
        is_young = cached is not None and 0 <= now_s - cached.read_epoch_s < self._max_age_s
        if cached is not None and is_young and at_least_version <= cached.version:
            return cached.view
        self._cached.pop(export, None)
        configuration = self._exports.export(export)
        if configuration is None:
            return None
        account = self._exports.account(configuration.account)
        try:
            form = row_form(account, self._no_audience_value)
        except ValueError:
            return None
        holds = self._erasures.holds(account.name, now_s, self._holds.get(account.name, NO_HOLDS))
        self._holds[account.name] = holds
        form = replace(form, holds=holds)
        if configuration.list_id is not None:
            form = replace(form, lists={**form.lists, configuration.list_id: configuration.name})
        view = View(configuration, form, self._exports.stop(export))
        # A stop is read each time: otherwise changes that arrive after it was lifted would wait for 15
        # minutes.
        if view.stop is None:
            self._cached[export] = _Cached(now_s, max(form.version, at_least_version), view)
        return view

    def forget(self, export: str) -> None:
        """Read an export again the next time it is needed."""
        self._cached.pop(export, None)
