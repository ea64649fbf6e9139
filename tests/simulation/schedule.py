"""Run one schedule: queue the events, let everything go wrong for a while, then let it settle, and look."""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any, Final

from lytics_sendgrid.change import Change, Kind, Message, encode
from lytics_sendgrid.configuration import (
    Account,
    Audience,
    Export,
    FieldKind,
    MappedField,
    ProvisionedAudience,
    account_document,
    export_document,
)
from lytics_sendgrid.contact import Contact, decode
from lytics_sendgrid.exports_table import ExportsTable
from lytics_sendgrid.set_aside import dead_changes, dead_import
from tests.simulation.dynamodb import DynamoDb
from tests.simulation.engine import START_S, World
from tests.simulation.faults import Faults
from tests.simulation.functions import (
    CHANGES,
    IMPORTS,
    PARKED,
    REJECTS,
    EventSource,
    Services,
    new_confirm,
    new_deliver,
)
from tests.simulation.queues import Queue, Sqs
from tests.simulation.scenario import AUDIENCES, FIELDS, Event, Post, Scenario
from tests.simulation.sendgrid import SendGrid
from tests.simulation.truth import (
    FIELD_IDS,
    divergence,
    expected_row,
    exported,
    last_events,
    last_values,
    membership_fields,
    rejection_of,
)

