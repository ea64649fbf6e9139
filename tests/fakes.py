"""Hand-written fakes behind Protocols: each does what its first line says and no more."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from functions.deliver.export_views import View
from lytics_sendgrid.domain.change import Message
from lytics_sendgrid.domain.contact import UNKNOWN, Commit, Contact, ContactKey
from lytics_sendgrid.domain.contact import decode as contact_decode
from lytics_sendgrid.domain.contact import encode as contact_encode
from lytics_sendgrid.domain.stop import Stop
from lytics_sendgrid.queues.changes import decode
from lytics_sendgrid.sendgrid.upsert_answer import (
    Accepted,
    BadAddresses,
    Busy,
    RequestFault,
    RowsRefused,
    Unanswered,
    Verdict,
)
from tests.clock import ManualClock


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
