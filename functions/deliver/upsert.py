"""Which requests bring rows to SendGrid: as few as its limits allow, with every row decided on its own.

SendGrid refuses a whole request for one bad row. Addresses that the refusal names are taken out. Where it
names none, the request is halved until each row is decided. A row that is refused alone is sent again as
e-mail and memberships, because an exit must get through whatever the fields hold. If that is refused, too,
the bare e-mail is sent: if SendGrid takes it, the request is at fault (its list, its membership field) and
not the row. Where SendGrid does not answer, the requests get smaller, so that a row that it cannot process
holds up nobody else.

Nothing here does I/O: `exchange` makes each request that ``next_request`` returns.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, assert_never

from functions.deliver.row_queue import Row, RowExtent, RowQueue, request_body
from functions.deliver.upsert_result import AcceptedRow, UpsertFault, UpsertResult
from lytics_sendgrid.domain.backoff import backoff_s
from lytics_sendgrid.domain.clock import Clock
from lytics_sendgrid.domain.contact import ContactKey
from lytics_sendgrid.domain.rejection_limits import MIN_REJECT_LIMIT
from lytics_sendgrid.sendgrid.upsert_answer import (
    Accepted,
    BadAddresses,
    Busy,
    RequestFault,
    RowsRefused,
    Unanswered,
    Verdict,
)

MIN_TIMEOUT_S: Final = 5.0
_MAX_TIMEOUT_S: Final = 25.0
_MIN_BYTES_PER_S: Final = 500_000
"""A line of this speed leaves the whole timeout for the answer: a body of 5.5 MB gets 11 s more."""
_EXTRA_REQUESTS: Final = 200
"""How many requests an invocation may spend on finding bad rows; the next invocation decides what is left."""
_FIRST_BACKOFF_S: Final = 1.0
_MAX_BACKOFF_S: Final = 20.0


@dataclass(frozen=True, slots=True)
class UpsertLimits:
    """When an upsert blames the request and not its rows.

    Attributes:
        fault_retry_s: how long a refused request is retried: a new field becomes usable after some seconds.
        rejected_percent: if more than this share of a group would be rejected, the group is at fault.
    """

    fault_retry_s: float = 60.0
    rejected_percent: float = 1.0


@dataclass(frozen=True, slots=True)
class UpsertRequest:
    """A request to SendGrid.

    Attributes:
        rows: the rows in it.
        extent: how much of each row is sent.
        body: the request's body.
        start_epoch_s: when the rate limit and the back-off allow it, Unix seconds.
        timeout_s: how long sending it and waiting for the answer may take together.
    """

    rows: Sequence[Row]
    extent: RowExtent
    body: bytes
    start_epoch_s: float
    timeout_s: float


class Upsert:
    """One group of rows that are put on the same lists, on its way to SendGrid."""

    def __init__(self, rows: Sequence[Row], lists: Sequence[str], limits: UpsertLimits, clock: Clock) -> None:
        """Begin with undecided rows, at most one for a contact."""
        self._lists = lists
        self._limits = limits
        self._clock = clock
        self._queue = RowQueue(rows, lists, clock.random)
        self._requests_left = len(self._queue) + _EXTRA_REQUESTS
        self._rows = len(rows)
        self._accepted: dict[ContactKey, AcceptedRow] = {}
        self._refused: dict[ContactKey, str] = {}
        self._unnamed: dict[ContactKey, str] = {}
        self._reduced = 0
        self._fault: UpsertFault | None = None
        self._fault_since_s: float | None = None
        self._failures = 0
        self._refusal = ""
        self._last_error = ""

    def next_request(self, not_before_s: float, ends_s: float) -> UpsertRequest | None:
        """Return the next request; None where there is nothing left to send, or no time to send it.

        Args:
            not_before_s: when the rate limit allows a request, Unix seconds.
            ends_s: when the request must have ended, Unix seconds.
        """
        if not self._queue or self._fault is not None or not self._requests_left:
            return None
        now_s = self._clock.now()
        start_s = max(now_s, not_before_s)
        if self._failures:
            wait_s = backoff_s(self._failures, _FIRST_BACKOFF_S, _MAX_BACKOFF_S, self._clock.random())
            start_s = max(start_s, now_s + wait_s)
        if start_s > ends_s - MIN_TIMEOUT_S - self._queue.next_bytes() // _MIN_BYTES_PER_S:
            return None
        self._requests_left -= 1
        rows, extent = self._queue.take()
        body = request_body(rows, extent, self._lists)
        timeout_s = min(ends_s - start_s, _MAX_TIMEOUT_S + len(body) // _MIN_BYTES_PER_S)
        return UpsertRequest(rows, extent, body, start_s, timeout_s)

    def settle(self, request: UpsertRequest, verdict: Verdict, sent_ms: int) -> None:
        """Record what SendGrid's answer means for the rows of a request that was made at ``sent_ms``."""
        rows, extent = request.rows, request.extent
        match verdict:
            case Accepted(job):
                self._answered()
                self._fault_since_s = None
                self._accept(request, job, sent_ms)
            case BadAddresses(addresses, refusal) if any(row.email in addresses for row in rows):
                self._answered()
                self._refusal = refusal
                self._refused |= {row.key: refusal for row in rows if row.email in addresses}
                if good := [row for row in rows if row.email not in addresses]:
                    self._queue.put_first((good, extent))
            case BadAddresses(_, refusal) | RowsRefused(refusal):
                self._answered()
                self._refusal = refusal
                self._narrow(rows, extent, refusal)
            case RequestFault(error, of_list):
                self._retry_fault(error, of_list=of_list)
                self._failed(error)
                self._queue.put_first((rows, extent))
            case Busy(error):
                self._failed(error)
                self._queue.put_first((rows, extent))
            case Unanswered(error):
                self._failed(error)
                self._queue.put_last(rows)
            case _ as never:
                assert_never(never)
        self._limit_rejections()

    def result(self, not_before_s: float = 0.0) -> UpsertResult:
        """Return what became of the rows so far.

        Where the request is at fault, no refusal counts: the rows are tried again whole when the fault is
        fixed.
        """
        accepted = self._accepted
        if self._fault is not None:
            accepted = {key: row for key, row in accepted.items() if row.refusal is None}
        return UpsertResult(
            accepted,
            self._refused if self._fault is None else {},
            self._unnamed if self._fault is None else {},
            self._fault,
            not_before_s if self._queue and not_before_s > self._clock.now() else None,
            self._last_error if self._queue else "",
        )

    def _accept(self, request: UpsertRequest, job: str, sent_ms: int) -> None:
        if request.extent is RowExtent.BARE:
            reason = "SendGrid takes an address alone and refuses it with its list and memberships"
            self._fault = UpsertFault(reason, self._refusal, of_list=True)
            return
        refusal = None
        if request.extent is RowExtent.MEMBERSHIPS:
            refusal = self._refusal
            self._reduced += 1
        for row in request.rows:
            self._accepted[row.key] = AcceptedRow(job, sent_ms, refusal)

    def _narrow(self, rows: Sequence[Row], extent: RowExtent, refusal: str) -> None:
        if len(rows) > 1:
            middle = len(rows) // 2
            self._queue.put_first((rows[:middle], extent), (rows[middle:], extent))
        elif extent is RowExtent.WHOLE:
            self._queue.put_first((rows, RowExtent.MEMBERSHIPS))
        elif extent is RowExtent.MEMBERSHIPS:
            self._queue.put_first((rows, RowExtent.BARE))
        else:
            self._unnamed[rows[0].key] = refusal

    def _retry_fault(self, error: str, *, of_list: bool) -> None:
        """Retry a refused request for a while, counted from the first refusal; then it is at fault."""
        now_s = self._clock.now()
        if self._fault_since_s is None:
            self._fault_since_s = now_s
        if now_s - self._fault_since_s >= self._limits.fault_retry_s:
            self._fault = UpsertFault(error, of_list=of_list)

    def _limit_rejections(self) -> None:
        allowed = max(MIN_REJECT_LIMIT, self._rows * self._limits.rejected_percent / 100)
        if len(self._refused) + len(self._unnamed) + self._reduced > allowed:
            percent = f"{self._limits.rejected_percent:g} %"
            reason = f"more than {percent} of a group of {self._rows} rows would be rejected"
            self._fault = UpsertFault(reason, self._refusal)

    def _failed(self, error: str) -> None:
        self._failures += 1
        self._last_error = error

    def _answered(self) -> None:
        self._failures = 0
        self._queue.answered()