DEAD_LETTERS: Final = "changes-dlq"
_VISIBILITY_S: Final = 780.0
_RECEIVES: Final = 5
_SETTLES_S: Final = 100_000.0
_REDRIVES: Final = 20
_NS: Final = 1_000_000_000
_LIST: Final = "list1"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a schedule.

    Attributes:
        divergence: what was not as it must be, or None.
        hits: the faults that happened.
        requests: how many upserts SendGrid accepted.
        trace: what happened, where it was asked for.
    """

    divergence: str | None
    hits: Sequence[tuple[str, int]]
    requests: int
    trace: Sequence[str] = field(default_factory=list)


def run(
    scenario: Scenario,
    seed: int,
    timing: int,
    suppressed: Collection[tuple[str, int]] = (),
    *,
    traced: bool = False,
) -> Outcome:
    """Run a scenario.

    Args:
        scenario: what it is about.
        seed: of the faults.
        timing: of how long things take.
        suppressed: faults that are left out.
        traced: keep a trace.
    """
    return _Run(scenario, seed, timing, suppressed, traced=traced).outcome()


class _Run:
    def __init__(
        self,
        scenario: Scenario,
        seed: int,
        timing: int,
        suppressed: Collection[tuple[str, int]],
        *,
        traced: bool,
    ) -> None:
        self._scenario = scenario
        self._faults = Faults(seed, scenario.rates, scenario.faults, suppressed)
        self._world = world = World(Random(timing * 64 + 62), scenario.latency_s, [] if traced else None)
        self._dead = Queue(world, DEAD_LETTERS, 0, 0, None)
        self._parked = Queue(world, PARKED, 0, 0, None)
        changes = Queue(world, CHANGES, _VISIBILITY_S, _RECEIVES, self._dead)
        imports = Queue(world, IMPORTS, _VISIBILITY_S, _RECEIVES, self._parked)
        rejects = Queue(world, REJECTS, 0, 0, None)
        self._queues = {CHANGES: changes, IMPORTS: imports, PARKED: self._parked, REJECTS: rejects}
        self._dynamodb = DynamoDb(world, self._faults)
        self._sendgrid = SendGrid(world, self._faults, scenario.job_max_s, says_when=scenario.says_when)
        sqs = Sqs(world, self._faults, self._queues)
        services = Services(world, self._faults, self._dynamodb, sqs, self._sendgrid)
        self._deliver = EventSource(services, changes, new_deliver, scenario.consumers, scenario.batch)
        self._confirm = EventSource(services, imports, new_confirm, 2, 10)
        self._deliver.poison = scenario.poison
        self._version = 0
        self._configs: dict[str, int] = {}
        self._innocent: list[str] = []
        self._redrives = 0

    def outcome(self) -> Outcome:
        world, scenario = self._world, self._scenario
        self._publish()
        for at_s in scenario.publishes_s:
            world.at(START_S + at_s, self._publish)
        for post in scenario.posts:
            world.at(START_S + post.at_s, lambda post=post: self._post(post))
        for share in (0.3, 0.6):
            world.at(START_S + share * scenario.faults_s, self._redrive_early)
        world.at(START_S + scenario.faults_s, self._stop_faults)
        settled = world.run(START_S + scenario.faults_s + _SETTLES_S)
        found = self._divergence(settled=settled)
        return Outcome(found, self._faults.hits, self._sendgrid.requests, world.trace or [])

    def _publish(self) -> None:
        """Publish the next version of the configuration."""
        self._version += 1
        self._world.note("version %d of the configuration exports %s", self._version, exported(self._version))
        account = account_document(_account(self._version, second_field=self._scenario.second_field))
        self._write_config("account#default", account)
        for post in self._scenario.posts:
            export = export_document(_export(post.export, self._version))
            self._write_config(f"export#{post.export}", export)

    def _write_config(self, pk: str, document: Mapping[str, Any]) -> None:
        item = {"pk": {"S": pk}, "sk": {"S": "config"}, "doc": {"S": json.dumps(document)}}
        self._dynamodb.exports.write((pk, "config"), item)

    def _post(self, post: Post) -> None:
        """Queue a message as ingest and backfill do."""
        for event in post.events:
            self._configs[event.email] = self._version
        changes = tuple(map(_change, post.events))
        now_ms = int(self._world.now * 1000)
        message = Message(post.export, changes, self._version, now_ms, run=post.run, number=post.number)
        body = encode(message)
        self._world.note("queued: %s", body)
        self._queues[CHANGES].put(body)

    def _redrive_early(self) -> None:
        if self._faults.hit("redrive") is not None:
            self._redrive()

    def _redrive(self) -> None:
        """Redrive what is set aside, with the code of the redrive command."""
        self._check_dead_letters()
        for message in list(self._dead.messages):
            self._dead.delete(message)
            self._world.note("%s is redriven", message.id)
            for body in dead_changes(message.body, _KnownExports()).changes:
                self._queues[CHANGES].put(body)
        for message in list(self._parked.messages):
            self._parked.delete(message)
            self._world.note("%s is redriven", message.id)
            for body in dead_import(message.body).imports:
                self._queues[IMPORTS].put(body)

    def _check_dead_letters(self) -> None:
        if self._scenario.poison is not None:
            bodies = [message.body for message in self._dead.messages]
            self._innocent += [body for body in bodies if self._scenario.poison not in body]
            self._poison_is_dead = any(self._scenario.poison in body for body in bodies)

    def _stop_faults(self) -> None:
        self._world.note("nothing goes wrong any more")
        self._faults.stop()
        self._deliver.poison = None
        self._redrive()
        self._watch_dead_letters()

    def _watch_dead_letters(self) -> None:
        """Redrive what is still dead-lettered, and go on looking as long as anything is under way."""
        busy = any(queue.messages for queue in (*self._queues.values(), self._dead) if queue.name != REJECTS)
        if (self._dead.messages or self._parked.messages) and self._redrives < _REDRIVES:
            self._redrives += 1
            self._redrive()
        if busy:
            self._world.at(self._world.now + 1_000, self._watch_dead_letters)

    def _divergence(self, *, settled: bool) -> str | None:
        if not settled:
            return "it never settles"
        for error in self._deliver.escaped + self._confirm.escaped:
            return f"a handler raised {type(error).__name__}: {error}"
        for queue in (*self._queues.values(), self._dead):
            if queue.messages:
                return f"{len(queue.messages)} messages are left on {queue.name}: {queue.messages[0].body}"
        if self._innocent:
            return f"a neighbour of the poison is dead-lettered: {self._innocent[0]}"
        if self._scenario.poison is not None and not self._poison_is_dead:
            return "the poison is not dead-lettered"
        events: dict[str, list[tuple[str, Event]]] = {}
        for post in self._scenario.posts:
            for event in post.events:
                events.setdefault(event.email, []).append((post.export, event))
        for email, happened in events.items():
            if found := self._divergence_of(email, happened):
                return f"{email}: {found}"
        return self._divergence_of_run()

    def _divergence_of(self, email: str, happened: Sequence[tuple[str, Event]]) -> str | None:
        events = [event for _, event in happened]
        item = self._dynamodb.contacts.items.get(f"default#{email}")
        if item is None:
            return None if not any(e.audience or e.fields for e in events) else "it is not in the ledger"
        contact = decode(item["state"]["S"], int(item["version"]["N"]))
        if found := _divergence_of_state(contact, events):
            return found
        # A row that a newer version leaves as it was is not sent again, so it may be of any version since.
        found: str | None = None
        for version in range(max(contact.configuration, self._configs[email]), self._version + 1):
            row = expected_row(email, events, version, second_field=self._scenario.second_field)
            found = self._divergence_of_row(contact, row)
            if found is None:
                break
        else:
            return found
        lists = {_LIST} if any(export == "newsletter" for export, _ in happened) else set()
        held = self._sendgrid.contacts.get(email)
        if contact.rejection is None and held is not None and held["lists"] != lists:
            return f"SendGrid has it on the lists {held['lists']}"
        return None

    def _divergence_of_row(self, contact: Contact, row: Mapping[str, Any]) -> str | None:
        rejected = rejection_of(row)
        said = None if contact.rejection is None else contact.rejection.reason
        if said != rejected:
            return f"the ledger's rejection is {said!r}, it must be {rejected!r}"
        return divergence(self._sendgrid.contacts.get(row["email"]), row, rejected)

    def _divergence_of_run(self) -> str | None:
        """Check what settle counts on: every message of the run is recorded, and every job's end."""
        numbers = {post.number for post in self._scenario.posts if post.run is not None}
        if not numbers:
            return None
        client: Any = self._dynamodb
        progress = ExportsTable(client, "exports").progress("run1")
        if missing := numbers - progress.numbers:
            return f"messages {sorted(map(str, missing))} of the run are not recorded"
        if missing := progress.jobs - progress.ended.keys():
            return f"the end of the run's jobs {sorted(missing)} is not recorded"
        return None


