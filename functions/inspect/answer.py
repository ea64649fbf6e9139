"""Answer why a person is, or is not, in an audience's segment, from the ledger, SendGrid and Lytics."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

from functions.inspect.document import answer_document
from functions.inspect.findings import Findings
from functions.inspect.question import Question
from functions.inspect.surroundings import Jobs, Segments, Surroundings, look_around
from lytics_sendgrid.domain.configuration import Account, Audience, Export
from lytics_sendgrid.domain.contact import Contact, ContactKey, contact_key
from lytics_sendgrid.domain.email_address import invisible_inside, normalise
from lytics_sendgrid.domain.erasure import Holds
from lytics_sendgrid.domain.stop import Stop
from lytics_sendgrid.errors import InputInvalid, LyticsSendGridError
from lytics_sendgrid.lytics.documents import LyticsPerson
from lytics_sendgrid.lytics.webhook_jobs import webhook_url
from lytics_sendgrid.sendgrid.resources import ContactSearch, SendGridContact

_MAX_SEGMENTS: Final = 10
"""Read at most this many segments: a person is waiting."""


class Ledger(Protocol):
    """The contacts table."""

    def load(self, keys: Iterable[ContactKey]) -> dict[ContactKey, Contact]: ...  # noqa: D102


class Configurations(Protocol):
    """The exports table."""

    def export(self, name: str) -> Export | None: ...  # noqa: D102
    def account(self, name: str) -> Account: ...  # noqa: D102
    def stop(self, export: str) -> Stop | None: ...  # noqa: D102


class SendGridContacts(Segments, Protocol):
    """SendGrid's contacts and segments."""

    def contacts(self, emails: Sequence[str]) -> ContactSearch: ...  # noqa: D102


class LyticsPeople(Jobs, Protocol):
    """Lytics' profiles and jobs."""

    def person(self, email_field: str, email: str, fields: Sequence[str] = ()) -> LyticsPerson | None: ...  # noqa: D102


class AtOnce(Protocol):
    """Asks several questions at the same time."""

    def answers(self, *questions: Callable[[], Any]) -> list[Any]:
        """Return the answer to each; None: it has not come in time."""


class OneByOne:
    """Asks one question after the other, for as long as it takes."""

    def answers(self, *questions: Callable[[], Any]) -> list[Any]:
        """Return the answer to each."""
        return [question() for question in questions]


class Erasures(Protocol):
    """The people that accounts have erased."""

    def holds(self, account: str, now_s: float) -> Holds: ...  # noqa: D102


@dataclass(frozen=True, slots=True)
class Sides:
    """The three sides to compare, the account's erased people, where events go, and what is paused."""

    ledger: Ledger
    sendgrid: SendGridContacts
    lytics: LyticsPeople
    erasures: Erasures
    webhook_base_url: str
    is_deliver_paused: bool = False


def person_of(question: Question, configurations: Configurations) -> tuple[Export, str]:
    """Return the export and the address, as the ledger writes it, that a question is about.

    Raises:
        InputInvalid: the export does not exist, or the e-mail is not an address.
    """
    export = configurations.export(question.export)
    if export is None:
        raise InputInvalid(
            '"export" names no export that was started: correct the name, or start the export first'
        )
    address = normalise(question.email)
    if address is None:
        point = invisible_inside(question.email)
        why = f" (it contains the invisible character {point})" if point else ""
        raise InputInvalid(
            f'The address in "email" is not an e-mail address{why}, so a person with it is never exported: '
            "correct it"
        )
    return export, address


def inspect_person(
    question: Question,
    configurations: Configurations,
    connect: Callable[[Export], Sides],
    now_ms: int,
    at_once: AtOnce | None = None,
) -> dict[str, Any]:
    """Look up one person on all three sides; a vendor that does not answer is reported as unknown.

    Args:
        question: the person and the export.
        configurations: the exports' configurations.
        connect: returns the three sides of an export.
        now_ms: our clock, milliseconds since 1970.
        at_once: asks both vendors, for as long as the question allows.

    Returns:
        See ``answer_document``.

    Raises:
        InputInvalid: the export does not exist, or the e-mail is not an address.
        RetryLater: the ledger did not answer.
    """
    at_once = at_once or OneByOne()
    export, address = person_of(question, configurations)
    sides = connect(export)
    key = contact_key(export.account, address)
    contact = sides.ledger.load([key])[key]
    addresses = dict.fromkeys((address, question.email.strip()))
    of_sendgrid, of_lytics = at_once.answers(
        lambda: _sendgrid_side(address, sides.sendgrid),
        lambda: _lytics_side(export, addresses, sides.lytics),
    )
    sendgrid_contact, sendgrid_fault = of_sendgrid or (None, _late("SendGrid", question.wait_s))
    person, lytics_fault = of_lytics or (None, _late("Lytics", question.wait_s))
    stop = configurations.stop(export.name)
    account = configurations.account(export.account)
    concerned = dict.fromkeys(
        (
            *(audience.id for audience in export.audiences if _concerns(audience, contact, person)),
            *(audience for audience, signed_ns in contact.memberships.items() if signed_ns > 0),
        )
    )
    alone = Surroundings(is_deliver_paused=sides.is_deliver_paused)
    surroundings = alone
    if of_sendgrid is not None and of_lytics is not None:
        # Otherwise a thread still uses a vendor's connection.
        (around,) = at_once.answers(
            lambda: look_around(
                export,
                account,
                tuple(concerned)[:_MAX_SEGMENTS],
                sides.sendgrid,
                sides.lytics,
                url=webhook_url(sides.webhook_base_url, export.name),
                is_deliver_paused=sides.is_deliver_paused,
            )
        )
        surroundings = around or alone
    return answer_document(
        Findings(
            export,
            account,
            contact,
            sendgrid_contact,
            sendgrid_fault,
            person,
            lytics_fault,
            stop.reason if stop else None,
            now_ms,
            surroundings,
            sides.erasures.holds(export.account, now_ms / 1000).of(address),
        )
    )


def _late(vendor: str, wait_s: float | None) -> str:
    return f"{vendor} has not answered within {wait_s:g} seconds. Look the person up again"


def _concerns(audience: Audience, contact: Contact, person: LyticsPerson | None) -> bool:
    return contact.is_in(audience.id) or (person is not None and person.is_in(audience.id, audience.slug))


def _sendgrid_side(address: str, sendgrid: SendGridContacts) -> tuple[SendGridContact | None, str | None]:
    try:
        found = sendgrid.contacts([address])
    except LyticsSendGridError as error:
        return None, str(error)
    if address in found.refused:
        return None, "SendGrid refuses this e-mail address as invalid, so it cannot have such a contact"
    return found.contacts.get(address), None


def _lytics_side(
    export: Export, addresses: Iterable[str], lytics: LyticsPeople
) -> tuple[LyticsPerson | None, str | None]:
    """Search the address in lower case and as typed: Lytics does not say whether case matters."""
    try:
        for address in addresses:
            person = lytics.person(export.email_field, address, export.lytics_fields)
            if person is not None:
                return person, None
    except LyticsSendGridError as error:
        return None, str(error)
    return None, None
