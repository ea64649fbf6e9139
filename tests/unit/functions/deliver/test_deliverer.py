"""Changes are sent to SendGrid, then committed; no received change is lost."""

from dataclasses import replace

import pytest

from functions.deliver.export_views import View
from functions.deliver.rounds import CONTACTS_AT_ONCE
from lytics_sendgrid.domain.change import Change, Kind
from lytics_sendgrid.domain.contact import Contact
from lytics_sendgrid.domain.stop import Stop
from lytics_sendgrid.errors import RetryLater, ServiceUnavailable, StopRun
from lytics_sendgrid.queues.changes import MAX_HOPS
from lytics_sendgrid.queues.imports import import_from
from lytics_sendgrid.sendgrid.upsert_answer import Unanswered
from tests.unit.functions.deliver.deliver_scene import Scene
from tests.unit.functions.deliver.example_changes import enter, entering, exit_, message, people, refresh
from tests.unit.functions.deliver.example_export import BUYERS, EXPORT, READERS, SEGMENTS, VIEW, with_list

ANN = "ann@example.org"
BOB = "bob@example.com"


def test_thousand_people_are_one_request() -> None:
    scene = Scene()
    summary = scene.deliver(*(entering([email]) for email in people(1_000)))
    assert [len(rows) for _, rows in scene.sendgrid.requests] == [1_000]
    assert (summary.messages, summary.changes, summary.contacts) == (1_000, 1_000, 1_000)
    assert summary.counts == {"requests": 1, "accepted": 1_000}
    assert len(scene.contacts) == 1_000
    assert scene.changes.sent == []


def test_each_set_of_lists_is_one_request() -> None:
    scene = Scene(VIEW, with_list(VIEW, "list-1", "weekly"))
    scene.deliver(entering([ANN]), entering([BOB], export="weekly"))
    assert [(lists, [row["email"] for row in rows]) for lists, rows in scene.sendgrid.requests] == [
        ((), [ANN]),
        (("list-1",), [BOB]),
    ]
    assert scene.contact(BOB).lists == ("list-1",)


def test_unconfigured_list_is_not_sent() -> None:
    scene = Scene(with_list(VIEW, "list-1", "newsletter"))
    scene.put_contact(ANN, Contact(version=1, lists=("gone",), row="x", sent_ms=1))
    scene.sendgrid.lists = {"list-1"}
    scene.deliver(entering([ANN]))
    assert scene.sendgrid.requests[0][0] == ("list-1",)
    assert scene.contact(ANN).lists == ("gone", "list-1")


def test_thousand_changes_of_one_person_are_one_row() -> None:
    scene = Scene()
    changes = [enter(ANN, n) if n % 2 else exit_(ANN, n) for n in range(1, 1_001)]
    summary = scene.deliver(*(message(change) for change in changes))
    assert [len(rows) for _, rows in scene.sendgrid.requests] == [1]
    assert scene.sendgrid.held[ANN]["custom_fields"] == {SEGMENTS: "none"}
    assert (summary.contacts, scene.contact_writes()) == (1, 1)


def test_thousand_duplicates_are_no_request() -> None:
    scene = Scene()
    scene.deliver(entering([ANN]))
    summary = scene.deliver(*(entering([ANN]) for _ in range(1_000)))
    assert len(scene.sendgrid.requests) == 1
    assert summary.counts == {"unchanged": 1}
    assert scene.contact(ANN).version == 1


def test_later_time_alone_is_committed_and_not_sent() -> None:
    scene = Scene()
    scene.deliver(entering([ANN]))
    summary = scene.deliver(message(enter(ANN, 200)))
    assert len(scene.sendgrid.requests) == 1
    assert scene.contact(ANN).memberships == {READERS: 200}
    assert scene.contact(ANN).version == 2
    assert summary.counts == {"unchanged": 1}


def test_exit_before_enter_leaves_person_out() -> None:
    scene = Scene()
    scene.deliver(message(exit_(ANN, 200)))
    scene.deliver(message(enter(ANN, 100)))
    assert scene.sendgrid.held[ANN]["custom_fields"] == {SEGMENTS: "none"}
    assert len(scene.sendgrid.requests) == 1


def test_change_without_known_enter_leaves_memberships_alone() -> None:
    scene = Scene()
    scene.deliver(message(Change(ANN, 100, Kind.CHANGE, READERS, {"city": "Oslo"})))
    assert scene.sendgrid.requests[0][1] == [{"email": ANN, "custom_fields": {"e1_T": "Oslo"}}]


