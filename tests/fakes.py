"""Hand-written fakes behind the Protocols of the shared package: each does what its first line says and no more."""

import dataclasses
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from functions.deliver.export_views import View
from lytics_sendgrid.domain.change import Message
from lytics_sendgrid.domain.checkpoint import Checkpoint, checkpoint_document, checkpoint_from
from lytics_sendgrid.domain.configuration import Account, Export
from lytics_sendgrid.domain.contact import UNKNOWN, Commit, Contact, ContactKey
from lytics_sendgrid.domain.contact import decode as contact_decode
from lytics_sendgrid.domain.contact import encode as contact_encode
from lytics_sendgrid.domain.stop import Stop
from lytics_sendgrid.errors import ConfigurationChanged, RequestRefused
from lytics_sendgrid.lytics.documents import (
    HeaderAuthorization,
    LyticsAudience,
    LyticsJob,
    ScanPage,
    job_from,
)
from lytics_sendgrid.queues.changes import decode
from lytics_sendgrid.sendgrid.resources import ContactList, CustomField, Segment
from lytics_sendgrid.sendgrid.upsert_answer import (
    Accepted,
    BadAddresses,
    Busy,
    RequestFault,
    RowsRefused,
    Unanswered,
    Verdict,
)
from tests.clock import START_S, ManualClock


class PagedAudience:
    """An audience's scan: numbered pages, and faults that happen before chosen calls.

    Args:
        pages: rows of each page; the cursor of the nth, counted from 0, is ``c<n>``.
        total: what every page says; the number of rows where it is None.
        date_ns: Lytics' clock at the first call; each call takes a second.
    """

    def __init__(
        self, pages: Sequence[Sequence[Mapping[str, Any]]], total: int | None = None, date_ns: int = 0
    ) -> None:
        self.pages = pages
        self.total = sum(map(len, pages)) if total is None else total
        self.date_ns = date_ns or 1_790_000_000_000_000_000
        self.faults: dict[int, Exception] = {}
        self.cursors: dict[int, str] = {}
        self.calls: list[str] = []

    def scan_page(self, audience_id: str, start: str, fields: Sequence[str]) -> ScanPage:
        call = len(self.calls)
        self.calls.append(start)
        if call in self.faults:
            raise self.faults[call]
        number = int(start[1:]) if start else 0
        following = f"c{number + 1}" if number + 1 < len(self.pages) else ""
        return ScanPage(
            tuple({name: row[name] for name in fields if name in row} for row in self.pages[number]),
            self.cursors.get(number, following),
            self.total,
            self.date_ns + call * 1_000_000_000,
        )


class ListedQueue:
    """A queue that keeps bodies in a list; ``broken`` makes it take none."""

    def __init__(self) -> None:
        self.bodies: list[str] = []
        self.requests = 0
        self.broken: Exception | None = None

    def send(self, bodies: Iterable[str], delay_s: int = 0) -> None:
        if self.broken is not None:
            raise self.broken
        self.requests += 1
        self.bodies += bodies


class KeptCheckpoints:
    """Checkpoints through JSON, as the table keeps them; ``broken`` makes it take none."""

    def __init__(self) -> None:
        self.kept: dict[tuple[str, str], str] = {}
        self.writes = 0
        self.broken: Exception | None = None

    def scan(self, run: str, audience: str) -> Checkpoint | None:
        text = self.kept.get((run, audience))
        return None if text is None else checkpoint_from(json.loads(text))

    def put_scan(self, run: str, audience: str, checkpoint: Checkpoint, now_s: int) -> None:
        if self.broken is not None:
            raise self.broken
        self.writes += 1
        self.kept[run, audience] = json.dumps(checkpoint_document(checkpoint))


class InvocationClock(ManualClock):
    """A clock that stands still, and the seconds left: each sleep takes its time, each look at them takes one second."""

    def __init__(self, left_s: float = 840.0, now_s: float = START_S) -> None:
        super().__init__(now_s, lambda: 1.0)
        self.left = left_s

    def left_s(self) -> float:
        self.left -= 1
        return self.left

    def sleep(self, seconds: float) -> None:
        self.sleeps.append(seconds)
        self.left -= seconds


