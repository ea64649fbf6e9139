"""A scan loses nobody between pages, invocations and crashes, and an outage ends with a reason."""

import dataclasses
import itertools
import math
import re
from array import array
from collections import Counter
from typing import Any, cast

import pytest
from mypy_boto3_dynamodb import DynamoDBClient

from functions.backfill.app import MARGIN_S
from functions.backfill.outbox import Stores, Work
from functions.backfill.pages import Scanner
from functions.backfill.progress import MAX_IDLE_INVOCATIONS
from functions.backfill.rows import LAG_NS
from functions.backfill.scan import scan_audience
from functions.backfill.threads import Threads
from lytics_sendgrid.domain.checkpoint import Checkpoint
from lytics_sendgrid.domain.deadline import Deadline
from lytics_sendgrid.domain.seen import seen_hash
from lytics_sendgrid.errors import (
    AnswerLost,
    KeyRefused,
    RequestRefused,
    ServiceUnavailable,
    Throttled,
)
from lytics_sendgrid.lytics.documents import LyticsAudience
from lytics_sendgrid.queues.changes import MESSAGE_BYTES, decode
from lytics_sendgrid.tables.seen import SeenTable
from tests.clock import ManualClock, TickingClock
from tests.doubles.adapters import exports_table, queue_writer
from tests.doubles.calls import refusal
from tests.doubles.dynamodb import DynamoDb
from tests.doubles.lytics import PagedAudience
from tests.doubles.sqs import Queue
from tests.unit.functions.backfill.test_progress import AUDIENCE, EXPORT

RUN = "run-1"
SINCE_NS = 1_700_000_000_000_000_000
NOW_S = 1_790_000_000.5
DOWN = ServiceUnavailable("Lytics answered 503")


def people(count: int, **fields: Any) -> list[dict[str, Any]]:
    return [
        {"email": f"person{number:06}@example.com", "first_name": "Beth", "visits": number, **fields}
        for number in range(count)
    ]


def paged(rows: list[dict[str, Any]], size: int = 100) -> list[list[dict[str, Any]]]:
    return [list(page) for page in itertools.batched(rows, size)] or [[]]


class Scene[L: Scanner]:
    """One run's backfill of one audience."""

    def __init__(self, lytics: L, **more: Any) -> None:
        self.lytics = lytics
        self.queue = Queue("changes")
        self.writer, self.sqs = queue_writer(self.queue)
        self.dynamodb = DynamoDb()
        self.checkpoints = exports_table(self.dynamodb)
        self.seen = SeenTable(cast(DynamoDBClient, self.dynamodb), "exports")
        self.work = Work(EXPORT, AUDIENCE, RUN, "", (("newsletter", "email"),), enter_ns=SINCE_NS + 1, **more)
        self.invocations = 0
        self.clock = ManualClock()

    def invoke(self, left_s: float = 840.0, look_s: float = 0.0) -> Checkpoint:
        """Call the task once. ``look_s`` is how long each look at the clock takes."""
        self.invocations += 1
        self.clock = TickingClock(look_s, NOW_S, lambda: 1.0)
        return scan_audience(
            dataclasses.replace(self.work, prefix=f"2.{self.invocations:08x}"),
            self.lytics,
            Stores(self.writer, self.checkpoints, self.seen),
            Deadline.after(self.clock, left_s - MARGIN_S),
            Threads,
        )

    def queued(self) -> Counter[str]:
        return Counter(change.email for body in self.queue.bodies for change in decode(body).changes)

    def numbers(self) -> set[str | None]:
        return {decode(body).number for body in self.queue.bodies}

    def expected(self) -> set[str]:
        checkpoint = self.checkpoints.scan(RUN, AUDIENCE)
        return checkpoint.numbers if checkpoint else set()


