"""A bad row does not sink its batch, a bad batch rejects no rows, an outage multiplies no messages."""

import itertools
import json
from dataclasses import replace

import pytest

from functions.deliver.exchange import Exchange
from functions.deliver.upsert_result import UpsertFault, UpsertResult
from lytics_sendgrid.domain.contact import Contact
from lytics_sendgrid.errors import ServiceUnavailable
from lytics_sendgrid.queues.changes import MAX_HOPS
from lytics_sendgrid.queues.imports import import_from
from lytics_sendgrid.sendgrid.upsert_answer import Accepted, Busy, RequestFault, RowsRefused, Unanswered
from tests.doubles.upserts import BusyUntil, SendGridUpserts
from tests.unit.functions.deliver.deliver_scene import Scene
from tests.unit.functions.deliver.example_changes import enter, entering, exit_, message, people, refresh
from tests.unit.functions.deliver.example_export import EXPORT, READERS, SEGMENTS, VIEW, with_list

ANN = "ann@example.org"
BOB = "bob@example.com"
CY = "cy@example.org"
LOST = Unanswered("read timeout")


def test_refused_addresses_cost_only_themselves() -> None:
    scene = Scene()
    scene.sendgrid.bad_addresses = {ANN, BOB}
    summary = scene.deliver(entering([ANN, BOB, CY]))
    assert scene.sendgrid.emails() == [[ANN, BOB, CY], [CY]]
    rejection = scene.contact(ANN).rejection
    assert rejection is not None
    assert (rejection.reason, rejection.message) == ("address", "400 email '(address)' is not valid")
    assert rejection.at_ms == scene.now_ms()
    assert (scene.contact(ANN).row, scene.contact(ANN).sent_ms) == (None, 0)
    assert scene.contact(ANN).memberships == {READERS: 100}
    assert scene.contact(CY).rejection is None
    assert summary.counts == {"requests": 2, "rejected.address": 2, "accepted": 1}
    assert scene.changes.sent == []


def test_rejected_address_is_retried_by_next_change_not_by_duplicate() -> None:
    scene = Scene()
    scene.sendgrid.bad_addresses = {ANN}
    scene.deliver(entering([ANN]))
    scene.deliver(entering([ANN]))
    assert len(scene.sendgrid.requests) == 1
    scene.sendgrid.bad_addresses = set()
    scene.deliver(message(enter(ANN, 200)))
    assert len(scene.sendgrid.requests) == 2
    assert scene.contact(ANN).rejection is None


def test_unnamed_refusal_is_split_until_each_row_is_decided() -> None:
    scene = Scene()
    scene.sendgrid.bad_addresses = {"p2@example.org"}
    scene.sendgrid.names_addresses = False
    summary = scene.deliver(entering(people(8)))
    assert [len(rows) for _, rows in scene.sendgrid.requests] == [8, 4, 2, 2, 1, 1, 1, 1, 4]
    assert summary.counts == {"requests": 9, "rejected.address": 1, "accepted": 7}
    assert summary.stopped == {}


def test_row_refused_for_fields_is_sent_as_email_and_memberships() -> None:
    scene = Scene()
    scene.sendgrid.bad_values = {"Atlantis"}
    summary = scene.deliver(message(enter(ANN, city="Atlantis"), enter(BOB, city="Oslo")))
    assert scene.sendgrid.held[ANN]["custom_fields"] == {SEGMENTS: READERS}
    assert scene.sendgrid.held[BOB]["custom_fields"] == {SEGMENTS: READERS, "e1_T": "Oslo"}
    contact = scene.contact(ANN)
    assert contact.rejection is not None
    assert (contact.rejection.reason, f"{contact.rejection.row}~") == ("fields", contact.row)
    assert summary.counts["rejected.fields"] == 1
    carried = {
        email: one for _, body in scene.imports.sent for email, one in import_from(body).contacts.items()
    }
    assert carried[ANN].row == contact.row
    scene.deliver(message(replace(exit_(ANN, 300), fields={"city": "Atlantis"})))
    assert scene.sendgrid.held[ANN]["custom_fields"] == {SEGMENTS: "none"}


