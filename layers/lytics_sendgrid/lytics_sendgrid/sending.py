"""Send a batch's rows, group by group, and note what became of each."""

from collections.abc import Callable, Sequence
from typing import Protocol

from lytics_sendgrid.decision import accept, refuse
from lytics_sendgrid.delivery_batch import Batch, Summary, Task
from lytics_sendgrid.errors import LyticsSendGridError, RetryLater, StopRun
from lytics_sendgrid.followers import RequestFollowers
from lytics_sendgrid.outbox import Outbox
from lytics_sendgrid.repacking import STOP_S
from lytics_sendgrid.stop import Stop
from lytics_sendgrid.upsert import Contacts, Fault, Pace, Upsert, Upserted


class Stops(Protocol):
    """Which exports' changes wait."""

    def put_stop(self, export: str, stop: Stop) -> None: ...  # noqa: D102

    def clear_stop(self, export: str) -> None: ...  # noqa: D102


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

    def send(self, batch: Batch, tasks: Sequence[Task], deadline_epoch_s: float, summary: Summary) -> None:
        """Send rows, those with the same lists together; a fault of one group is not the others'."""
        groups: dict[tuple[str, tuple[str, ...]], list[Task]] = {}
        for task in tasks:
            groups.setdefault((task.view.export.authorization, task.lists), []).append(task)
        # In any order: a row that SendGrid never answers takes all the time, and must not do so before the same others.
        for (authorization, lists), group in sorted(groups.items(), key=lambda _: self._pace.jitter()):
            rows = [task.row for task in group if task.row and task.view.export.name not in summary.stopped]
            result = Upserted()
            try:
                followers = RequestFollowers(batch, authorization, self._outbox, summary)
                upsert = Upsert(self._contacts(authorization), followers, self._pace, lists)
                result = upsert.result
                upsert.run(rows, deadline_epoch_s)
            except RetryLater as error:
                summary.faults.append(str(error))
            except StopRun as error:
                result.fault = Fault(str(error))
            self._take(batch, group, result, summary)

    def _take(self, batch: Batch, group: Sequence[Task], result: Upserted, summary: Summary) -> None:
        now_ms = int(self._pace.clock() * 1000)
        undecided = set()
        for task in group:
            if sent := result.sent.get(task.key):
                accept(task, sent, now_ms)
            elif (words := result.refused.get(task.key)) is not None:
                refuse(task, words, now_ms)
            else:
                task.commits = False
                undecided.add(task.view.export.name)
        if result.fault is not None:
            for export in sorted(undecided - summary.stopped.keys()):
                self._stop(export, result.fault, now_ms, summary)
        elif result.sent:
            tried = {task.view.export.name for task in group if task.view.stop is not None}
            for export in sorted(tried - summary.stopped.keys()):
                self._go_on(export, summary)
        if result.hindrance and result.fault is None:
            summary.faults.append(f"rows are left undecided: {result.hindrance}")
        if result.until_epoch_s is not None:
            batch.until_epoch_s = max(result.until_epoch_s, batch.until_epoch_s or 0)

    def _stop(self, export: str, fault: Fault, now_ms: int, summary: Summary) -> None:
        reason = (
            f"the export's changes cannot be sent: {fault}. Nobody is rejected; the changes wait. Mend the cause "
            f"(run the export again to see what is missing); it is tried again every {STOP_S // 60} minutes"
        )
        summary.stopped[export] = fault.reason
        self._forget(export)
        try:
            self._stops.put_stop(export, Stop(reason, now_ms, now_ms + STOP_S * 1000))
        except LyticsSendGridError as error:
            summary.faults.append(str(error))

    def _go_on(self, export: str, summary: Summary) -> None:
        """Lift a stop whose time was over: the try has worked."""
        self._forget(export)
        try:
            self._stops.clear_stop(export)
        except LyticsSendGridError as error:
            summary.faults.append(str(error))