def test_everybody_is_queued_once() -> None:
    scene = Scene(PagedAudience(paged(people(250))))

    checkpoint = scene.invoke()

    assert checkpoint.is_complete
    assert scene.queued() == Counter(row["email"] for row in people(250))
    assert scene.expected() == scene.numbers() == {"2.00000001.0"}
    (message,) = map(decode, scene.queue.bodies)
    assert (message.export, message.config, message.run) == ("newsletter", 3, RUN)
    assert message.queued_ms == 1_790_000_000_500
    assert {change.time_ns for change in message.changes} == {SINCE_NS + 1}
    assert {change.fields_time_ns for change in message.changes} == {
        scene.lytics.date_ns + second * 1_000_000_000 - LAG_NS for second in range(3)
    }
    assert checkpoint.stamp_ns == scene.lytics.date_ns - LAG_NS
    assert checkpoint.began_s == math.floor(NOW_S)


def test_dry_run_asks_only_questions() -> None:
    scene = Scene(PagedAudience([people(3)]), question=True)
    scene.invoke()
    assert [decode(body).question for body in scene.queue.bodies] == [True]


def test_finished_scan_requests_nothing() -> None:
    scene = Scene(PagedAudience(paged(people(5))))
    first = scene.invoke()
    assert scene.invoke() == first
    assert len(scene.lytics.calls) == 1


def test_empty_audience_queues_nothing() -> None:
    scene = Scene(PagedAudience([[]]))
    assert scene.invoke().is_complete
    assert scene.queue.bodies == []
    assert scene.expected() == set()


def test_rows_without_address_are_counted_but_not_queued() -> None:
    rows = [*people(3), {"first_name": "Ann"}, {"email": "nobody"}]
    checkpoint = (scene := Scene(PagedAudience([rows]))).invoke()
    assert (checkpoint.scanned, checkpoint.without_email, checkpoint.bad_email) == (5, 1, 1)
    assert sum(scene.queued().values()) == checkpoint.people == 3


