"""The clearing of removed audiences: when it waits, what it queues, and how it continues."""

import math
from collections.abc import Mapping
from typing import Any

import pytest

from functions.clear.clearing import TASK
from lytics_sendgrid.domain.change import Kind
from lytics_sendgrid.errors import RetryLater
from lytics_sendgrid.queues import outgoing
from lytics_sendgrid.queues.changes import decode
from lytics_sendgrid.tables.exports import RUN_KEPT_S, UNFINISHED_KEPT_S
from lytics_sendgrid.workflow.clear_progress import ClearProgress
from tests.doubles.calls import refusal
from tests.unit.functions.clear.clear_scene import DELAY_S, GONE, KEPT, REMOVED_S, RUN, Scene


def test_run_has_nothing_to_clear() -> None:
    scene = Scene()
    scene.change_account(to_clear={}, audiences={})
    assert scene.clear() == ClearProgress(done=True)
    assert scene.walks.walk(RUN, TASK) is None


def test_dry_run_clears_nothing() -> None:
    scene = Scene()
    scene.contact("ann@example.org", GONE)
    assert scene.clear(dry_run=True) == ClearProgress(done=True)
    assert scene.emails() == []
    assert scene.walks.walk(RUN, TASK) is None


def test_segment_that_an_earlier_run_left_is_looked_at_again() -> None:
    scene = Scene()
    scene.change_account(to_clear={})
    assert scene.clear() == ClearProgress(done=True, finish=True)


def test_clearing_waits_until_no_older_configuration_is_in_use() -> None:
    scene = Scene()
    scene.contact("ann@example.org", GONE)
    scene.clock.now_s = REMOVED_S + 30.5
    assert scene.clear() == ClearProgress(done=False, wait_s=150, audiences=1)
    assert scene.emails() == []
    scene.clock.move(149.5)
    assert scene.clear().done
    assert scene.emails() == ["ann@example.org"]


def expiry_s(scene: Scene) -> int:
    item = scene.dynamodb.exports.items[f"run#{RUN}", f"walk#{TASK}"]
    return int(item["expires_epoch_s"]["N"]) - math.floor(scene.clock.now_s)


def test_checkpoint_that_may_hold_an_address_expires_soon() -> None:
    scene = Scene()
    scene.clock.now_s = REMOVED_S + 30.0
    scene.clear()
    assert expiry_s(scene) == UNFINISHED_KEPT_S
    scene.clock.move(DELAY_S)
    assert scene.clear().done
    assert expiry_s(scene) == RUN_KEPT_S


def test_clock_of_another_machine_prolongs_no_wait() -> None:
    scene = Scene()
    scene.change_account(to_clear={GONE: REMOVED_S + 10**6})
    assert scene.clear().wait_s == DELAY_S


def test_only_who_is_in_a_removed_audience_is_sent_again() -> None:
    scene = Scene()
    scene.contact("ann@example.org", GONE, KEPT)
    scene.contact("bob@example.org", KEPT)
    scene.contact("cid@example.org", left=(GONE,))
    scene.contact("dan@example.org", GONE)
    scene.contact("eve@example.org", GONE, account="other")
    assert scene.clear() == ClearProgress(done=True, audiences=1, contacts=2, finish=True)
    assert scene.emails() == ["ann@example.org", "dan@example.org"]
    assert {change.kind for change in scene.queued()} == {Kind.REFRESH}
    (body,) = scene.queue.bodies
    message = decode(body)
    assert (message.run, message.config, message.export) == (RUN, 7, "newsletter")
    assert scene.exports.progress(RUN).expected == {message.number}


def test_people_are_counted_by_audience() -> None:
    scene = Scene()
    scene.change_account(to_clear={GONE: REMOVED_S, KEPT: REMOVED_S})
    scene.contact("ann@example.org", GONE, KEPT)
    scene.contact("bob@example.org", KEPT)
    assert scene.clear() == ClearProgress(done=True, audiences=2, contacts=2, finish=True)
    assert (scene.walks.walk(RUN, TASK) or {})["people"] == {GONE: 1, KEPT: 2}


def test_clearing_waits_for_the_audience_that_was_removed_last() -> None:
    scene = Scene()
    scene.change_account(to_clear={GONE: REMOVED_S, KEPT: REMOVED_S + 60})
    scene.contact("ann@example.org", GONE)
    assert scene.clear().wait_s == 60
    scene.clock.move(59.5)
    assert scene.clear().wait_s == 1
    assert scene.emails() == []
    scene.clock.move(0.5)
    assert scene.clear().done


