"""An audience is read in parts at the same time, unless the parts are not the whole audience."""

import dataclasses
import itertools
import threading
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from functions.backfill.parts import difference, divided, is_worth_dividing, with_part
from functions.backfill.progress import MAX_IDLE_INVOCATIONS
from lytics_sendgrid.domain.checkpoint import Checkpoint
from lytics_sendgrid.errors import KeyRefused, RequestRefused, ServiceUnavailable
from lytics_sendgrid.lytics.documents import LyticsAudience, ScanPage
from tests.unit.functions.backfill.test_progress import AUDIENCE
from tests.unit.functions.backfill.test_scan import NOW_S, RUN, Scene, people

type Row = Mapping[str, Any]


class SplitAudience:
    """An audience whose nth person is in bucket n % 100; people beyond ``bucketed`` are in none.

    Attributes:
        refuses: what a request for some splits and a cursor raises.
        total: what a page of some splits and rows says.
        most: the most requests that were open at the same time.
        calls: pairs of splits and cursor, in order.
    """

    def __init__(self, count: int, bucketed: int | None = None) -> None:
        self.rows: Sequence[Row] = people(count)
        self.bucketed = count if bucketed is None else bucketed
        self.calls: list[tuple[str, str, int]] = []
        self.fields: set[tuple[str, ...]] = set()
        self.most = self._open = 0
        self._lock = threading.Lock()
        self._together = threading.Event()

    def refuses(self, splits: str, cursor: str) -> Exception | None:
        return None

    def total(self, splits: str, rows: Sequence[Row]) -> int | None:
        return len(rows)

    def audience(self, reference: str) -> LyticsAudience | None:
        return None

    def scan_page(
        self, audience_id: str, start: str, fields: Sequence[str], *, splits: str = "", rows: int = 100
    ) -> ScanPage:
        with self._lock:
            self._open += 1
            self.most = max(self.most, self._open)
            self.calls.append((splits, start, rows))
            self.fields.add(tuple(fields))
            if self._open > 1:
                self._together.set()
        if splits and rows > 1 and not start:
            self._together.wait(0.2)  # the other parts' requests are open, too
        try:
            error = self.refuses(splits, start)
            if error is not None:
                raise error
            wanted = self.rows
            if splits:
                buckets = set(map(int, splits.split(",")))
                wanted = [row for n, row in enumerate(self.rows[: self.bucketed]) if n % 100 in buckets]
            place = int(start or 0)
            cursor = str(place + rows) if place + rows < len(wanted) else ""
            total = self.total(splits, wanted)
            return ScanPage(tuple(wanted[place : place + rows]), cursor, total, int(NOW_S) * 1_000_000_000)
        finally:
            with self._lock:
                self._open -= 1


def scene_of[L: SplitAudience](lytics: L, requests: int = 4) -> Scene[L]:
    return Scene(lytics, requests=requests)


def everybody(scene: Scene[Any], lytics: SplitAudience) -> bool:
    return set(scene.queued()) == {row["email"] for row in lytics.rows}


def test_parts_are_the_hundred_buckets() -> None:
    for requests in (2, 4, 16, 20):
        parts = divided(Checkpoint(), 9, requests).parts
        buckets = [part.splits.split(",") for part in parts]
        assert sorted(map(int, itertools.chain(*buckets))) == list(range(100))
        assert max(map(len, buckets)) - min(map(len, buckets)) <= 1


@pytest.mark.parametrize(
    ("total", "requests", "worth"), [(401, 4, True), (400, 4, False), (10_000, 1, False), (None, 4, False)]
)
def test_audience_with_a_page_for_each_request_is_divided(
    total: int | None, requests: int, *, worth: bool
) -> None:
    assert is_worth_dividing(total, requests) == worth


@pytest.mark.parametrize(
    ("totals", "whole", "words"),
    [
        ([3, 4], 7, ""),
        ([3, 5], 7, ""),
        ([0, 0], 0, ""),
        ([3, 3], 7, "Lytics counts 6 people in the parts of the audience, but 7 in the whole"),
        ([7, 7], 7, "Lytics counts 14 people in the parts of the audience, but only 7 in the whole"),
        ([3, None], 3, "Lytics did not say how many people are in each part"),
        ([3, 4], None, "Lytics did not say how many people are in each part"),
    ],
)
def test_totals_of_parts_must_be_the_wholes(totals: list[int | None], whole: int | None, words: str) -> None:
    assert difference(totals, whole) == words


