"""Why is she not in the segment? One answer from the ledger, SendGrid and Lytics."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from functions.inspect.differences import differences
from functions.inspect.findings import Findings, Seat, columns, membership_value, seats
from lytics_sendgrid.domain.configuration import Account, Export
from lytics_sendgrid.domain.contact import Contact, ContactKey, contact_key
from lytics_sendgrid.domain.email_address import normalise
from lytics_sendgrid.domain.instants import format_rfc3339
from lytics_sendgrid.errors import InputInvalid, LyticsSendGridError
from lytics_sendgrid.lytics.documents import Person
from lytics_sendgrid.sendgrid.resources import Found, SendGridContact


class Ledger(Protocol):
    """What SendGrid has accepted."""

    def load(self, keys: Iterable[ContactKey]) -> dict[ContactKey, Contact]: ...  # noqa: D102


class Stopped(Protocol):
    """Why an export's changes wait."""

    @property
    def reason(self) -> str: ...  # noqa: D102


class Configurations(Protocol):
    """What was provisioned."""

    def export(self, name: str) -> Export | None: ...  # noqa: D102
    def account(self, name: str) -> Account: ...  # noqa: D102
    def stop(self, export: str) -> Stopped | None: ...  # noqa: D102


class SendGridContacts(Protocol):
    """SendGrid's contacts."""

    def contacts(self, emails: Sequence[str]) -> Found: ...  # noqa: D102


class LyticsPeople(Protocol):
    """Lytics' profiles."""

    def person(self, email_field: str, email: str, fields: Sequence[str] = ()) -> Person | None: ...  # noqa: D102


@dataclass(frozen=True, slots=True)
class Question:
    """Who is asked about, and for which export."""

    export: str
    email: str


def question_from(document: object) -> Question:
    """Read a question.

    Raises:
        InputInvalid: it is not ``{"export": …, "email": …}``.
    """
    asked = document if isinstance(document, dict) else {}
    export, email = asked.get("export", "default"), asked.get("email")
    if not isinstance(export, str) or not isinstance(email, str):
        raise InputInvalid('ask with {"export": "name of the export", "email": "jane@example.com"}')
    return Question(export, email)


@dataclass(frozen=True, slots=True)
class Sides:
    """The three sides that are asked."""

    ledger: Ledger
    sendgrid: SendGridContacts
    lytics: LyticsPeople


def inspect_person(
    question: Question, configurations: Configurations, connect: Callable[[Export], Sides], now_ms: int
) -> dict[str, Any]:
    """Ask all three sides about one person; a side that does not answer is said to be unknown.

    Args:
        question: as a person typed it.
        configurations: ours.
        connect: makes the sides of an export.
        now_ms: our clock, milliseconds since 1970.

    Returns:
        See ``answer_document``.

    Raises:
        InputInvalid: there is no such export, or the e-mail cannot be an address.
        RetryLater: the ledger does not answer.
    """
    export = configurations.export(question.export)
    if export is None:
        raise InputInvalid('"export": there is no export of that name; the state machine makes one')
    address = normalise(question.email)
    if address is None:
        raise InputInvalid('"email" is not an e-mail address: such a person is never exported')
    sides = connect(export)
    key = contact_key(export.account, address)
    contact = sides.ledger.load([key])[key]
    there, sendgrid_fault = _sendgrid_side(address, sides.sendgrid)
    person, lytics_fault = _lytics_side(
        export, dict.fromkeys((address, question.email.strip())), sides.lytics
    )
    stop = configurations.stop(export.name)
    return answer_document(
        Findings(
            export,
            configurations.account(export.account),
            contact,
            there,
            sendgrid_fault,
            person,
            lytics_fault,
            stop.reason if stop else None,
            now_ms,
        )
    )


def _sendgrid_side(address: str, sendgrid: SendGridContacts) -> tuple[SendGridContact | None, str | None]:
    try:
        found = sendgrid.contacts([address])
    except LyticsSendGridError as error:
        return None, str(error)
    if address in found.refused:
        return None, "SendGrid says that this is no valid e-mail address, so it can have no such contact"
    return found.contacts.get(address), None


def _lytics_side(
    export: Export, addresses: Iterable[str], lytics: LyticsPeople
) -> tuple[Person | None, str | None]:
    """Look for the address in lower case and as typed: whether Lytics' look-up minds the case is not documented."""
    try:
        for address in addresses:
            person = lytics.person(export.email_field, address, export.lytics_fields)
            if person is not None:
                return person, None
    except LyticsSendGridError as error:
        return None, str(error)
    return None, None


def answer_document(found: Findings) -> dict[str, Any]:
    """Write the answer.

    Returns:
        ``answer`` in one sentence; ``differences``, each with what to do; ``audiences`` and ``fields`` side by side; and
        what ``ledger``, ``sendgrid`` and ``lytics`` say besides.
    """
    said = differences(found)
    everything = seats(found)
    return {
        "export": found.export.name,
        "answer": _answer(found, everything, said),
        "differences": said,
        "audiences": [
            {
                "id": seat.audience.id,
                "name": seat.audience.name,
                "lytics": seat.lytics,
                "ledger": seat.ledger,
                "sendgrid": seat.sendgrid,
                "segment": seat.segment,
                "last_event": format_rfc3339(seat.event_ns) if seat.event_ns else None,
            }
            for seat in everything
        ],
        "fields": {
            column.mapped.name: {
                "lytics": column.lytics,
                "ledger": column.ledger,
                "sendgrid": column.sendgrid,
            }
            for column in columns(found)
        },
        "ledger": _ledger(found),
        "sendgrid": _sendgrid(found),
        "lytics": {"known": None if found.lytics_fault else found.lytics is not None},
        "stop": found.stop,
    }


def _answer(found: Findings, everything: Sequence[Seat], said: Sequence[str]) -> str:
    if said:
        more = f" ({len(said) - 1} more below)" if len(said) > 1 else ""
        return said[0] + more
    inside = [f"'{seat.audience.name}'" for seat in everything if seat.ledger]
    if not inside and found.lytics is None:
        return "Neither Lytics nor SendGrid nor the ledger knows this person in any of the export's audiences"
    where = f"in {', '.join(inside)}" if inside else "in none of the export's audiences"
    return f"All agree: the person is {where}"


def _ledger(found: Findings) -> dict[str, Any]:
    contact = found.contact
    rejection = contact.rejection
    return {
        "known": contact.version > 0,
        "lists": list(contact.lists),
        "last_sent": _at(contact.sent_ms) if contact.sent_ms else None,
        "import_job": contact.job,
        "rejection": {"reason": rejection.reason, "words": rejection.words, "at": _at(rejection.at_ms)}
        if rejection
        else None,
    }


def _sendgrid(found: Findings) -> dict[str, Any]:
    if found.sendgrid_fault is not None:
        return {"known": None}
    contact = found.sendgrid
    membership: Mapping[str, str] = {
        name: membership_value(found, name) for name in found.account.membership_fields
    }
    return {
        "known": contact is not None,
        "membership": membership,
        "lists": list(contact.list_ids) if contact else [],
        "updated_at": contact.values.get("updated_at") if contact else None,
    }


def _at(epoch_ms: int) -> str:
    return format_rfc3339(epoch_ms * 1_000_000)