def test_import_message_is_queued_before_commit_with_hash_and_sent() -> None:
    scene = Scene()
    scene.sendgrid.duration_s = 3.0
    before_ms = scene.now_ms()
    seen: list[int] = []
    scene.rivals.append(lambda: seen.append(len(scene.imports.sent)))
    scene.deliver(entering([ANN], run="r1", number="a.0"))
    assert seen == [1]
    ((delay_s, body),) = scene.imports.sent
    job = import_from(body)
    contact = scene.contact(ANN)
    assert (delay_s, job.job, job.sent_ms, job.runs) == (60, "job1", before_ms, ("r1",))
    assert job.contacts[ANN].attempt == 0
    assert contact.row is not None
    assert (contact.job, contact.sent_ms, contact.configuration) == ("job1", before_ms, 3)
    assert job.contacts[ANN].row == contact.row
    assert job.contacts[ANN].export == "newsletter"


def test_nothing_is_committed_if_import_message_cannot_be_queued() -> None:
    scene = Scene()
    scene.imports_sqs.calls.broken = ServiceUnavailable("SQS is out")
    summary = scene.deliver(entering([ANN]))
    assert not scene.has(ANN)
    ((_, back),) = scene.requeued()
    assert back.uncertain
    assert summary.failed == []


def test_failing_group_does_not_block_commit_of_another() -> None:
    other = replace(VIEW, export=replace(EXPORT, name="shop", authorization="shop"))
    scene = Scene(VIEW, other)
    scene.no_key["shop"] = StopRun("there is no secret")
    summary = scene.deliver(entering([BOB], export="shop"), entering([ANN]))
    assert scene.has(ANN)
    assert not scene.has(BOB)
    assert summary.stopped == {"shop": "there is no secret"}
    assert scene.stops()["shop"].reason.startswith(
        "The changes of this export cannot be sent: there is no secret"
    )
    assert [(delay_s, m.export) for delay_s, m in scene.requeued()] == [(900, "shop")]


def test_unavailable_secret_requeues_changes() -> None:
    scene = Scene()
    scene.no_key["default"] = ServiceUnavailable("Secrets Manager is out")
    summary = scene.deliver(entering([ANN]))
    assert (summary.stopped, summary.faults) == ({}, ["Secrets Manager is out"])
    assert [m.hops for _, m in scene.requeued()] == [1]


def test_lost_race_is_sent_again_after_queueing_a_refresh() -> None:
    scene = Scene()

    def rival() -> None:
        scene.put_contact(ANN, Contact(1, {BUYERS: 50}, row="rival", job="j", sent_ms=1))

    queued: list[int] = []
    scene.rivals.append(rival)
    scene.sendgrid.after_request = lambda number: queued.append(len(scene.refreshes()))
    summary = scene.deliver(entering([ANN]))
    assert queued == [0, 1]
    assert scene.refreshes() == [(900, scene.now_ms(), [ANN])]
    assert scene.contact(ANN).memberships == {READERS: 100, BUYERS: 50}
    assert scene.contact(ANN).version == 2
    assert scene.sendgrid.requests[1][1][0]["custom_fields"] == {SEGMENTS: f"{BUYERS},{READERS}"}
    assert summary.counts == {"requests": 2, "lost_races": 1, "accepted": 1}
    assert scene.contact_reads() == [(1, False), (1, True)]


@pytest.mark.parametrize("hops", [0, 3])
def test_refresh_is_queued_before_second_request_after_lost_race(hops: int) -> None:
    scene = Scene()
    scene.rivals.append(lambda: scene.put_contact(ANN, Contact(1, {BUYERS: 50}, row="rival")))
    queued: list[int] = []
    scene.sendgrid.after_request = lambda number: queued.append(len(scene.refreshes()))
    scene.deliver(entering([ANN], hops=hops))
    assert queued == [0, 1]


def test_lost_race_is_sent_again_even_if_winner_has_same_row() -> None:
    scene = Scene()
    twin = Scene()
    twin.deliver(entering([ANN]))
    scene.rivals.append(lambda: scene.dynamodb.contacts.items.update(twin.dynamodb.contacts.items))
    scene.deliver(entering([ANN]))
    assert len(scene.sendgrid.requests) == 2
    assert scene.contact(ANN).version == 2


def test_repeatedly_lost_race_is_requeued_as_uncertain() -> None:
    scene = Scene()
    versions = iter(range(1, 100))

    def rival() -> None:
        scene.put_contact(ANN, Contact(next(versions), {BUYERS: 50}, row="rival"))

    scene.rivals = [rival] * 20
    scene.deliver(entering([ANN], run="r1", number="a.0"))
    assert len(scene.sendgrid.requests) == 8
    ((delay_s, back),) = scene.requeued()
    assert (delay_s, back.uncertain, back.hops, back.run, back.number) == (5, True, 1, "r1", "a.0")


def test_lost_commit_of_only_a_later_time_sends_nothing() -> None:
    scene = Scene()
    scene.deliver(entering([ANN]))
    scene.rivals.append(lambda: scene.put_contact(ANN, replace(scene.contact(ANN), version=2)))
    scene.deliver(message(enter(ANN, 200)))
    assert len(scene.sendgrid.requests) == 1
    assert scene.contact(ANN).version == 3
    assert scene.contact(ANN).memberships == {READERS: 200}