def test_refused_fields_are_retried_with_next_change() -> None:
    scene = Scene()
    scene.sendgrid.bad_values = {"Atlantis"}
    scene.deliver(message(enter(ANN, city="Atlantis")))
    scene.sendgrid.bad_values = set()
    scene.deliver(message(enter(ANN, city="Atlantis")))
    assert "e1_T" not in scene.sendgrid.held[ANN]["custom_fields"]
    scene.deliver(message(enter(ANN, 200, city="Atlantis")))
    assert scene.sendgrid.held[ANN]["custom_fields"] == {SEGMENTS: READERS, "e1_T": "Atlantis"}
    assert scene.contact(ANN).rejection is None


def test_stop_names_the_fields_that_sendgrid_knows_by_ids_only(monkeypatch: pytest.MonkeyPatch) -> None:
    scene = Scene()
    fault = UpsertResult(fault=UpsertFault("400 invalid custom field id e1_T"))
    monkeypatch.setattr(Exchange, "upsert", lambda *_: fault)
    scene.deliver(entering([ANN]))
    assert "400 invalid custom field id e1_T ('city')" in scene.stops()["newsletter"].reason


def test_refused_request_is_retried_for_a_minute_then_stops_export() -> None:
    scene = Scene()
    scene.sendgrid.field_ids = {"other"}
    began_s = scene.clock.now_s
    summary = scene.deliver(entering([ANN, BOB], run="r1", number="a.0"))
    assert 60 <= scene.clock.now_s - began_s < 95
    assert scene.contacts == {}
    assert summary.stopped == {"newsletter": "400 invalid custom field ids supplied"}
    stop = scene.stops()["newsletter"]
    assert stop.until_ms == scene.now_ms() + 900_000
    assert "400 invalid custom field ids supplied" in stop.reason
    assert "tried again every 15 minutes" in stop.reason
    assert summary.faults == []
    ((delay_s, back),) = scene.requeued()
    assert (delay_s, len(back.changes), back.number, back.uncertain) == (900, 2, "a.0", False)
    assert scene.refreshes() == []
    assert scene.records() == []


def test_stop_is_known_to_the_next_invocation() -> None:
    scene = Scene(fault_retry_s=0)
    scene.sendgrid.field_ids = {"other"}
    assert set(scene.deliver(entering([ANN])).stopped) == {"newsletter"}
    scene.sendgrid.requests.clear()
    scene.deliver(entering([BOB]))
    assert scene.sendgrid.requests == []


def test_field_usable_within_a_minute_rejects_nobody() -> None:
    scene = Scene()
    scene.sendgrid.field_ids = set()

    def make_usable(number: int) -> None:
        if number == 3:
            scene.sendgrid.field_ids = None

    scene.sendgrid.after_request = make_usable
    summary = scene.deliver(entering([ANN]))
    assert scene.has(ANN)
    assert (summary.stopped, scene.changes.sent) == ({}, [])


def test_deleted_list_stops_only_its_exports() -> None:
    scene = Scene(VIEW, with_list(VIEW, "gone", "weekly"))
    scene.sendgrid.lists = set()
    summary = scene.deliver(entering([BOB], export="weekly"), entering([ANN]))
    assert scene.has(ANN)
    assert set(summary.stopped) == {"weekly"}
    assert [m.export for _, m in scene.requeued()] == ["weekly"]


def test_stopped_export_sends_nothing_more_in_the_same_invocation() -> None:
    scene = Scene(with_list(VIEW, "gone", "newsletter"))
    scene.sendgrid.lists = set()
    scene.put_contact(BOB, Contact(version=1, lists=("gone", "other"), row="x"))
    view = scene.written["newsletter"]
    scene.put_view(replace(view, form=replace(view.form, lists={"gone": "newsletter", "other": "shop"})))
    scene.deliver(entering([ANN, BOB]))
    assert {lists for lists, _ in scene.sendgrid.requests} == {("gone",)}
    assert len(scene.requeued()[0][1].changes) == 2


def test_export_resumed_during_the_attempt_is_not_stopped_again() -> None:
    scene = Scene(with_list(VIEW, "gone", "newsletter"))
    scene.sendgrid.lists = set()
    scene.exports.lift_stop("newsletter", scene.now_ms() + 1)
    summary = scene.deliver(entering([ANN]))
    assert (summary.stopped, scene.stops()) == ({}, {})
    assert "export 'newsletter' was resumed while this attempt was running: 404 not found" in summary.faults
    assert [delay_s for delay_s, _ in scene.requeued()] == [5]
    resumed_ms = scene.now_ms()
    scene.exports.lift_stop("newsletter", resumed_ms)
    assert set(scene.deliver_queue().stopped) == {"newsletter"}
    assert scene.stops()["newsletter"].since_ms == resumed_ms


