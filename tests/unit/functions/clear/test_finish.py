"""What becomes of a cleared audience: its segment, its seat and its entry in the configuration."""

import math
from dataclasses import replace
from typing import Any

import pytest

from functions.clear.clearing import TASK
from lytics_sendgrid.domain.clearing import SegmentEnd
from lytics_sendgrid.domain.configuration import AudienceState
from lytics_sendgrid.errors import ConfigurationChanged, KeyRefused, ServiceUnavailable
from lytics_sendgrid.sendgrid.resources import SingleSend
from lytics_sendgrid.tables.exports import RUN_KEPT_S
from lytics_sendgrid.workflow.clear_progress import Finished
from tests.unit.functions.clear.clear_scene import (
    CLEARED,
    DELAY_S,
    GONE,
    KEPT,
    REFUSED,
    REMOVED_S,
    RUN,
    Scene,
)

SEND = SingleSend("x", "Christmas", "scheduled", frozenset({"s-gone"}))


def finished(scene: Scene) -> Finished:
    scene.clear()
    return scene.finish()


def test_segment_is_deleted_and_the_seat_is_free() -> None:
    scene = Scene()
    assert finished(scene) == Finished(cleared=1, deleted=1, left=0)
    assert scene.segment_ids == ["s-kept"]
    assert (list(scene.account.audiences), scene.account.to_clear) == ([KEPT], {})
    # One write says that the segment is about to be deleted, one that it is.
    assert (scene.account.version, scene.account.written_s) == (9, math.floor(scene.clock.now_s))
    assert scene.segments_of() == {GONE: {"name": "Segment s-gone", "outcome": "deleted"}}


@pytest.mark.parametrize("changes", [{"delete_segment": False}, {"made": False}])
def test_segment_stays_empty_and_keeps_its_seat(changes: dict[str, Any]) -> None:
    scene = Scene()
    scene.change_account(audiences={GONE: replace(CLEARED, **changes)})
    assert finished(scene) == Finished(cleared=1, deleted=0, left=0)
    assert "delete_segment s-gone" not in scene.sendgrid.calls
    assert scene.segment_ids == ["s-gone", "s-kept"]
    assert "scheduled_single_sends" not in scene.sendgrid.calls
    assert (list(scene.account.audiences), scene.account.to_clear) == ([GONE], {})
    assert scene.segments_of() == {GONE: {"name": "Segment s-gone", "outcome": "empty"}}


def test_segment_that_somebody_deleted_frees_its_seat() -> None:
    scene = Scene()
    scene.lose_segment()
    assert finished(scene) == Finished(cleared=1, deleted=0, left=0)
    assert list(scene.account.audiences) == [KEPT]
    assert scene.segments_of() == {GONE: {"outcome": "gone"}}
    assert scene.sendgrid.calls == ["segments"]


def test_segment_that_stays_is_reported_once_and_its_end_is_noticed() -> None:
    scene = Scene()
    scene.change_account(audiences={GONE: replace(CLEARED, delete_segment=False)})
    finished(scene)
    scene.clear("run-2")
    scene.finish("run-2")
    assert scene.segments_of("run-2") == {}
    scene.lose_segment()
    scene.clear("run-3")
    scene.finish("run-3")
    assert scene.segments_of("run-3") == {GONE: {"outcome": "gone"}}
    assert scene.account.audiences == {}


def test_segment_that_was_never_made_frees_its_seat() -> None:
    scene = Scene()
    scene.change_account(audiences={GONE: replace(CLEARED, segment_id=None)})
    finished(scene)
    assert scene.account.audiences == {}


def test_segment_deleted_a_moment_ago_is_gone() -> None:
    scene = Scene()
    scene.clear()
    listed = scene.sendgrid.segments()
    scene.sendgrid.segments = lambda: listed  # type: ignore[method-assign]
    scene.lose_segment()
    scene.finish()
    assert scene.segments_of()[GONE]["outcome"] == "gone"


def test_segment_of_a_scheduled_single_send_is_left() -> None:
    scene = Scene()
    scene.sendgrid.single_sends = [SEND, SingleSend("y", "Other", "scheduled", frozenset({"s-kept"}))]
    assert finished(scene) == Finished(cleared=1, deleted=0, left=1)
    assert "'Christmas' goes to it" in scene.segments_of()[GONE]["reason"]
    assert "s-gone" in scene.segment_ids
    assert (list(scene.account.audiences), scene.account.to_clear) == ([GONE, KEPT], {})


def test_next_run_deletes_the_segment_once_nothing_uses_it() -> None:
    scene = Scene()
    scene.sendgrid.single_sends = [SEND]
    finished(scene)
    scene.sendgrid.single_sends = []
    assert scene.clear("run-2").finish
    assert scene.finish("run-2") == Finished(cleared=0, deleted=1, left=0)
    assert list(scene.account.audiences) == [KEPT]


def test_single_sends_that_cannot_be_read_leave_the_segment() -> None:
    scene = Scene()
    scene.sendgrid.refusals["scheduled_single_sends"] = KeyRefused("no", lacks_permission=True)
    assert finished(scene).left == 1
    assert "could not be read" in scene.segments_of()[GONE]["reason"]
    assert "s-gone" in scene.segment_ids


@pytest.mark.parametrize("query", [None, "SELECT contact_id, updated_at FROM contact_data"])
def test_segment_with_another_query_is_left(query: str | None) -> None:
    scene = Scene()
    scene.change_segment(query)
    assert finished(scene).left == 1
    assert "changed its query" in scene.segments_of()[GONE]["reason"]


