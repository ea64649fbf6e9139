"""What happens to one delivery: changes and rejects go to their queues, a response goes back.

Lytics retries every response except 200, 400, 404 and 413. The last three lose the event silently.
``Retry-After`` makes the whole Lytics job sleep without failing; any other refusal fails the job, visibly,
after two hours. Hence:

    200                      every change is on a queue
    503 with Retry-After     AWS fails or refuses; our own alarm reports it
    503 without Retry-After  the export is unknown, or this product has a bug: an operator must act
    401                      the secret is wrong
    503 without Retry-After  a gzip'd body is too large when unpacked: the job at Lytics fails visibly
    400                      the body is not JSON; its beginning is on the rejects queue
"""

from typing import Any, Final, Protocol

from functions.ingest.bad_body import rejected_body
from functions.ingest.body import Reading, read
from functions.ingest.gateway import UnpackedTooLarge, WebhookRequest, WebhookResponse
from lytics_sendgrid.aws.secret import REFRESH_S, REFUSED_REFRESH_S, WebhookSecrets
from lytics_sendgrid.domain.change import Message
from lytics_sendgrid.domain.clock import Clock
from lytics_sendgrid.domain.configuration import Export
from lytics_sendgrid.domain.instants import NANOSECONDS_PER_MS, NANOSECONDS_PER_S
from lytics_sendgrid.errors import RetryLater, StopRun
from lytics_sendgrid.lenient_json import parse
from lytics_sendgrid.queues.changes import pack
from lytics_sendgrid.queues.interface import Queue
from lytics_sendgrid.queues.rejects import reject_bodies

RETRY_AFTER_S: Final = 30
MAX_LOGGED_AUDIENCES: Final = 20


class Exports(Protocol):
    """Configurations of exports."""

    def export(self, name: str) -> Export | None: ...  # noqa: D102

    def export_now(self, name: str) -> Export | None: ...  # noqa: D102


class Authorizations(Protocol):
    """The webhook secrets of authorizations."""

    def webhook_secrets(self, name: str, max_age_s: float) -> WebhookSecrets: ...  # noqa: D102


class WebhookIntake:
    """Takes deliveries in. What is answered with 200 is queued; a retried delivery may be queued twice."""

    def __init__(
        self, exports: Exports, authorizations: Authorizations, changes: Queue, rejects: Queue, clock: Clock
    ) -> None:
        self._exports = exports
        self._authorizations = authorizations
        self._changes = changes
        self._rejects = rejects
        self._clock = clock

    def take(self, request: WebhookRequest) -> WebhookResponse:
        """Queue the changes of a delivery, and return the response to Lytics.

        A bug of ours is answered with 503 without ``Retry-After``. Lytics keeps the event and retries it, and
        delivers others meanwhile. If the bug stays, the job fails visibly instead of sleeping forever.
        """
        try:
            return self._take(request)
        except (RetryLater, StopRun) as error:
            counts = {"error": type(error).__name__, "detail": str(error)}
            return WebhookResponse(503, "try again", retry_after_s=RETRY_AFTER_S, counts=counts)
        except Exception as error:  # noqa: BLE001 - see above; its text may hold people's data and is not logged
            counts = {"error": type(error).__name__, "at": _place(error)}
            return WebhookResponse(503, "internal error", counts=counts)

    def _take(self, request: WebhookRequest) -> WebhookResponse:
        export = self._exports.export(request.export)
        if export is None:
            return WebhookResponse(503, "unknown export")
        if not self._admits(export.authorization, request.secrets):
            return WebhookResponse(401, "wrong secret")
        try:
            document = parse(request.text())
        except UnpackedTooLarge:
            return WebhookResponse(503, "too large when unpacked")
        except ValueError as error:
            # Before the answer, which loses the events at Lytics. If this fails, the answer is 503.
            reject = rejected_body(request, error)
            self._rejects.send(reject_bodies([reject], "ingest", export.name))
            return WebhookResponse(400, "not JSON", counts={"not_json": 1, "detail": reject.detail})
        now_ns = round(self._clock.now() * NANOSECONDS_PER_S)
        reading = read(document, export, now_ns)
        if reading.ignored:
            # The audience may have been added since the configuration was read.
            latest = self._exports.export_now(request.export)
            if latest is None:
                return WebhookResponse(503, "unknown export")
            if latest != export:
                export, reading = latest, read(document, latest, now_ns)
        self._queue(reading, export, now_ns, request.request_id)
        return WebhookResponse(200, "queued", counts=_counts(reading))

    def _admits(self, authorization: str, secrets: tuple[str, ...]) -> bool:
        """Return whether a secret is live. A refused one may be new, so the live ones are read again."""
        for max_age_s in (REFRESH_S, REFUSED_REFRESH_S) if secrets else ():
            live = self._authorizations.webhook_secrets(authorization, max_age_s)
            if any(live.admits(secret) for secret in secrets):
                return True
        return False

    def _queue(self, reading: Reading, export: Export, now_ns: int, request_id: str) -> None:
        """Queue the changes, then the rejects. A retry after a failure in between may repeat changes."""
        if reading.changes:
            message = Message(
                export.name,
                reading.changes,
                config=export.version,
                queued_ms=now_ns // NANOSECONDS_PER_MS,
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
    """Return where an error was raised, as module and line."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return f"{trace.tb_frame.f_globals.get('__name__')}:{trace.tb_lineno}" if trace else ""
