"""The configuration as deliver needs it, kept for some seconds between batches."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final, Protocol

from functions.deliver.row import RowForm, row_form
from lytics_sendgrid.domain.configuration import Account, Export
from lytics_sendgrid.domain.stop import Stop

MAX_AGE_S: Final = 20.0


class Exports(Protocol):
    """The exports table, to be read."""

    def account(self, name: str) -> Account: ...  # noqa: D102

    def export(self, name: str) -> Export | None: ...  # noqa: D102

    def stop(self, export: str) -> Stop | None: ...  # noqa: D102


@dataclass(frozen=True, slots=True)
class View:
    """An export as deliver sees it.

    Attributes:
        export: its configuration.
        form: what rows of its account are made with.
        stop: why its changes wait, if they do.
    """

    export: Export
    form: RowForm
    stop: Stop | None


@dataclass(frozen=True, slots=True)
class _Kept:
    """A view, when it was read, and the version that was sought with it: where there is none so new, it stays at that."""

    read_s: float
    sought_version: int
    view: View


class ConfigurationCache:
    """Views of exports, read again when they are old or when a newer version is known to exist."""

    def __init__(self, exports: Exports, no_audience_value: str, monotonic: Callable[[], float]) -> None:
        self._exports = exports
        self._no_audience_value = no_audience_value
        self._monotonic = monotonic
        self._kept: dict[str, _Kept] = {}

    def view(self, export: str, at_least_version: int = 0) -> View | None:
        """Return an export's view, its account's configuration of at least a version where that exists.

        Returns:
            None where there is no such export, or its account has no membership field yet.

        Raises:
            RetryLater: the exports table did not answer.
        """
        kept = self._kept.get(export)
        now_s = self._monotonic()
        if kept is not None and now_s - kept.read_s < MAX_AGE_S and at_least_version <= kept.sought_version:
            return kept.view
        self._kept.pop(export, None)
        configuration = self._exports.export(export)
        if configuration is None:
            return None
        account = self._exports.account(configuration.account)
        try:
            form = row_form(account, self._no_audience_value)
        except ValueError:
            return None
        if configuration.list_id is not None:
            form = replace(form, lists={**form.lists, configuration.list_id: configuration.name})
        view = View(configuration, form, self._exports.stop(export))
        # A stop is read each time: else what comes just after it was lifted would wait for a quarter of an hour.
        if view.stop is None:
            self._kept[export] = _Kept(now_s, max(form.version, at_least_version), view)
        return view

    def forget(self, export: str) -> None:
        """Read an export again the next time that it is asked for."""
        self._kept.pop(export, None)
