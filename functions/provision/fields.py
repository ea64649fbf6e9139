"""Create the custom fields of a plan: the membership fields, which must be ours alone, and the mapping's."""

import contextlib
from collections.abc import Mapping
from dataclasses import replace
from typing import Protocol

from lytics_sendgrid.domain.configuration import FieldKind
from lytics_sendgrid.errors import (
    ExportRefused,
    KeyRefused,
    LyticsSendGridError,
    RequestRefused,
    ServiceUnavailable,
)
from lytics_sendgrid.sendgrid.resources import CustomField, by_name
from lytics_sendgrid.workflow.account_book import AccountBook


class SendGridFields(Protocol):
    """SendGrid's custom fields."""

    def fields(self) -> tuple[CustomField, ...]: ...  # noqa: D102
    def create_field(self, name: str, field_type: str) -> CustomField: ...  # noqa: D102
    def rename_field(self, field_id: str, name: str) -> None: ...  # noqa: D102


class FieldProvisioning:
    """Creates custom fields, or finds them.

    Attributes:
        created: names of the fields that this run created.
    """

    def __init__(self, sendgrid: SendGridFields, book: AccountBook, *, adopt: bool) -> None:
        self._sendgrid = sendgrid
        self._book = book
        self._adopt = adopt
        self._created: dict[str, CustomField] = {}
        self._fields: dict[str, CustomField] = {}
        self.created: list[str] = []

    def id_of(self, name: str) -> str:
        """Return the id of a field that was created or found."""
        return self._fields[name.casefold()].id

    def make_membership_fields(self, planned: Mapping[str, str | None]) -> None:
        """Create the membership fields. These are a run's first writes to SendGrid.

        A field is recorded before it is created. After a crash in between, the field is still known as ours.
        Every run records it again, so that of two simultaneous runs one notices the other. An existing field
        is renamed to its own name, which shows whether the key may write.

        Args:
            planned: name to the id of the existing field; None: to be created.

        Raises:
            KeyRefused: the key may not write; nothing was created or recorded.
            ExportRefused: since the plan, something else has created the field.
            ConfigurationChanged: another run is creating it.
        """
        before = self._book.account
        known = before.membership_fields
        planned = self._with_own_fields(planned, known)
        missing = [name for name, field in planned.items() if field is None]
        new = [name for name in missing if known.get(name, "") is not None]
        if missing:
            self._book.write(replace(before, membership_fields={**known, **dict.fromkeys(missing)}))
        try:
            for name, field in planned.items():
                if field is None:
                    self._create(name, FieldKind.TEXT)
                else:
                    # SendGrid does not document this case. Only a refused key (401, 403) matters here.
                    with contextlib.suppress(RequestRefused):
                        self._sendgrid.rename_field(field, name)
        except KeyRefused:
            if new and not self.created:
                self._forget(new, known)
            raise
        self._reload()
        for name in planned:
            if name.casefold() not in self._fields:
                raise ServiceUnavailable(f"SendGrid does not list the custom field '{name}' yet")
            if name in new and name not in self.created and not self._adopt:
                self._book.check()
                self._forget([name], known)
                raise ExportRefused(
                    f"since the plan, something else has created the custom field '{name}' in SendGrid, and "
                    "may write it: find out what it is, then start the export again"
                )

    def _with_own_fields(
        self, planned: Mapping[str, str | None], known: Mapping[str, str | None]
    ) -> dict[str, str | None]:
        """Add the ids of fields that an earlier attempt of this run has already created."""
        if not any(field is None and known.get(name) is not None for name, field in planned.items()):
            return dict(planned)
        self._reload()
        ids = {name: self._fields[name.casefold()].id for name in planned if name.casefold() in self._fields}
        return {
            name: known[name] if field is None and known.get(name, "") == ids.get(name) else field
            for name, field in planned.items()
        }

    def make(self, name: str, kind: str) -> None:
        """Create a field of the mapping, unless it exists.

        Raises:
            RequestRefused: SendGrid refuses the field, or has one of another type.
        """
        if name.casefold() not in self._fields:
            self._create(name, kind)
        existing = self._fields[name.casefold()]
        if existing.type.casefold() != kind.casefold():
            raise RequestRefused(
                f"SendGrid now has a custom field '{existing.name}' of type {existing.type}, but the export "
                f"needs type {kind}: choose another name in the export's input"
            )

    def _create(self, name: str, kind: str) -> None:
        """Create a field, or find it if it exists: an earlier attempt may have created it."""
        try:
            field = self._sendgrid.create_field(name, kind)
        except RequestRefused as refusal:
            self._reload()
            if name.casefold() not in self._fields:
                raise RequestRefused(
                    f"{refusal}: create the custom field '{name}' of type {kind} in SendGrid (Marketing > "
                    "Custom Fields) and start the export again"
                ) from refusal
        else:
            self.created.append(name)
            self._created[name.casefold()] = field
            self._fields[name.casefold()] = field

    def _reload(self) -> None:
        # SendGrid may not list a new field yet.
        self._fields = by_name(self._sendgrid.fields()) | self._created

    def _forget(self, names: list[str], known: Mapping[str, str | None]) -> None:
        fields = {
            name: known.get(name, field) if name in names else field
            for name, field in self._book.account.membership_fields.items()
            if name not in names or name in known
        }
        # The person must read the error that brought us here, even if this write fails too.
        with contextlib.suppress(LyticsSendGridError):
            self._book.write(replace(self._book.account, membership_fields=fields))
