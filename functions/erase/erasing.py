"""Erase people: in SendGrid, and through the changes queue in the ledger.

The order makes each crash harmless: first the hold, so that nothing brings the person back; then the messages
for ``deliver``; then SendGrid's deletion. A second call continues where the ledger, SendGrid and the
holds are.

``deliver`` takes the contact out of the ledger when no consumer is left that does not know of the erasure. A
person who signs up meanwhile may be sent before SendGrid processes the deletion, or an import job from before
the erasure. So a refresh follows; for a person who is not in the ledger then, it is dropped.
"""

import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Protocol

from functions.erase.person import EraseDelays, Person, Status, answer
from functions.erase.request import EraseRequest
from lytics_sendgrid.domain.change import Change, Kind, Message
from lytics_sendgrid.domain.configuration import Export
from lytics_sendgrid.domain.contact import Contact, ContactKey, contact_key
from lytics_sendgrid.domain.email_address import invisible_inside, normalise
from lytics_sendgrid.domain.erasure import Hold, Holds
from lytics_sendgrid.domain.instants import NANOSECONDS_PER_S, format_rfc3339
from lytics_sendgrid.errors import InputInvalid, LyticsSendGridError, StopRun
from lytics_sendgrid.queues.changes import pack
from lytics_sendgrid.queues.interface import Queue
from lytics_sendgrid.sendgrid.resources import ContactSearch

DAY_S: Final = 86_400


class Ledger(Protocol):
    """The contacts table."""

    def load(  # noqa: D102
        self, keys: Iterable[ContactKey], *, consistent: bool = False
    ) -> dict[ContactKey, Contact]: ...


class Configurations(Protocol):
    """The exports table."""

    def export(self, name: str) -> Export | None: ...  # noqa: D102


class Erasures(Protocol):
    """The holds."""

    def holds(self, account: str, now_s: float) -> Holds: ...  # noqa: D102

    def put_erasure(  # noqa: D102
        self, account: str, known: Sequence[str], unknown: Sequence[str], *, at_s: int, until_s: int
    ) -> None: ...


class SendGridContacts(Protocol):
    """SendGrid's contacts."""

    def contacts(self, emails: Sequence[str]) -> ContactSearch: ...  # noqa: D102

    def delete_contacts(self, ids: Sequence[str]) -> None: ...  # noqa: D102


@dataclass(frozen=True, slots=True)
class Sides:
    """Where people are erased.

    Attributes:
        configurations: the exports' configurations.
        ledger: the contacts table, which only ``deliver`` writes.
        erasures: the holds.
        changes: the changes queue.
        sendgrid: returns an export's SendGrid account.
        hold_days: how long an address is kept out.
        delays: how long an erasure takes.
    """

    configurations: Configurations
    ledger: Ledger
    erasures: Erasures
    changes: Queue
    sendgrid: Callable[[Export], SendGridContacts]
    hold_days: int
    delays: EraseDelays


def erase(request: EraseRequest, sides: Sides, now_s: float) -> dict[str, Any]:
    """Erase people as far as it goes now; run it again with the same addresses until nothing is under way.

    Args:
        request: the people to erase.
        sides: where.
        now_s: our clock, Unix seconds.

    Returns:
        ``people``: for each address as it was typed its ``status`` and a ``message``; ``counts`` by status;
        ``check_after``: when to run it again, or None.

    Raises:
        InputInvalid: there is no such export.
        RetryLater: a table or the queue did not answer. Run it again.
    """
    export = sides.configurations.export(request.export)
    if export is None:
        raise InputInvalid(
            '"export" names no export that was started: correct the name, or start the export first'
        )
    addresses = {email: normalise(email) for email in request.emails}
    people = _look_up(list(dict.fromkeys(filter(None, addresses.values()))), export, sides, now_s)
    people = _hold(people, export, sides, now_s, again=request.again)
    people = _delete(people, export, sides, now_s)
    return _document(export, addresses, people, sides.delays, now_s)


def _look_up(addresses: Sequence[str], export: Export, sides: Sides, now_s: float) -> list[Person]:
    holds = sides.erasures.holds(export.account, now_s)
    keys = {address: contact_key(export.account, address) for address in addresses}
    ledger = sides.ledger.load(keys.values(), consistent=True)
    found, why, is_refusal = ContactSearch({}, frozenset()), "", False
    try:
        found = sides.sendgrid(export).contacts(addresses)
    except LyticsSendGridError as error:
        why, is_refusal = str(error), isinstance(error, StopRun)
    return [
        Person(
            address, ledger[key], found.contacts.get(address), holds.of(address), why, is_refusal=is_refusal
        )
        for address, key in keys.items()
    ]