def test_refresh_is_queued_if_earlier_request_is_young() -> None:
    scene = Scene()
    scene.deliver(entering([ANN, BOB]))
    scene.clock.now_s += 899
    queued: list[int] = []
    scene.sendgrid.after_request = lambda number: queued.append(len(scene.refreshes()))
    scene.deliver(message(exit_(ANN, 200)))
    assert queued == [1]
    assert scene.refreshes() == [(900, scene.now_ms(), [ANN])]


def test_old_request_needs_no_refresh() -> None:
    scene = Scene()
    scene.deliver(entering([ANN]))
    scene.clock.now_s += 900
    scene.deliver(message(exit_(ANN, 200)))
    assert scene.changes.sent == []


def test_no_request_is_made_if_refresh_cannot_be_queued() -> None:
    scene = Scene()
    scene.deliver(entering([ANN]))
    scene.changes_sqs.calls.broken = ServiceUnavailable("SQS is out")
    summary = scene.deliver(message(exit_(ANN, 200)))
    assert len(scene.sendgrid.requests) == 1
    assert summary.failed == ["m0"]


@pytest.mark.parametrize(("later_ms", "requests"), [(-1, 2), (0, 2), (1, 1)])
def test_refresh_is_sent_unless_a_later_request_was_made(later_ms: int, requests: int) -> None:
    scene = Scene()
    scene.deliver(entering([ANN]))
    stamp_ms = scene.contact(ANN).sent_ms - later_ms
    scene.clock.now_s += 900
    scene.deliver(message(refresh(ANN, stamp_ms)))
    assert len(scene.sendgrid.requests) == requests
    assert scene.contact(ANN).version == requests
    assert scene.changes.sent == []


def test_latest_stamp_of_refreshes_wins() -> None:
    scene = Scene()
    scene.deliver(entering([ANN]))
    sent_ms = scene.contact(ANN).sent_ms
    scene.clock.now_s += 900
    scene.deliver(message(refresh(ANN, sent_ms)), message(refresh(ANN, sent_ms - 5)))
    assert len(scene.sendgrid.requests) == 2


def test_refresh_of_unknown_contact_sends_nothing() -> None:
    scene = Scene()
    summary = scene.deliver(message(refresh(ANN, scene.now_ms())))
    assert scene.sendgrid.requests == []
    assert summary.counts == {"unchanged": 1}


def test_refresh_survives_a_stale_read() -> None:
    scene = Scene()
    scene.deliver(entering([ANN]))
    scene.clock.now_s += 900
    scene.dynamodb.is_stale = lambda _: True
    scene.dynamodb.calls.made.clear()
    scene.deliver(message(refresh(ANN, scene.contact(ANN).sent_ms)))
    assert len(scene.sendgrid.requests) == 2
    assert scene.contact_reads() == [(1, False), (1, True)]


def test_refresh_survives_stale_read_with_later_sent_from_skewed_clock() -> None:
    """The state committed last may have an earlier `sent`, because two consumers' clocks differ."""
    scene = Scene()
    scene.deliver(entering([ANN]))
    before = scene.contact(ANN)
    scene.clock.now_s -= 0.008
    scene.deliver(message(enter(ANN, 200, city="Rome")))
    stamp_ms = scene.contact(ANN).sent_ms
    assert stamp_ms < before.sent_ms
    scene.clock.now_s += 900
    scene.dynamodb.is_stale = lambda _: True
    scene.deliver(message(refresh(ANN, stamp_ms)))
    assert len(scene.sendgrid.requests) == 3


def test_refresh_after_slow_job_is_sent_only_if_later_job_was_accepted() -> None:
    scene = Scene()
    scene.deliver(entering([ANN, BOB]))
    late = scene.contact(ANN).job
    scene.deliver(message(enter(BOB, 200, city="Rome")))
    scene.clock.now_s += 1_200
    refreshes = [replace(refresh(email, scene.now_ms()), job=late) for email in (ANN, BOB)]
    summary = scene.deliver(message(*refreshes))
    assert scene.sendgrid.emails()[2:] == [[BOB]]
    assert summary.counts["unchanged"] == 1
    assert scene.contact(ANN).version == 2, (
        "a consumer that is sending for her must lose the race, and send again"
    )
    assert scene.contact(ANN).job == late


def test_queued_refresh_keeps_the_failure_count() -> None:
    """Starting at zero would let a contact whose jobs always fail be sent forever."""
    scene = Scene()
    scene.deliver(entering([ANN]))
    scene.clock.now_s += 60
    scene.deliver(message(replace(refresh(ANN, scene.contact(ANN).sent_ms), attempt=3)))
    ((_, quiet),) = scene.queued()
    assert [(change.kind, change.attempt) for change in quiet.changes] == [(Kind.REFRESH, 3)]


