"""Rows are sent in as few requests as SendGrid's limits allow, and every row is decided on its own."""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest

from functions.deliver.row_queue import Row, RowExtent, batches, request_body, upsert_body
from functions.deliver.upsert import Upsert, UpsertLimits
from functions.deliver.upsert_result import AcceptedRow, UpsertFault, UpsertResult
from lytics_sendgrid.sendgrid.upsert_answer import (
    Accepted,
    BadAddresses,
    Busy,
    RequestFault,
    RowsRefused,
    Unanswered,
    Verdict,
)
from tests.clock import ManualClock
from tests.doubles.upserts import BusyUntil, SendGridUpserts

LIST = "0f8b1c9e-7a55-4c1f-9a8e-2f3b4c5d6e7f"


def row(email: str, **fields: str) -> Row:
    memberships = json.dumps({"email": email, "custom_fields": {"e1_T": "none"}})
    text = json.dumps({"email": email, "custom_fields": {"e1_T": "none"}, **fields})
    return Row(f"acme#{email}", email, text, lambda: memberships)


def rows(count: int) -> list[Row]:
    return [row(f"p{number}@example.org") for number in range(count)]


class Scene:
    """An upsert, and SendGrid.

    Attributes:
        sent: each request's number of rows, the time before it, and its verdict.
        extents: each accepted request's extent.
    """

    def __init__(self, *script: Verdict, lists: Sequence[str] = (), **limits: float) -> None:
        self.clock = ManualClock(1_000.0, lambda: 1.0)
        self.sendgrid = SendGridUpserts(self.clock)
        self.sendgrid.script = list(script)
        self.lists, self.limits = lists, UpsertLimits(**limits)
        self.sent: list[tuple[int, int, Verdict]] = []
        self.extents: list[RowExtent] = []

    def run(self, rows: Sequence[Row], until_s: float) -> UpsertResult:
        """Make requests in an invocation that lasts until a time; its last 20 s are for the commit."""
        upsert = Upsert(rows, self.lists, self.limits, self.clock)
        while request := upsert.next_request(self.sendgrid.not_before(), until_s - 20):
            if request.start_epoch_s > self.clock.now_s:
                self.clock.sleep(request.start_epoch_s - self.clock.now_s)
            sent_ms = int(self.clock.now_s * 1000)
            verdict = self.sendgrid.upsert(request.body, request.timeout_s)
            upsert.settle(request, verdict, sent_ms)
            self.sent.append((len(request.rows), sent_ms, verdict))
            if isinstance(verdict, Accepted):
                self.extents.append(request.extent)
        return upsert.result(self.sendgrid.not_before())

    def lost(self) -> list[tuple[int, int]]:
        return [(count, sent_ms) for count, sent_ms, verdict in self.sent if isinstance(verdict, Unanswered)]


def test_all_rows_of_a_request_share_its_job_and_sent() -> None:
    scene = Scene(lists=[LIST])
    result = scene.run(rows(3), 1_120)
    assert result.accepted == {f"acme#p{n}@example.org": AcceptedRow("job1", 1_000_000) for n in range(3)}
    assert scene.sendgrid.requests[0][0] == (LIST,)
    assert scene.sent == [(3, 1_000_000, Accepted("job1"))]
    assert scene.extents == [RowExtent.WHOLE]


def test_no_rows_need_no_request() -> None:
    scene = Scene()
    assert scene.run([], 1_120).accepted == {}
    assert scene.sendgrid.requests == []


def test_sent_is_the_time_before_the_last_retry() -> None:
    scene = Scene(Busy("503"))
    result = scene.run(rows(1), 1_120)
    assert [one.sent_ms for one in result.accepted.values()] == [1_001_000]


def test_refusal_of_an_unsent_address_splits_the_request() -> None:
    scene = Scene(BadAddresses(frozenset({"who@example.org"}), "400"))
    scene.run(rows(2), 1_120)
    assert [len(one) for _, one in scene.sendgrid.requests] == [2, 1, 1]