def test_failing_put_stop_is_reported_and_the_rest_is_committed() -> None:
    scene = Scene(VIEW, with_list(VIEW, "gone", "weekly"))
    scene.sendgrid.lists = set()
    scene.dynamodb.calls.errors["PutItem"] = ServiceUnavailable("DynamoDB is out")
    summary = scene.deliver(entering([BOB], export="weekly"), entering([ANN]))
    assert scene.has(ANN)
    assert "DynamoDB is out" in summary.faults
    assert [delay_s for delay_s, _ in scene.requeued()] == [900]


def test_blanket_refusal_rejects_nobody() -> None:
    scene = Scene()
    scene.deliver(entering([ANN, BOB]))
    scene.clock.now_s += 3_600
    scene.sendgrid.script = [RowsRefused("400 something")] * 7
    leaving = message(exit_(ANN, 200), exit_(BOB, 200))
    summary = scene.deliver(leaving)
    assert (summary.stopped, summary.counts["rejected.address"]) == ({}, 0)
    assert "rows are left undecided: SendGrid refuses every row and names no address" in summary.faults
    assert all(scene.contact(one).is_in(READERS) for one in (ANN, BOB))
    scene.deliver_queue()
    assert not any(scene.contact(one).is_in(READERS) for one in (ANN, BOB))
    assert scene.sendgrid.held[ANN]["custom_fields"] == {SEGMENTS: "none"}


def test_unnamed_address_is_rejected_once_another_row_is_accepted() -> None:
    scene = Scene()
    scene.sendgrid.bad_addresses, scene.sendgrid.names_addresses = {BOB}, False
    scene.deliver(entering([BOB]))
    assert not scene.has(BOB)
    scene.deliver(*(body for _, body in scene.changes.sent), entering([ANN]))
    rejection = scene.contact(BOB).rejection
    assert rejection is not None
    assert (rejection.reason, rejection.at_ms) == ("address", scene.now_ms())


def test_too_many_unnamed_refusals_stop_export_and_reject_nobody() -> None:
    scene = Scene()
    scene.sendgrid.bad_addresses, scene.sendgrid.names_addresses = set(people(30)[:11]), False
    summary = scene.deliver(entering(people(30)))
    assert summary.stopped == {"newsletter": "more than 1 % of a group of 30 rows would be rejected"}
    assert not any(contact.rejection for contact in scene.contacts.values())


def test_row_accepted_on_other_lists_makes_refusal_believed() -> None:
    scene = Scene(VIEW, with_list(VIEW, "list", "weekly"))
    scene.sendgrid.bad_addresses, scene.sendgrid.names_addresses = {BOB}, False
    summary = scene.deliver(entering([BOB], export="weekly"), entering([ANN]))
    assert summary.counts["rejected.address"] == 1
    assert (scene.requeued(), summary.faults) == ([], [])


def test_address_refused_for_hours_is_rejected_without_other_rows() -> None:
    scene = Scene()
    scene.sendgrid.bad_addresses, scene.sendgrid.names_addresses = {BOB}, False
    began_s = scene.clock.now_s
    scene.deliver(entering([BOB], run="r1", number="a.0"))
    while scene.changes.sent:
        ((delay_s, _),) = scene.changes.sent
        scene.clock.now_s += delay_s
        scene.deliver_queue()
    assert 3 * 3_600 < scene.clock.now_s - began_s < 4 * 3_600
    assert scene.contact(BOB).rejection is not None
    assert "a.0" in scene.records()[-1][1]


def test_proxy_page_stops_export_and_rejects_nobody() -> None:
    scene = Scene()
    scene.sendgrid.script = [RequestFault("400")] * 40
    summary = scene.deliver(entering([ANN]))
    assert summary.stopped == {"newsletter": "400"}
    assert not scene.has(ANN)


def test_more_than_one_percent_rejected_stops_and_rejects_nobody() -> None:
    scene = Scene()
    scene.sendgrid.bad_addresses = set(people(2_000)[:21])
    summary = scene.deliver(entering(people(2_000)))
    assert scene.contacts == {}
    assert summary.stopped == {"newsletter": "more than 1 % of a group of 2000 rows would be rejected"}
    assert scene.stops()["newsletter"].reason.count("(address)") == 1
    assert len(scene.requeued()[0][1].changes) == 2_000


