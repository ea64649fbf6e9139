"""Scans of faulty pages: nobody is missed unless the scan reports that it is not complete."""

import json
from collections.abc import Mapping, Sequence
from email.utils import formatdate
from typing import Any, Final, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mypy_boto3_dynamodb import DynamoDBClient

from functions.backfill.app import MARGIN_S
from functions.backfill.outbox import Stores, Work
from functions.backfill.rows import LAG_NS
from functions.backfill.scan import scan_audience
from functions.backfill.threads import Threads
from lytics_sendgrid.domain.change import Kind
from lytics_sendgrid.domain.checkpoint import Checkpoint
from lytics_sendgrid.domain.deadline import Deadline
from lytics_sendgrid.domain.profile import MAX_AHEAD_NS
from lytics_sendgrid.errors import LyticsSendGridError, RetryLater, StopRun
from lytics_sendgrid.lytics.api import Lytics
from lytics_sendgrid.queues.changes import decode
from lytics_sendgrid.tables.seen import SeenTable
from lytics_sendgrid.transport.client import Answer
from tests.clock import TickingClock
from tests.doubles.adapters import exports_table, queue_writer
from tests.doubles.dynamodb import DynamoDb
from tests.doubles.sqs import Queue
from tests.properties.answers import ODD, places, put, without
from tests.unit.functions.backfill.test_progress import AUDIENCE, EXPORT

NOW_S: Final = 1_790_000_000
LATEST_NS: Final = NOW_S * 1_000_000_000 + MAX_AHEAD_NS
RUN: Final = "run-1"
PAGES: Final = 4
PEOPLE: Final = [f"person{number}@example.com" for number in range(2 * PAGES)]


class WrongPages:
    """Lytics' HTTP: pages of two people, with some answers replaced.

    Args:
        wrong: the replaced answers by the number of the request, from 0.
        page: replaced pages by their number.
    """

    base_url = "https://lytics.example.com"

    def __init__(
        self, wrong: Mapping[int, Answer | Exception], page: Mapping[int, Any] | None = None
    ) -> None:
        self._wrong = wrong
        self._pages = page or {}
        self.requests = 0

    def request(self, method: str, path: str, *, query: Mapping[str, str] | None = None, **_: Any) -> Answer:
        number, self.requests = self.requests, self.requests + 1
        if number in self._wrong:
            answer = self._wrong[number]
            if isinstance(answer, Exception):
                raise answer
            return answer
        start = (query or {}).get("start", "")
        known = {"": 0} | {f"c{n}": n for n in range(1, PAGES)}
        if start not in known:
            return Answer(400, {}, b'{"status":400,"message":"start token is not valid"}')
        headers = {"date": formatdate(NOW_S + number, usegmt=True)}
        document = self._pages.get(known[start], page_document(known[start]))
        return Answer(200, headers, json.dumps(document).encode())


def page_document(number: int) -> dict[str, Any]:
    rows = [{"email": email, "first_name": "Ann"} for email in PEOPLE[2 * number : 2 * number + 2]]
    cursor = f"c{number + 1}" if number + 1 < PAGES else ""
    return {"data": rows, "status": 200, "message": "success", "total": len(PEOPLE), "_next": cursor}


def scanned(http: WrongPages, left_s: float = 200.0) -> tuple[Checkpoint | LyticsSendGridError, Queue]:
    """Scan to the end, one invocation after another, as the state machine does."""
    dynamodb = DynamoDb()
    queue, checkpoints = Queue("changes"), exports_table(dynamodb)
    writer, _ = queue_writer(queue)
    seen = SeenTable(cast(DynamoDBClient, dynamodb), "exports")
    stores = Stores(writer, checkpoints, seen)
    for invocation in range(60):
        clock = TickingClock(0.25, NOW_S + 0.5, lambda: 1.0)
        work = Work(EXPORT, AUDIENCE, RUN, f"0.{invocation:08x}", (("newsletter", "email"),))
        deadline = Deadline.after(clock, left_s - MARGIN_S)
        try:
            checkpoint = scan_audience(work, Lytics(http), stores, deadline, Threads)
        except (RetryLater, StopRun) as error:
            return error, queue
        if checkpoint.ended:
            kept = checkpoints.scan(RUN, AUDIENCE)
            assert kept is not None
            assert kept.numbers <= {str(decode(body).number) for body in queue.bodies}
            return checkpoint, queue
    raise AssertionError("the scan does not end")