@pytest.mark.parametrize(
    "decision", [RowsRefused("400"), BadAddresses(frozenset({"p0@example.org"}), "400 bad address")]
)
def test_answer_resets_the_backoff(decision: Verdict) -> None:
    scene = Scene(Busy("503"), decision)
    scene.run(rows(2), 1_120)
    assert scene.clock.sleeps == [1.0]


def test_reduced_row_keeps_the_refusal_of_its_fields() -> None:
    scene = Scene(RowsRefused("400 why"))
    result = scene.run(rows(1), 1_120)
    assert result.accepted == {"acme#p0@example.org": AcceptedRow("job2", 1_000_000, "400 why")}
    assert scene.extents == [RowExtent.MEMBERSHIPS]


def test_accepted_bare_address_is_a_fault_that_may_be_of_the_list() -> None:
    scene = Scene(RowsRefused("400 whole"), RowsRefused("400 memberships"), lists=[LIST])
    result = scene.run(rows(1), 1_120)
    reason = "SendGrid takes an address alone and refuses it with its list and memberships"
    assert result.fault == UpsertFault(reason, "400 memberships", of_list=True)


@pytest.mark.parametrize(("bad", "is_fault"), [(20, False), (21, True)])
def test_batch_is_bad_above_the_configured_share_of_rejections(bad: int, is_fault: bool) -> None:
    scene = Scene(rejected_percent=10.0)
    scene.sendgrid.bad_addresses = {f"p{number}@example.org" for number in range(bad)}
    assert (scene.run(rows(200), 1_120).fault is not None) == is_fault


def test_ten_reduced_rows_are_not_a_bad_batch() -> None:
    scene = Scene()
    scene.sendgrid.bad_values = {"Atlantis"}
    result = scene.run([row(f"p{n}@example.org", city="Atlantis") for n in range(10)], 1_120)
    assert (result.fault, len(result.accepted)) == (None, 10)


def test_fault_is_retried_for_its_time_from_the_first_refusal() -> None:
    scene = Scene(*[RequestFault("404 list")] * 20, fault_retry_s=10.0)
    result = scene.run(rows(1), 1_120)
    assert result.fault == UpsertFault("404 list")
    assert scene.clock.sleeps == [1, 2, 4, 8]
    assert str(result.fault) == "404 list"


def test_fault_time_restarts_after_a_success() -> None:
    fault = RequestFault("404 list")
    scene = Scene(fault, fault, fault, Accepted("j"), *[fault] * 3, fault_retry_s=6.0)
    big = [row(f"p{n}@example.org", city="x" * 3_000_000) for n in range(2)]
    result = scene.run(big, 1_120)
    assert result.fault is None
    assert len(result.accepted) == 2


def test_fault_without_time_to_retry_leaves_rows_undecided() -> None:
    scene = Scene(*[RequestFault("404 list")] * 20)
    result = scene.run(rows(1), 1_030)
    assert (result.fault, result.accepted, result.refused) == (None, {}, {})


def test_large_body_gets_a_longer_timeout() -> None:
    scene = Scene()
    scene.run([row("p@example.org", city="x" * 5_000_000)], 1_120)
    scene.run(rows(1), 1_120)
    assert [round(timeout_s) for timeout_s in scene.sendgrid.timeouts_s] == [35, 25]


def test_request_too_large_for_remaining_time_is_not_started() -> None:
    """20 s are reserved and the answer gets 5. Of 14 s, 9 are left for a body that takes 10."""
    for more_s, requests in ((16, 1), (14, 0)):
        scene = Scene()
        result = scene.run([row("p@example.org", city="x" * 5_000_000)], 1_020 + more_s)
        assert len(scene.sendgrid.requests) == len(result.accepted) == requests


def test_only_rows_of_the_next_request_count_against_the_time() -> None:
    """After two lost answers a request holds one of two rows: 5 s for the answer, 5 for the body."""
    scene = Scene(Unanswered("500"), Unanswered("500"))
    big = [row(f"p{n}@example.org", city="x" * 2_500_000) for n in range(2)]
    result = scene.run(big, 1_003 + 20 + 14)
    assert len(result.accepted) == 2


