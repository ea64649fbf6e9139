"""Send a batch's rows, group by group, and note what became of each.

A contact is put on the lists of all exports that have brought it, and rows with the same lists go together. A request
with lists of several exports may be refused for one of them, which is no reason to stop the others: then its rows are
sent list by list, and an export stops only where a request is at fault that holds nothing but its own list.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, Protocol

from functions.deliver.batch import Batch, Summary, Task
from functions.deliver.decide import accept, refuse
from functions.deliver.outbox import Outbox
from functions.deliver.put_back import STOP_S
from functions.deliver.refreshes import RequestFollowers
from functions.deliver.upsert import Contacts, Fault, Pace, Sent, Upsert, Upserted
from lytics_sendgrid.domain.configuration import Export
from lytics_sendgrid.domain.contact import ContactKey
from lytics_sendgrid.domain.stop import Stop
from lytics_sendgrid.errors import LyticsSendGridError, RetryLater, StopRun

_BELIEVED_AFTER_HOPS: Final = 20
"""They take three and a half hours."""

type _Request = tuple[str, tuple[str, ...]]
"""An authorization, and the lists that all rows of a request are put on."""


class Stops(Protocol):
    """Which exports' changes wait."""

    def put_stop(self, export: str, stop: Stop) -> bool: ...  # noqa: D102

    def lift_stop(self, export: str, at_ms: int) -> None: ...  # noqa: D102


@dataclass(frozen=True, slots=True)
class _Occasion:
    """What all requests of one batch share.

    Attributes:
        since_ms: when the first of them was about to be made.
        taking: authorizations whose rows SendGrid takes.
        unnamed: contacts whose address it refuses without naming it, with its words.
    """

    batch: Batch
    deadline_epoch_s: float
    summary: Summary
    since_ms: int
    taking: set[str] = field(default_factory=set)
    unnamed: dict[ContactKey, str] = field(default_factory=dict)


