"""Say where the ledger, SendGrid and Lytics differ about a person, the likely cause, and what to do."""

from collections.abc import Iterator, Sequence
from typing import Final

from functions.inspect.findings import FieldRow, Findings, MembershipRow, field_rows, membership_rows
from functions.inspect.surroundings import RESYNC, obstacles, removed_audiences
from lytics_sendgrid.domain.erasure import Hold
from lytics_sendgrid.domain.instants import NANOSECONDS_PER_S, format_ms, format_rfc3339
from lytics_sendgrid.sendgrid.resources import SendGridContact

IN_FLIGHT_MS: Final = 15 * 60_000
"""SendGrid processes an import job within minutes; deliver, too, allows 15 minutes for a job."""
_NEXT_CHANGE: Final = "The row is sent again with the person's next change"
_AUDIT: Final = 'a resync with {{"action": "resync", "export": "{export}", "audit": true}}'
_RESTORE: Final = (
    'a resync with {{"action": "resync", "export": "{export}", "audit": true, "restore_deleted": true}}'
)
_SEGMENT_LAG: Final = (
    "SendGrid refreshes a segment every 1 to 24 hours; "
    "a Single Send checks the contact itself when it is sent"
)


def differences(found: Findings) -> list[str]:
    """Return a sentence for each difference, the one that explains most first."""
    memberships = membership_rows(found)
    sentences = list(_obstacles(found))
    for membership in memberships:
        sentences += _between_lytics_and_ledger(membership, found)
    if found.sendgrid_fault is None and found.sendgrid is None:
        sentences += _missing_in_sendgrid(found, memberships)
    if found.sendgrid is not None:
        for membership in memberships:
            sentences += _between_ledger_and_sendgrid(membership, found)
        sentences += _list_differences(found.sendgrid, found)
    for field in field_rows(found):
        sentences += _field_differences(field, found)
    return sentences


def _obstacles(found: Findings) -> Iterator[str]:
    if found.hold is not None:
        yield _erasure(found.hold, found)
    yield from obstacles(found.export, found.account, found.surroundings)
    yield from removed_audiences(found.export, found.account, found.contact.memberships, found.surroundings)
    if found.stop is not None:
        yield f"The export is stopped, so nothing reaches SendGrid now: {found.stop}"
    if found.lytics_fault is not None:
        yield f"Lytics' side is unknown: {found.lytics_fault}"
    if found.sendgrid_fault is not None:
        yield f"SendGrid's side is unknown: {found.sendgrid_fault}"
    rejection = found.contact.rejection
    if rejection is not None:
        yield (
            f"SendGrid refused this contact ({rejection.reason}) at {format_ms(rejection.at_ms)}: "
            f"'{rejection.message}'. "
            f"Correct the data in Lytics: the contact is tried again with its next change"
        )


def _erasure(hold: Hold, found: Findings) -> str:
    erased = f"The person was erased at {format_rfc3339(hold.at_ns)}"
    until = format_rfc3339(hold.until_s * NANOSECONDS_PER_S)
    if found.is_kept_out:
        return (
            f"{erased} and is kept out until {until}: events from before that and scans of audiences are "
            "ignored. Only a new enter event brings the person back"
        )
    return f"{erased}, and an event since has brought the person back. Events from before that are ignored"


def _between_lytics_and_ledger(row: MembershipRow, found: Findings) -> Iterator[str]:
    name = row.audience.name
    if found.is_kept_out:
        return
    if row.lytics and not row.ledger:
        cause = "no enter event has arrived"
        if row.event_ns:
            cause = f"the last event that arrived is the exit of {format_rfc3339(row.event_ns)}"
        check = (
            f"check that the webhook job {found.export.lytics_job} is running in Lytics"
            if found.export.lytics_job
            else "check that Lytics has a webhook job for this export: this product has not created one"
        )
        yield (
            f"Lytics has the person in '{name}' and the ledger does not: {cause}. "
            f"If that happened within the last minutes, wait. "
            f"Otherwise {check}. To put the person in, start {RESYNC.format(export=found.export.name)}"
        )
    if row.ledger and row.lytics is False:
        yield (
            f"The ledger has the person in '{name}' and Lytics does not: no exit event has arrived since "
            f"{format_rfc3339(row.event_ns)}. If the person left within the last minutes, wait. "
            f"Otherwise check the job's log in Lytics. "
            f"Lytics sends no exit for people that it deleted, merged or considers unhealthy. "
            f"To take the person out, start {RESYNC.format(export=found.export.name)}"
        )