def test_numbers_of_a_divided_scan_are_the_parts_sums() -> None:
    at = divided(Checkpoint(), 9, 2)
    at = with_part(
        at, 0, dataclasses.replace(at.parts[0], pages=2, scanned=5, smallest=4, largest=5, bad_email=1)
    )
    assert (at.smallest, at.largest) == (None, None)
    at = with_part(at, 1, dataclasses.replace(at.parts[1], pages=1, largest=0, without_email=0))
    assert (at.pages, at.scanned, at.smallest, at.largest, at.bad_email) == (3, 5, 4, 5, 1)


def test_parts_are_requested_at_the_same_time_and_everybody_is_queued() -> None:
    lytics = SplitAudience(2_000)
    scene = scene_of(lytics)
    checkpoint = scene.invoke()
    assert (checkpoint.done, checkpoint.whole, checkpoint.scanned) == (True, "", 2_000)
    assert checkpoint.is_complete
    assert everybody(scene, lytics)
    assert 2 <= lytics.most <= 4
    assert scene.expected() == scene.numbers()
    assert len(scene.seen.read_seen(RUN, AUDIENCE, 0, checkpoint.chunks, checkpoint.seen)) == 2_000
    assert sum(rows for _, _, rows in lytics.calls if rows == 1) == 5
    assert scene.invoke() == checkpoint


def test_parts_are_read_over_several_invocations() -> None:
    lytics = SplitAudience(3_000)
    scene = scene_of(lytics)
    for _ in range(20):
        checkpoint = scene.invoke(left_s=66, look_s=0.25)
        if checkpoint.done:
            break
    assert scene.invocations > 2
    assert checkpoint.is_complete
    assert (everybody(scene, lytics), checkpoint.parts != ()) == (True, True)
    assert set(scene.queued().values()) == {1}


def test_totals_are_compared_in_the_next_invocation_if_the_time_is_up() -> None:
    lytics = SplitAudience(500)
    scene = scene_of(lytics)
    first = scene.invoke(left_s=1)
    while not all(part.done for part in first.parts):
        first = scene.invoke(left_s=1)
    assert (first.done, first.scanned) == (False, 500)
    assert all(rows == 100 for *_, rows in lytics.calls)
    assert scene.invoke(left_s=1).is_complete


def test_small_audience_is_read_whole_without_more_requests() -> None:
    lytics = SplitAudience(400)
    checkpoint = scene_of(lytics).invoke()
    assert (checkpoint.is_complete, checkpoint.parts, checkpoint.whole) == (True, (), "")
    assert [splits for splits, *_ in lytics.calls] == [""] * 4


def test_people_in_no_bucket_are_found_by_a_whole_scan() -> None:
    lytics = SplitAudience(2_000, bucketed=1_990)
    scene = scene_of(lytics)
    checkpoint = scene.invoke()
    assert checkpoint.is_complete
    assert (
        checkpoint.whole == "Lytics counts 1,990 people in the parts of the audience, but 2,000 in the whole"
    )
    assert checkpoint.parts == ()
    assert everybody(scene, lytics)
    assert checkpoint.seen == 2_000
    assert scene.expected() <= scene.numbers()
    assert len(lytics.calls) < 1 + 20 + 20, "the first pages of the parts must tell"


def test_people_in_no_bucket_who_come_during_the_scan_are_found() -> None:
    lytics = SplitAudience(2_000)
    scene = scene_of(lytics)
    scene.invoke(left_s=1)
    lytics.rows = people(2_010)
    checkpoint = scene.invoke()
    assert (
        checkpoint.whole == "Lytics counts 2,000 people in the parts of the audience, but 2,010 in the whole"
    )
    assert (checkpoint.is_complete, everybody(scene, lytics)) == (True, True)


def test_totals_that_differ_for_a_moment_are_read_again() -> None:
    class Busy(SplitAudience):
        wholes = 0

        def total(self, splits: str, rows: Sequence[Row]) -> int | None:
            self.wholes += not splits
            return len(rows) + (not splits and self.wholes == 2)

    checkpoint = scene_of(Busy(2_000)).invoke()
    assert (checkpoint.is_complete, checkpoint.whole) == (True, "")


