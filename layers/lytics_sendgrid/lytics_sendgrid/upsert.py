"""Bring rows to SendGrid: as few requests as its limits allow, and every row decided for itself.

SendGrid refuses a whole request for one bad row. The addresses that a refusal names are taken out; where it names
none, the request is halved until each row is decided. A row that is refused alone is sent again as e-mail and
memberships, because an exit must get through whatever the fields hold; refused so, as the bare e-mail: if that is
taken, the fault was in the request (its list, its membership field) and not in the row.
"""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Final, Protocol

from lytics_sendgrid.contact import ContactKey
from lytics_sendgrid.sendgrid_answers import (
    Accepted,
    BadAddresses,
    Busy,
    RequestFault,
    RowsRefused,
    Unanswered,
    Verdict,
)
from lytics_sendgrid.sendgrid_contacts import upsert_body

MAX_ROWS: Final = 30_000
MAX_BYTES: Final = 5_500_000
"""SendGrid takes 30,000 contacts or 6 MB; whether its megabyte is 2**20 and what it counts is not documented."""
FEWEST_REJECTED: Final = 10
"""Up to so many rows a batch may be rejected whatever the share: one in a batch of five is no sign of a bad batch."""
_EXTRA_REQUESTS: Final = 200
"""How many requests an invocation may spend on finding bad rows; what is undecided then is done by the next."""
_FIRST_BACKOFF_S: Final = 1.0
_LONGEST_BACKOFF_S: Final = 20.0
_LEAST_READ_TIMEOUT_S: Final = 5.0
_LONGEST_READ_TIMEOUT_S: Final = 25.0


@dataclass(frozen=True, slots=True)
class Row:
    """A row to send.

    Attributes:
        key: whose.
        email: the address in it.
        text: as JSON.
        memberships: the same with e-mail and memberships alone, made only when needed.
    """

    key: ContactKey
    email: str
    text: str
    memberships: Callable[[], str]


class Form(Enum):
    """How much of a row is sent."""

    WHOLE = "whole"
    MEMBERSHIPS = "memberships"
    BARE = "bare"


@dataclass(frozen=True, slots=True)
class Sent:
    """A row that SendGrid accepted.

    Attributes:
        job: the import job that carries it.
        sent_ms: our clock just before the request.
        words: where only e-mail and memberships were accepted, SendGrid's words about the rest.
    """

    job: str
    sent_ms: int
    words: str | None = None


@dataclass(slots=True)
class Upserted:
    """What became of the rows. Those in neither mapping are undecided.

    Attributes:
        sent: accepted rows.
        refused: rows that SendGrid refuses for their address, with its words.
        fault: why the request itself is refused whatever its rows are, if it is.
        until_epoch_s: when to go on, where SendGrid said it.
        uncertain: undecided rows that may have been accepted: their answer was lost.
    """

    sent: dict[ContactKey, Sent] = field(default_factory=dict)
    refused: dict[ContactKey, str] = field(default_factory=dict)
    fault: str | None = None
    until_epoch_s: float | None = None
    uncertain: set[ContactKey] = field(default_factory=set)


class Contacts(Protocol):
    """SendGrid's contacts."""

    def not_before(self) -> float: ...  # noqa: D102

    def upsert(self, body: bytes, read_timeout_s: float) -> Verdict: ...  # noqa: D102


