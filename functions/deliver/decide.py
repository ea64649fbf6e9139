"""Decide what to do for a contact: send and commit, only commit, or nothing."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Final, NamedTuple

from functions.deliver.drift import drift
from functions.deliver.erased import erased_ns, since_erasure, version_after_erasure
from functions.deliver.export_views import View
from functions.deliver.merge import has_news, merge
from functions.deliver.received import PendingContact
from functions.deliver.row_queue import Row
from functions.deliver.upsert_result import AcceptedRow
from lytics_sendgrid.domain.change import Change, Kind
from lytics_sendgrid.domain.configuration import Export
from lytics_sendgrid.domain.contact import Contact, Rejection
from lytics_sendgrid.domain.instants import NANOSECONDS_PER_MS
from lytics_sendgrid.sendgrid.row import RowForm, membership_row, row_hash, row_lists, row_of, without_fields

CONFIGURATION_SETTLES_S: Final = 15 * 60
"""``deliver`` keeps a configuration for seconds and runs for two minutes. The rest is for clocks that differ,
and for eventually consistent reads, which lag behind by seconds."""


class Decision(NamedTuple):
    """What to do for a contact.

    Attributes:
        contact: what the messages say.
        view: the configuration that its row is made with.
        exports: the exports that brought its changes, the view's first.
        loaded: the state in the ledger.
        state: the state to commit.
        commits: the state is to be committed; where there is a row, once SendGrid has decided it.
        outcome: the outcome to count once that is done.
        row: the row to send; None: nothing is sent.
        lists: the lists that the row is put on.
        hash: names the whole row that the state implies.
        reduced: the row to send is e-mail and memberships alone, because SendGrid refused the whole one.
        first_version: of a contact that is not in the ledger yet.
        removes: take the contact out of the ledger.
    """

    contact: PendingContact
    view: View
    exports: tuple[Export, ...]
    loaded: Contact
    state: Contact
    commits: bool
    outcome: str
    row: Row | None = None
    lists: tuple[str, ...] = ()
    hash: str = ""
    reduced: bool = False
    first_version: int = 1
    removes: bool = False

    @property
    def sent_row(self) -> str:
        """Return the hash of the row to send."""
        return without_fields(self.hash) if self.reduced else self.hash

    def finish(self) -> None:
        """Record that nothing is left to do."""
        progress = self.contact.progress
        progress.outcome = self.outcome
        progress.counted_before = _outcome(self.loaded.rejection) if self.contact.is_follow_up() else None
        if self.contact.by_runs and self.state is not self.loaded:
            progress.drift = drift(self.contact.by_runs, self.loaded, self.state, self.view.form.since)

    def answer(self) -> None:
        """Record what would be done, for a dry run."""
        self._replace(outcome="would_send" if self.row else self.outcome).finish()


def decide(contact: PendingContact, loaded: Contact, views: Mapping[str, View]) -> Decision:
    """Merge a contact's changes into its state in the ledger, and decide what follows.

    A row that equals the accepted one is not sent again. There are three exceptions: a refresh, unless a
    later request was made after its stamp; a contact for which this consumer may have sent a row that the
    ledger does not name; and a contact whose last row was refused, with the next news of the person. Until
    such news the refused row is sent without its fields: otherwise each refresh would be refused and lead to
    the next.

    Args:
        contact: what the messages say.
        loaded: the state in the ledger.
        views: the configuration of every export that brought a change.
    """
    view, progress = views[contact.exports[0]], contact.progress
    changes = [(change, views[name].export) for change, name in contact.changes]
    exports = tuple([views[name].export for name in contact.exports])
    form, since, first_version = view.form, view.form.since, 1
    if at_ns := erased_ns(contact, form.holds):
        later = since_erasure(loaded, changes, since, at_ns)
        if later is None:
            return _erased(contact, view, exports, loaded)
        loaded, changes, since = later
        first_version = version_after_erasure(at_ns)
    may_be_sent = progress.sent_before or progress.uncertain
    merged = merge(loaded, changes, since, keeps_old=may_be_sent or contact.returned)
    rejection = merged.rejection
    commits = merged is not loaded or _was_not_overtaken(contact, loaded)
    outcome = "unchanged" if loaded.rejection is None else _outcome(loaded.rejection)
    forced = may_be_sent or _is_due(contact, loaded)
    if merged is loaded and not forced and (loaded.configuration == form.version or not loaded.version):
        return Decision(contact, view, exports, loaded, merged, commits, outcome)
    text = row_of(contact.email, merged, form)
    lists = row_lists(merged, form)
    whole = row_hash(text, lists)
    settled = _is_settled(whole, merged, loaded)
    if not forced and settled and not _fields_were_refused(merged, loaded):
        if rejection is not None and rejection is not loaded.rejection:
            outcome = _outcome(rejection)
        return Decision(contact, view, exports, loaded, merged, commits, outcome)
    reduced = settled and rejection is not None and rejection.reason != "address"
    if reduced:
        text = membership_row(contact.email, merged, form)
    row = Row(contact.key, contact.email, text, lambda: membership_row(contact.email, merged, form))
    return Decision(
        contact, view, exports, loaded, merged, True, outcome, row, lists, whole, reduced, first_version
    )


def _erased(contact: PendingContact, view: View, exports: tuple[Export, ...], loaded: Contact) -> Decision:
    """Return the decision about an erased person who has not come back: nothing is sent.

    Only the erasure itself takes the contact out of the ledger. It comes when no consumer is left that does
    not know of the erasure. Otherwise such a consumer could write the contact again, and a commit that was
    made from the old state could overwrite it.
    """
    removes = loaded.version > 0 and any(change.kind is Kind.ERASE for change, _ in contact.changes)
    return Decision(contact, view, exports, loaded, loaded, removes, "erased", removes=removes)


def accept(decision: Decision, accepted: AcceptedRow, now_ms: int) -> Decision:
    """Return a decision whose state says that SendGrid accepted the row."""
    rejection = decision.state.rejection if decision.reduced else None
    row = decision.sent_row
    if accepted.refusal is not None and not decision.reduced:
        rejection = Rejection("fields", accepted.refusal, decision.hash, now_ms)
        row = without_fields(decision.hash)
    state = replace(
        decision.state,
        job=accepted.job,
        sent_ms=accepted.sent_ms,
        latest_ms=accepted.latest_ms,
        row=row,
        configuration=decision.view.form.version,
        rejection=rejection,
    )
    return decision._replace(state=state, outcome=_outcome(rejection))


def refuse(decision: Decision, refusal: str, now_ms: int) -> Decision:
    """Return a decision whose state says that SendGrid refuses the contact's address."""
    rejection = Rejection("address", refusal, decision.hash, now_ms)
    state = replace(decision.state, rejection=rejection)
    return decision._replace(state=state, outcome=_outcome(rejection))


