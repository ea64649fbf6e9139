"""Bring rows to SendGrid: as few requests as its limits allow, and every row decided for itself.

SendGrid refuses a whole request for one bad row. The addresses that a refusal names are taken out; where it names
none, the request is halved until each row is decided. A row that is refused alone is sent again as e-mail and
memberships, because an exit must get through whatever the fields hold; refused so, as the bare e-mail: if that is
taken, the fault was in the request (its list, its membership field) and not in the row. Where SendGrid does not answer,
the rows go on in smaller requests, so that a row that it cannot work off holds up nobody but itself.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol, assert_never

from functions.deliver.row_queue import Form, Row, Work, request_body
from lytics_sendgrid.domain.backoff import backoff_s
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

_EXTRA_REQUESTS: Final = 200
"""How many requests an invocation may spend on finding bad rows; what is undecided then is done by the next."""
_FIRST_BACKOFF_S: Final = 1.0
_MAX_BACKOFF_S: Final = 20.0
LEAST_READ_TIMEOUT_S: Final = 5.0
_LONGEST_READ_TIMEOUT_S: Final = 25.0
_SLOWEST_BYTES_S: Final = 500_000
"""What is sent at this rate leaves the whole read time-out for the answer: 5.5 MB have 11 s more."""


@dataclass(frozen=True, slots=True)
class Sent:
    """A row that SendGrid accepted.

    Attributes:
        job: the import job that carries it.
        sent_ms: our clock just before the request.
        words: where only e-mail and memberships were accepted, SendGrid's words about the rest.
        latest_ms: our clock just before the last request, where others carry the same row; 0: none do.
    """

    job: str
    sent_ms: int
    words: str | None = None
    latest_ms: int = 0


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a request is refused whatever its rows are, or its rows are not believed to be at fault.

    Attributes:
        reason: in words, for a log: without anything of a row.
        words: what SendGrid said of a row, where it said it of one.
        of_list: it may be for a list that the request holds.
    """

    reason: str
    words: str = ""
    of_list: bool = False

    def __str__(self) -> str:
        """Return both, for a person."""
        return f"{self.reason}: {self.words}" if self.words else self.reason


@dataclass(slots=True)
class Upserted:
    """What became of the rows. Those in no mapping are undecided.

    Attributes:
        sent: accepted rows.
        refused: rows that SendGrid refuses for their address, with its words.
        unnamed: rows of which it refuses even the address alone without naming it, with its words; to be believed only
            where it takes others.
        fault: why the request itself is refused whatever its rows are, if it is; then no row is refused.
        until_epoch_s: when to go on with what is undecided, where SendGrid said it.
        hindrance: what SendGrid last said instead of deciding the rows that are undecided, without anything of a row.
    """

    sent: dict[ContactKey, Sent] = field(default_factory=dict)
    refused: dict[ContactKey, str] = field(default_factory=dict)
    unnamed: dict[ContactKey, str] = field(default_factory=dict)
    fault: Fault | None = None
    until_epoch_s: float | None = None
    hindrance: str = ""


class Contacts(Protocol):
    """SendGrid's contacts."""

    def not_before(self) -> float: ...  # noqa: D102

    def upsert(self, body: bytes, timeout_s: float) -> Verdict: ...  # noqa: D102


class Followers(Protocol):
    """Who is told of each request; each call must have its effect before it returns."""

    def before_request(self, rows: Sequence[Row], sent_ms: int) -> None:
        """Know that a request is about to be made."""

    def accepted(self, rows: Sequence[Row], job: str, sent_ms: int, form: Form) -> None:
        """Know which import job carries the rows, and how much of each."""

    def answer_lost(self, rows: Sequence[Row], sent_ms: int) -> None:
        """Know that a request may have worked, and that nobody can follow it."""


@dataclass(frozen=True, slots=True)
class Pace:
    """Time, as the upsert may use it.

    Attributes:
        clock: Unix seconds.
        sleep: waits for some seconds.
        jitter: a number from 0 to 1, anew each time.
        reserve_s: what must be left after a request's time-out, for the commit.
        fault_retry_s: how long a request fault is tried again: a new field takes seconds to be usable.
        rejected_percent: more than this share of rejected rows means that the batch is bad, not its rows.
    """

    clock: Callable[[], float]
    sleep: Callable[[float], None]
    jitter: Callable[[], float]
    reserve_s: float = 20.0
    fault_retry_s: float = 60.0
    rejected_percent: float = 1.0


