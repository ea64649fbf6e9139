"""Check how a schedule ended: the ledger, SendGrid and the events must agree."""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from typing import Any

from lytics_sendgrid.domain.change import Kind
from lytics_sendgrid.domain.contact import Contact, decode
from lytics_sendgrid.domain.erasure import Holds
from lytics_sendgrid.sendgrid.row import row_form, row_hash, row_lists, row_of
from lytics_sendgrid.tables.erasures import ErasuresTable
from lytics_sendgrid.tables.exports import ExportsTable
from tests.simulation.dynamodb import DynamoDb
from tests.simulation.exports import account, lists, since_ns
from tests.simulation.scenario import AUDIENCES, Scenario
from tests.simulation.sendgrid import SendGrid
from tests.simulation.truth import (
    FIELD_IDS,
    NOBODY,
    Happened,
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
        cleared: the newest version whose removed audience was cleared; 0: none.
        happened: each contact's events.
        numbers: run to the numbers of its messages.
    """

    scenario: Scenario
    dynamodb: DynamoDb
    sendgrid: SendGrid
    version: int
    written_with: Mapping[str, int]
    cleared: int
    happened: Mapping[str, Sequence[Happened]]
    numbers: Mapping[str, AbstractSet[str]]

    def divergence(self) -> str | None:
        """Return the first difference, or None."""
        known = {key.removeprefix("default#") for (key,) in self.dynamodb.contacts.items}
        for email in sorted((known | self.sendgrid.contacts.keys()) - self.happened.keys()):
            return f"{email}: only a question named it"
        for email, happened in self.happened.items():
            if fault := self._of_contact(email, happened):
                return f"{email}: {fault}"
        return self._of_run()

    def _of_contact(self, email: str, events: Sequence[Happened]) -> str | None:
        if (hold := self._holds().of(email)) is not None:
            return self._of_erased(email, events, hold.at_ns)
        since = self._since(self.version)
        counting = [one for one in events if one.time_ns > since.get(one.event.audience or "", 0)]
        item = self.dynamodb.contacts.items.get((f"default#{email}",))
        if item is None:
            is_known = any(one.event.audience or one.event.fields for one in counting)
            return "missing from the ledger" if is_known else None
        contact = decode(item["state"]["S"], int(item["version"]["N"]))
        fault = _of_state(contact, events, since)
        # A row that a newer version does not change is not sent again, so any version since may be right.
        cleared = self.cleared if contact.is_in(AUDIENCES[1]) else 0
        first = max(contact.configuration, self.written_with[email], cleared)
        versions = range(first, self.version + 1)
        if fault is None and all((fault := self._of_row(email, contact, events, v)) for v in versions):
            return fault
        of_exports = lists(second_list=self.scenario.second_list)
        want, most = ({of_exports[e] for e, *_ in some if e in of_exports} for some in (counting, events))
        held = self.sendgrid.contacts.get(email)
        if fault is not None or contact.rejection is not None or held is None:
            return fault
        if not want <= held["lists"] <= most:
            return f"SendGrid has it on the lists {held['lists']}"
        return fault

    def _holds(self) -> Holds:
        client: Any = self.dynamodb
        return ErasuresTable(client, "exports").holds("default", 0)

    def _of_erased(self, email: str, events: Sequence[Happened], at_ns: int) -> str | None:
        """Check an erased person: only who entered later is there, with what came later.

        SendGrid may also have fields of before, if an import job of before was in flight as she entered.
        """
        later = [one for one in events if one.time_ns > at_ns]
        item = self.dynamodb.contacts.items.get((f"default#{email}",))
        held = self.sendgrid.contacts.get(email)
        if not any(one.event.kind is Kind.ENTER for one in later):
            where = ["the ledger"] * (item is not None) + ["SendGrid"] * (held is not None)
            return f"erased, but still in {' and '.join(where)}" if where else None
        if item is None:
            return "she signed up again, and is missing from the ledger"
        contact = decode(item["state"]["S"], int(item["version"]["N"]))
        since = dict.fromkeys(AUDIENCES, at_ns)
        # A scan's row that comes before she is back is dropped; afterwards, it adds her.
        scanned = [a for a, time_ns in contact.memberships.items() if time_ns == at_ns + 1]
        rows = [one for one in events if one.event.kind is Kind.ENTER and one.event.audience in scanned]
        later += [
            Happened(export, replace(event, fields={}), at_ns + 1)
            for export, event, time_ns in rows
            if time_ns <= at_ns
        ]
        if fault := _of_state(contact, later, since):
            return fault
        second_field = self.scenario.second_field
        faults = []
        for version in range(max(contact.configuration, self.cleared), self.version + 1):
            row = expected_row(email, later, version, since, contact.memberships, second_field=second_field)
            wanted, got = row["custom_fields"], (held or {"custom_fields": {}})["custom_fields"]
            if all(got.get(name) == value for name, value in wanted.items()):
                return None
            faults.append(f"SendGrid holds {got}, the events after the erasure say {wanted}")
        return faults[-1] if faults else "made with a configuration that does not exist"

    def _since(self, version: int) -> Mapping[str, int]:
        return since_ns(version, self.scenario.since_s)

    def _of_row(self, email: str, contact: Contact, events: Sequence[Happened], version: int) -> str | None:
        second_field, since = self.scenario.second_field, self._since(version)
        row = expected_row(email, events, version, since, contact.memberships, second_field=second_field)
        rejected = rejection_of(row)
        recorded = None if contact.rejection is None else contact.rejection.reason
        if recorded != rejected:
            return f"the ledger's rejection is {recorded!r}, expected {rejected!r}"
        second_list = self.scenario.second_list
        since_s = self.scenario.since_s
        form = row_form(
            account(version, second_field=second_field, second_list=second_list, since_s=since_s), NOBODY
        )
        if rejected is None and contact.row != row_hash(
            row_of(email, contact, form), row_lists(contact, form)
        ):
            return "the ledger's row hash does not match its state"
        return divergence(self.sendgrid.contacts.get(email), row, rejected)

    def _of_run(self) -> str | None:
        """Check what settle relies on: every message of a run and every job's end is recorded."""
        client: Any = self.dynamodb
        for run, numbers in self.numbers.items():
            progress = ExportsTable(client, "exports").progress(run)
            if missing := numbers - progress.numbers:
                return f"messages {sorted(missing)} of {run} are not recorded"
            if unended := progress.jobs - progress.ended.keys():
                return f"the end of {run}'s jobs {sorted(unended)} is not recorded"
        return None


def _of_state(contact: Contact, events: Sequence[Happened], since: Mapping[str, int]) -> str | None:
    last = last_events(events, since)
    want = {audience: -time_ns if left else time_ns for audience, (time_ns, left) in last.items()}
    # An event that does not count may be kept, by a consumer with an earlier configuration.
    kept = {a: t for a, t in contact.memberships.items() if a in want or abs(t) > since[a]}
    if kept != want:
        return f"the ledger has {dict(contact.memberships)}, the events say {want}"
    values = {FIELD_IDS[name]: value for name, value in last_values(events).items()}
    got = {name: value for name, (_, value) in contact.fields.items()}
    return None if got == values else f"the ledger has {got}, the events say {values}"