def _hold(
    people: Sequence[Person], export: Export, sides: Sides, now_s: float, *, again: bool
) -> list[Person]:
    """Write a hold for everybody whose erasure begins."""
    begins = [person for person in people if person.needs_hold(again=again)]
    # Lytics' clock may be ahead of ours by some minutes.
    last_ns = max((person.last_event_ns for person in begins), default=0)
    at_s = max(math.ceil(now_s), math.ceil(last_ns / NANOSECONDS_PER_S))
    until_s = at_s + sides.hold_days * DAY_S
    known = [person.address for person in begins if person.is_known]
    unknown = [person.address for person in begins if not person.is_known]
    if begins:
        sides.erasures.put_erasure(export.account, known, unknown, at_s=at_s, until_s=until_s)
    return [
        replace(person, hold=Hold(at_s, until_s, person.is_known))
        if person.needs_hold(again=again)
        else person
        for person in people
    ]


def _delete(people: Sequence[Person], export: Export, sides: Sides, now_s: float) -> list[Person]:
    """Queue what deliver must do, then delete in SendGrid."""
    ids = {person.address: contact_id for person in people if (contact_id := person.id_to_delete())}
    erased: dict[int, list[Change]] = {}
    followed = dict.fromkeys(ids)
    for person in people:
        hold = person.hold
        if hold is None or person.back_ns:
            continue
        # Until every invocation of deliver knows of the erasure, one may still add the person to the ledger.
        left_s = max(0, hold.at_s + sides.delays.clear_s - int(now_s))
        if person.contact.version or left_s:
            followed[person.address] = None
            erased.setdefault(left_s, []).append(Change(person.address, hold.at_ns, Kind.ERASE))
    for delay_s, changes in erased.items():
        _queue(sides.changes, export, changes, now_s, delay_s)
    _queue(
        sides.changes,
        export,
        _refreshes(followed, now_s + sides.delays.refresh_s),
        now_s,
        sides.delays.refresh_s,
    )
    if not ids:
        return list(people)
    try:
        sides.sendgrid(export).delete_contacts(list(dict.fromkeys(ids.values())))
    except LyticsSendGridError as error:
        why, is_refusal = str(error), isinstance(error, StopRun)
        return [
            person.without_answer(why, is_refusal=is_refusal) if person.address in ids else person
            for person in people
        ]
    return list(people)


def _refreshes(addresses: Iterable[str], at_s: float) -> list[Change]:
    """Return refreshes that only a request after ``at_s`` supersedes."""
    return [Change(address, math.ceil(at_s) * NANOSECONDS_PER_S, Kind.REFRESH) for address in addresses]


def _queue(changes: Queue, export: Export, queued: Sequence[Change], now_s: float, delay_s: int) -> None:
    if not queued:
        return
    message = Message(export.name, tuple(queued), export.version, int(now_s * 1000))
    changes.send((packed.body for packed in pack(message)), delay_s)


def _document(
    export: Export,
    addresses: Mapping[str, str | None],
    people: Iterable[Person],
    delays: EraseDelays,
    now_s: float,
) -> dict[str, Any]:
    answers = {person.address: answer(person, now_s, delays) for person in people}
    lines = []
    again_s: int | None = None
    for email, address in addresses.items():
        if address is None:
            status, message, after_s = Status.INVALID, _invalid(email), None
        else:
            status, message, after_s = answers[address]
        lines.append({"email": email, "status": status.value, "message": message})
        again_s = max(filter(None, (again_s, after_s)), default=None)
    return {
        "export": export.name,
        "account": export.account,
        "counts": dict(Counter(line["status"] for line in lines)),
        "check_after": None if again_s is None else format_rfc3339(again_s * NANOSECONDS_PER_S),
        "people": lines,
    }


def _invalid(email: str) -> str:
    point = invisible_inside(email)
    why = f" (it contains the invisible character {point})" if point else ""
    return f"this is not an e-mail address{why}, so neither SendGrid nor the ledger can have it: correct it"
