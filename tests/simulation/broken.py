"""Replacements for the product's code that break the protocol on purpose."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from functions.confirm.consequences import Consequences, EndedJob, Refreshes, overwritten
from functions.confirm.follow import JobOutcome
from functions.deliver import decide, merge
from functions.deliver.exchange import Exchange
from functions.deliver.export_views import ExportViews
from functions.deliver.send import Sending
from functions.deliver.upsert import Upsert
from functions.deliver.upsert_result import AcceptedRow
from functions.operate.dead_letters import RedrivePlan
from lytics_sendgrid.domain.contact import Contact
from lytics_sendgrid.sendgrid.import_job import Job
from tests.simulation.exports import ns, time_of
from tests.simulation.queues import Queue


def nothing(*_: Any, **__: Any) -> None: ...


def empty(*_: Any) -> list[Any]:
    return []


def as_it_is(loaded: Contact, _: int) -> Contact:
    return loaded


def no(*_: Any, **__: Any) -> bool:
    return False


def yes(*_: Any) -> bool:
    return True


def no_time(*_: Any) -> float:
    return 0.0


def nobody(_: Any) -> set[str]:
    return set()


def unmarked(body: str, _: Any) -> RedrivePlan:
    return RedrivePlan(why="", changes=(body,))


def view_as_it_is(self: Any, export: str, _at_least_version: int = 0) -> Any:
    return _VIEW(self, export)


def changed(original: Callable[..., Any], change: Callable[[Any], Any]) -> Callable[..., Any]:
    """Return a function that changes the original's result."""
    return lambda *arguments, **more: change(original(*arguments, **more))


def unconditional(statement: Mapping[str, Any]) -> Mapping[str, Any]:
    condition = ' AND "version"=?'
    if not statement["Statement"].endswith(condition):
        return statement
    text = statement["Statement"].removesuffix(condition)
    return {"Statement": text, "Parameters": statement["Parameters"][:-1]}


def stamped_late(decision: Any, accepted: Any, now_ms: int) -> Any:
    return _ACCEPT(decision, replace(accepted, sent_ms=now_ms), now_ms)


def all_refused(self: Any, rows: Sequence[Any], _extent: Any, refusal: str) -> None:
    self._refused |= {row.key: refusal for row in rows}


def refused_at_once(self: Any, rows: Sequence[Any], extent: Any, refusal: str) -> None:
    if len(rows) > 1:
        _NARROW(self, rows, extent, refusal)
    else:
        self._refused[rows[0].key] = refusal


def received_and_deleted(self: Queue, *arguments: Any) -> Any:
    received = _RECEIVE(self, *arguments)
    for message in received:
        self.delete(message)
    return received


def equal_if_not_news(contact: Any, loaded: Contact, views: Any) -> Any:
    contact.progress.sent_before = contact.progress.uncertain = False
    return _DECIDE(contact, loaded, views)


def tie_enters(signed_ns: int, than_signed_ns: int) -> bool:
    return abs(signed_ns) > abs(than_signed_ns) or (
        abs(signed_ns) == abs(than_signed_ns) and signed_ns > than_signed_ns
    )


def completed(job: Job) -> Job:
    return replace(job, status="completed") if job.status == "failed" else job


def any_row(contact: Contact, change: Any, rejection: Any) -> Any:
    return _REJECTED(replace(contact, row=change.row), change, rejection)


def half_written(self: Any, commits: Sequence[Any], loaded: Any) -> set[str]:
    answer = self._client.batch_execute_statement(
        Statements=[self._statement(commit, loaded[commit.key]) for commit in commits]
    )
    pairs = zip(commits, answer["Responses"], strict=True)
    lost = {"ConditionalCheckFailed", "DuplicateItem"}
    return {commit.key for commit, answer in pairs if answer.get("Error", {}).get("Code") in lost}


def counted_first(self: Any, authorization: str, request: Any, job: str, sent_ms: int) -> None:
    for run in {run for row in request.rows for run in self._decisions[row.key].contact.runs}:
        self.jobs.setdefault(run, set()).add(job)
    _QUEUE_IMPORT(self, authorization, request, job, sent_ms)


def committed_first(
    self: Any, invocation: Any, intake: Any, contacts: Sequence[Any], *, consistent: bool
) -> Sequence[Any]:
    """Run a round as `Rounds._round` does, but commit before the request."""
    loaded = self._load(contacts, intake.views, invocation.clock.now(), consistent=consistent)
    intake.views = self._newest_views(intake.views, loaded, contacts)
    now_ms = invocation.now_ms()
    decisions = {contact.key: _DECIDE(contact, loaded[contact.key], intake.views) for contact in contacts}
    committing = {
        key: _ACCEPT(decision, AcceptedRow("not sent yet", now_ms), now_ms) if decision.row else decision
        for key, decision in decisions.items()
    }
    lost: Sequence[Any] = self._commit(invocation, list(committing.values()), loaded)
    exchange = Exchange(invocation, self._contacts, self._outbox, decisions)
    sending = Sending(invocation, exchange, self._outbox, self._stops, self._limits)
    sending.send(
        [decisions[key] for key, answer in committing.items() if answer.row and answer.contact not in lost]
    )
    for key, decision in committing.items():
        if decision.row and decision.contact not in lost and key not in sending.settled:
            decision.contact.progress.outcome = None
    return lost


def page_time(event: Any, version: int, since_s: int | None, *, is_scan: bool) -> int:
    return ns(event.fields_time_s) if is_scan else time_of(event, version, since_s, is_scan=False)


def with_old_events(form: Any) -> Any:
    return replace(form, since=dict.fromkeys(form.since, 0))


def with_cleared(form: Any) -> Any:
    return replace(form, since={**dict.fromkeys(form.audiences, 0), **form.since})


def stamped_as_sent(ended: EndedJob) -> Refreshes:
    return _OVERWRITTEN(replace(ended, is_late=False))


def left_alone(_self: Any, ended: EndedJob, *_: Any) -> JobOutcome:
    return JobOutcome(ended.job.status, ended.job.counts)


def no_consequences(*_: Any) -> Consequences:
    return Consequences()


_OVERWRITTEN: Final = overwritten
_QUEUE_IMPORT: Final = Exchange._queue_import
_ACCEPT: Final = decide.accept
_NARROW: Final = Upsert._narrow
_RECEIVE: Final = Queue.receive
_DECIDE: Final = decide.decide
_REJECTED: Final = merge._rejected
_VIEW: Final = ExportViews.view