def test_one_percent_rejected_is_still_rejected() -> None:
    scene = Scene()
    scene.sendgrid.bad_addresses = set(people(2_000)[:20])
    summary = scene.deliver(entering(people(2_000)))
    assert summary.counts["rejected.address"] == 20
    assert summary.stopped == {}


def test_few_bad_rows_are_rejected_in_a_small_batch() -> None:
    scene = Scene()
    scene.sendgrid.bad_addresses = set(people(12)[:10])
    summary = scene.deliver(entering(people(12)))
    assert summary.counts["rejected.address"] == 10


def test_too_many_refused_fields_reject_nobody() -> None:
    scene = Scene()
    scene.sendgrid.bad_values = {"Atlantis"}
    summary = scene.deliver(message(*(enter(email, city="Atlantis") for email in people(11))))
    assert scene.contacts == {}
    assert set(summary.stopped) == {"newsletter"}
    ((_, back),) = scene.requeued()
    assert (len(back.changes), back.uncertain) == (11, True)


def test_accepted_bare_address_means_request_is_at_fault() -> None:
    scene = Scene()
    scene.sendgrid.bad_values = {READERS}
    summary = scene.deliver(entering(people(4)))
    assert scene.sendgrid.requests[-1] == ((), [{"email": "p0@example.org"}])
    assert len(scene.sendgrid.requests) == 5
    assert scene.contacts == {}
    assert summary.stopped == {
        "newsletter": "SendGrid takes an address alone and refuses it with its list and memberships"
    }
    assert [m.uncertain for _, m in scene.requeued()] == [False]
    assert scene.imports.sent == [], "a bare address changes no row"


def test_row_refused_even_bare_is_rejected_for_its_address() -> None:
    scene = Scene()
    scene.sendgrid.bad_values = {ANN}
    summary = scene.deliver(entering([ANN, BOB]))
    assert [row for _, (row, *_) in scene.sendgrid.requests[1:4]] == [
        {"email": ANN, "custom_fields": {SEGMENTS: READERS}},
        {"email": ANN, "custom_fields": {SEGMENTS: READERS}},
        {"email": ANN},
    ]
    assert summary.counts["rejected.address"] == 1
    assert scene.has(BOB)


def test_rows_beyond_request_budget_are_requeued() -> None:
    scene = Scene()
    bad = set(people(3_000)[::100])
    scene.sendgrid.bad_addresses, scene.sendgrid.names_addresses = bad, False
    scene.deliver(entering(people(3_000)))
    assert len(scene.sendgrid.requests) == 201
    ((_, back),) = scene.requeued()
    left = len(back.changes)
    assert 0 < left < 3_000
    assert len(scene.contacts) == 3_000 - left


def test_short_rate_limit_is_waited_for() -> None:
    scene = Scene()
    reset_s = scene.clock.now_s + 40
    scene.sendgrid.script = [BusyUntil("429", reset_s)]
    scene.deliver(entering([ANN]))
    assert scene.has(ANN)
    assert scene.contact(ANN).sent_ms == int(reset_s * 1000)
    assert scene.changes.sent == []


def test_long_rate_limit_requeues_everything_until_it_ends() -> None:
    scene = Scene()
    scene.sendgrid.script = [BusyUntil("429", scene.clock.now_s + 300)]
    summary = scene.deliver(entering([ANN]))
    assert len(scene.sendgrid.requests) == 1
    assert [(delay_s, m.uncertain) for delay_s, m in scene.requeued()] == [(300, False)]
    assert summary.failed == []


def test_known_rate_limit_starts_no_request() -> None:
    scene = Scene()
    scene.sendgrid.wait_until_s = scene.clock.now_s + 5_000
    scene.deliver(entering([ANN]))
    assert scene.sendgrid.requests == []
    assert [delay_s for delay_s, _ in scene.requeued()] == [900]


def test_longest_rate_limit_of_groups_wins() -> None:
    scene = Scene(VIEW, with_list(VIEW, "list-1", "weekly"))
    scene.sendgrid.script = [BusyUntil("429", scene.clock.now_s + 300)]
    scene.deliver(entering([ANN]), entering([BOB], export="weekly"))
    assert [delay_s for delay_s, _ in scene.requeued()] == [300, 300]