def test_messages_and_requests_are_filled() -> None:
    scene = Scene(PagedAudience(paged(people(15_000)), date_ns=1_790_000_000_123_456_789))

    assert scene.invoke(left_s=100_000).is_complete

    sizes = [len(body) for body in scene.queue.bodies]
    units = sum(-(-size // 65_536) for size in sizes)
    assert max(sizes) <= MESSAGE_BYTES
    assert units <= 1.08 * sum(sizes) / 65_536
    assert len(scene.sqs.calls.made) <= sum(sizes) / 1_048_576 * 1.1 + 1
    assert len(scene.queued()) == 15_000
    assert scene.expected() == scene.numbers()
    assert len(scene.numbers()) == len(sizes)


def test_scan_continues_over_several_invocations() -> None:
    scene = Scene(PagedAudience(paged(people(1_000))))

    while not scene.invoke(left_s=65, look_s=0.25).done:
        assert scene.invocations < 10

    assert scene.invocations > 1
    assert scene.queued() == Counter(row["email"] for row in people(1_000))
    assert scene.expected() == scene.numbers()
    times = {change.time_ns for body in scene.queue.bodies for change in decode(body).changes}
    assert times == {SINCE_NS + 1}


def test_invocation_with_no_time_left_still_reads_a_page() -> None:
    scene = Scene(PagedAudience(paged(people(300))))
    assert [scene.invoke(left_s=1).pages for _ in range(3)] == [1, 2, 3]


def test_empty_page_with_cursor_does_not_end_the_scan() -> None:
    rows = people(20)
    scene = Scene(PagedAudience([rows[:10], [], [], rows[10:]]))
    assert scene.invoke().is_complete
    assert len(scene.queued()) == 20


def test_repeated_rows_are_harmless() -> None:
    rows = people(20)
    scene = Scene(PagedAudience([rows[:12], rows[8:]], total=20))
    assert scene.invoke().is_complete
    assert set(scene.queued()) == {row["email"] for row in rows}


def test_total_that_does_not_fit_is_reported() -> None:
    checkpoint = Scene(PagedAudience([people(20)], total=25)).invoke()
    assert checkpoint.done
    assert not checkpoint.is_complete
    assert checkpoint.mismatch == "Lytics counts 25 people in the audience but its scan returned 20"


def test_repeated_cursor_ends_the_scan_in_trouble() -> None:
    lytics = PagedAudience(paged(people(500)))
    lytics.cursors = {2: "c2"}
    scene = Scene(lytics)
    checkpoint = scene.invoke()
    assert checkpoint.trouble.startswith("Lytics' scan repeats its cursor")
    assert (checkpoint.ended, checkpoint.is_complete) == (True, False)
    assert scene.invoke() == checkpoint
    assert scene.expected() == scene.numbers()


def test_stale_cursor_restarts_the_scan() -> None:
    lytics = PagedAudience(paged(people(300)))
    lytics.faults = {2: RequestRefused("start token is not recent")}
    scene = Scene(lytics)

    checkpoint = scene.invoke()

    assert lytics.calls == ["", "c1", "c2", "", "c1", "c2"]
    assert (checkpoint.restarts, checkpoint.scanned, checkpoint.is_complete) == (1, 300, True)
    assert checkpoint.stamp_ns == lytics.date_ns + 3_000_000_000 - LAG_NS
    assert set(scene.queued()) == {row["email"] for row in people(300)}


def test_messages_sent_before_a_restart_stay_expected() -> None:
    lytics = PagedAudience(paged(people(300)))
    scene = Scene(lytics)
    scene.invoke(left_s=1)
    lytics.faults = {1: RequestRefused("start token is not recent")}
    assert scene.invoke().is_complete
    assert scene.expected() == scene.numbers() == {"2.00000001.0", "2.00000002.0"}


def test_cursors_refused_again_and_again_end_the_scan_in_trouble() -> None:
    lytics = PagedAudience(paged(people(300)))
    lytics.faults = dict.fromkeys(range(1, 100, 2), RequestRefused("start token is not valid"))
    trouble = Scene(lytics).invoke().trouble
    assert re.match(r"Lytics refused the scan's cursor 4 times.*not valid", trouble)


def test_restarts_are_counted_across_invocations_and_crashes() -> None:
    lytics = PagedAudience(paged(people(300)))
    scene = Scene(lytics)
    scene.invoke(left_s=1)
    lytics.faults = {1: RequestRefused("stale"), 2: KeyRefused("the token expired meanwhile")}
    with pytest.raises(KeyRefused):
        scene.invoke()
    assert scene.invoke().restarts == 1


def test_audience_that_is_gone_ends_the_scan_in_trouble() -> None:
    lytics = PagedAudience([people(3)])
    lytics.faults = {0: RequestRefused("Lytics answered 404 for a page: Segment not found")}
    checkpoint = Scene(lytics).invoke()
    assert checkpoint.trouble.startswith(
        "Lytics answered 404 for a page: Segment not found. If somebody deleted"
    )
    assert (checkpoint.ended, checkpoint.is_complete) == (True, False)


def test_audience_that_goes_during_the_scan_ends_it_in_trouble() -> None:
    lytics = PagedAudience(paged(people(300)))
    lytics.faults = dict.fromkeys((1, 2), RequestRefused("Lytics answered 404: Segment not found"))
    scene = Scene(lytics)
    assert "404" in scene.invoke().trouble
    assert lytics.calls == ["", "c1", ""]


def test_audience_that_lytics_calls_invalid_is_not_scanned() -> None:
    lytics = PagedAudience([people(3)])
    lytics.known = LyticsAudience(AUDIENCE, "High Value Users", "high_value_users", fault="it names itself")
    checkpoint = Scene(lytics).invoke()
    assert checkpoint.trouble == "Lytics calls the audience invalid (it names itself): correct it in Lytics"
    assert lytics.calls == []


@pytest.mark.parametrize(
    "known", [LyticsAudience(AUDIENCE, "High Value Users", "high_value_users"), DOWN, RequestRefused("400")]
)
def test_audience_is_scanned_unless_lytics_calls_it_invalid(known: Any) -> None:
    lytics = PagedAudience([people(3)])
    lytics.known = known
    assert Scene(lytics).invoke().is_complete


def test_everybody_seen_is_kept_before_the_checkpoint() -> None:
    scene = Scene(PagedAudience(paged(people(250))))
    first = scene.invoke(left_s=1)
    last = scene.invoke()
    assert (first.seen, first.chunks, last.seen, last.chunks) == (100, 1, 250, 2)
    hashes = [seen_hash(RUN, row["email"]) for row in people(250)]
    assert scene.seen.read_seen(RUN, AUDIENCE, 0, last.chunks, last.seen) == array("Q", sorted(hashes))
    assert last.addresses_found
    written = [request["Item"]["pk"]["S"].partition("#")[0] for request in scene.dynamodb.calls.of("PutItem")]
    assert written == ["seen", "run"] * 2


def test_scan_that_begins_anew_begins_with_nobody_seen() -> None:
    rows = people(300)
    lytics = PagedAudience(paged(rows))
    scene = Scene(lytics)
    scene.invoke(left_s=1)
    lytics.faults = {1: RequestRefused("start token is not recent")}
    lytics.pages = paged(rows[50:])
    scene.clock.now_s += 60
    checkpoint = scene.invoke()
    hashes = scene.seen.read_seen(RUN, AUDIENCE, 0, checkpoint.chunks, checkpoint.seen)
    assert hashes == array("Q", sorted(seen_hash(RUN, row["email"]) for row in rows[50:]))
    assert {email for email, _ in checkpoint.sample} <= {row["email"] for row in rows[50:]}
    assert checkpoint.email_fields == (("newsletter", "email"),)
    assert checkpoint.restarts == 1


@pytest.mark.parametrize("more", [{"queues": False}, {"queues": False, "scan": 1}])
def test_scan_that_queues_nobody_keeps_who_was_seen(more: dict[str, Any]) -> None:
    scene = Scene(PagedAudience(paged(people(40_000, work="work@example.com"))), **more)
    scene.work = dataclasses.replace(
        scene.work, email_fields=(("newsletter", "email"), ("offers", "work"), ("other", "email"))
    )
    checkpoint = scene.invoke(left_s=10_000)
    assert checkpoint.is_complete
    assert scene.queue.bodies == []
    assert checkpoint.numbers == set()
    assert scene.checkpoints.scan(RUN, AUDIENCE, scene.work.scan) == checkpoint
    seen = scene.seen.read_seen(RUN, AUDIENCE, scene.work.scan, checkpoint.chunks, checkpoint.seen)
    assert len(set(seen)) == 40_001
    assert 2 <= checkpoint.chunks <= 5


def test_crash_between_hashes_and_checkpoint_counts_nobody_twice() -> None:
    scene = Scene(PagedAudience(paged(people(300))))
    put, puts = scene.dynamodb.put_item, itertools.count()

    def dying(**request: Any) -> Any:
        if next(puts) == 1:
            raise refusal("InternalServerError", "PutItem", 500)
        return put(**request)

    scene.dynamodb.put_item = dying  # type: ignore[method-assign]
    with pytest.raises(ServiceUnavailable):
        scene.invoke()
    checkpoint = scene.invoke()
    assert (checkpoint.seen, checkpoint.chunks) == (300, 1)
    assert len(set(scene.seen.read_seen(RUN, AUDIENCE, 0, 1, 300))) == 300


@pytest.mark.parametrize("error", [Throttled("429"), DOWN, AnswerLost("read timeout")])
def test_failed_page_is_requested_again_with_back_off(error: Exception) -> None:
    lytics = PagedAudience(paged(people(300)))
    lytics.faults = {1: error, 2: error, 3: error}
    scene = Scene(lytics)
    assert scene.invoke().is_complete
    assert lytics.calls == ["", "c1", "c1", "c1", "c1", "c2"]
    assert scene.clock.sleeps == [1.0, 2.0, 4.0]


def test_retry_after_is_respected() -> None:
    lytics = PagedAudience(paged(people(300)))
    lytics.faults = {1: Throttled("429", retry_after_s=90.0)}
    scene = Scene(lytics)
    assert scene.invoke().is_complete
    assert scene.clock.sleeps == [90.0]


def test_outage_ends_the_invocation_and_keeps_its_progress() -> None:
    lytics = PagedAudience(paged(people(300)))
    lytics.faults = dict.fromkeys(range(2, 100), DOWN)
    scene = Scene(lytics)

    half = scene.invoke(left_s=200)
    assert (half.done, half.pages, half.fruitless) == (False, 2, 0)
    assert 125 < sum(scene.clock.sleeps) <= 140

    lytics.faults = {}
    assert scene.invoke().is_complete
    assert scene.queued() == Counter(row["email"] for row in people(300))


def test_wait_longer_than_the_invocation_uses_all_its_time() -> None:
    lytics = PagedAudience([people(3)])
    lytics.faults = {0: Throttled("429", retry_after_s=7_200.0)}
    scene = Scene(lytics)
    assert scene.invoke().fruitless == 1
    assert sum(scene.clock.sleeps) == pytest.approx(780)


def test_outage_of_hours_ends_the_scan_in_trouble() -> None:
    lytics = PagedAudience([people(3)])
    lytics.faults = dict.fromkeys(range(10_000), DOWN)
    scene = Scene(lytics)
    waited = 0.0
    for _ in range(MAX_IDLE_INVOCATIONS - 1):
        assert not scene.invoke().done
        waited += sum(scene.clock.sleeps)
    trouble = scene.invoke().trouble
    assert re.search(r"has not answered the scan for 8 invocations \(Lytics answered 503\)", trouble)
    assert waited > 5_000


def test_one_page_resets_the_count_of_idle_invocations() -> None:
    lytics = PagedAudience(paged(people(300)))
    lytics.faults = {0: DOWN}
    scene = Scene(lytics)
    assert scene.invoke(left_s=1).fruitless == 1
    assert scene.invoke(left_s=1).fruitless == 0


def test_refused_token_ends_the_invocation_at_once() -> None:
    lytics = PagedAudience([people(3)])
    lytics.faults = {0: KeyRefused("401")}
    with pytest.raises(KeyRefused):
        Scene(lytics).invoke()


def test_people_whose_messages_were_not_queued_are_scanned_again() -> None:
    scene = Scene(PagedAudience(paged(people(300))))
    scene.invoke(left_s=1)
    scene.sqs.calls.errors = {
        name: refusal("ServiceUnavailable", name, 503) for name in ("SendMessage", "SendMessageBatch")
    }
    with pytest.raises(ServiceUnavailable):
        scene.invoke()
    scene.sqs.calls.errors = {}

    assert scene.invoke().is_complete
    assert scene.queued() == Counter(row["email"] for row in people(300))
    assert scene.expected() == scene.numbers()


def test_crash_before_the_checkpoint_expects_only_the_new_messages() -> None:
    scene = Scene(PagedAudience(paged(people(300))))
    scene.dynamodb.calls.errors = {"PutItem": refusal("InternalServerError", "PutItem", 500)}
    with pytest.raises(ServiceUnavailable):
        scene.invoke()
    scene.dynamodb.calls.errors = {}

    assert scene.invoke().is_complete
    assert set(scene.queued().values()) == {2}
    assert scene.expected() == {"2.00000002.0"}
    assert scene.numbers() == {"2.00000001.0", "2.00000002.0"}


@pytest.mark.parametrize("scan", [0, 1])
def test_only_a_first_scan_keeps_a_sample(scan: int) -> None:
    scene = Scene(PagedAudience(paged(people(30))), scan=scan)
    scene.invoke()
    checkpoint = scene.checkpoints.scan(RUN, AUDIENCE, scan)
    assert checkpoint is not None
    assert (checkpoint.seen, bool(checkpoint.sample)) == (30, not scan)