def test_reject_survives_a_stale_read() -> None:
    scene = Scene()
    scene.deliver(entering([ANN]))
    scene.deliver(message(enter(ANN, 200, city="Atlantis")))
    scene.dynamodb.is_stale = lambda _: True
    row = scene.contact(ANN).row
    scene.deliver(message(Change(ANN, 5_000_000, Kind.REJECT, row=row, reason="bad city")))
    assert scene.contact(ANN).rejection is not None


def test_import_message_carries_failure_count_of_refresh() -> None:
    scene = Scene()
    scene.deliver(entering([ANN]))
    scene.imports.messages.clear()
    change = replace(refresh(ANN, scene.contact(ANN).sent_ms), attempt=2)
    scene.deliver(message(change), message(refresh(ANN, 1)))
    assert import_from(scene.imports.sent[0][1]).contacts[ANN].attempt == 2


def test_refresh_without_failures_starts_no_count() -> None:
    scene = Scene()
    scene.deliver(entering([ANN]))
    scene.imports.messages.clear()
    scene.deliver(message(refresh(ANN, scene.contact(ANN).sent_ms)))
    assert import_from(scene.imports.sent[0][1]).contacts[ANN].attempt == 0


def test_returned_message_without_news_queues_refresh() -> None:
    scene = Scene()
    scene.deliver(entering([ANN]))
    scene.deliver(entering([ANN]), receives=2)
    assert len(scene.sendgrid.requests) == 1
    assert scene.refreshes() == [(900, scene.now_ms() + 900_000, [ANN])]


def test_returned_message_with_only_a_later_time_queues_refresh() -> None:
    scene = Scene()
    scene.deliver(entering([ANN]))
    scene.deliver(message(enter(ANN, 200)), receives=2)
    assert scene.refreshes() == [(900, scene.now_ms() + 900_000, [ANN])]


def test_refresh_is_queued_before_request_of_returned_message() -> None:
    scene = Scene()
    queued: list[int] = []
    scene.sendgrid.after_request = lambda number: queued.append(len(scene.refreshes()))
    scene.deliver(entering([ANN]), receives=2)
    assert queued == [1]
    assert scene.refreshes() == [(900, scene.now_ms(), [ANN])]


def test_redriven_message_gets_refresh_like_a_returned_one() -> None:
    scene = Scene()
    scene.deliver(entering([ANN], uncertain=True))
    assert scene.refreshes() == [(900, scene.now_ms(), [ANN])]


def test_refresh_of_redelivered_message_survives_concurrent_send() -> None:
    scene = Scene()
    scene.deliver(entering([ANN]))
    scene.deliver(entering([ANN]), receives=2)
    scene.clock.now_s += 1_000
    waiting = scene.changes.take_all()
    scene.deliver(message(exit_(ANN, 200)))
    assert len(scene.sendgrid.requests) == 2
    scene.changes.messages.clear()
    for delay_s, body in waiting:
        scene.changes.put(body, delay_s)
    scene.clock.now_s -= 100
    scene.put_contact(ANN, replace(scene.contact(ANN), sent_ms=scene.now_ms()))
    scene.deliver_queue()
    assert len(scene.sendgrid.requests) == 3


def test_unknown_message_version_is_left_on_the_queue() -> None:
    scene = Scene()
    summary = scene.deliver('{"v":2}', entering([ANN]))
    assert summary.failed == ["m0"]
    assert summary.faults == ["message version 2; this code reads version 1"]
    assert scene.has(ANN)


def test_garbage_is_dead_lettered_and_neighbours_are_delivered() -> None:
    scene = Scene()
    summary = scene.deliver("garbage", "[]", '{"v":1}', f'{{"v":1,"{ANN}":1}}', entering([ANN]))
    assert summary.failed == ["m0", "m1", "m2", "m3"]
    assert len(summary.faults) == 4
    assert all(fault.startswith("not a change message") for fault in summary.faults)
    assert ANN not in str(summary.faults), "faults are logged"
    assert scene.has(ANN)
    assert scene.changes.sent == []


def test_messages_of_unknown_export_are_dead_lettered() -> None:
    scene = Scene()
    summary = scene.deliver(entering([BOB], export="nobody"), entering([ANN]))
    assert summary.failed == ["m0"]
    assert scene.has(ANN)
    assert scene.changes.sent == []
    assert summary.faults == ["export 'nobody' does not exist"]


def test_messages_of_unknown_export_are_not_requeued_as_suspects() -> None:
    scene = Scene()
    summary = scene.deliver(*[entering([BOB], export="nobody")] * 3, receives=4)
    assert summary.failed == ["m0", "m1", "m2"]
    assert scene.changes.sent == []


