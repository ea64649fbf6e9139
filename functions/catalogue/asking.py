"""Ask both vendors for what an export can be made of. One that does not answer leaves the other's answer."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, Protocol

from lytics_sendgrid.bounded_text import shortened
from lytics_sendgrid.errors import LyticsSendGridError
from lytics_sendgrid.lytics.documents import LyticsAudience
from lytics_sendgrid.sendgrid.resources import ContactList, CustomField
from lytics_sendgrid.workflow.catalogue import AudienceChoice, Catalogue, FieldChoice, ListChoice, Vendor

_FAULT_CHARS: Final = 1_000


class LyticsAccount(Protocol):
    """The Lytics account to read."""

    def audiences(self) -> tuple[LyticsAudience, ...]: ...  # noqa: D102
    def schema_fields(self) -> dict[str, str]: ...  # noqa: D102


class SendGridAccount(Protocol):
    """The SendGrid account to read."""

    def lists(self) -> tuple[ContactList, ...]: ...  # noqa: D102
    def fields(self) -> tuple[CustomField, ...]: ...  # noqa: D102


type Accounts = Callable[[], tuple[LyticsAccount, SendGridAccount]]


def ask(asked_s: int, connect: Accounts) -> Iterator[Catalogue]:
    """Yield the catalogue after each vendor has answered or refused: a page shows what there is.

    Args:
        asked_s: when it was asked for, Unix seconds.
        connect: returns both accounts; it raises if their keys cannot be read.
    """
    catalogue = Catalogue(asked_s=asked_s)
    try:
        lytics, sendgrid = connect()
    except LyticsSendGridError as error:
        reason = shortened(str(error), _FAULT_CHARS)
        yield catalogue.model_copy(update={"done": True, "faults": {"lytics": reason, "sendgrid": reason}})
        return
    catalogue = _with(catalogue, "lytics", lambda: _lytics(lytics))
    yield catalogue
    catalogue = _with(catalogue, "sendgrid", lambda: _sendgrid(sendgrid))
    yield catalogue.model_copy(update={"done": True})


def _with(catalogue: Catalogue, vendor: Vendor, read: Callable[[], Mapping[str, Any]]) -> Catalogue:
    try:
        return catalogue.model_copy(update=dict(read()))
    except LyticsSendGridError as error:
        reason = shortened(str(error), _FAULT_CHARS)
        return catalogue.model_copy(update={"faults": {**catalogue.faults, vendor: reason}})


def _lytics(lytics: LyticsAccount) -> Mapping[str, Any]:
    audiences = sorted(lytics.audiences(), key=lambda audience: (audience.name.casefold(), audience.id))
    return {
        "audiences": tuple(
            AudienceChoice(id=a.id, name=a.name, slug=a.slug, size=a.size, fault=a.fault) for a in audiences
        ),
        "lytics_fields": _fields(lytics.schema_fields()),
    }


def _sendgrid(sendgrid: SendGridAccount) -> Mapping[str, Any]:
    lists = sorted(sendgrid.lists(), key=lambda contact_list: (contact_list.name.casefold(), contact_list.id))
    return {
        "lists": tuple(ListChoice(id=contact_list.id, name=contact_list.name) for contact_list in lists),
        "sendgrid_fields": _fields({field.name: field.type for field in sendgrid.fields()}),
    }


def _fields(types: Mapping[str, str]) -> tuple[FieldChoice, ...]:
    return tuple(FieldChoice(name=name, type=types[name]) for name in sorted(types, key=str.casefold))