def check(result: Checkpoint | LyticsSendGridError, queue: Queue) -> None:
    """Check that missing people are counted, or that the scan reports a mismatch or why it stopped."""
    changes = [change for body in queue.bodies for change in decode(body).changes]
    for change in changes:
        assert (change.kind, change.audience) == (Kind.ENTER, AUDIENCE)
        assert change.time_ns == 1
        assert 0 < (change.fields_time_ns or 0) <= LATEST_NS - LAG_NS
    if isinstance(result, LyticsSendGridError):
        assert "Lytics" in str(result)
        return
    if result.trouble:
        assert "Lytics" in result.trouble
        assert not result.is_complete
        return
    missing = set(PEOPLE) - {change.email for change in changes}
    if len(missing) > result.without_email + result.bad_email:
        assert result.mismatch
        assert not result.is_complete


@pytest.mark.parametrize("number", range(PAGES))
def test_odd_value_anywhere_in_a_page_loses_nobody_silently(number: int) -> None:
    valid = page_document(number)
    for place in places(valid):
        for odd in (*ODD, "c1", "c2"):
            check(*scanned(WrongPages({}, {number: put(valid, place, odd)})))
        if place:
            check(*scanned(WrongPages({}, {number: without(valid, place)})))


@pytest.mark.parametrize("number", range(PAGES))
def test_truncated_page_is_requested_again(number: int) -> None:
    whole = json.dumps(page_document(number)).encode()
    for size in range(len(whole)):
        result, queue = scanned(WrongPages({number: Answer(200, {}, whole[:size])}))
        assert isinstance(result, Checkpoint)
        assert result.is_complete
        assert sum(len(decode(body).changes) for body in queue.bodies) == len(PEOPLE)


FAULTS: Final[Sequence[Answer | Exception]] = (
    Answer(429, {"retry-after": "1"}, b""),
    Answer(429, {"retry-after": "7200"}, b"{}"),
    Answer(500, {}, b'{"status":500,"errors":[]}'),
    Answer(502, {"content-type": "text/html"}, b"<html>Bad gateway</html>"),
    Answer(200, {}, b"<html>Please sign in</html>"),
    Answer(200, {}, b""),
    Answer(200, {}, b'{"data":null,"status":503}'),
    Answer(200, {}, b'{"data":[{"email":"person0@exam'),
    Answer(400, {}, b'{"status":400,"message":"start token is not recent"}'),
    Answer(204, {}, b""),
)


@settings(max_examples=400, derandomize=True, deadline=None)
@given(
    st.dictionaries(st.integers(0, 25), st.sampled_from(FAULTS), max_size=20),
    st.sampled_from([1.0, 65.0, 200.0, 840.0]),
)
def test_faults_in_any_order_end_with_everybody_or_an_error(
    wrong: dict[int, Answer | Exception], left_s: float
) -> None:
    result, queue = scanned(WrongPages(wrong), left_s)
    check(result, queue)
    if isinstance(result, Checkpoint) and not result.trouble:
        assert result.is_complete
        assert {c.email for body in queue.bodies for c in decode(body).changes} == set(PEOPLE)


@settings(max_examples=200, derandomize=True, deadline=None)
@given(st.integers(0, PAGES - 1), st.sampled_from(["1969", "1970", "2026", "2099", "9999", ""]))
def test_wrong_lytics_clock_never_dates_an_enter_in_the_future(number: int, year: str) -> None:
    date = {"date": f"Thu, 01 Jan {year} 00:00:00 GMT"} if year else {}
    body = json.dumps(page_document(number)).encode()
    result, queue = scanned(WrongPages({number: Answer(200, date, body)}))
    check(result, queue)
    assert isinstance(result, Checkpoint)