def test_changes_of_stopped_export_wait_until_stop_ends() -> None:
    scene = Scene()
    scene.put_view(replace(VIEW, stop=Stop("why", 0, scene.now_ms() + 300_000)))
    summary = scene.deliver(entering([ANN], run="r1", number="a.0"))
    assert scene.sendgrid.requests == []
    ((delay_s, back),) = scene.requeued()
    assert (delay_s, back.hops, back.uncertain, back.number) == (300, 1, False, "a.0")
    assert (summary.requeued, summary.failed, scene.records()) == (1, [], [])


def test_expired_stop_is_lifted_by_first_success() -> None:
    scene = Scene()
    scene.put_view(replace(VIEW, stop=Stop("why", 0, scene.now_ms())))
    scene.deliver(entering([ANN]))
    assert scene.resumed() == ["newsletter"]
    scene.deliver(entering([BOB]))
    assert scene.export_reads() == ["newsletter", "newsletter"]


def test_failing_lift_stop_is_only_reported() -> None:
    scene = Scene()
    scene.put_view(replace(VIEW, stop=Stop("why", 0, scene.now_ms())))
    scene.dynamodb.calls.errors["PutItem"] = ServiceUnavailable("DynamoDB is out")
    summary = scene.deliver(entering([ANN]))
    assert scene.has(ANN)
    assert summary.faults == ["DynamoDB is out"]


def test_new_stop_is_not_lifted_by_a_request_without_the_list() -> None:
    scene = Scene(replace(with_list(VIEW, "gone", "newsletter"), stop=Stop("why", 0, 0)))
    scene.put_contact(BOB, Contact(version=1, row="x"))
    scene.sendgrid.lists = set()
    summary = scene.deliver(entering([ANN]), message(refresh(BOB, 0)))
    assert set(summary.stopped) == {"newsletter"}
    assert scene.resumed() == []
    assert scene.contact_writes() == 0


def test_success_of_one_export_does_not_lift_stop_of_another() -> None:
    over = Stop("why", 0, 0)
    shop = View(replace(EXPORT, name="shop"), VIEW.form, over)
    scene = Scene(replace(with_list(VIEW, "gone", "newsletter"), stop=over), shop)
    scene.sendgrid.lists = set()
    summary = scene.deliver(entering([BOB, ANN]), entering(["cy@example.org"], export="shop"))
    assert set(summary.stopped) == {"newsletter"}
    assert scene.resumed() == ["shop"]
    assert scene.has("cy@example.org")
    assert not scene.has(ANN)


def test_too_short_time_starts_nothing() -> None:
    scene = Scene()
    summary = scene.deliver(entering([ANN], run="r1", number="a.0"), seconds=24)
    assert (scene.sendgrid.requests, scene.contact_reads()) == ([], [])
    assert [m.hops for _, m in scene.requeued()] == [1]
    assert summary.failed == []


def test_unavailable_ledger_requeues_everything() -> None:
    scene = Scene()
    scene.dynamodb.calls.errors["BatchGetItem"] = RetryLater("throttled")
    summary = scene.deliver(entering([ANN]), entering([BOB]))
    assert scene.sendgrid.requests == []
    assert [m.uncertain for _, m in scene.requeued()] == [False, False]
    assert summary.faults == ["throttled"]


def test_failed_commit_is_requeued_as_uncertain() -> None:
    scene = Scene()
    scene.dynamodb.calls.errors["BatchExecuteStatement"] = RetryLater("throttled")
    scene.deliver(entering([ANN]))
    assert [m.uncertain for _, m in scene.requeued()] == [True]
    scene.dynamodb.calls.errors.clear()
    scene.deliver_queue()
    assert scene.has(ANN)
    assert [stamp for _, stamp, _ in scene.refreshes()] == [scene.now_ms()]


def test_refusing_ledger_stops_export_for_15_minutes() -> None:
    scene = Scene()
    scene.dynamodb.calls.errors["BatchExecuteStatement"] = StopRun("DynamoDB refused")
    summary = scene.deliver(entering([ANN]))
    assert summary.stopped == {"newsletter": "DynamoDB refused"}
    assert summary.faults == ["DynamoDB refused"]
    assert [delay_s for delay_s, _ in scene.requeued()] == [900]


def test_unavailable_exports_table_requeues_everything() -> None:
    scene = Scene()
    scene.dynamodb.calls.errors["GetItem"] = RetryLater("throttled")
    summary = scene.deliver(entering([ANN]), entering([BOB], suspect=True), receives=[1, 2])
    assert summary.faults == ["throttled"]
    assert [(m.hops, m.uncertain, m.suspect) for _, m in scene.requeued()] == [
        (1, False, False),
        (1, True, True),
    ]


def test_message_that_cannot_be_requeued_fails() -> None:
    scene = Scene()
    scene.dynamodb.calls.errors["BatchGetItem"] = RetryLater("throttled")
    scene.changes_sqs.calls.broken = ServiceUnavailable("SQS is out")
    summary = scene.deliver(entering([ANN]), entering([BOB]))
    assert summary.failed == ["m0", "m1"]
    assert summary.requeued == 0
    assert summary.faults == ["throttled", "SQS is out"]