class Sending:
    """Brings rows to SendGrid and stops the exports whose requests it refuses."""

    def __init__(
        self,
        contacts: Callable[[str], Contacts],
        outbox: Outbox,
        stops: Stops,
        forget: Callable[[str], None],
        pace: Pace,
    ) -> None:
        """Keep the collaborators.

        Args:
            contacts: SendGrid's, by the name of an authorization.
            outbox: where what follows the requests goes.
            stops: the exports table's.
            forget: called with an export whose stop has changed.
            pace: time.
        """
        self._contacts = contacts
        self._outbox = outbox
        self._stops = stops
        self._forget = forget
        self._pace = pace
        self._at_once = replace(pace, fault_retry_s=0.0)

    def send(self, batch: Batch, tasks: Sequence[Task], deadline_epoch_s: float, summary: Summary) -> None:
        """Send rows, those with the same lists together; a fault of one group is not the others'."""
        on = _Occasion(batch, deadline_epoch_s, summary, int(self._pace.clock() * 1000))
        groups: dict[_Request, list[Task]] = {}
        for task in tasks:
            groups.setdefault((task.view.export.authorization, task.lists), []).append(task)
        at_fault: list[Task] = []
        for request, group in self._in_any_order(groups):
            is_own = all(_own(export, task) == request for task in group for _, export in task.changes)
            going = [task for task in group if task.view.export.name not in summary.stopped]
            result = self._upsert(request, going, self._pace if is_own else self._at_once, on)
            left = self._settle(group, result.sent, result.refused)
            if result.fault is None:
                self._go_on((task for task in going if task.key in result.sent), on)
            elif is_own:
                self._stop(_exports(request, left), result.fault, on)
            else:
                at_fault += [task for task in going if not task.commits]
        self._send_list_by_list(at_fault, on)
        self._refuse_unnamed(tasks, on)

    def _send_list_by_list(self, tasks: Sequence[Task], on: _Occasion) -> None:
        """Send rows with the list of each export that they have changes of, then with each list of others.

        The others' are sent because this request takes over what is left to do of the others' earlier ones. Where
        SendGrid refuses such a list, that is left to the list's own export.

        Of the jobs that carry a contact, the state names the first: a refresh for any of them is then sent, where the
        state's ``sent`` would else be later than its stamp, and the list of the job that failed would be left out. It
        names the time of the last, too, which may be in flight for longer.
        """
        own, others = _by_list(tasks)
        sent: dict[ContactKey, Sent] = {}
        refused: dict[ContactKey, str] = {}
        undecided: set[ContactKey] = set()
        for request, group in self._in_any_order(own):
            going = [task for task in group if _exports(request, [task]) - on.summary.stopped.keys()]
            result = self._upsert(request, going, self._pace, on)
            left = [task for task in group if task.key not in result.sent and task.key not in result.refused]
            undecided |= {task.key for task in left}
            _take_in(sent, result.sent)
            refused |= result.refused
            if result.fault is not None:
                self._stop(_exports(request, left), result.fault, on)
            else:
                tried = (task for task in going if _own(task.view.export, task) == request)
                self._go_on((task for task in tried if task.key in result.sent), on)
        for request, group in others.items():
            going = [task for task in group if task.key in sent and task.key not in undecided]
            result = self._upsert(request, going, self._at_once, on)
            _take_in(sent, result.sent)
            left = [task for task in going if task.key not in result.sent]
            if result.fault is not None and result.fault.of_list:
                self._leave_to_owner(request, left)
            else:
                undecided |= {task.key for task in left}
        self._settle(tasks, _without(sent, undecided), _without(refused, undecided))

    def _leave_to_owner(self, request: _Request, tasks: Iterable[Task]) -> None:
        """Have the export whose list is refused send contacts once more: it stops, and does so when it is mended."""
        _, (one,) = request
        now_ms = int(self._pace.clock() * 1000)
        owners: dict[str, list[tuple[str, int]]] = {}
        for task in tasks:
            owner = task.view.form.lists[one]
            # Of exports that share an audience, the list may be another's: who has just sent has another list.
            if owner not in {export.name for _, export in task.changes}:
                owners.setdefault(owner, []).append((task.email, task.attempt))
        if owners:
            self._outbox.refresh(owners, now_ms, now_ms)

    def _in_any_order(self, groups: Mapping[_Request, list[Task]]) -> list[tuple[_Request, list[Task]]]:
        """Shuffle groups: a row that SendGrid never answers takes all the time, and not always before the same others."""
        return sorted(groups.items(), key=lambda _: self._pace.jitter())

    def _upsert(self, request: _Request, tasks: Sequence[Task], pace: Pace, on: _Occasion) -> Upserted:
        authorization, lists = request
        result = Upserted()
        try:
            followers = RequestFollowers(on.batch, authorization, self._outbox, on.summary)
            upsert = Upsert(self._contacts(authorization), followers, pace, lists)
            result = upsert.result
            upsert.run([task.row for task in tasks if task.row], on.deadline_epoch_s)
        except RetryLater as error:
            on.summary.faults.append(str(error))
        except StopRun as error:
            result.fault = Fault(str(error))
        if result.sent:
            on.taking.add(authorization)
        on.unnamed.update(result.unnamed)
        if result.hindrance and result.fault is None:
            on.summary.faults.append(f"rows are left undecided: {result.hindrance}")
        if result.until_epoch_s is not None:
            on.batch.until_epoch_s = max(result.until_epoch_s, on.batch.until_epoch_s or 0)
        return result

    def _settle(
        self, tasks: Sequence[Task], sent: Mapping[ContactKey, Sent], refused: Mapping[ContactKey, str]
    ) -> list[Task]:
        """Note what became of rows, and return the tasks of those that are undecided."""
        now_ms = int(self._pace.clock() * 1000)
        for task in tasks:
            task.commits = task.key in sent or task.key in refused
            if accepted := sent.get(task.key):
                accept(task, accepted, now_ms)
            elif (words := refused.get(task.key)) is not None:
                refuse(task, words, now_ms)
        return [task for task in tasks if not task.commits]

    def _refuse_unnamed(self, tasks: Sequence[Task], on: _Occasion) -> None:
        """Refuse contacts whose address SendGrid does not name, where it takes others, or has not taken them for hours.

        Who refuses everybody does not speak of addresses.
        """
        now_ms = int(self._pace.clock() * 1000)
        some_wait = False
        for task in tasks:
            words = on.unnamed.get(task.key)
            if words is None or task.uncertain:
                continue
            if task.view.export.authorization in on.taking or task.hops >= _BELIEVED_AFTER_HOPS:
                refuse(task, words, now_ms)
                task.commits = True
            else:
                some_wait = True
        if some_wait:
            on.summary.faults.append("rows are left undecided: SendGrid takes no row, and names no address")

    def _stop(self, exports: Collection[str], fault: Fault, on: _Occasion) -> None:
        """Have exports' changes wait; not those of one that was let go on meanwhile: what was mended may help the next."""
        summary = on.summary
        reason = (
            f"the export's changes cannot be sent: {fault}. Nobody is rejected; the changes wait. Mend the cause "
            f"(run the export again to see what is missing); it is tried again every {STOP_S // 60} minutes"
        )
        stop = Stop(reason, on.since_ms, int((self._pace.clock() + STOP_S) * 1000))
        for export in sorted(exports - summary.stopped.keys()):
            self._forget(export)
            try:
                is_kept = self._stops.put_stop(export, stop)
            except LyticsSendGridError as error:
                summary.faults.append(str(error))
                is_kept = True
            if is_kept:
                summary.stopped[export] = fault.reason
            else:
                summary.faults.append(
                    f"export '{export}' was let go on after this try had begun: {fault.reason}"
                )

    def _go_on(self, sent: Iterable[Task], on: _Occasion) -> None:
        """Lift the stops whose time was over: the try has worked."""
        tried = {task.view.export.name for task in sent if task.view.stop is not None}
        for export in sorted(tried - on.summary.stopped.keys()):
            self._forget(export)
            try:
                self._stops.lift_stop(export, on.since_ms)
            except LyticsSendGridError as error:
                on.summary.faults.append(str(error))


