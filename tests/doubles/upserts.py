"""SendGrid's answers to upserts, by what is in the rows: stands in for the adapter, above HTTP."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

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


@dataclass(frozen=True, slots=True)
class BusyUntil(Busy):
    """429 that says when the next request may start, Unix seconds."""

    until_epoch_s: float


class SendGridUpserts:
    """SendGrid's answers to upserts, by what is in the rows.

    Attributes:
        bad_addresses: refuse the whole request, which names them unless ``names_addresses`` is false.
        bad_values: a row that holds one refuses the whole request, which names nothing.
        field_ids: the existing custom fields; None: every one.
        lists: the existing lists; None: every one.
        chokes: tells of a request's rows whether they leave it unanswered.
        script: verdicts to give first, whatever is in the rows; with ``taken``, an unanswered request counts
            as accepted anyway.
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
        if isinstance(verdict, BusyUntil):
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