def test_message_requeued_too_often_is_dead_lettered() -> None:
    scene = Scene()
    scene.dynamodb.calls.errors["BatchGetItem"] = RetryLater("throttled")
    summary = scene.deliver(entering([ANN], hops=MAX_HOPS), entering([BOB], hops=MAX_HOPS - 1))
    assert summary.failed == ["m0"]
    assert summary.faults == ["throttled", "changes of export 'newsletter' were requeued 600 times"]
    assert [m.hops for _, m in scene.requeued()] == [MAX_HOPS]


@pytest.mark.parametrize(("hops", "delay_s"), [(0, 5), (1, 10), (5, 160), (8, 900), (200, 900)])
def test_each_hop_waits_twice_as_long(hops: int, delay_s: int) -> None:
    scene = Scene()
    scene.dynamodb.calls.errors["BatchGetItem"] = RetryLater("throttled")
    scene.deliver(entering([ANN], hops=hops))
    assert [one for one, _ in scene.requeued()] == [delay_s]


def test_run_message_is_recorded_only_once_all_of_it_is_committed() -> None:
    scene = Scene()
    scene.put_contact(BOB, Contact(version=1))

    def rival() -> None:
        old = scene.contact(BOB)
        scene.put_contact(BOB, replace(old, version=old.version + 1))

    scene.rivals = [rival] * 8
    scene.deliver(entering([ANN, BOB], run="r1", number="a.0"))
    *jobs, done = scene.records()
    assert done == ("r1", set(), set(), {"accepted": 1})
    assert [of for _, _, of, _ in jobs] == [{f"job{n}"} for n in range(1, 9)]
    ((_, back),) = scene.requeued()
    assert ([c.email for c in back.changes], back.run, back.number) == ([BOB], "r1", "a.0")
    scene.deliver_queue()
    assert scene.records()[-1] == ("r1", {"a.0"}, set(), {"accepted": 1})


def test_person_with_several_profiles_counts_once_in_a_run() -> None:
    scene = Scene()
    scene.deliver(entering([ANN, ANN], run="r1", number="a.0"))
    assert scene.records()[-1] == ("r1", {"a.0"}, set(), {"accepted": 1})


def test_ignored_reject_changes_no_count_of_its_run() -> None:
    scene = Scene()
    scene.deliver(entering([ANN], run="r1", number="a.0"))
    stale = Change(ANN, 5, Kind.REJECT, row="older", reason="bad date")
    scene.deliver(message(stale, run="r1", number="b.0"))
    assert scene.records()[-1] == ("r1", {"b.0"}, set(), {})


def test_commits_are_recorded_even_if_the_rest_failed() -> None:
    scene = Scene()

    def rival() -> None:
        scene.put_contact(BOB, Contact(version=1))
        scene.dynamodb.calls.errors["BatchGetItem"] = RetryLater("throttled")

    scene.rivals.append(rival)
    scene.deliver(entering([ANN], run="r1", number="a.0"), entering([BOB], run="r1", number="a.1"))
    assert [(numbers, jobs) for _, numbers, jobs, _ in scene.records()] == [
        (set(), {"job1"}),
        ({"a.0"}, set()),
    ]
    assert [m.number for _, m in scene.requeued()] == ["a.1"]


def test_unrecorded_run_requeues_its_messages_whole() -> None:
    scene = Scene()
    scene.deliver(entering([ANN, BOB]))
    scene.dynamodb.calls.errors["PutItem"] = RetryLater("throttled")
    summary = scene.deliver(entering([ANN, BOB], run="r1", number="a.0"), entering(["cy@example.org"]))
    ((_, back),) = scene.requeued()
    assert ([c.email for c in back.changes], back.number, back.uncertain) == ([ANN, BOB], "a.0", False)
    assert summary.faults == ["throttled"]
    scene.dynamodb.calls.errors.clear()
    scene.deliver_queue()
    assert scene.records() == [("r1", {"a.0"}, set(), {"unchanged": 2})]


def test_run_learns_of_job_before_commit() -> None:
    """After a crash in between, the next consumer finds nothing to send and knows no job."""
    scene = Scene()
    scene.dynamodb.calls.errors["PutItem"] = RetryLater("throttled")
    scene.deliver(entering([ANN], run="r1", number="a.0"))
    assert not scene.has(ANN)
    ((_, back),) = scene.requeued()
    assert (back.number, back.uncertain) == ("a.0", True)
    scene.dynamodb.calls.errors.clear()
    scene.deliver_queue()
    assert scene.records() == [("r1", set(), {"job2"}, {}), ("r1", {"a.0"}, set(), {"accepted": 1})]


