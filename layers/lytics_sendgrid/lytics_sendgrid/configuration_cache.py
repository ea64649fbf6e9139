"""The configuration as deliver needs it, kept for some seconds between batches."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol

from lytics_sendgrid.configuration import Account, Export
from lytics_sendgrid.exports_table import Stop
from lytics_sendgrid.row import RowForm, row_form

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


class ConfigurationCache:
    """Views of exports, read again when they are old or when a newer version is known to exist."""

    def __init__(
        self, exports: Exports, no_audience_value: str, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._exports = exports
        self._no_audience_value = no_audience_value
        self._monotonic = monotonic
        self._kept: dict[str, tuple[float, View]] = {}

    def view(self, export: str, at_least_version: int = 0) -> View | None:
        """Return an export's view, its account's configuration of at least a version where that exists.

        Returns:
            None where there is no such export, or its account has no membership field yet.

        Raises:
            RetryLater: the exports table did not answer.
        """
        kept = self._kept.get(export)
        now = self._monotonic()
        if kept is not None and now - kept[0] < MAX_AGE_S and kept[1].form.version >= at_least_version:
            return kept[1]
        self._kept.pop(export, None)
        configuration = self._exports.export(export)
        if configuration is None:
            return None
        account = self._exports.account(configuration.account)
        try:
            form = row_form(account, self._no_audience_value)
        except ValueError:
            return None
        view = View(configuration, form, self._exports.stop(export))
        self._kept[export] = (now, view)
        return view

    def forget(self, export: str) -> None:
        """Read an export again the next time that it is asked for."""
        self._kept.pop(export, None)