def _missing_in_sendgrid(found: Findings, memberships: Sequence[MembershipRow]) -> Iterator[str]:
    contact = found.contact
    if contact.rejection is not None:
        return
    if contact.row is None:
        if any(row.ledger for row in memberships):
            yield "SendGrid has no such contact: the ledger knows the person, but nothing has been sent yet"
    elif _is_in_flight(found):
        yield f"SendGrid has no such contact yet: {_in_flight(found)}"
    else:
        yield (
            f"SendGrid has no such contact, although it accepted the row at {format_ms(contact.sent_ms)} "
            f"(import job {contact.job}): the contact was deleted in SendGrid, "
            f"or that job failed for it. {_NEXT_CHANGE}, or at once by "
            f"{_run(_RESTORE, found)}"
        )


def _between_ledger_and_sendgrid(row: MembershipRow, found: Findings) -> Iterator[str]:
    name = row.audience.name
    if row.sendgrid is None:
        yield f"The audience '{name}' has no segment: start the export again"
    elif row.sendgrid != row.ledger:
        difference = f"The ledger has the person in '{name}' and SendGrid does not"
        if row.sendgrid:
            difference = f"SendGrid has the person in '{name}' and the ledger does not"
        if _is_in_flight(found):
            yield f"{difference}: {_in_flight(found)}"
        else:
            yield (
                f"{difference}, and no request is in flight: something else wrote the membership field, "
                f"or import job {found.contact.job} failed for this row. {_resend(found)}"
            )
    elif row.sendgrid and not row.segment:
        yield (
            f"SendGrid has the membership in '{name}', but the segment does not list the person yet: "
            f"{_SEGMENT_LAG}"
        )
    elif row.segment and not row.sendgrid:
        yield f"The segment of '{name}' still lists the person, who has left: {_SEGMENT_LAG}"


def _list_differences(contact: SendGridContact, found: Findings) -> Iterator[str]:
    export = found.export
    if export.list_id is None or export.list_id in contact.list_ids or found.contact.row is None:
        return
    difference = (
        f"The contact is not on the list '{export.list_name}', and the segments show only contacts on it"
    )
    if _is_in_flight(found):
        yield f"{difference}: {_in_flight(found)}"
    else:
        yield f"{difference}. Add it by hand, or wait: {_NEXT_CHANGE}"


def _field_differences(row: FieldRow, found: Findings) -> Iterator[str]:
    if found.contact.row is None:
        return
    if found.lytics is not None and not row.is_same_in_lytics:
        yield (
            f"Lytics has {row.mapped.lytics} = {row.lytics!r} and the ledger {row.ledger!r}: "
            "a field is updated with the next event that Lytics sends for the person, or by "
            f"{RESYNC.format(export=found.export.name)}"
        )
    if found.sendgrid is not None and not row.is_same_in_sendgrid:
        cause = f"something else wrote it, or the import job refused it. {_resend(found)}"
        yield (
            f"SendGrid has {row.mapped.name} = {row.sendgrid!r} and the ledger {row.ledger!r}: "
            f"{_in_flight(found) if _is_in_flight(found) else cause}"
        )


def _resend(found: Findings) -> str:
    return f"{_NEXT_CHANGE}, or at once by {_run(_AUDIT, found)}"


def _run(run_input: str, found: Findings) -> str:
    return run_input.format(export=found.export.name)


def _is_in_flight(found: Findings) -> bool:
    return found.contact.row is not None and found.now_ms - found.contact.sent_ms < IN_FLIGHT_MS


def _in_flight(found: Findings) -> str:
    seconds = max(0, found.now_ms - found.contact.sent_ms) // 1000
    return (
        f"its row was sent {seconds} s ago (import job {found.contact.job}), "
        f"which SendGrid processes within minutes"
    )
