"""What takes the place of the product's code where the protocol is broken on purpose."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from functions.confirm.consequences import Consequences, EndedJob, Refreshes, overwritten
from functions.confirm.follow import JobOutcome
from functions.deliver import decide, merge
from functions.deliver.export_views import ConfigurationCache
from functions.deliver.refreshes import RequestFollowers
from functions.deliver.upsert import Sent, Upsert
from functions.operate.dead_letters import Redriven
from lytics_sendgrid.domain.contact import Contact
from lytics_sendgrid.sendgrid.import_job import Job
from tests.simulation.queues import Queue


def nothing(*_: Any, **__: Any) -> None: ...


def no(*_: Any, **__: Any) -> bool:
    return False


def yes(*_: Any) -> bool:
    return True


def no_time(*_: Any) -> float:
    return 0.0


def nobody(_: Any) -> set[str]:
    return set()


def unmarked(body: str, _: Any) -> Redriven:
    return Redriven(why="", changes=(body,))


def view_as_it_is(self: Any, export: str, _at_least_version: int = 0) -> Any:
    return _VIEW(self, export)


def changed(original: Callable[..., Any], change: Callable[[Any], Any]) -> Callable[..., Any]:
    """Return a function whose result is changed."""
    return lambda *arguments, **more: change(original(*arguments, **more))


def unconditional(statement: Mapping[str, Any]) -> Mapping[str, Any]:
    condition = ' AND "version"=?'
    if not statement["Statement"].endswith(condition):
        return statement
    text = statement["Statement"].removesuffix(condition)
    return {"Statement": text, "Parameters": statement["Parameters"][:-1]}


def stamped_late(task: Any, sent: Any, now_ms: int) -> None:
    _ACCEPT(task, replace(sent, sent_ms=now_ms), now_ms)


def all_refused(self: Any, batch: Sequence[Any], _form: Any, words: str) -> None:
    self.result.refused |= {row.key: words for row in batch}


def refused_at_once(self: Any, batch: Sequence[Any], form: Any, words: str) -> None:
    if len(batch) > 1:
        _NARROW(self, batch, form, words)
    else:
        self.result.refused[batch[0].key] = words


def received_and_deleted(self: Queue, *arguments: Any) -> Any:
    received = _RECEIVE(self, *arguments)
    for message in received:
        self.delete(message)
    return received


def equal_if_not_news(task: Any, contact: Contact) -> None:
    task.sent_before = task.uncertain = False
    _DECIDE(task, contact)


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
    return {commit.key for commit, one in pairs if one.get("Error", {}).get("Code") in lost}


def counted_first(self: Any, rows: Sequence[Any], job: str, *arguments: Any) -> None:
    for run in {run for task in self._tasks(rows) for run in task.runs}:
        self._batch.jobs.setdefault(run, set()).add(job)
    _ACCEPTED(self, rows, job, *arguments)


def committed_first(self: Any, batch: Any, pending: Any, deadline_s: float, summary: Any) -> None:
    """Do as `Delivery._bring` does, the commit before the request."""
    for number in range(8):
        if not pending or (number and self._is_late(deadline_s)):
            return
        loaded = self._ledger.load([task.key for task in pending], consistent=number > 0)
        self._read_newer_views(pending, loaded)
        now_ms = int(self._pace.clock() * 1000)
        for task in pending:
            _DECIDE(task, loaded[task.key])
            if task.row is not None:
                _ACCEPT(task, Sent("not sent yet", now_ms), now_ms)
                task.sent_before = False
        lost = self._commit(pending, loaded, summary)
        committed = [task for task in pending if task.row is not None and task.decided]
        self._sending.send(batch, committed, deadline_s, summary)
        for task in committed:
            task.decided = task.sent_before
        pending = lost


def stamped_as_sent(ended: EndedJob) -> Refreshes:
    return _OVERWRITTEN(replace(ended, is_late=False))


def left_alone(_self: Any, ended: EndedJob, *_: Any) -> JobOutcome:
    return JobOutcome(ended.job.status, ended.job.counts)


def no_consequences(*_: Any) -> Consequences:
    return Consequences()


_OVERWRITTEN: Final = overwritten
_ACCEPTED: Final = RequestFollowers.accepted
_ACCEPT: Final = decide.accept
_NARROW: Final = Upsert._narrow
_RECEIVE: Final = Queue.receive
_DECIDE: Final = decide.decide
_REJECTED: Final = merge._rejected
_VIEW: Final = ConfigurationCache.view
