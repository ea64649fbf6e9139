"""What becomes of one delivery: from the webhook's POST to changes on the queue and an answer.

Lytics retries every answer but 200, 400, 404 and 413; those last three lose the event without a word. ``Retry-After``
makes its whole job sleep without ever failing; other refusals fail it, visibly, after two hours. So: 200 once
everything is on a queue, 503 with ``Retry-After`` while AWS does not take or give what it should (alarmed here), 503
without it for an unknown export, 401 for a wrong secret, 400 only for what is not JSON.
"""

from collections.abc import Iterable
from typing import Any, Final, Protocol

from functions.ingest.body import Reading, read
from functions.ingest.gateway import Answer, Delivery
from lytics_sendgrid.aws.secret import REFRESH_S, REFUSED_REFRESH_S, Authorization
from lytics_sendgrid.domain.change import Message
from lytics_sendgrid.domain.clock import Clock
from lytics_sendgrid.domain.configuration import Export
from lytics_sendgrid.domain.instants import NANOSECONDS_PER_S
from lytics_sendgrid.errors import RetryLater, StopRun
from lytics_sendgrid.lenient_json import parse
from lytics_sendgrid.queues.changes import pack
from lytics_sendgrid.queues.rejects import reject_bodies

RETRY_AFTER_S: Final = 30
MAX_LOGGED_AUDIENCES: Final = 20


class Exports(Protocol):
    """Exports' configurations."""

    def export(self, name: str) -> Export | None: ...  # noqa: D102

    def export_now(self, name: str) -> Export | None: ...  # noqa: D102


class Authorizations(Protocol):
    """Authorizations by name."""

    def authorization(self, name: str, max_age_s: float) -> Authorization: ...  # noqa: D102


class Queue(Protocol):
    """A queue to write to."""

    def send(self, bodies: Iterable[str]) -> None: ...  # noqa: D102


class Intake:
    """Takes deliveries in. Nothing that is answered with 200 is lost; what is retried may be queued twice."""

    def __init__(
        self,
        exports: Exports,
        authorizations: Authorizations,
        changes: Queue,
        rejects: Queue,
        clock: Clock,
    ) -> None:
        self._exports = exports
        self._authorizations = authorizations
        self._changes = changes
        self._rejects = rejects
        self._clock = clock

    def take(self, delivery: Delivery) -> Answer:
        """Queue what a delivery holds, and say what Lytics is to be answered.

        A fault of ours outside the reading of single elements is answered 503 without ``Retry-After``: Lytics keeps the
        event and tries again, and may deliver others meanwhile, for which there need be no fault; if it stays, the job
        fails where somebody sees it instead of sleeping for ever over one body.
        """
        try:
            return self._take(delivery)
        except (RetryLater, StopRun) as error:
            detail = {"error": type(error).__name__, "detail": str(error)}
            return Answer(503, "try again", retry_after_s=RETRY_AFTER_S, counts=detail)
        except Exception as error:  # noqa: BLE001 - see above; its text may hold people's data and is not kept
            return Answer(503, "internal error", counts={"error": type(error).__name__, "at": _place(error)})

    def _take(self, delivery: Delivery) -> Answer:
        export = self._exports.export(delivery.export)
        if export is None:
            return Answer(503, "unknown export")
        if not self._admits(export.authorization, delivery.secrets):
            return Answer(401, "wrong secret")
        try:
            document = parse(delivery.text())
        except ValueError:
            return Answer(400, "not JSON")
        now_ns = round(self._clock.now() * NANOSECONDS_PER_S)
        reading = read(document, export, now_ns)
        if reading.ignored:
            # The audience may have been added since the configuration was read.
            fresh = self._exports.export_now(delivery.export)
            if fresh is None:
                return Answer(503, "unknown export")
            if fresh != export:
                export, reading = fresh, read(document, fresh, now_ns)
        self._queue(reading, export, now_ns, delivery.request_id)
        return Answer(200, "queued", counts=_counts(reading))

    def _admits(self, authorization: str, secrets: tuple[str, ...]) -> bool:
        """Compare the secret with the live ones; a refused one may be new, so those are read again, within limits."""
        for max_age_s in (REFRESH_S, REFUSED_REFRESH_S) if secrets else ():
            live = self._authorizations.authorization(authorization, max_age_s)
            if any(live.admits(secret) for secret in secrets):
                return True
        return False

    def _queue(self, reading: Reading, export: Export, now_ns: int, request_id: str) -> None:
        """Queue the changes, then the rejects: a retry after a failure between them repeats what may be repeated."""
        if reading.changes:
            message = Message(
                export.name,
                reading.changes,
                config=export.version,
                queued_ms=now_ns // 1_000_000,
                request=request_id or None,
            )
            self._changes.send(packed.body for packed in pack(message))
        if reading.rejected:
            self._rejects.send(reject_bodies(reading.rejected, "ingest", export.name))


def _counts(reading: Reading) -> dict[str, Any]:
    rejected: dict[str, int] = {}
    for reject in reading.rejected:
        rejected[reject.reason] = rejected.get(reject.reason, 0) + reject.count
    return {
        "accepted": len(reading.changes),
        "ignored": sum(reading.ignored.values()),
        "rejected": sum(rejected.values()),
        "ignored_audiences": dict(list(reading.ignored.items())[:MAX_LOGGED_AUDIENCES]),
        "rejected_reasons": rejected,
        "dropped_fields": reading.dropped,
    }


def _place(error: Exception) -> str:
    """Say where an error was raised, without its text."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return f"{trace.tb_frame.f_globals.get('__name__')}:{trace.tb_lineno}" if trace else ""