def test_suspect_is_handled_last_and_alone() -> None:
    scene = Scene()
    scene.deliver(entering([BOB]), entering([ANN]), receives=[3, 1])
    assert scene.sendgrid.emails() == [[ANN], [BOB]]
    assert scene.has(BOB)


def test_requeued_suspect_stays_suspect() -> None:
    scene = Scene()
    scene.dynamodb.calls.errors["BatchGetItem"] = RetryLater("throttled")
    cy = "cy@example.org"
    scene.deliver(entering([ANN]), entering([BOB]), entering([cy], suspect=True), receives=[3, 2, 1])
    assert {m.changes[0].email: m.suspect for _, m in scene.requeued()} == {ANN: True, BOB: False, cy: True}


def test_several_suspects_are_parted_in_halves_far_apart() -> None:
    scene = Scene()
    emails = people(5)
    summary = scene.deliver(*(entering([email]) for email in emails), entering([ANN]), receives=[3] * 5 + [1])
    assert scene.sendgrid.emails() == [[ANN]]
    back = scene.requeued()
    assert sorted(delay_s for delay_s, _ in back) == [0, 0, 900, 900, 900]
    assert all((m.suspect, m.uncertain, m.hops) == (True, True, 1) for _, m in back)
    assert sorted(m.changes[0].email for _, m in back) == sorted(emails)
    assert summary.failed == []


def test_parted_suspect_is_suspect_when_it_returns() -> None:
    scene = Scene()
    scene.deliver(entering([ANN], suspect=True), entering([BOB], suspect=True), receives=2)
    assert scene.sendgrid.requests == []
    assert [delay_s for delay_s, _ in scene.requeued()] == [0, 900]


def test_parted_suspects_are_delivered_normally_at_first() -> None:
    scene = Scene()
    scene.deliver(entering([ANN], suspect=True), entering([BOB], suspect=True))
    assert scene.sendgrid.emails() == [[ANN, BOB]]


def test_parted_suspect_with_too_many_hops_is_dead_lettered() -> None:
    scene = Scene()
    summary = scene.deliver(entering([ANN], hops=MAX_HOPS), entering([BOB], hops=3), receives=3)
    assert summary.failed == ["m0"]
    assert len(scene.requeued()) == 1


def test_newer_configuration_of_contact_is_read_before_sending() -> None:
    newer = replace(
        VIEW,
        export=replace(EXPORT, version=4, fields=EXPORT.fields[:1]),
        form=replace(
            VIEW.form, version=4, audiences={READERS: "e8_T", BUYERS: "e8_T"}, membership_field="e8_T"
        ),
    )
    scene = Scene()
    scene.deliver(entering([BOB]))
    scene.put_view(newer)
    scene.put_contact(ANN, Contact(version=1, configuration=4, row="x"))
    change = replace(exit_(ANN), fields={"first_name": "Ann", "city": "Oslo"})
    scene.deliver(message(change), entering([BOB]))
    assert scene.sendgrid.held[ANN] == {
        "email": ANN,
        "first_name": "Ann",
        "custom_fields": {"e8_T": "none"},
    }
    assert scene.contact(ANN).configuration == 4
    assert scene.export_reads() == ["newsletter", "newsletter"]


def test_cached_configuration_is_not_read_again() -> None:
    scene = Scene()
    scene.deliver(entering([ANN]))
    scene.deliver(message(exit_(ANN, 200)))
    assert scene.export_reads() == ["newsletter"]


def test_newer_configuration_is_looked_up_only_in_its_account() -> None:
    other = replace(VIEW, export=replace(EXPORT, name="shop", account="other"))
    scene = Scene(VIEW, other)
    scene.put_contact(ANN, Contact(version=1, configuration=9, row="x"))
    scene.deliver(entering([ANN]), *(entering([email], export="shop") for email in people(50)))
    assert scene.export_reads() == ["newsletter", "shop", "newsletter"]


def test_deleted_export_is_sent_with_cached_configuration() -> None:
    scene = Scene()
    scene.deliver(entering([BOB]))
    scene.put_contact(ANN, Contact(version=1, configuration=9, row="x"))
    scene.dynamodb.exports.items.clear()
    scene.deliver(entering([ANN]))
    assert scene.contact(ANN).configuration == 3


def test_configuration_of_message_writer_is_read_once() -> None:
    scene = Scene()
    scene.deliver(*(entering([email], config=3 + n % 2) for n, email in enumerate(people(20))))
    assert scene.export_reads() == ["newsletter"]


def test_row_refused_by_job_is_sent_without_fields_at_once() -> None:
    scene = Scene()
    scene.deliver(message(enter(ANN, city="Atlantis")))
    row = scene.contact(ANN).row
    reject = Change(ANN, 5_000_000, Kind.REJECT, row=row, reason="bad city")
    summary = scene.deliver(message(reject))
    rejection = scene.contact(ANN).rejection
    assert rejection is not None
    assert (rejection.reason, rejection.message, rejection.at_ms) == ("fields", "bad city", 5)
    assert scene.sendgrid.requests[1][1] == [{"email": ANN, "custom_fields": {SEGMENTS: READERS}}]
    assert summary.counts == {"requests": 1, "rejected.fields": 1}