def _own(export: Export, task: Task) -> _Request:
    """Return the request for a task that holds nothing but an export's own list."""
    own = export.list_id
    return export.authorization, () if own is None or own not in task.lists else (own,)


def _exports(request: _Request, tasks: Iterable[Task]) -> set[str]:
    """Return the exports with changes in tasks whose own request it is."""
    return {e.name for task in tasks for _, e in task.changes if _own(e, task) == request}


def _by_list(tasks: Iterable[Task]) -> tuple[dict[_Request, list[Task]], dict[_Request, list[Task]]]:
    """Return the requests of one list or none that tasks need: those of their own exports, and with lists of others."""
    own: dict[_Request, list[Task]] = {}
    others: dict[_Request, list[Task]] = {}
    for task in tasks:
        requests = dict.fromkeys(_own(export, task) for _, export in task.changes)
        for request in requests:
            own.setdefault(request, []).append(task)
        theirs = {one for _, lists in requests for one in lists}
        for one in task.lists:
            if one not in theirs:
                others.setdefault((task.view.export.authorization, (one,)), []).append(task)
    return own, others


def _take_in(sent: dict[ContactKey, Sent], more: Mapping[ContactKey, Sent]) -> None:
    """Note that the same rows were accepted once more, for another list."""
    for key, again in more.items():
        first = sent.get(key)
        sent[key] = again if first is None else replace(first, latest_ms=again.sent_ms)


def _without[V](mapping: Mapping[ContactKey, V], keys: Collection[ContactKey]) -> dict[ContactKey, V]:
    return {key: value for key, value in mapping.items() if key not in keys}