class LyticsJobs:
    """Lytics' webhook jobs and header authorizations; ``refusals`` maps a method's name to what it raises."""

    def __init__(self) -> None:
        self.all_jobs: list[LyticsJob] = []
        self.headers: dict[str, dict[str, str]] = {}
        self.labels: dict[str, str] = {}
        self.fields = {"email": "string", "segment_events": "dynamic"}
        self.refusals: dict[str, Exception] = {}
        self.calls: list[str] = []
        self.status_of_new = "initializing"

    def _called(self, name: str) -> None:
        self.calls.append(name)
        if name in self.refusals:
            raise self.refusals[name]

    def schema_fields(self) -> dict[str, str]:
        self._called("schema_fields")
        return self.fields

    def jobs(self, workflow: str | None = None) -> tuple[LyticsJob, ...]:
        self._called("jobs")
        return tuple(job for job in self.all_jobs if workflow in {None, job.workflow})

    def create_webhook_job(self, document: Mapping[str, Any]) -> LyticsJob:
        self._called("create_webhook_job")
        return self.add({**document, "id": f"job{len(self.all_jobs)}"}, self.status_of_new)

    def update_webhook_job(self, job_id: str, document: Mapping[str, Any]) -> LyticsJob:
        self._called("update_webhook_job")
        (old,) = [job for job in self.all_jobs if job.id == job_id]
        self.all_jobs.remove(old)
        return self.add({**document, "id": job_id}, old.status)

    def add(self, document: Mapping[str, Any], status: str) -> LyticsJob:
        job = job_from({**document, "workflow": "webhook_triggers", "status": status})
        assert job is not None
        self.all_jobs.append(job)
        return job

    def become(self, status: str) -> None:
        self.all_jobs = [dataclasses.replace(job, status=status) for job in self.all_jobs]

    def header_authorizations(self) -> tuple[HeaderAuthorization, ...]:
        self._called("header_authorizations")
        return tuple(
            HeaderAuthorization(key, label, "header_param_auth") for key, label in self.labels.items()
        )

    def create_header_authorization(self, label: str, headers: Mapping[str, str]) -> HeaderAuthorization:
        self._called("create_header_authorization")
        return self._keep(f"auth{len(self.labels)}", label, headers)

    def update_header_authorization(
        self, authorization_id: str, label: str, headers: Mapping[str, str]
    ) -> HeaderAuthorization:
        self._called("update_header_authorization")
        return self._keep(authorization_id, label, headers)

    def _keep(self, key: str, label: str, headers: Mapping[str, str]) -> HeaderAuthorization:
        self.labels[key], self.headers[key] = label, dict(headers)
        return HeaderAuthorization(key, label, "header_param_auth")


class KeptExports:
    """Exports by name, and which of them are stopped."""

    def __init__(self, *exports: Export) -> None:
        self.exports = {export.name: export for export in exports}
        self.stopped = set(self.exports)
        self.lifted_ms: dict[str, int] = {}

    def put_export(self, export: Export) -> None:
        self.exports[export.name] = export

    def lift_stop(self, export: str, at_ms: int) -> None:
        self.stopped.discard(export)
        self.lifted_ms[export] = at_ms


class ListedExports:
    """The exports table with what a test puts into ``exports``; counts the reads, and fails while ``broken`` is set."""

    def __init__(self, *exports: Export) -> None:
        self.exports = {export.name: export for export in exports}
        self.reads: list[str] = []
        self.broken: Exception | None = None

    def export(self, name: str) -> Export | None:
        self.reads.append(name)
        if self.broken is not None:
            raise self.broken
        return self.exports.get(name)


class ListedSecrets:
    """Secrets Manager with the texts that a test puts into ``texts``; counts the reads, and fails while ``broken`` is."""

    def __init__(self, **texts: str) -> None:
        self.texts = texts
        self.reads: list[str] = []
        self.broken: Exception | None = None

    def get_secret_value(self, *, SecretId: str) -> dict[str, Any]:  # noqa: N803 - boto3's name
        self.reads.append(SecretId)
        if self.broken is not None:
            raise self.broken
        return {"SecretString": self.texts[SecretId.rpartition("/")[2]]}