def test_wait_is_an_hour_at_most() -> None:
    scene = Scene()
    scene.clock.now_s = REMOVED_S
    assert scene.clear(delay_s=10_000).wait_s == 3_600


def test_refresh_is_stamped_when_the_contact_was_read() -> None:
    scene = Scene()
    scene.contact("ann@example.org", GONE)
    scene.clear()
    (change,) = scene.queued()
    assert change.time_ns == round(scene.clock.now() * 1e9)


def test_walk_goes_on_where_its_time_was_up() -> None:
    scene = Scene()
    people = [f"{letter}@example.org" for letter in "abcdefg"]
    for email in people:
        scene.contact(email, GONE)
    scene.left_s = -1.0
    first = scene.clear()
    assert (first.done, first.finish) == (False, False)
    assert 0 < len(scene.emails()) < len(people)
    scene.left_s = 60.0
    assert scene.clear() == ClearProgress(done=True, audiences=1, contacts=7, finish=True)
    assert scene.emails() == people
    numbers = [decode(body).number for body in scene.queue.bodies]
    assert scene.exports.progress(RUN).expected == set(numbers)
    assert len(set(numbers)) == len(numbers)


def test_message_is_kept_as_soon_as_it_is_queued(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outgoing, "MAX_BUFFERED", 2)
    scene = Scene()
    for letter in "abcdef":
        scene.contact(f"{letter}@example.org", GONE)
    kept: list[int] = []
    put_walk = scene.walks.put_walk

    def keep(run: str, task: str, document: Mapping[str, Any], now_s: int, *, finished: bool) -> None:
        put_walk(run, task, document, now_s, finished=finished)
        kept.append(len(scene.exports.progress(RUN).expected))

    monkeypatch.setattr(scene.walks, "put_walk", keep)
    scene.clear()
    assert kept[:4] == [0, 1, 2, 3]


def test_full_messages_are_queued_and_kept_on_the_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outgoing, "MAX_BUFFERED", 2)
    scene = Scene()
    for letter in "abcdef":
        scene.contact(f"{letter}@example.org", GONE)
    scene.clear()
    numbers = {decode(body).number for body in scene.queue.bodies}
    assert len(numbers) == 3
    assert scene.exports.progress(RUN).expected == numbers


def test_messages_that_do_not_fit_have_numbers_of_their_own() -> None:
    scene = Scene()
    for number in range(1_500):
        scene.contact(f"{'x' * 60}{number:05}@{'y' * 180}.example.org", GONE)
    scene.clear()
    numbers = [decode(body).number for body in scene.queue.bodies]
    assert len(numbers) == len(set(numbers)) > 1
    assert len(scene.queued()) == 1_500
    assert scene.exports.progress(RUN).expected == set(numbers)


def test_repeated_call_after_the_walk_queues_nothing() -> None:
    scene = Scene()
    scene.contact("ann@example.org", GONE)
    assert scene.clear() == scene.clear()
    assert scene.emails() == ["ann@example.org"]


def test_message_that_is_not_queued_is_not_kept() -> None:
    scene = Scene()
    scene.contact("ann@example.org", GONE)
    scene.dynamodb.calls.errors["Scan"] = refusal("ThrottlingException", "Scan")
    with pytest.raises(RetryLater):
        scene.clear()
    scene.dynamodb.calls.errors.clear()
    assert scene.exports.progress(RUN).expected == set()
    assert scene.clear().done
    assert scene.emails() == ["ann@example.org"]


def test_next_run_clears_what_a_run_that_died_has_left() -> None:
    scene = Scene()
    scene.contact("ann@example.org", GONE)
    scene.clear()
    assert scene.account.to_clear == {GONE: REMOVED_S}
    assert scene.clear("run-2").contacts == 1
    assert len(scene.emails()) == 2


def test_audience_removed_during_a_clearing_is_left_to_its_own_run() -> None:
    scene = Scene()
    scene.contact("ann@example.org", KEPT)
    scene.left_s = -1.0
    scene.clock.now_s = REMOVED_S
    scene.clear()
    scene.change_account(to_clear={GONE: REMOVED_S, KEPT: REMOVED_S + 100})
    scene.clock.now_s = REMOVED_S + DELAY_S
    assert scene.clear() == ClearProgress(done=True, audiences=1, finish=True)
    assert scene.emails() == []
