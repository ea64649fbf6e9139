"""What is to be done for a contact: send and commit, only commit, or nothing."""

from collections.abc import Iterator
from dataclasses import replace

from functions.deliver.batch import Task
from functions.deliver.merge import has_news, merge
from functions.deliver.row import membership_row, row_hash, row_lists, row_of, without_fields
from functions.deliver.row_queue import Row
from functions.deliver.upsert import Sent
from lytics_sendgrid.domain.change import Change, Kind
from lytics_sendgrid.domain.contact import Contact, Rejection


def decide(task: Task, contact: Contact) -> None:
    """Merge a task's changes into the ledger's state of its contact, and set what follows from that.

    A row that equals the one that SendGrid accepted is not sent again, with three exceptions: a refresh, unless a later
    request has been made since its stamp; a contact for whom this consumer may have sent something that the ledger does
    not name; and a contact whose last row was refused, with the next change that is known of it. Until then what
    SendGrid refused whole is sent without its fields: else each refresh would be refused and lead to the next.

    Args:
        task: its ``row`` is set where something is to be sent, ``commits`` where the state is to be committed.
        contact: as the ledger has it.
    """
    merged = merge(contact, task.changes)
    task.loaded, task.state = contact, merged
    task.commits = merged is not contact or _was_not_overtaken(task, contact)
    task.counted = _outcome(contact.rejection) if task.is_followed_up() else None
    task.row, task.refresh_ms, task.reduced = None, None, False
    task.outcome = "unchanged" if contact.rejection is None else _outcome(contact.rejection)
    form = task.view.form
    forced = task.sent_before or task.uncertain or _is_due(task, contact)
    if merged is contact and not forced and (contact.configuration == form.version or not contact.version):
        return
    text = row_of(task.email, merged, form)
    task.lists = row_lists(merged, form)
    task.hash = row_hash(text, task.lists)
    settled = _is_settled(task.hash, merged, contact)
    task.reduced = settled and merged.rejection is not None and merged.rejection.reason != "address"
    if forced or not settled or _fields_were_refused(merged, contact):
        email = task.email
        if task.reduced:
            text = membership_row(email, merged, form)
        task.row = Row(task.key, email, text, lambda: membership_row(email, merged, form))
        task.commits = True
    elif merged.rejection is not None and merged.rejection is not contact.rejection:
        task.outcome = f"rejected.{merged.rejection.reason}"


def needs_the_newest(task: Task, contact: Contact) -> bool:
    """Tell whether a read that was behind the ledger might leave something undone for good.

    Whatever else such a read leads to loses the race of its commit, or is sent once too often; and a change that adds
    nothing to an old state adds nothing to a newer one. But a refresh or a reject would come to nothing (two consumers'
    clocks differ, so the older state may have the later ``sent``), and so would a row that a newer configuration makes.
    """
    if task.refreshes and not _is_due(task, contact):
        return True
    if contact.version > 0 and contact.configuration < task.view.form.version:
        return True
    return task.rejects and any(
        change.kind is Kind.REJECT and change.row != contact.row for change, _ in task.changes
    )


def _is_due(task: Task, contact: Contact) -> bool:
    """Tell whether a refresh is to be sent. Whoever is not in the ledger has nothing that could be sent again."""
    return any(not _brought(change, contact) for change in _open_refreshes(task, contact))


def _was_not_overtaken(task: Task, contact: Contact) -> bool:
    """Tell whether a job took too long and brought what SendGrid is to hold: it has overwritten nothing.

    That is committed, without being sent: a consumer whose request the ledger does not name yet loses the race of its
    commit, and sends once more. To send here would be endless: where every job takes so long, so would this one's.
    """
    return any(_brought(change, contact) for change in _open_refreshes(task, contact))


def _brought(change: Change, contact: Contact) -> bool:
    """Tell whether a refresh is for a job that took too long, and the row that it brought is the ledger's."""
    if change.job is None:
        return False
    return change.job == contact.job or (change.row is not None and change.row == contact.row)


def _open_refreshes(task: Task, contact: Contact) -> Iterator[Change]:
    """Return the refreshes whose duty no later request has taken over."""
    if not task.refreshes or contact.version == 0:
        return
    sent_ns = contact.sent_ms * 1_000_000
    for change, _ in task.changes:
        if change.kind is Kind.REFRESH and sent_ns <= change.time_ns:
            yield change


def _is_settled(row: str, merged: Contact, contact: Contact) -> bool:
    """Tell whether SendGrid has decided a row already, and nothing has happened since that calls for another try."""
    if merged.rejection is None:
        return row == contact.row
    return row == merged.rejection.row and not has_news(merged, contact)


def _fields_were_refused(merged: Contact, contact: Contact) -> bool:
    """Tell whether a job has just refused the whole row: an exit must get through whatever its fields hold."""
    rejection = merged.rejection
    return rejection is not None and rejection is not contact.rejection and rejection.reason == "fields"


def accept(task: Task, sent: Sent, now_ms: int) -> None:
    """Note in the state that is to be committed what SendGrid accepted."""
    task.sent_before = True
    rejection = task.state.rejection if task.reduced else None
    row = task.sent_row
    if sent.words is not None and not task.reduced:
        rejection = Rejection("fields", sent.words, task.hash, now_ms)
        row = without_fields(task.hash)
    task.state = replace(
        task.state,
        job=sent.job,
        sent_ms=sent.sent_ms,
        latest_ms=sent.latest_ms,
        row=row,
        configuration=task.view.form.version,
        rejection=rejection,
    )
    task.outcome = _outcome(rejection)


def refuse(task: Task, words: str, now_ms: int) -> None:
    """Note in the state that is to be committed that SendGrid refuses the contact's address."""
    task.state = replace(task.state, rejection=Rejection("address", words, task.hash, now_ms))
    task.outcome = "rejected.address"


def _outcome(rejection: Rejection | None) -> str:
    return "accepted" if rejection is None else f"rejected.{rejection.reason}"