class HandClock:
    """A clock that a test moves: ``now_ns`` since 1970, and ``monotonic`` in seconds."""

    def __init__(self, now_ns: int = 1_795_000_000_000_000_000) -> None:
        self.now_ns = now_ns

    def time_ns(self) -> int:
        return self.now_ns

    def monotonic(self) -> float:
        return self.now_ns / 1e9

    def move(self, seconds: float) -> None:
        self.now_ns += round(seconds * 1e9)


class KeptConfigurations:
    """Accounts and exports in memory, with the account's version condition; counts its writes."""

    def __init__(self, *accounts: Account) -> None:
        self.accounts = {account.name: account for account in accounts}
        self.exports: dict[str, Export] = {}
        self.writes = 0

    def account(self, name: str) -> Account:
        return self.accounts.get(name, Account(name))

    def put_account(self, account: Account, read_version: int) -> None:
        if account.name in self.accounts and self.accounts[account.name].version != read_version:
            raise ConfigurationChanged("changed meanwhile")
        self.writes += 1
        self.accounts[account.name] = account

    def export(self, name: str) -> Export | None:
        return self.exports.get(name)

    def put_export(self, export: Export) -> None:
        self.writes += 1
        self.exports[export.name] = export


class SendGridInMemory:
    """A SendGrid account of fields and segments; ``deaths`` are raised before or after the write of a number, from 1."""

    def __init__(self) -> None:
        self.custom_fields: list[CustomField] = []
        self.all_segments: list[Segment] = []
        self.calls: list[str] = []
        self.deaths: dict[tuple[int, str], Exception] = {}
        self.segment_refusals = 0
        self.validation = "PENDING"
        self._writes = 0

    def scopes(self) -> frozenset[str]:
        return frozenset({"marketing.read"})

    def lists(self) -> tuple[ContactList, ...]:
        return (ContactList("l1", "News"),)

    def contacts_count(self) -> int:
        return 12

    def fields(self) -> tuple[CustomField, ...]:
        self.calls.append("fields")
        return tuple(self.custom_fields)

    def create_field(self, name: str, field_type: str) -> CustomField:
        self.calls.append(f"create_field {name}")
        self._reached("before")
        if any(field.name.lower() == name.lower() for field in self.custom_fields):
            raise RequestRefused("SendGrid answered 400: the name exists")
        field = CustomField(f"e{len(self.custom_fields) + 1}_{field_type[0]}", name, field_type)
        self.custom_fields.append(field)
        self._reached("after")
        return field

    def rename_field(self, field_id: str, name: str) -> None:
        self.calls.append(f"rename_field {field_id} {name}")
        self._reached("before")

    def segments(self) -> tuple[Segment, ...]:
        self.calls.append("segments")
        return tuple(dataclasses.replace(segment, query=None) for segment in self.all_segments)

    def segment(self, segment_id: str) -> Segment:
        return next(segment for segment in self.all_segments if segment.id == segment_id)

    def create_segment(self, name: str, query: str, list_id: str | None) -> Segment:
        self.calls.append(f"create_segment {name}")
        self._reached("before")
        if any(segment.name == name for segment in self.all_segments):
            raise RequestRefused("SendGrid answered 400: the name exists")
        if self.segment_refusals:
            self.segment_refusals -= 1
            raise RequestRefused("SendGrid answered 400: no such column")
        segment = Segment(f"s{len(self.all_segments) + 1}", name, list_id, query, 0, self.validation)
        self.all_segments.append(segment)
        self._reached("after")
        return segment

    def _reached(self, moment: str) -> None:
        self._writes += moment == "before"
        death = self.deaths.pop((self._writes, moment), None)
        if death is not None:
            raise death


