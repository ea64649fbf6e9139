"""Say in plain words where the ledger, SendGrid and Lytics differ about a person, why that may be, and what to do."""

from collections.abc import Iterator, Sequence
from typing import Final

from functions.inspect.findings import Column, Findings, Seat, columns, seats
from lytics_sendgrid.domain.instants import format_rfc3339
from lytics_sendgrid.sendgrid.resources import SendGridContact

IN_FLIGHT_MS: Final = 15 * 60_000
"""SendGrid works an import job off within minutes; as long as deliver reckons with two jobs in flight at once."""
_AGAIN: Final = "The row is sent again with the person's next change"
_LAG: Final = "SendGrid counts a segment anew every 1 to 24 hours; a Single Send looks at the contact itself when it is sent"


def differences(found: Findings) -> list[str]:
    """Name every difference, the one that explains most first."""
    everything = seats(found)
    said = list(_hindrances(found))
    for seat in everything:
        said += _between_lytics_and_ledger(seat, found)
    if found.sendgrid_fault is None and found.sendgrid is None:
        said += _missing_in_sendgrid(found, everything)
    if found.sendgrid is not None:
        for seat in everything:
            said += _between_ledger_and_sendgrid(seat, found)
        said += _list_differences(found.sendgrid, found)
    for column in columns(found):
        said += _field_differences(column, found)
    return said


def _hindrances(found: Findings) -> Iterator[str]:
    if found.stop is not None:
        yield f"The export is stopped, so nothing reaches SendGrid now: {found.stop}"
    if found.lytics_fault is not None:
        yield f"Lytics' side is not known: {found.lytics_fault}"
    if found.sendgrid_fault is not None:
        yield f"SendGrid's side is not known: {found.sendgrid_fault}"
    rejection = found.contact.rejection
    if rejection is not None:
        yield (
            f"SendGrid refused this contact ({rejection.reason}) at {_at(rejection.at_ms)}: '{rejection.words}'. Correct the "
            f"data in Lytics: the contact is tried again with its next change"
        )


def _between_lytics_and_ledger(seat: Seat, found: Findings) -> Iterator[str]:
    name = seat.audience.name
    if seat.lytics and not seat.ledger:
        why = "no enter event has arrived"
        if seat.event_ns:
            why = f"the last event that arrived is the exit of {format_rfc3339(seat.event_ns)}"
        job = (
            f"look whether the webhook job {found.export.lytics_job} runs in Lytics"
            if found.export.lytics_job
            else "look whether Lytics has a webhook job for this export: this product has made none"
        )
        yield (
            f"Lytics has the person in '{name}' and the ledger does not: {why}. If that happened within the last minutes, "
            f"wait; else {job}, and start the export again: its backfill brings in everybody who is missing"
        )
    if seat.ledger and seat.lytics is False:
        yield (
            f"The ledger has the person in '{name}' and Lytics does not: no exit event has arrived since "
            f"{format_rfc3339(seat.event_ns)}. If the person left within the last minutes, wait; else look at the job's log in "
            f"Lytics. Lytics sends no exit for people whom it deleted, merged or considers unhealthy"
        )


def _missing_in_sendgrid(found: Findings, everything: Sequence[Seat]) -> Iterator[str]:
    contact = found.contact
    if contact.rejection is not None:
        return
    if contact.row is None:
        if any(seat.ledger for seat in everything):
            yield "SendGrid has no such contact: the ledger knows of the person and nothing was sent yet"
    elif _is_in_flight(found):
        yield f"SendGrid has no such contact yet: {_flight(found)}"
    else:
        yield (
            f"SendGrid has no such contact, though it accepted the row at {_at(contact.sent_ms)} (import job {contact.job}): "
            f"it was deleted there, or that job failed for it. {_AGAIN}"
        )


def _between_ledger_and_sendgrid(seat: Seat, found: Findings) -> Iterator[str]:
    name = seat.audience.name
    if seat.sendgrid is None:
        yield f"The audience '{name}' has no segment: start the export again"
    elif seat.sendgrid != seat.ledger:
        said = f"The ledger has the person in '{name}' and SendGrid does not"
        if seat.sendgrid:
            said = f"SendGrid has the person in '{name}' and the ledger does not"
        if _is_in_flight(found):
            yield f"{said}: {_flight(found)}"
        else:
            yield (
                f"{said}, and nothing is under way: something else wrote the membership field, or import job "
                f"{found.contact.job} failed for this row. {_AGAIN}"
            )
    elif seat.sendgrid and not seat.segment:
        yield f"SendGrid holds the membership in '{name}', and the segment does not list the person yet: {_LAG}"
    elif seat.segment and not seat.sendgrid:
        yield f"The segment of '{name}' still lists the person, who has left: {_LAG}"


def _list_differences(contact: SendGridContact, found: Findings) -> Iterator[str]:
    export = found.export
    if export.list_id is None or export.list_id in contact.list_ids or found.contact.row is None:
        return
    said = f"The contact is not on the list '{export.list_name}', and the segments show only who is on it"
    if _is_in_flight(found):
        yield f"{said}: {_flight(found)}"
    else:
        yield f"{said}. Put it back by hand, or wait: {_AGAIN}"


def _field_differences(column: Column, found: Findings) -> Iterator[str]:
    if found.contact.row is None:
        return
    if found.lytics is not None and not column.is_same_in_lytics:
        yield (
            f"Lytics has {column.mapped.lytics} = {column.lytics!r} and the ledger {column.ledger!r}: a field follows with the "
            f"next event that Lytics sends of the person"
        )
    if found.sendgrid is not None and not column.is_same_in_sendgrid:
        reason = f"something else wrote it, or the import job refused it. {_AGAIN}"
        yield (
            f"SendGrid has {column.mapped.name} = {column.sendgrid!r} and the ledger {column.ledger!r}: "
            f"{_flight(found) if _is_in_flight(found) else reason}"
        )


def _is_in_flight(found: Findings) -> bool:
    return found.contact.row is not None and found.now_ms - found.contact.sent_ms < IN_FLIGHT_MS


def _flight(found: Findings) -> str:
    seconds = max(0, found.now_ms - found.contact.sent_ms) // 1000
    return f"its row was sent {seconds} s ago (import job {found.contact.job}), which SendGrid works off within minutes"


def _at(epoch_ms: int) -> str:
    return format_rfc3339(epoch_ms * 1_000_000)