def test_row_refused_by_jobs_is_not_sent_forever() -> None:
    scene = Scene()
    scene.deliver(message(enter(ANN, city="Atlantis")))
    for _ in range(30):
        scene.clock.now_s += 60
        for body in [body for _, body in scene.imports.sent]:
            carried = import_from(body).contacts[ANN]
            lines = scene.sendgrid.requests[-1][1]
            if "e1_T" in lines[0]["custom_fields"]:
                scene.deliver(message(Change(ANN, 5, Kind.REJECT, row=carried.row, reason="bad city")))
        scene.imports.messages.clear()
        scene.clock.now_s += 900
        scene.deliver_queue()
    assert len(scene.sendgrid.requests) == 3
    assert scene.changes.sent == []
    assert scene.contact(ANN).rejection is not None


def test_reject_of_older_row_is_ignored() -> None:
    scene = Scene()
    scene.deliver(entering([ANN]))
    scene.deliver(message(Change(ANN, 5, Kind.REJECT, row="older", reason="bad date")))
    assert scene.contact(ANN).rejection is None
    assert scene.contact(ANN).version == 1


def test_rejected_contact_is_retried_with_next_change() -> None:
    scene = Scene()
    scene.deliver(message(enter(ANN, city="Atlantis")))
    scene.deliver(message(Change(ANN, 5, Kind.REJECT, row=scene.contact(ANN).row, reason="bad city")))
    scene.deliver(message(enter(ANN, city="Atlantis")))
    assert len(scene.sendgrid.requests) == 2
    scene.deliver(message(enter(ANN, 200, city="Atlantis")))
    assert scene.sendgrid.requests[2][1][0]["custom_fields"] == {SEGMENTS: READERS, "e1_T": "Atlantis"}
    assert scene.contact(ANN).rejection is None


def test_many_contacts_are_decided_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    assert CONTACTS_AT_ONCE == 60_000
    monkeypatch.setattr("functions.deliver.rounds.CONTACTS_AT_ONCE", 2)
    scene = Scene()
    scene.deliver(entering(people(5)))
    assert [len(rows) for _, rows in scene.sendgrid.requests] == [2, 2, 1]
    assert len(scene.contacts) == 5


def test_parts_without_time_left_are_requeued(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("functions.deliver.rounds.CONTACTS_AT_ONCE", 2)
    scene = Scene()
    scene.sendgrid.duration_s = 60.0
    scene.deliver(entering(people(5), run="r1", number="a.0"))
    assert len(scene.contacts) == 4
    ((_, back),) = scene.requeued()
    assert ([c.email for c in back.changes], back.uncertain) == (["p4@example.org"], False)


def test_oldest_unfinished_change_is_reported() -> None:
    scene = Scene()
    scene.sendgrid.script = [Unanswered("lost")] * 99
    assert scene.deliver(entering([ANN], queued_ms=7), entering([BOB], queued_ms=5)).oldest_ms == 5
    assert (
        scene.deliver(entering([ANN], queued_ms=7), entering([BOB], queued_ms=9), receives=3).oldest_ms == 7
    )
    assert scene.deliver(entering([ANN], export="nobody", queued_ms=3)).oldest_ms == 3
    assert scene.deliver(entering([ANN])).oldest_ms == 0
    assert Scene().deliver(entering([ANN], queued_ms=5)).oldest_ms == 0


@pytest.mark.parametrize(("duration_s", "reads"), [(100.0, 2), (100.5, 1), (110.0, 1)])
def test_late_round_is_left_to_next_invocation(duration_s: float, reads: int) -> None:
    """20 of the 120 seconds are reserved for a commit."""
    scene = Scene()
    scene.sendgrid.duration_s = duration_s
    scene.rivals.append(lambda: scene.put_contact(ANN, Contact(1, {BUYERS: 5}, row="rival")))
    scene.deliver(entering([ANN]))
    assert (len(scene.sendgrid.requests), len(scene.contact_reads())) == (1, reads)
    assert [m.uncertain for _, m in scene.requeued()] == [True]


def test_contact_of_two_exports_is_one_row() -> None:
    scene = Scene(VIEW, with_list(VIEW, "list-1", "weekly"))
    scene.deliver(entering([ANN]), message(enter(ANN, 100, BUYERS), export="weekly"))
    ((_, rows),) = scene.sendgrid.requests
    assert [row["custom_fields"] for row in rows] == [{SEGMENTS: f"{BUYERS},{READERS}"}]
    assert scene.contact(ANN).lists == ("list-1",)