class _KnownExports:
    """Exports that there are, whatever they are called."""

    def export(self, name: str) -> Export:
        return _export(name, 1)


def _divergence_of_state(contact: Contact, events: Sequence[Event]) -> str | None:
    want = {a: (-1 if left else 1) * _ns(time_s) for a, (time_s, left) in last_events(events).items()}
    if dict(contact.memberships) != want:
        return f"the ledger has {dict(contact.memberships)}, the events say {want}"
    values = {FIELD_IDS[name]: value for name, value in last_values(events).items()}
    got = {name: value for name, (_, value) in contact.fields.items()}
    return None if got == values else f"the ledger has {got}, the events say {values}"


def _ns(time_s: int) -> int:
    return (int(START_S) - 1_000 + time_s) * _NS


def _change(event: Event) -> Change:
    return Change(
        event.email,
        _ns(event.time_s),
        event.kind,
        event.audience,
        event.fields,
        None if event.fields_time_s == event.time_s else _ns(event.fields_time_s),
    )


def _account(version: int, *, second_field: bool) -> Account:
    fields = membership_fields(version, second_field=second_field)
    names = {"s1_T": "lytics_segments", "s2_T": "lytics_segments_1"}
    return Account(
        name="default",
        version=version,
        membership_fields={name: field_id for field_id, name in names.items()},
        audiences={
            audience: ProvisionedAudience(
                names[fields[audience]],
                f"segment-{audience[0]}",
                _LIST,
                ("newsletter",) if audience in exported(version) else (),
            )
            for audience in AUDIENCES
        },
    )


def _export(name: str, version: int) -> Export:
    return Export(
        name=name,
        authorization="default",
        account="default",
        version=version,
        email_field="email",
        fields=tuple(MappedField(f, FIELD_IDS[f], f, FieldKind.TEXT, 1000) for f in FIELDS),
        audiences=tuple(Audience(audience, audience[0], audience[0]) for audience in AUDIENCES),
        list_id=_LIST if name == "newsletter" else None,
    )