class LyticsInMemory:
    """A Lytics account of audiences that are known by slug, a schema, and jobs; ``refusals`` are raised by call."""

    def __init__(self, *audiences: LyticsAudience) -> None:
        self.all_audiences = audiences
        self.refusals: dict[str, Exception] = {}
        self.all_jobs: tuple[LyticsJob, ...] = ()

    def _called(self, name: str) -> None:
        if name in self.refusals:
            raise self.refusals[name]

    def audiences(self) -> tuple[LyticsAudience, ...]:
        self._called("audiences")
        return self.all_audiences

    def find_audiences(self, reference: str, listed: Sequence[LyticsAudience]) -> tuple[LyticsAudience, ...]:
        self._called("find_audiences")
        return tuple(audience for audience in listed if audience.slug == reference)

    def schema_fields(self) -> dict[str, str]:
        self._called("schema_fields")
        return {"email": "string", "first_name": "string", "last_name": "string"}

    def jobs(self, workflow: str | None = None) -> tuple[LyticsJob, ...]:
        self._called("jobs")
        return self.all_jobs

    def sizes(self, audience_ids: Iterable[str]) -> dict[str, int]:
        self._called("sizes")
        return {
            audience.id: audience.size or 0 for audience in self.all_audiences if audience.id in audience_ids
        }


class DelayedQueue:
    """A queue that keeps bodies with their delays; ``broken`` makes it take none."""

    def __init__(self) -> None:
        self.sent: list[tuple[int, str]] = []
        self.broken: Exception | None = None

    def send(self, bodies: Iterable[str], delay_s: int = 0) -> None:
        if self.broken is not None:
            raise self.broken
        self.sent += [(delay_s, body) for body in bodies]

    def messages(self) -> list[tuple[int, Message]]:
        return [(delay_s, decode(body)) for delay_s, body in self.sent]


class LedgerInMemory:
    """The contacts table with its version condition.

    Attributes:
        contacts: what is committed.
        commits: how many states were written.
        reads: how many contacts were read, and whether consistently, of each load.
        stale: states that the next inconsistent load answers with, instead of the newest.
        rivals: called one by one, each before one commit: what another consumer does meanwhile.
        broken: method name to what it raises.
    """

    def __init__(self) -> None:
        self.contacts: dict[ContactKey, Contact] = {}
        self.commits = 0
        self.reads: list[tuple[int, bool]] = []
        self.stale: dict[ContactKey, Contact] = {}
        self.rivals: list[Callable[[], None]] = []
        self.broken: dict[str, Exception] = {}

    def load(self, keys: Iterable[ContactKey], *, consistent: bool = False) -> dict[ContactKey, Contact]:
        if "load" in self.broken:
            raise self.broken["load"]
        wanted = list(keys)
        self.reads.append((len(wanted), consistent))
        behind = {} if consistent else self.stale
        return {key: behind.get(key, self.contacts.get(key, UNKNOWN)) for key in wanted}

    def commit(self, commits: Sequence[Commit], loaded: Mapping[ContactKey, Contact]) -> set[ContactKey]:
        if self.rivals:
            self.rivals.pop(0)()
        if "commit" in self.broken:
            raise self.broken["commit"]
        lost = set()
        for commit in commits:
            before = self.contacts.get(commit.key, UNKNOWN)
            if before.version != commit.contact.version:
                lost.add(commit.key)
                continue
            state = contact_decode(contact_encode(commit.contact), before.version + 1)
            self.contacts[commit.key] = state
            self.commits += 1
        return lost