def test_longest_rate_limit_of_accounts_wins() -> None:
    scene = Scene(VIEW, replace(VIEW, export=replace(EXPORT, name="shop", authorization="shop")))
    scene.others["shop"] = shop = SendGridUpserts(scene.clock)
    scene.sendgrid.wait_until_s = scene.clock.now_s + 300
    shop.wait_until_s = scene.clock.now_s + 200
    scene.deliver(entering([ANN]), entering([BOB], export="shop"))
    assert [delay_s for delay_s, _ in scene.requeued()] == [300, 300]


def test_busy_sendgrid_is_retried_with_backoff_then_requeued() -> None:
    scene = Scene()
    scene.sendgrid.script = [Busy("503")] * 50
    scene.deliver(entering([ANN]))
    assert scene.clock.sleeps == [0.5, 1, 2, 4, 8, 10, 10, 10, 10, 10, 10, 10]
    ((delay_s, back),) = scene.requeued()
    assert (delay_s, back.uncertain) == (5, False)


def test_lost_answer_queues_refresh_and_is_retried() -> None:
    scene = Scene()
    scene.sendgrid.script = [LOST]
    first_ms = scene.now_ms()
    scene.deliver(entering([ANN]))
    assert scene.refreshes() == [(900, first_ms, [ANN])]
    assert scene.contact(ANN).sent_ms > first_ms
    assert len(scene.sendgrid.requests) == 2
    assert scene.requeued() == []


def test_rows_before_a_failing_import_message_are_committed() -> None:
    scene = Scene()

    def break_queue(number: int) -> None:
        if number == 2:
            scene.imports_sqs.calls.broken = ServiceUnavailable("SQS is out")

    scene.sendgrid.after_request = break_queue
    form = replace(VIEW.form, fields=frozenset(f"e{n}_T" for n in range(360)))
    fields = {f"e{n}_T": (1, "x" * 1_000) for n in range(360)}
    scene.put_view(replace(VIEW, form=form))
    for email in people(16):
        scene.put_contact(email, Contact(version=1, fields=fields, row="x"))
    scene.deliver(entering(people(16)))
    first, second = scene.sendgrid.emails()
    assert sorted(first + second) == sorted(people(16))
    assert {scene.contact(email).version for email in first} == {2}
    assert {scene.contact(email).version for email in second} == {1}


def test_failing_refresh_after_lost_answer_requeues_as_uncertain() -> None:
    scene = Scene()
    scene.sendgrid.script = [LOST]

    def break_queue(_: int) -> None:
        scene.changes_sqs.calls.broken = ServiceUnavailable("SQS is out")

    scene.sendgrid.after_request = break_queue
    summary = scene.deliver(entering([ANN]))
    assert summary.failed == ["m0"]
    assert len(scene.sendgrid.requests) == 1


def test_outage_of_hours_does_not_multiply_messages() -> None:
    scene = Scene()
    scene.sendgrid.taken = False
    scene.deliver(entering([BOB]))
    scene.clock.now_s += 100
    scene.sendgrid.script = [LOST] * 10_000
    scene.deliver(entering([ANN]), message(exit_(BOB, 200)))
    for _ in range(40):
        scene.clock.now_s += 900
        for queued in scene.changes.messages[:]:
            scene.changes.delete(queued)
            scene.deliver(queued.body)
    assert len(scene.changes.sent) <= 6
    scene.sendgrid.script = []
    for _ in range(4):
        scene.clock.now_s += 900
        scene.deliver_queue()
    assert scene.changes.sent == []
    assert scene.sendgrid.held[BOB]["custom_fields"] == {SEGMENTS: "none"}
    assert scene.sendgrid.held[ANN]["custom_fields"] == {SEGMENTS: READERS}


def test_unanswered_row_is_dead_lettered_alone() -> None:
    scene = Scene()
    scene.sendgrid.taken = False
    scene.sendgrid.chokes = lambda rows: any(row["email"] == BOB for row in rows)
    scene.deliver(entering([ANN, BOB, CY]))
    assert scene.has(ANN)
    assert scene.has(CY)
    ((_, back),) = scene.requeued()
    assert ([change.email for change in back.changes], back.uncertain) == ([BOB], True)
    summary = scene.deliver(replace(back, hops=MAX_HOPS))
    assert summary.failed == ["m0"]
    assert summary.faults == [
        "rows are left undecided: 500",
        f"changes of export 'newsletter' were requeued {MAX_HOPS} times",
    ]


