"""An account's configuration while one run changes it."""

import math
from collections.abc import Iterable
from dataclasses import replace
from typing import Protocol

from lytics_sendgrid.domain.account_changes import next_version
from lytics_sendgrid.domain.clock import Clock
from lytics_sendgrid.domain.configuration import Account
from lytics_sendgrid.errors import ConfigurationChanged


class Accounts(Protocol):
    """Where the accounts' configurations are kept."""

    def account(self, name: str) -> Account: ...  # noqa: D102
    def put_account(self, account: Account, read_version: int) -> None: ...  # noqa: D102


class AccountBook:
    """An account's configuration while a run changes it. Every write raises its version by one.

    Attributes:
        account: the configuration as it was read, or written last.
    """

    def __init__(self, name: str, accounts: Accounts, clock: Clock) -> None:
        self._accounts = accounts
        self._clock = clock
        self.account = accounts.account(name)

    def check(self) -> None:
        """Make sure that no other run has written the configuration.

        Raises:
            ConfigurationChanged: another run has.
        """
        if self._accounts.account(self.account.name).version != self.account.version:
            raise ConfigurationChanged(
                f"another run changed the configuration of account '{self.account.name}'"
            )

    def begin_segments(self, audiences: Iterable[str]) -> None:
        """Record that the segments of audiences are about to be created.

        Raises:
            ConfigurationChanged: another run wrote the configuration first.
        """
        begun = self.account.segments_begun.union(audiences)
        self.change(replace(self.account, segments_begun=begun))

    def change(self, account: Account) -> None:
        """Write the configuration if it differs from what is written.

        Raises:
            ConfigurationChanged: another run wrote it first.
        """
        if account != self.account:
            self.write(account)

    def write(self, account: Account) -> None:
        """Write the configuration.

        Raises:
            ConfigurationChanged: another run wrote it first.
        """
        written = next_version(account, self.account.version, math.floor(self._clock.now()))
        self._accounts.put_account(written, self.account.version)
        self.account = written