def test_no_error_reported_when_time_ran_out_before_request() -> None:
    scene = Scene()
    result = scene.run(rows(1), 1_024)
    assert (scene.sendgrid.requests, result.accepted, result.last_error) == ([], {}, "")


def test_request_with_lost_answer_is_repeated() -> None:
    scene = Scene(Unanswered("timeout"))
    result = scene.run(rows(1), 1_120)
    assert [verdict for *_, verdict in scene.sent] == [Unanswered("timeout"), Accepted("job2")]
    assert len(result.accepted) == 1


def test_retry_time_is_set_only_if_rows_are_left() -> None:
    scene = Scene(BusyUntil("429", 1_010.0))
    assert scene.run(rows(1), 1_120).retry_epoch_s is None
    scene = Scene(BusyUntil("429", 1_500.0))
    assert scene.run(rows(1), 1_120).retry_epoch_s == 1_500.0


def test_fault_text_has_reason_and_refusal() -> None:
    assert str(UpsertFault("too many", "400 bad")) == "too many: 400 bad"


def test_requests_hold_at_most_30000_rows() -> None:
    many = [row("ann@example.org")] * 60_001
    assert [len(batch) for batch in batches(many, ())] == [30_000, 30_000, 1]


def test_requests_hold_at_most_five_and_a_half_megabytes() -> None:
    one = row("ann@example.org")
    fits = 5_500_000 - len(request_body([one], RowExtent.WHOLE, [LIST]))
    second = row("bob@example.com")
    filler = row("cy@example.org", city="x" * (fits - len(row("cy@example.org", city="").text) - 1))
    exact = [one, filler]
    assert [len(batch) for batch in batches(exact, [LIST])] == [2]
    assert len(request_body(exact, RowExtent.WHOLE, [LIST])) == 5_500_000
    assert [len(batch) for batch in batches([*exact, second], [LIST])] == [2, 1]
    assert [len(batch) for batch in batches([*exact, *exact], [LIST])] == [2, 2]
    longer = row("cyd@example.org", city=json.loads(filler.text)["city"])
    assert [len(batch) for batch in batches([one, longer], [LIST])] == [1, 1]


def test_row_larger_than_a_request_goes_alone() -> None:
    large = row("cy@example.org", city="x" * 6_000_000)
    assert [len(b) for b in batches([row("a@example.org"), large, row("b@example.org")], ())] == [1, 1, 1]


@pytest.mark.parametrize(
    ("extent", "document"),
    [
        (
            RowExtent.WHOLE,
            {
                "list_ids": [LIST],
                "contacts": [{"email": "ann@example.org", "custom_fields": {"e1_T": "none"}, "city": "Oslo"}],
            },
        ),
        (
            RowExtent.MEMBERSHIPS,
            {
                "list_ids": [LIST],
                "contacts": [{"email": "ann@example.org", "custom_fields": {"e1_T": "none"}}],
            },
        ),
        (RowExtent.BARE, {"contacts": [{"email": "ann@example.org"}]}),
    ],
)
def test_body_of_each_extent(extent: RowExtent, document: object) -> None:
    assert json.loads(request_body([row("ann@example.org", city="Oslo")], extent, [LIST])) == document


def test_body_without_lists_names_none() -> None:
    assert upsert_body(['{"email":"a@example.org"}'], ()) == b'{"contacts":[{"email":"a@example.org"}]}'


def sizes(scene: Scene) -> list[int]:
    return [len(one) for _, one in scene.sendgrid.requests]


def holds(*emails: str) -> Callable[[Sequence[Mapping[str, Any]]], bool]:
    return lambda rows: any(row["email"] in emails for row in rows)