class Upsert:
    """One group of rows that go onto the same lists, brought to SendGrid within a deadline.

    Attributes:
        result: what became of the rows so far; it holds also where ``run`` raised.
    """

    def __init__(self, contacts: Contacts, followers: Followers, pace: Pace, lists: Sequence[str]) -> None:
        self.result = Upserted()
        self._contacts = contacts
        self._followers = followers
        self._pace = pace
        self._lists = lists
        self._work = Work((), lists, pace.jitter)
        self._fault_since_s: float | None = None
        self._fruitless = 0
        self._narrowed = 0
        self._words = ""

    def run(self, rows: Sequence[Row], deadline_epoch_s: float) -> Upserted:
        """Send rows, at most one for a contact, until all are decided, time is up, or the request is at fault.

        Raises:
            RetryLater: a follower could not do its part; nothing more is sent.
        """
        self._work = Work(rows, self._lists, self._pace.jitter)
        allowed = max(MIN_REJECT_LIMIT, len(rows) * self._pace.rejected_percent / 100)
        for _ in range(len(self._work) + _EXTRA_REQUESTS):
            if not self._work or self.result.fault is not None or not self._wait_for_turn(deadline_epoch_s):
                break
            batch, form = self._work.take()
            self._handle(batch, form, *self._request(batch, form, deadline_epoch_s))
            if len(self.result.refused) + len(self.result.unnamed) + self._narrowed > allowed:
                percent = f"{self._pace.rejected_percent:g} %"
                self.result.fault = Fault(
                    f"more than {percent} of a batch of {len(rows)} rows would be rejected", self._words
                )
        if self.result.fault is not None:
            self._reject_nobody()
        if not self._work:
            self.result.hindrance = ""
        elif self._contacts.not_before() > self._pace.clock():
            self.result.until_epoch_s = self._contacts.not_before()
        return self.result

    def _request(self, batch: Sequence[Row], form: Form, deadline_epoch_s: float) -> tuple[Verdict, int]:
        body = request_body(batch, form, self._lists)
        now_s = self._pace.clock()
        sent_ms = int(now_s * 1000)
        self._followers.before_request(batch, sent_ms)
        left_s = deadline_epoch_s - now_s - self._pace.reserve_s
        timeout_s = min(left_s, _LONGEST_READ_TIMEOUT_S + len(body) // _SLOWEST_BYTES_S)
        return self._contacts.upsert(body, timeout_s), sent_ms

    def _handle(self, batch: Sequence[Row], form: Form, verdict: Verdict, sent_ms: int) -> None:
        match verdict:
            case Accepted(job):
                self._answered()
                self._fault_since_s = None
                self._accept(batch, form, job, sent_ms)
            case BadAddresses(addresses, words) if any(row.email in addresses for row in batch):
                self._answered()
                self._words = words
                self.result.refused |= {row.key: words for row in batch if row.email in addresses}
                good = [row for row in batch if row.email not in addresses]
                if good:
                    self._work.next((good, form))
            case BadAddresses(_, words) | RowsRefused(words):
                self._answered()
                self._words = words
                self._narrow(batch, form, words)
            case RequestFault(words, of_list):
                now_s = self._pace.clock()
                if self._fault_since_s is None:
                    self._fault_since_s = now_s
                if now_s - self._fault_since_s >= self._pace.fault_retry_s:
                    self.result.fault = Fault(words, of_list=of_list)
                self._hindered(words)
                self._work.next((batch, form))
            case Busy(words):
                self._hindered(words)
                self._work.next((batch, form))
            case Unanswered(words):
                self._hindered(words)
                self._followers.answer_lost(batch, sent_ms)
                self._work.lost(batch)
            case _ as never:
                assert_never(never)

    def _accept(self, batch: Sequence[Row], form: Form, job: str, sent_ms: int) -> None:
        self._followers.accepted(batch, job, sent_ms, form)
        if form is Form.BARE:
            reason = "SendGrid takes an address alone and refuses it with its list and memberships"
            self.result.fault = Fault(reason, self._words, of_list=True)
            return
        words = None
        if form is Form.MEMBERSHIPS:
            words = self._words
            self._narrowed += 1
        for row in batch:
            self.result.sent[row.key] = Sent(job, sent_ms, words)

    def _narrow(self, batch: Sequence[Row], form: Form, words: str) -> None:
        if len(batch) > 1:
            middle = len(batch) // 2
            self._work.next((batch[:middle], form), (batch[middle:], form))
        elif form is Form.WHOLE:
            self._work.next((batch, Form.MEMBERSHIPS))
        elif form is Form.MEMBERSHIPS:
            self._work.next((batch, Form.BARE))
        else:
            self.result.unnamed[batch[0].key] = words

    def _hindered(self, words: str) -> None:
        self._fruitless += 1
        self.result.hindrance = words

    def _answered(self) -> None:
        self._fruitless = 0
        self._work.answered()

    def _reject_nobody(self) -> None:
        """Leave refused rows undecided, and those whose fields were refused: all are tried again when it is mended."""
        self.result.refused.clear()
        self.result.unnamed.clear()
        self.result.sent = {key: sent for key, sent in self.result.sent.items() if sent.words is None}

    def _wait_for_turn(self, deadline_epoch_s: float) -> bool:
        """Wait for the rate limit or the back-off; tell whether a request and the commit fit into the time left."""
        now_s = self._pace.clock()
        start_s = max(now_s, self._contacts.not_before())
        if self._fruitless:
            wait_s = backoff_s(self._fruitless, _FIRST_BACKOFF_S, _MAX_BACKOFF_S, self._pace.jitter())
            start_s = max(start_s, now_s + wait_s)
        least_s = LEAST_READ_TIMEOUT_S + self._work.next_bytes() // _SLOWEST_BYTES_S
        if start_s > deadline_epoch_s - self._pace.reserve_s - least_s:
            return False
        if start_s > now_s:
            self._pace.sleep(start_s - now_s)
        return True
