"""Which parts of a contact's state a run has corrected, for the run's report."""

from collections.abc import Iterable, Mapping

from functions.deliver.merge import is_least
from lytics_sendgrid.domain.change import Change
from lytics_sendgrid.domain.contact import Contact


def drift(
    by_runs: Iterable[tuple[str, Change]], loaded: Contact, state: Contact, since: Mapping[str, int]
) -> set[tuple[str, str]]:
    """Return what was out of date: each run with ``missing.<audience>`` or ``stale.<audience>``.

    A membership is missing if a scan's row puts the contact into the audience. Otherwise, if the scan's row
    changes one of the contact's fields, these are stale.

    Args:
        by_runs: the changes that runs wrote, each with its run.
        loaded: the state in the ledger.
        state: the state to commit.
        since: audience id to nanoseconds since 1970: events that are not later are ignored.
    """
    found = set()
    for run, change in by_runs:
        audience = change.audience
        if audience is None or not is_least(change, since):
            continue
        if state.memberships.get(audience) == change.time_ns != loaded.memberships.get(audience):
            found.add((run, f"missing.{audience}"))
        elif _changes_fields(change, loaded, state):
            found.add((run, f"stale.{audience}"))
    return found


def _changes_fields(change: Change, loaded: Contact, state: Contact) -> bool:
    """Return whether the state has a new value with the time of the change's fields."""
    if state.fields is loaded.fields:
        return False
    return any(
        time_ns == change.fields_time_ns and loaded.fields.get(field, (0, None))[1] != value
        for field, (time_ns, value) in state.fields.items()
    )