@pytest.mark.parametrize("call", ["find_segment", "delete_segment"])
def test_refused_deletion_leaves_the_segment(call: str) -> None:
    scene = Scene()
    scene.sendgrid.refusals[call] = REFUSED
    assert finished(scene).left == 1
    assert scene.segments_of()[GONE]["reason"] == "SendGrid refused it: SendGrid answered 400: no"


@pytest.mark.parametrize("call", ["segments", "scheduled_single_sends", "find_segment", "delete_segment"])
def test_missing_answer_is_asked_for_again_and_nothing_is_written(call: str) -> None:
    scene = Scene()
    scene.clear()
    scene.sendgrid.refusals[call] = ServiceUnavailable("no answer")
    with pytest.raises(ServiceUnavailable):
        scene.finish()
    assert scene.account.to_clear == {GONE: REMOVED_S}
    scene.sendgrid.refusals.clear()
    assert scene.finish().deleted == 1


def test_audience_added_again_stays_and_keeps_its_segment() -> None:
    scene = Scene()
    scene.clear()
    live = replace(CLEARED, state=AudienceState.LIVE, exports=("newsletter",), delete_segment=False)
    scene.change_account(audiences={GONE: live})
    assert scene.finish() == Finished(cleared=1, deleted=0, left=0)
    assert (scene.account.audiences, scene.account.to_clear) == ({GONE: live}, {})
    assert scene.sendgrid.calls == []


def test_audience_removed_again_is_left_to_the_run_that_did_so() -> None:
    scene = Scene()
    scene.clear()
    scene.change_account(to_clear={GONE: REMOVED_S + 60})
    scene.finish()
    assert scene.account.to_clear == {GONE: REMOVED_S + 60}
    assert "s-gone" in scene.segment_ids


def test_walk_that_is_not_done_confirms_nothing() -> None:
    scene = Scene()
    for letter in "abcde":
        scene.contact(f"{letter}@example.org", GONE)
    scene.left_s = -1.0
    scene.clear()
    assert scene.finish() == Finished(cleared=0, deleted=0, left=0)
    assert scene.account.to_clear == {GONE: REMOVED_S}


@pytest.mark.parametrize("writes", [0, 1])
def test_finish_is_completed_by_another_call(writes: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """One write says that the segment is about to be deleted, one that it is."""
    scene = Scene()
    scene.clear()
    put_account = scene.exports.put_account
    written: list[Any] = []

    def put(*args: Any) -> None:
        if len(written) == writes:
            raise ConfigurationChanged("another run")
        written.append(args)
        put_account(*args)

    with monkeypatch.context() as patch:
        patch.setattr(scene.exports, "put_account", put)
        with pytest.raises(ConfigurationChanged):
            scene.finish()
    assert scene.segment_ids == (["s-gone", "s-kept"] if writes == 0 else ["s-kept"])
    scene.finish()
    assert list(scene.account.audiences) == [KEPT]
    assert scene.segments_of()[GONE]["outcome"] == "deleted"


def test_later_call_deletes_what_an_earlier_one_left() -> None:
    scene = Scene()
    scene.sendgrid.single_sends = [SEND]
    assert finished(scene).left == 1
    scene.sendgrid.single_sends = []
    assert scene.finish() == Finished(cleared=1, deleted=1, left=0)


def test_call_after_a_finish_keeps_what_it_deleted() -> None:
    scene = Scene()
    finished(scene)
    version = scene.account.version
    assert scene.finish().deleted == 1
    assert scene.account.version == version


@pytest.mark.parametrize("then", ["delete_segment", "put_walk"])
def test_run_that_dies_at_the_deletion_leaves_it_to_the_next(then: str, monkeypatch: Any) -> None:
    scene = Scene()
    scene.clear()

    def die(*_args: object, **_kwargs: object) -> None:
        raise ServiceUnavailable("dead")

    with monkeypatch.context() as patch:
        patch.setattr(scene.sendgrid if then == "delete_segment" else scene.walks, then, die)
        with pytest.raises(ServiceUnavailable):
            scene.finish()
    assert scene.account.audiences[GONE].state is AudienceState.DELETING
    scene.clock.move(DELAY_S)
    assert scene.clear("run-2").done
    scene.finish("run-2")
    assert list(scene.account.audiences) == [KEPT]
    assert scene.segment_ids == ["s-kept"]


def test_segment_that_was_claimed_and_is_left_may_be_used_again() -> None:
    scene = Scene()
    scene.change_account(audiences={GONE: replace(CLEARED, state=AudienceState.DELETING)})
    scene.sendgrid.single_sends = [SEND]
    assert finished(scene).left == 1
    assert scene.account.audiences[GONE] == CLEARED


def test_writes_are_dated_in_whole_seconds_and_kept_for_the_report() -> None:
    scene = Scene()
    scene.clock.move(0.5)
    finished(scene)
    now_s = math.floor(scene.clock.now_s)
    assert scene.account.written_s == now_s
    item = scene.dynamodb.exports.items[f"run#{RUN}", f"walk#{TASK}"]
    assert int(item["expires_epoch_s"]["N"]) == now_s + RUN_KEPT_S


def test_outcomes_are_words_of_the_report() -> None:
    assert [*SegmentEnd] == ["empty", "deleted", "gone", "left"]


def test_all_single_sends_that_go_to_a_segment_are_named() -> None:
    scene = Scene()
    scene.sendgrid.single_sends = [SEND, SingleSend("y", "Easter", "scheduled", frozenset({"s-gone"}))]
    finished(scene)
    assert scene.segments_of()[GONE]["reason"] == (
        "the scheduled Single Send 'Christmas', 'Easter' goes to it. Once it is sent or cancelled, the next "
        "run of the account deletes the segment"
    )