def test_groups_are_shuffled_so_unanswered_row_does_not_block_others() -> None:
    numbers = itertools.cycle([0.9, 0.1])
    scene = Scene(VIEW, with_list(VIEW, "list-1", "weekly"), chance=lambda: next(numbers))
    scene.sendgrid.chokes = lambda rows: any(row["email"] == ANN for row in rows)
    scene.deliver(entering([ANN]), entering([BOB], export="weekly"))
    assert scene.sendgrid.emails()[:2] == [[BOB], [ANN]]


def test_neighbours_of_unanswered_row_get_one_refresh_and_are_done() -> None:
    scene = Scene()
    scene.sendgrid.chokes = lambda rows: any(row["email"] == BOB for row in rows)
    first_ms = scene.now_ms()
    scene.deliver(entering([ANN, BOB, CY]))
    assert scene.refreshes() == [(900, first_ms, [ANN, BOB, CY])]
    assert scene.contact(ANN).sent_ms > first_ms


def test_requeued_uncertain_message_queues_no_refresh_for_lost_answers() -> None:
    scene = Scene()
    scene.sendgrid.script = [LOST] * 50
    scene.deliver(entering([ANN], uncertain=True, hops=3))
    assert scene.refreshes() == []
    assert [(m.hops, m.uncertain) for _, m in scene.requeued()] == [(4, True)]


def test_refresh_with_lost_answer_is_requeued_itself() -> None:
    scene = Scene()
    scene.deliver(entering([ANN]))
    scene.clock.now_s += 900
    scene.sendgrid.script = [LOST] * 50
    scene.deliver(message(refresh(ANN, scene.contact(ANN).sent_ms)))
    ((_, back),) = scene.queued()
    assert (back.hops, back.uncertain) == (1, True)


def test_accepted_uncertain_message_queues_one_refresh_with_its_stamp() -> None:
    scene = Scene()
    scene.sendgrid.script = [Busy("503"), Busy("503")]
    scene.deliver(entering([ANN], uncertain=True, hops=3))
    assert scene.refreshes() == [(900, scene.contact(ANN).sent_ms, [ANN])]


def test_retried_request_queues_refresh_with_later_stamp() -> None:
    scene = Scene()
    scene.deliver(entering([ANN]))
    scene.clock.now_s += 10
    first_ms = scene.now_ms()
    scene.sendgrid.script = [Busy("503")]
    scene.deliver(message(exit_(ANN, 200)))
    sent_ms = scene.contact(ANN).sent_ms
    assert sent_ms > first_ms
    assert scene.refreshes() == [(900, first_ms, [ANN]), (900, sent_ms, [ANN])]


def test_uncertain_contact_with_refused_address_gets_refresh() -> None:
    scene = Scene()
    scene.sendgrid.bad_addresses = {ANN}
    scene.deliver(entering([ANN], uncertain=True, hops=1))
    assert scene.refreshes() == [(900, scene.now_ms() + 900_000, [ANN])]


def test_no_request_starts_unless_timeout_and_commit_fit() -> None:
    scene = Scene()
    scene.deliver(entering([ANN]), seconds=25)
    assert scene.sendgrid.timeouts_s == [5.0]
    scene.deliver(entering([BOB]), seconds=300)
    assert scene.sendgrid.timeouts_s == [5.0, 25.0]


def test_faults_of_several_groups_do_not_mix() -> None:
    scene = Scene(VIEW, replace(VIEW, export=replace(EXPORT, name="shop", authorization="shop")))
    scene.sendgrid.script = [RequestFault("401 key")] * 20
    summary = scene.deliver(entering([ANN]), entering([BOB], export="shop"))
    assert list(summary.stopped) == ["newsletter"]
    assert [(delay_s, m.export) for delay_s, m in scene.requeued()] == [(900, "newsletter"), (5, "shop")]


def test_no_address_reaches_what_is_logged() -> None:
    scene = Scene()
    scene.sendgrid.bad_addresses = set(people(40)[:20])
    scene.sendgrid.script = [RowsRefused("400"), Accepted("j")]
    summary = scene.deliver(entering(people(40)), "garbage ann@example.org")
    logged = json.dumps([summary.faults, summary.stopped, dict(summary.counts)])
    assert "@" not in logged