def test_requests_are_halved_after_second_lost_answer() -> None:
    scene = Scene(Unanswered("500"), Unanswered("500"))
    result = scene.run(rows(8), 1_120)
    assert sizes(scene) == [8, 8, 4, 4]
    assert len(result.accepted) == 8
    assert scene.lost() == [(8, 1_000_000), (8, 1_001_000)]


def test_one_lost_answer_splits_nothing() -> None:
    scene = Scene(Unanswered("500"), Accepted("j"), Unanswered("500"))
    big = [row(f"p{n}@example.org", city="x" * 2_000_000) for n in range(4)]
    scene.run(big, 1_120)
    assert sizes(scene) == [2, 2, 2, 2]


def test_one_lost_answer_to_few_rows_splits_no_larger_request() -> None:
    scene = Scene(Unanswered("500"))
    large = row("large@example.org", city="x" * 5_400_000)
    small = [row(f"p{n}@example.org", city="x" * 200_000) for n in range(3)]
    scene.run([large, *small], 1_120)
    assert sizes(scene) == [1, 3, 1]


def test_unanswered_row_does_not_block_others() -> None:
    scene = Scene()
    scene.sendgrid.chokes = holds("p5@example.org")
    result = scene.run(rows(8), 1_120)
    assert result.accepted.keys() == {f"acme#p{n}@example.org" for n in range(8) if n != 5}
    assert (result.refused, result.fault, result.last_error) == ({}, None, "500")


def test_unanswered_rows_wait_until_all_others_were_tried() -> None:
    scene = Scene()
    scene.sendgrid.chokes = holds("p0@example.org")
    big = [row(f"p{n}@example.org", city="x" * 3_000_000) for n in range(4)]
    scene.run(big, 1_120)
    assert [one["email"][:2] for _, (one,) in scene.sendgrid.requests[:5]] == ["p0", "p1", "p2", "p3", "p0"]


def test_request_too_large_to_be_answered_is_split() -> None:
    scene = Scene()
    scene.sendgrid.chokes = lambda rows: len(rows) > 1_000
    assert len(scene.run(rows(5_000), 1_120).accepted) == 5_000


def test_requests_grow_again_with_each_answer() -> None:
    scene = Scene(*[Unanswered("500")] * 5)
    result = scene.run(rows(64), 1_120)
    assert len(result.accepted) == 64
    assert sizes(scene)[:9] == [64, 64, 32, 8, 1, 1, 2, 4, 8]
    assert len(scene.sendgrid.requests) < 20


def test_outage_costs_as_many_requests_for_many_rows_as_for_one() -> None:
    scenes = [Scene(*[Unanswered("500")] * 50), Scene(*[Unanswered("500")] * 50)]
    for scene, count in zip(scenes, (1, 1_000), strict=True):
        assert scene.run(rows(count), 1_120).accepted == {}
    assert len({len(scene.sendgrid.requests) for scene in scenes}) == 1


def test_busy_sendgrid_does_not_shrink_requests() -> None:
    scene = Scene(Unanswered("500"), *[Busy("429")] * 3, RequestFault("404"))
    scene.run(rows(8), 1_120)
    assert sizes(scene) == [8] * 6


def test_reduced_row_with_lost_answer_is_retried_whole() -> None:
    scene = Scene(RowsRefused("400 a"), Unanswered("500"), RowsRefused("400 b"))
    result = scene.run(rows(1), 1_120)
    assert [one.refusal for one in result.accepted.values()] == ["400 b"]
    assert scene.extents == [RowExtent.MEMBERSHIPS]


def test_no_last_error_if_all_rows_are_decided() -> None:
    scene = Scene(Unanswered("500"), Busy("429"), RequestFault("404"))
    assert scene.run(rows(1), 1_120).last_error == ""


@pytest.mark.parametrize("verdict", [Unanswered("words"), Busy("words"), RequestFault("words")])
def test_last_error_is_reported_if_time_is_up(verdict: Verdict) -> None:
    scene = Scene(*[verdict] * 50)
    assert scene.run(rows(1), 1_030).last_error == "words"
