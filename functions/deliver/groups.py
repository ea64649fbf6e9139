"""Which rows share a request: those of one authorization that are put on the same lists.

A contact is put on the lists of all exports that have brought it. A request with lists of several exports may
be refused for one of them, which is no reason to stop the others. So an export's *own* group is the one that
holds nothing but its own list.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from functions.deliver.decide import Decision
from functions.deliver.upsert_result import AcceptedRow
from lytics_sendgrid.domain.configuration import Export
from lytics_sendgrid.domain.contact import ContactKey

type Group = tuple[str, tuple[str, ...]]
"""An authorization, and the lists that all rows of a request are put on."""
type Groups = dict[Group, list[Decision]]


def by_group(decisions: Iterable[Decision]) -> Groups:
    """Return the decisions whose rows go together."""
    groups: Groups = {}
    for decision in decisions:
        groups.setdefault((decision.view.export.authorization, decision.lists), []).append(decision)
    return groups


def by_list(decisions: Iterable[Decision]) -> tuple[Groups, Groups]:
    """Return decisions in groups of one list or none: their exports' own groups, and lists of others."""
    own: Groups = {}
    others: Groups = {}
    for decision in decisions:
        groups = dict.fromkeys(own_group(export, decision) for export in decision.exports)
        for group in groups:
            own.setdefault(group, []).append(decision)
        own_lists = {list_id for _, lists in groups for list_id in lists}
        for list_id in decision.lists:
            if list_id not in own_lists:
                others.setdefault((decision.view.export.authorization, (list_id,)), []).append(decision)
    return own, others


def own_group(export: Export, decision: Decision) -> Group:
    """Return an export's own group for a row: with the export's list, if the row is put on that."""
    own = export.list_id
    return export.authorization, () if own is None or own not in decision.lists else (own,)


def is_own(group: Group, decisions: Iterable[Decision]) -> bool:
    """Return whether a group is every export's own."""
    return all(own_group(export, decision) == group for decision in decisions for export in decision.exports)


def exports_of(group: Group, decisions: Iterable[Decision]) -> set[str]:
    """Return the exports whose own group it is."""
    return {e.name for decision in decisions for e in decision.exports if own_group(e, decision) == group}


def all_accepted(
    accepted: Mapping[ContactKey, AcceptedRow], more: Mapping[ContactKey, AcceptedRow]
) -> dict[ContactKey, AcceptedRow]:
    """Return accepted rows with those that were accepted for another list.

    If several jobs carry a row, record the first: then a refresh for any of them is sent. It would be
    dropped if ``sent`` were later than its stamp, and the list of a job that failed would miss the contact.
    The time of the last request counts, too: that may be in flight for longer.
    """
    again = {
        key: replace(accepted[key], latest_ms=row.sent_ms) if key in accepted else row
        for key, row in more.items()
    }
    return {**accepted, **again}
