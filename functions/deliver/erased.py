"""What an erasure leaves of a contact and of its changes.

For an erased person the erasure is what ``since`` is for an audience: no event that is not later counts. A
scan's row has the earliest time that counts, and never brings anybody back: for days, Lytics may still return
a person whom it also has to delete. Only an enter event brings a person back. Exits and changes of a person
who has not come back are dropped: they would put the address into SendGrid again.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from functions.deliver.merge import is_least
from functions.deliver.received import PendingContact
from lytics_sendgrid.domain.change import NO_FIELDS, Change, Kind
from lytics_sendgrid.domain.configuration import Export
from lytics_sendgrid.domain.contact import Contact
from lytics_sendgrid.domain.erasure import Holds
from lytics_sendgrid.domain.instants import NANOSECONDS_PER_S

type _Changes = list[tuple[Change, Export]]


def erased_ns(contact: PendingContact, holds: Holds) -> int:
    """Return when a person was erased, nanoseconds since 1970; 0 if the person was not."""
    hold = holds.of(contact.email)
    at_ns = 0 if hold is None else hold.at_ns
    return max([at_ns, *[change.time_ns for change, _ in contact.changes if change.kind is Kind.ERASE]])


def version_after_erasure(at_ns: int) -> int:
    """Return the version with which a person who has come back begins.

    It is larger than any version before, so that a commit that was made from the erased state fails.
    """
    return at_ns // NANOSECONDS_PER_S


def since_erasure(
    loaded: Contact, changes: Iterable[tuple[Change, Export]], since: Mapping[str, int], at_ns: int
) -> tuple[Contact, _Changes, Mapping[str, int]] | None:
    """Return what counts of an erased person who has come back.

    Args:
        loaded: the state in the ledger.
        changes: each with the export that brought it.
        since: audience id to nanoseconds since 1970: events that are not later are ignored.
        at_ns: when the person was erased.

    Returns:
        State, changes and ``since`` to merge; or None if no enter event brings the person back. If something
        of the state is forgotten, no row counts as accepted: the present one must be sent.
    """
    later: _Changes = []
    scanned: _Changes = []
    returns = False
    for change, export in changes:
        if change.kind is Kind.REFRESH or change.kind is Kind.REJECT:
            later.append((change, export))
        elif is_least(change, since):
            scanned.append((_after(change, at_ns), export))
        elif change.time_ns > at_ns:
            later.append((change, export))
            returns = returns or _brings_back(change, since)
    kept = _kept(loaded, at_ns)
    if not kept.memberships and not returns:
        return None
    # An exit alone may be of a consumer that did not know of the erasure yet.
    if returns or any(signed_ns > 0 for signed_ns in kept.memberships.values()):
        later += scanned
    return kept, later, {audience: max(since_ns, at_ns) for audience, since_ns in since.items()}


def _brings_back(change: Change, since: Mapping[str, int]) -> bool:
    """Return whether an event after the erasure is an enter that counts."""
    is_enter = change.kind is Kind.ENTER and change.audience is not None
    return is_enter and change.time_ns > since.get(change.audience or "", 0)


def _after(change: Change, at_ns: int) -> Change:
    """Return a scan's row with the least time after an erasure, without fields of a page from before it."""
    fields = change.fields if (change.fields_time_ns or 0) > at_ns else NO_FIELDS
    return replace(change, time_ns=max(change.time_ns, at_ns + 1), fields=fields)


def _kept(loaded: Contact, at_ns: int) -> Contact:
    """Return a contact's state without what is not later than the erasure."""
    memberships = {
        audience: signed_ns for audience, signed_ns in loaded.memberships.items() if abs(signed_ns) > at_ns
    }
    fields = {name: timed for name, timed in loaded.fields.items() if timed[0] > at_ns}
    if len(memberships) == len(loaded.memberships) and len(fields) == len(loaded.fields):
        return loaded
    return replace(
        loaded,
        memberships=memberships,
        fields=fields,
        lists=loaded.lists if memberships else (),
        row=None,
        job=None,
        configuration=0,
        rejection=None,
    )