class SendGridUpserts:
    """SendGrid's answers to upserts, by what is in the rows.

    Attributes:
        bad_addresses: refuse the whole request, which names them unless ``names_addresses`` is false.
        bad_values: a row that holds one refuses the whole request, which names nothing.
        field_ids: what custom fields there are; None: whatever is asked for.
        lists: what lists there are; None: whatever is asked for.
        chokes: tells of a request's rows whether they leave it unanswered.
        script: verdicts to give first, whatever is in the rows; with ``taken``, an unanswered request counts
            all the same.
        after_request: called after each request, with its number from 1.
        requests: the lists and the rows of every request.
        held: what the contacts have become, by address.
    """

    def __init__(self, clock: ManualClock) -> None:
        self.bad_addresses: set[str] = set()
        self.names_addresses = True
        self.bad_values: set[str] = set()
        self.field_ids: set[str] | None = None
        self.lists: set[str] | None = None
        self.chokes: Callable[[Sequence[Mapping[str, Any]]], bool] = lambda _: False
        self.script: list[Verdict] = []
        self.taken = True
        self.duration_s = 0.0
        self.after_request: Callable[[int], None] = lambda _: None
        self.wait_until_s = 0.0
        self.requests: list[tuple[tuple[str, ...], list[dict[str, Any]]]] = []
        self.timeouts_s: list[float] = []
        self.held: dict[str, dict[str, Any]] = {}
        self._clock = clock

    def not_before(self) -> float:
        return self.wait_until_s

    def upsert(self, body: bytes, timeout_s: float) -> Verdict:
        document = json.loads(body)
        rows, lists = document["contacts"], tuple(document.get("list_ids", ()))
        assert 1 <= len(rows) <= 30_000
        assert len(body) <= 5_500_000
        assert len({row["email"] for row in rows}) == len(rows)
        self.requests.append((lists, rows))
        self.timeouts_s.append(timeout_s)
        verdict = self.script.pop(0) if self.script else self._judge(rows, lists)
        if isinstance(verdict, Accepted) or (isinstance(verdict, Unanswered) and self.taken):
            for row in rows:
                self._hold(row)
        if isinstance(verdict, Busy) and verdict.until_epoch_s is not None:
            self.wait_until_s = verdict.until_epoch_s
        self._clock.now_s += self.duration_s
        self.after_request(len(self.requests))
        return verdict

    def emails(self) -> list[list[str]]:
        return [sorted(row["email"] for row in rows) for _, rows in self.requests]

    def _judge(self, rows: Sequence[Mapping[str, Any]], lists: Sequence[str]) -> Verdict:
        if self.chokes(rows):
            return Unanswered("500")
        if self.lists is not None and set(lists) - self.lists:
            return RequestFault("404 not found", of_list=True)
        custom = [value for row in rows for value in row.get("custom_fields", {}).items()]
        if self.field_ids is not None and {name for name, _ in custom} - self.field_ids:
            return RequestFault("400 invalid custom field ids supplied")
        if bad := self.bad_addresses & {row["email"] for row in rows}:
            words = "400 email '(address)' is not valid"
            return BadAddresses(frozenset(bad), words) if self.names_addresses else RowsRefused("400 bad")
        if self.bad_values & {str(value) for row in rows for value in row.values()} or self.bad_values & {
            str(value) for _, value in custom
        }:
            return RowsRefused("400 invalid input")
        return Accepted(f"job{len(self.requests)}")

    def _hold(self, row: Mapping[str, Any]) -> None:
        before = self.held.get(row["email"], {})
        fields = {**before.get("custom_fields", {}), **row.get("custom_fields", {})}
        self.held[row["email"]] = {**before, **row, "custom_fields": fields}


class ListedViews:
    """Views by export's name; keeps what was asked for."""

    def __init__(self, *views: View) -> None:
        self.views = {view.export.name: view for view in views}
        self.newer: dict[str, View] = {}
        self.asked: list[tuple[str, int]] = []
        self.broken: Exception | None = None

    def view(self, export: str, at_least_version: int = 0) -> View | None:
        if self.broken is not None:
            raise self.broken
        self.asked.append((export, at_least_version))
        view = self.views.get(export)
        if view is not None and view.form.version < at_least_version:
            return self.newer.get(export, view)
        return view

    def forget(self, export: str) -> None:
        self.asked.append((export, -1))


class ListedRuns:
    """Stops and what runs have committed.

    Attributes:
        lifted_ms: when somebody has let all exports go on.
        broken: a method's name to what it raises.
    """

    def __init__(self) -> None:
        self.stops: dict[str, Stop] = {}
        self.cleared: list[str] = []
        self.lifted_ms = 0
        self.done: list[tuple[str, set[str], set[str], dict[str, int]]] = []
        self.broken: dict[str, Exception] = {}

    def put_stop(self, export: str, stop: Stop) -> bool:
        if "put_stop" in self.broken:
            raise self.broken["put_stop"]
        if stop.since_ms < self.lifted_ms:
            return False
        self.stops[export] = stop
        return True

    def lift_stop(self, export: str, at_ms: int) -> None:
        if "lift_stop" in self.broken:
            raise self.broken["lift_stop"]
        self.cleared.append(export)

    def record_done(
        self,
        run: str,
        numbers: Iterable[str],
        jobs: Iterable[str],
        now_s: int,
        counts: Mapping[str, int] | None = None,
    ) -> None:
        if "record_done" in self.broken:
            raise self.broken["record_done"]
        self.done.append((run, set(numbers), set(jobs), dict(counts or {})))
