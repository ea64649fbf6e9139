"""Stop the exports whose requests SendGrid refuses, and resume those whose next attempt succeeds."""

from collections.abc import Iterable
from collections.abc import Set as AbstractSet
from typing import Protocol

from functions.deliver.decide import Decision
from functions.deliver.invocation import Invocation
from functions.deliver.requeue import STOP_S
from functions.deliver.upsert_result import UpsertFault
from lytics_sendgrid.domain.stop import Stop
from lytics_sendgrid.errors import LyticsSendGridError


class StopsTable(Protocol):
    """The exports whose changes wait."""

    def put_stop(self, export: str, stop: Stop) -> bool: ...  # noqa: D102

    def lift_stop(self, export: str, at_ms: int) -> None: ...  # noqa: D102


class Forgetful(Protocol):
    """A cache of exports that can forget one."""

    def forget(self, export: str) -> None: ...  # noqa: D102


class Stops:
    """Stops and resumes exports in the exports table, and in memory."""

    def __init__(self, table: StopsTable, views: Forgetful) -> None:
        self._table = table
        self._views = views

    def stop(
        self, invocation: Invocation, exports: AbstractSet[str], fault: UpsertFault, since_ms: int
    ) -> None:
        """Stop exports, except any resumed during this attempt: the fix may let the next one succeed.

        Args:
            invocation: its summary names the stopped exports.
            exports: the exports' names.
            fault: what SendGrid refuses.
            since_ms: when this attempt began.
        """
        summary = invocation.summary
        reason = (
            f"The changes of this export cannot be sent: {fault}. No contact is rejected; the changes wait "
            f"and are tried again every {STOP_S // 60} minutes. Fix the cause: run the export again to see "
            "what is missing"
        )
        stop = Stop(reason, since_ms, int((invocation.clock.now() + STOP_S) * 1000))
        for export in sorted(exports - summary.stopped.keys()):
            self._views.forget(export)
            try:
                is_kept = self._table.put_stop(export, stop)
            except LyticsSendGridError as error:
                summary.faults.append(str(error))
                is_kept = True
            if is_kept:
                summary.stopped[export] = fault.reason
            else:
                summary.faults.append(
                    f"export '{export}' was resumed while this attempt was running: {fault.reason}"
                )

    def resume(self, invocation: Invocation, sent: Iterable[Decision], since_ms: int) -> None:
        """Lift the stops that have expired, because the attempt worked."""
        tried = {decision.view.export.name for decision in sent if decision.view.stop is not None}
        for export in sorted(tried - invocation.summary.stopped.keys()):
            self._views.forget(export)
            try:
                self._table.lift_stop(export, since_ms)
            except LyticsSendGridError as error:
                invocation.summary.faults.append(str(error))
