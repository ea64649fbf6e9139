"""Check how a schedule ended: the ledger, SendGrid and the events must agree."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lytics_sendgrid.domain.contact import Contact, decode
from lytics_sendgrid.sendgrid.row import row_form, row_hash, row_lists, row_of
from lytics_sendgrid.tables.exports import ExportsTable
from tests.simulation.dynamodb import DynamoDb
from tests.simulation.exports import account, lists, ns
from tests.simulation.scenario import Event, Scenario
from tests.simulation.sendgrid import SendGrid
from tests.simulation.truth import (
    FIELD_IDS,
    NOBODY,
    divergence,
    expected_row,
    last_events,
    last_values,
    rejection_of,
)


@dataclass(frozen=True, slots=True)
class Verdict:
    """Compare the final states.

    Attributes:
        scenario: holds the events.
        dynamodb: holds the ledger.
        sendgrid: holds the contacts.
        version: the last version of the configuration.
        written_with: each contact's newest configuration version, over all messages about it.
    """

    scenario: Scenario
    dynamodb: DynamoDb
    sendgrid: SendGrid
    version: int
    written_with: Mapping[str, int]

    def divergence(self) -> str | None:
        """Return the first difference, or None."""
        events: dict[str, list[tuple[str, Event]]] = {}
        for post in self.scenario.posts:
            for event in post.events:
                events.setdefault(event.email, []).append((post.export, event))
        for email, happened in events.items():
            if fault := self._of_contact(email, happened):
                return f"{email}: {fault}"
        return self._of_run()

    def _of_contact(self, email: str, happened: Sequence[tuple[str, Event]]) -> str | None:
        events = [event for _, event in happened]
        item = self.dynamodb.contacts.items.get((f"default#{email}",))
        if item is None:
            return "missing from the ledger" if any(e.audience or e.fields for e in events) else None
        contact = decode(item["state"]["S"], int(item["version"]["N"]))
        fault = _of_state(contact, events)
        # A row that a newer version does not change is not sent again, so any version since may be right.
        versions = range(max(contact.configuration, self.written_with[email]), self.version + 1)
        if fault is None and all((fault := self._of_row(email, contact, events, v)) for v in versions):
            return fault
        of_exports = lists(second_list=self.scenario.second_list)
        want = {of_exports[export] for export, _ in happened if export in of_exports}
        held = self.sendgrid.contacts.get(email)
        if fault is None and contact.rejection is None and held is not None and held["lists"] != want:
            return f"SendGrid has it on the lists {held['lists']}"
        return fault

    def _of_row(self, email: str, contact: Contact, events: Sequence[Event], version: int) -> str | None:
        second_field = self.scenario.second_field
        row = expected_row(email, events, version, second_field=second_field)
        rejected = rejection_of(row)
        recorded = None if contact.rejection is None else contact.rejection.reason
        if recorded != rejected:
            return f"the ledger's rejection is {recorded!r}, expected {rejected!r}"
        second_list = self.scenario.second_list
        form = row_form(account(version, second_field=second_field, second_list=second_list), NOBODY)
        if rejected is None and contact.row != row_hash(
            row_of(email, contact, form), row_lists(contact, form)
        ):
            return "the ledger's row hash does not match its state"
        return divergence(self.sendgrid.contacts.get(email), row, rejected)

    def _of_run(self) -> str | None:
        """Check what settle relies on: every message of the run and every job's end is recorded."""
        numbers = {post.number for post in self.scenario.posts if post.number is not None}
        client: Any = self.dynamodb
        progress = ExportsTable(client, "exports").progress("run1")
        if missing := numbers - progress.numbers:
            return f"messages {sorted(missing)} of the run are not recorded"
        if unended := progress.jobs - progress.ended.keys():
            return f"the end of the run's jobs {sorted(unended)} is not recorded"
        return None


def _of_state(contact: Contact, events: Sequence[Event]) -> str | None:
    want = {a: (-1 if left else 1) * ns(time_s) for a, (time_s, left) in last_events(events).items()}
    if dict(contact.memberships) != want:
        return f"the ledger has {dict(contact.memberships)}, the events say {want}"
    values = {FIELD_IDS[name]: value for name, value in last_values(events).items()}
    got = {name: value for name, (_, value) in contact.fields.items()}
    return None if got == values else f"the ledger has {got}, the events say {values}"