def needs_consistent_read(contact: PendingContact, loaded: Contact, form: RowForm, now_s: float) -> bool:
    """Return whether a stale read of a contact could leave something undone for good.

    A stale read is usually harmless: its commit fails, or a row is sent twice. But it would silently drop a
    refresh or a reject (two consumers' clocks differ, so the older state may have the later ``sent``), a row
    that only a newer configuration changes, and an exit of an erased person who has come back.

    Args:
        contact: what the messages say.
        loaded: the state that was read.
        form: what its row is made with.
        now_s: our clock. Some minutes after a configuration was written, no consumer commits a row of an
            older one, so even a stale read shows the last such row.
    """
    if erased_ns(contact, form.holds):
        return True
    if contact.has_refresh and not _is_due(contact, loaded):
        return True
    is_outdated = loaded.version > 0 and loaded.configuration < form.version
    if is_outdated and now_s < form.written_s + CONFIGURATION_SETTLES_S:
        return True
    return contact.has_reject and any(
        change.kind is Kind.REJECT and change.row != loaded.row for change, _ in contact.changes
    )


def _is_due(contact: PendingContact, loaded: Contact) -> bool:
    """Return whether a refresh is to be sent. A contact outside the ledger has nothing to send again."""
    return contact.has_refresh and any(
        not _brought(change, loaded) for change in _open_refreshes(contact, loaded)
    )


def _was_not_overtaken(contact: PendingContact, loaded: Contact) -> bool:
    """Return whether a job took too long, but brought the ledger's row: it has overwritten nothing.

    That is committed without sending anything: a consumer whose request the ledger does not name yet then
    loses the race of its commit, and sends again. Sending here would loop forever if every job is this slow.
    """
    return contact.has_refresh and any(
        _brought(change, loaded) for change in _open_refreshes(contact, loaded)
    )


def _brought(change: Change, loaded: Contact) -> bool:
    """Return whether a refresh is for a job that took too long and brought the ledger's row."""
    if change.job is None:
        return False
    return change.job == loaded.job or (change.row is not None and change.row == loaded.row)


def _open_refreshes(contact: PendingContact, loaded: Contact) -> Iterator[Change]:
    """Return the refreshes that no later request supersedes."""
    if loaded.version == 0:
        return
    sent_ns = loaded.sent_ms * NANOSECONDS_PER_MS
    for change, _ in contact.changes:
        if change.kind is Kind.REFRESH and sent_ns <= change.time_ns:
            yield change


def _is_settled(row: str, merged: Contact, loaded: Contact) -> bool:
    """Return whether SendGrid has decided a row already, and no news since calls for another try."""
    if merged.rejection is None:
        return row == loaded.row
    return row == merged.rejection.row and not has_news(merged, loaded)


def _fields_were_refused(merged: Contact, loaded: Contact) -> bool:
    """Return whether a job has just refused the whole row; an exit must get through anyway."""
    rejection = merged.rejection
    return rejection is not None and rejection is not loaded.rejection and rejection.reason == "fields"


def _outcome(rejection: Rejection | None) -> str:
    return "accepted" if rejection is None else f"rejected.{rejection.reason}"