def test_parts_that_ignore_the_buckets_are_noticed_at_once() -> None:
    class Deaf(SplitAudience):
        def total(self, splits: str, rows: Sequence[Row]) -> int | None:
            return len(self.rows)

    lytics = Deaf(2_000)
    scene = scene_of(lytics)
    checkpoint = scene.invoke()
    assert checkpoint.whole.startswith(
        "Lytics counts 8,000 people in the parts of the audience, but only 2,000"
    )
    assert (checkpoint.is_complete, everybody(scene, lytics)) == (True, True)


def test_parts_that_return_too_few_rows_are_read_whole() -> None:
    class Short(SplitAudience):
        def total(self, splits: str, rows: Sequence[Row]) -> int | None:
            return len(rows) + bool(splits)

    checkpoint = scene_of(Short(2_000)).invoke()
    assert checkpoint.whole == "Lytics counts 2,004 people in the audience but its scan returned 2,000"
    assert checkpoint.is_complete


def test_lytics_that_refuses_splits_is_read_whole() -> None:
    class Refusing(SplitAudience):
        def refuses(self, splits: str, cursor: str) -> Exception | None:
            return RequestRefused("Lytics answered 400: unknown parameter splits") if splits else None

    lytics = Refusing(2_000)
    scene = scene_of(lytics)
    checkpoint = scene.invoke()
    assert checkpoint.whole == "Lytics answered 400: unknown parameter splits"
    assert (checkpoint.is_complete, checkpoint.restarts, everybody(scene, lytics)) == (True, 0, True)


def test_cursor_that_a_part_refuses_begins_all_parts_anew() -> None:
    class Stale(SplitAudience):
        refused = 0

        def refuses(self, splits: str, cursor: str) -> Exception | None:
            if not splits or not cursor or self.refused == 2:
                return None
            self.refused += 1
            return RequestRefused("start token is not recent")

    lytics = Stale(2_000)
    scene = scene_of(lytics, requests=2)
    checkpoint = scene.invoke()
    assert 1 <= checkpoint.restarts <= 2
    assert (checkpoint.is_complete, checkpoint.whole, everybody(scene, lytics)) == (True, "", True)
    assert checkpoint.seen == 2_000


def test_parts_that_refuse_every_cursor_are_read_whole() -> None:
    class Stale(SplitAudience):
        def refuses(self, splits: str, cursor: str) -> Exception | None:
            return RequestRefused("start token is not recent") if splits and cursor else None

    lytics = Stale(2_000)
    scene = scene_of(lytics)
    checkpoint = scene.invoke()
    assert checkpoint.whole.startswith("Lytics refused the scan's cursor 4 times")
    assert (checkpoint.is_complete, everybody(scene, lytics)) == (True, True)


def test_parts_that_never_answer_are_read_whole() -> None:
    class Silent(SplitAudience):
        def refuses(self, splits: str, cursor: str) -> Exception | None:
            return ServiceUnavailable("Lytics answered 500") if splits else None

    scene = scene_of(Silent(2_000))
    scene.invoke(left_s=1)
    assert scene.invoke(left_s=100).whole == "Lytics did not answer for a part (Lytics answered 500)"
    assert scene.invoke().is_complete


def test_outage_while_parts_are_read_ends_in_trouble() -> None:
    class Failing(SplitAudience):
        down = False

        def refuses(self, splits: str, cursor: str) -> Exception | None:
            return ServiceUnavailable("Lytics answered 503") if self.down else None

    lytics = Failing(3_000)
    scene = scene_of(lytics)
    while not scene.invoke(left_s=1).pages:
        pass
    lytics.down = True
    for _ in range(MAX_IDLE_INVOCATIONS):
        checkpoint = scene.invoke(left_s=70)
    assert "has not answered the scan for 8 invocations" in checkpoint.trouble
    assert checkpoint.parts != ()


def test_refused_token_ends_the_invocation_of_all_parts() -> None:
    class Revoked(SplitAudience):
        def refuses(self, splits: str, cursor: str) -> Exception | None:
            return KeyRefused("401") if splits and cursor else None

    with pytest.raises(KeyRefused):
        scene_of(Revoked(2_000)).invoke()


def test_second_scan_is_one_of_its_own() -> None:
    lytics = SplitAudience(2_000)
    scene = scene_of(lytics)
    scene.invoke()
    scene.work = dataclasses.replace(scene.work, requests=1, queues=False, scan=1)
    bodies = len(scene.queue.bodies)
    checkpoint = scene.invoke()
    assert (checkpoint.parts, checkpoint.seen, checkpoint.is_complete) == ((), 2_000, True)
    assert len(scene.queue.bodies) == bodies