class Followers(Protocol):
    """Who is told of each request; each call must have its effect before it returns."""

    def before_request(self, rows: Sequence[Row], sent_ms: int) -> None:
        """Know that a request is about to be made."""

    def accepted(self, rows: Sequence[Row], job: str, sent_ms: int) -> None:
        """Know which import job carries the rows."""

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
    """One group of rows that go onto the same lists, brought to SendGrid within a deadline."""

    def __init__(self, contacts: Contacts, followers: Followers, pace: Pace, lists: Sequence[str]) -> None:
        self._contacts = contacts
        self._followers = followers
        self._pace = pace
        self._lists = lists
        self._result = Upserted()
        self._work: deque[tuple[Sequence[Row], Form]] = deque()
        self._fault_since_s: float | None = None
        self._fruitless = 0
        self._words = ""
        self._narrowed = 0

    def run(self, rows: Sequence[Row], deadline_epoch_s: float) -> Upserted:
        """Send rows, at most one for a contact, until all are decided, time is up, or the request is at fault."""
        self._work.extend((batch, Form.WHOLE) for batch in batches(rows))
        most = len(self._work) + _EXTRA_REQUESTS
        allowed = max(FEWEST_REJECTED, len(rows) * self._pace.rejected_percent / 100)
        for _ in range(most):
            if not self._work or self._result.fault is not None or not self._wait_for_turn(deadline_epoch_s):
                break
            batch, form = self._work.popleft()
            self._handle(batch, form, *self._request(batch, form, deadline_epoch_s))
            if len(self._result.refused) + self._narrowed > allowed:
                self._result.fault = (
                    f"more than {self._pace.rejected_percent:g} % of a batch of {len(rows)} rows would be rejected, "
                    f"the last one with: {self._words}"
                )
        if self._result.fault is not None:
            self._result.refused.clear()
        return self._result

    def _request(self, batch: Sequence[Row], form: Form, deadline_epoch_s: float) -> tuple[Verdict, int]:
        match form:
            case Form.WHOLE:
                body = upsert_body([row.text for row in batch], self._lists)
            case Form.MEMBERSHIPS:
                body = upsert_body([row.memberships() for row in batch], self._lists)
            case Form.BARE:
                body = upsert_body([_bare(row) for row in batch], ())
        now_s = self._pace.clock()
        left_s = deadline_epoch_s - now_s - self._pace.reserve_s
        sent_ms = int(now_s * 1000)
        self._followers.before_request(batch, sent_ms)
        return self._contacts.upsert(body, min(left_s, _LONGEST_READ_TIMEOUT_S)), sent_ms

    def _handle(self, batch: Sequence[Row], form: Form, verdict: Verdict, sent_ms: int) -> None:
        match verdict:
            case Accepted(job):
                self._fruitless, self._fault_since_s = 0, None
                self._accept(batch, form, job, sent_ms)
            case BadAddresses(addresses, words) if any(row.email in addresses for row in batch):
                good = [row for row in batch if row.email not in addresses]
                self._result.refused |= {row.key: words for row in batch if row.email in addresses}
                self._words = words
                if good:
                    self._work.appendleft((good, form))
            case BadAddresses(_, words) | RowsRefused(words):
                self._narrow(batch, form, words)
            case RequestFault(words):
                self._retry_fault(batch, form, words)
            case Busy(_, until_epoch_s):
                self._result.until_epoch_s = until_epoch_s
                self._retry(batch, form)
            case Unanswered():
                newly = [row for row in batch if row.key not in self._result.uncertain]
                self._followers.answer_lost(newly, sent_ms)
                self._result.uncertain.update(row.key for row in newly)
                self._retry(batch, form)

    def _accept(self, batch: Sequence[Row], form: Form, job: str, sent_ms: int) -> None:
        self._followers.accepted(batch, job, sent_ms)
        self._result.until_epoch_s = None
        if form is Form.BARE:
            self._result.fault = (
                f"SendGrid takes the address alone and refuses it with list and memberships: {self._words}"
            )
            return
        words = None
        if form is Form.MEMBERSHIPS:
            words = self._words
            self._narrowed += 1
        for row in batch:
            self._result.sent[row.key] = Sent(job, sent_ms, words)
            self._result.uncertain.discard(row.key)

    def _narrow(self, batch: Sequence[Row], form: Form, words: str) -> None:
        self._words = words
        if len(batch) > 1:
            middle = len(batch) // 2
            self._work.extendleft([(batch[middle:], form), (batch[:middle], form)])
        elif form is Form.WHOLE:
            self._work.appendleft((batch, Form.MEMBERSHIPS))
        elif form is Form.MEMBERSHIPS:
            self._work.appendleft((batch, Form.BARE))
        else:
            self._result.refused[batch[0].key] = words

    def _retry_fault(self, batch: Sequence[Row], form: Form, words: str) -> None:
        now_s = self._pace.clock()
        self._fault_since_s = self._fault_since_s or now_s
        if now_s - self._fault_since_s >= self._pace.fault_retry_s:
            self._result.fault = words
        self._retry(batch, form)

    def _retry(self, batch: Sequence[Row], form: Form) -> None:
        self._fruitless += 1
        self._work.appendleft((batch, form))

    def _wait_for_turn(self, deadline_epoch_s: float) -> bool:
        """Wait for the rate limit or the back-off; tell whether a request and the commit fit into the time left."""
        now_s = self._pace.clock()
        start_s = max(now_s, self._contacts.not_before())
        if self._fruitless:
            ceiling_s = min(_FIRST_BACKOFF_S * 2 ** (self._fruitless - 1), _LONGEST_BACKOFF_S)
            start_s = max(start_s, now_s + ceiling_s * (0.5 + self._pace.jitter() / 2))
        last_start_s = deadline_epoch_s - self._pace.reserve_s - _LEAST_READ_TIMEOUT_S
        if start_s > last_start_s:
            return False
        if start_s > now_s:
            self._pace.sleep(start_s - now_s)
        return True


def batches(rows: Sequence[Row]) -> Iterator[Sequence[Row]]:
    """Cut rows into requests of at most 30,000 rows and 5.5 MB, in their order."""
    start = size = 0
    for number, row in enumerate(rows):
        row_bytes = len(row.text) + 1
        if number > start and (number - start == MAX_ROWS or size + row_bytes > MAX_BYTES - _HEAD_BYTES):
            yield rows[start:number]
            start, size = number, 0
        size += row_bytes
    if start < len(rows):
        yield rows[start:]


_HEAD_BYTES: Final = 4_096
"""Room for the lists around the rows."""


def _bare(row: Row) -> str:
    return row.memberships().partition(',"custom_fields"')[0] + "}"
