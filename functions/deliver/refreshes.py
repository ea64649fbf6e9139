"""Queue refreshes, so the final state is right in whatever order SendGrid processes its jobs.

Another request may still be in flight for a contact: an earlier one that the ledger names (its ``sent`` is
young), one of this consumer that lost its race, or one of a consumer that died. Then the contact is sent
again, later: a ``refresh``, stamped with this request's ``sent``, is queued before the request.

A requeued message says itself that it is uncertain. Its refreshes are queued with the answer instead, just
before the commit. Otherwise every try of every such message would leave a refresh while SendGrid is down,
every refresh would do the same, and the queue would fill up.
"""

from collections.abc import Iterable, Mapping, Sequence

from functions.deliver.decide import Decision
from functions.deliver.outbox import Outbox
from functions.deliver.received import PendingContact
from functions.deliver.row_queue import Row
from lytics_sendgrid.domain.contact import ContactKey


class Refreshes:
    """The refreshes of one round: at most one for a contact and request."""

    def __init__(self, outbox: Outbox, decisions: Mapping[ContactKey, Decision]) -> None:
        self._outbox = outbox
        self._decisions = decisions
        self._stamps_ms: dict[ContactKey, int] = {}

    def before_request(self, rows: Sequence[Row], sent_ms: int) -> None:
        """Queue a refresh for every contact for which another request may still be in flight."""
        racing = [
            decision
            for decision in self._decisions_of(rows)
            if decision.contact.key not in self._stamps_ms
            and (decision.contact.fresh or decision.contact.progress.sent_before)
            and self._races(decision, sent_ms)
        ]
        self._queue(racing, sent_ms, sent_ms)

    def after_acceptance(self, rows: Sequence[Row], sent_ms: int) -> None:
        """Queue a refresh where none is, or where its stamp is older than this request.

        It would be dropped.
        """
        decisions = self._decisions_of(rows)
        for decision in decisions:
            decision.contact.progress.uncertain = True
        stamps_ms = self._stamps_ms
        racing = [
            decision
            for decision in decisions
            if stamps_ms.get(decision.contact.key, 0) < sent_ms and self._races(decision, sent_ms)
        ]
        self._queue(racing, sent_ms, sent_ms)

    def after_lost_answer(self, rows: Sequence[Row], sent_ms: int) -> None:
        """Queue a refresh: the request may have started an import job that nobody follows.

        Once for a contact. A message that is a refresh or came back leaves none: it is requeued as what it
        is.
        """
        contacts = [decision.contact for decision in self._decisions_of(rows)]
        unfollowed = [c for c in contacts if not (c.progress.uncertain or c.returned or c.has_refresh)]
        for contact in contacts:
            contact.progress.uncertain = True
        self._send(unfollowed, sent_ms, sent_ms)

    def before_commit(self, decisions: Iterable[Decision], now_ms: int) -> None:
        """Queue a refresh for contacts of messages that came back, where none is queued yet.

        A crashed consumer may have left an unrecorded request. No later send supersedes this refresh, so its
        stamp is when that request must have been processed.
        """
        returned = [d for d in decisions if d.contact.returned and d.contact.key not in self._stamps_ms]
        self._queue(returned, now_ms + self._outbox.refresh_delay_s * 1000, now_ms)

    def _decisions_of(self, rows: Sequence[Row]) -> list[Decision]:
        return [self._decisions[row.key] for row in rows]

    def _races(self, decision: Decision, sent_ms: int) -> bool:
        last_ms = max(decision.loaded.sent_ms, decision.loaded.latest_ms)
        is_young = sent_ms - last_ms < self._outbox.refresh_delay_s * 1000
        return decision.contact.progress.sent_before or decision.contact.returned or is_young

    def _queue(self, decisions: Sequence[Decision], stamp_ms: int, now_ms: int) -> None:
        self._send([decision.contact for decision in decisions], stamp_ms, now_ms)
        self._stamps_ms |= {decision.contact.key: stamp_ms for decision in decisions}

    def _send(self, contacts: Iterable[PendingContact], stamp_ms: int, now_ms: int) -> None:
        exports: dict[str, list[tuple[str, int]]] = {}
        for contact in contacts:
            exports.setdefault(contact.exports[0], []).append((contact.email, contact.attempt))
        if exports:
            self._outbox.queue_refreshes(exports, stamp_ms, now_ms)
