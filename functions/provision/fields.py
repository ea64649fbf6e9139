"""Make the custom fields of a plan: the membership fields, which must be ours alone, and those of the mapping."""

import contextlib
from collections.abc import Mapping
from dataclasses import replace
from typing import Protocol

from lytics_sendgrid.domain.configuration import Account, FieldKind
from lytics_sendgrid.errors import (
    ConfigurationChanged,
    ExportRefused,
    KeyRefused,
    LyticsSendGridError,
    RequestRefused,
    ServiceUnavailable,
)
from lytics_sendgrid.sendgrid.resources import CustomField, by_name


class SendGridFields(Protocol):
    """SendGrid's custom fields."""

    def fields(self) -> tuple[CustomField, ...]: ...  # noqa: D102
    def create_field(self, name: str, field_type: str) -> CustomField: ...  # noqa: D102
    def rename_field(self, field_id: str, name: str) -> None: ...  # noqa: D102


class Accounts(Protocol):
    """Where accounts' configurations are kept."""

    def account(self, name: str) -> Account: ...  # noqa: D102
    def put_account(self, account: Account, read_version: int) -> None: ...  # noqa: D102


class AccountBook:
    """An account's configuration while it is being changed; every write raises its version by one."""

    def __init__(self, name: str, accounts: Accounts) -> None:
        self._accounts = accounts
        self.account = accounts.account(name)

    def check(self) -> None:
        """Make sure that nobody else has written since.

        Raises:
            ConfigurationChanged: somebody has.
        """
        if self._accounts.account(self.account.name).version != self.account.version:
            raise ConfigurationChanged(
                f"the configuration of account '{self.account.name}' was changed meanwhile"
            )

    def write(self, account: Account) -> None:
        """Write the configuration down.

        Raises:
            ConfigurationChanged: somebody else did meanwhile.
        """
        written = replace(account, version=self.account.version + 1)
        self._accounts.put_account(written, self.account.version)
        self.account = written


class FieldProvisioning:
    """Makes custom fields, or finds them.

    Attributes:
        created: names of those that this run made.
    """

    def __init__(self, sendgrid: SendGridFields, book: AccountBook, *, adopt: bool) -> None:
        self._sendgrid = sendgrid
        self._book = book
        self._adopt = adopt
        self._made: dict[str, CustomField] = {}
        self._fields: dict[str, CustomField] = {}
        self.created: list[str] = []

    def id_of(self, name: str) -> str:
        """Return the id of a field that was made or found."""
        return self._fields[name.casefold()].id

    def make_membership_fields(self, planned: Mapping[str, str | None]) -> None:
        """Make the membership fields, which is the first that SendGrid hears of a run.

        A field that is to be made is written down before it is, so that a crash in between does not make it look like
        somebody else's; by every run anew, so that of two at once each sees the other. A field that is there is given the name that it has, which shows whether the key may write.

        Args:
            planned: name to the id of the field that exists, or None where it is to be made.

        Raises:
            KeyRefused: the key may not write; then nothing was created, and nothing is written down.
            ExportRefused: somebody else has made such a field since the plan.
            ConfigurationChanged: another run makes it at the same time.
        """
        before = self._book.account
        known = before.membership_fields
        planned = self._as_it_is_now(planned, known)
        missing = [name for name, field in planned.items() if field is None]
        new = [name for name in missing if known.get(name, "") is not None]
        if missing:
            self._book.write(replace(before, membership_fields={**known, **dict.fromkeys(missing)}))
        try:
            for name, field in planned.items():
                if field is None:
                    self._create(name, FieldKind.TEXT)
                else:
                    # Whether SendGrid takes a name for its own owner's is not documented: only 401 and 403 matter.
                    with contextlib.suppress(RequestRefused):
                        self._sendgrid.rename_field(field, name)
        except KeyRefused:
            if new and not self.created:
                self._forget(new, known)
            raise
        self._look()
        for name in planned:
            if name.casefold() not in self._fields:
                raise ServiceUnavailable(f"SendGrid does not list the custom field '{name}' yet")
            if name in new and name not in self.created and not self._adopt:
                self._book.check()
                self._forget([name], known)
                raise ExportRefused(
                    f"SendGrid has a custom field '{name}' now that was not there a moment ago: something else writes it. "
                    f"Find out what, then start the export again"
                )

    def _as_it_is_now(
        self, planned: Mapping[str, str | None], known: Mapping[str, str | None]
    ) -> dict[str, str | None]:
        """Return the plan, but for the fields that this run has made already, in an invocation that died later."""
        if not any(field is None and known.get(name) is not None for name, field in planned.items()):
            return dict(planned)
        self._look()
        ids = {name: self._fields[name.casefold()].id for name in planned if name.casefold() in self._fields}
        return {
            name: known[name] if field is None and known.get(name, "") == ids.get(name) else field
            for name, field in planned.items()
        }

    def make(self, name: str, kind: str) -> None:
        """Make a field of the mapping, unless it is there.

        Raises:
            RequestRefused: SendGrid does not take it, or has one of another type.
        """
        if name.casefold() not in self._fields:
            self._create(name, kind)
        found = self._fields[name.casefold()]
        if found.type.casefold() != kind.casefold():
            raise RequestRefused(
                f"SendGrid has a custom field '{found.name}' of type {found.type} now, and {kind} is needed: choose another "
                f"name in the export's input"
            )

    def _create(self, name: str, kind: str) -> None:
        """Create a field, or find it: SendGrid refuses a name that is taken, and a run before this one may have made it."""
        try:
            field = self._sendgrid.create_field(name, kind)
        except RequestRefused as refusal:
            self._look()
            if name.casefold() not in self._fields:
                raise RequestRefused(
                    f"{refusal}: make the custom field '{name}' of type {kind} by hand (Marketing > Custom Fields) and start "
                    f"the export again"
                ) from refusal
        else:
            self.created.append(name)
            self._made[name.casefold()] = field
            self._fields[name.casefold()] = field

    def _look(self) -> None:
        # What was made a moment ago may not be listed yet.
        self._fields = by_name(self._sendgrid.fields()) | self._made

    def _forget(self, names: list[str], known: Mapping[str, str | None]) -> None:
        fields = {
            name: known.get(name, field) if name in names else field
            for name, field in self._book.account.membership_fields.items()
            if name not in names or name in known
        }
        # What made us stop is what the person must read, whatever becomes of this.
        with contextlib.suppress(LyticsSendGridError):
            self._book.write(replace(self._book.account, membership_fields=fields))
