"""Messages of a run: rows of scans, exits of a sweep, refreshes of a clearing, questions."""

from dataclasses import replace
from typing import Final

import pytest

from functions.deliver import rounds
from functions.deliver.export_views import View
from lytics_sendgrid.domain.change import Change, Message
from lytics_sendgrid.domain.contact import Contact, Rejection
from lytics_sendgrid.domain.stop import Stop
from lytics_sendgrid.errors import ServiceUnavailable
from tests.unit.functions.deliver.deliver_scene import Scene
from tests.unit.functions.deliver.example_changes import enter, exit_, message, refresh
from tests.unit.functions.deliver.example_export import BUYERS, EXPORT, FORM, READERS, SEGMENTS

ANN = "ann@example.org"
BOB = "bob@example.com"
SINCE: Final = 1_000
ADDED: Final = View(EXPORT, replace(FORM, since={READERS: SINCE, BUYERS: SINCE}), None)


def scan(*changes: Change, config: int = 0) -> Message:
    """Return a message of a scan that rewrites the changes' times as a scan has them."""
    rows = [replace(change, time_ns=SINCE + 1, fields_time_ns=change.time_ns) for change in changes]
    return message(*rows, run="run1", number="1", config=config)


def segments(scene: Scene, email: str = ANN) -> str:
    value: str = scene.sendgrid.held[email]["custom_fields"][SEGMENTS]
    return value


def test_scans_row_for_whom_the_ledger_knows_writes_and_sends_nothing() -> None:
    scene = Scene(ADDED)
    scene.deliver(message(enter(ANN, 2_000, city="Oslo")), message(exit_(BOB, 2_000)))
    scene.clock.now_s += 2_000
    writes, requests = scene.contact_writes(), len(scene.sendgrid.requests)
    summary = scene.deliver(scan(enter(ANN, 9_000, city="Oslo"), enter(BOB, 9_000)))
    assert (scene.contact_writes(), len(scene.sendgrid.requests)) == (writes, requests)
    assert summary.counts == {"unchanged": 2}
    assert scene.records()[-1] == ("run1", {"1"}, set(), {"unchanged": 2})
    assert scene.changes.sent == []


@pytest.mark.parametrize("reason", ["address", "fields", "row"])
def test_scans_row_does_not_try_a_rejected_contact_again(reason: str) -> None:
    scene = Scene(ADDED)
    known = Contact(
        1, {READERS: 2_000}, {"e1_T": (2_000, "Oslo")}, row="aa", configuration=FORM.version, sent_ms=1
    )
    scene.put_contact(ANN, replace(known, rejection=Rejection(reason, "no", "bb", 5)))
    scene.deliver(scan(enter(ANN, 9_000, city="Oslo")))
    assert (scene.contact_writes(), scene.sendgrid.requests) == (0, [])


def test_scans_row_adds_who_is_missing_and_corrects_stale_fields() -> None:
    scene = Scene(ADDED)
    scene.deliver(message(enter(ANN, 2_000, city="Oslo")))
    scene.deliver(scan(enter(ANN, 9_000, city="Rome"), enter(BOB, 9_000, city="Rome")))
    assert (segments(scene), segments(scene, BOB)) == (READERS, READERS)
    assert scene.sendgrid.held[ANN]["custom_fields"]["e1_T"] == "Rome"
    assert scene.records()[-1][3] == {"accepted": 2, f"missing.{READERS}": 1, f"stale.{READERS}": 1}


@pytest.mark.parametrize("kind", [enter, exit_])
def test_late_event_of_an_earlier_membership_changes_nothing(kind: object) -> None:
    scene = Scene(ADDED)
    assert callable(kind)
    summary = scene.deliver(message(kind(ANN, SINCE)))
    assert (summary.counts, scene.contacts, scene.sendgrid.requests) == ({"unchanged": 1}, {}, [])


def test_readded_audience_holds_nobody_of_its_first_time() -> None:
    scene = Scene()
    scene.deliver(message(enter(ANN, SINCE)))
    assert segments(scene) == READERS
    scene.put_view(View(EXPORT, replace(ADDED.form, version=4), None))
    scene.clock.now_s += 60
    scene.deliver(message(refresh(ANN, scene.now_ms()), config=4))
    assert segments(scene) == "none"
    scene.deliver(scan(enter(ANN, 9_000), config=4))
    assert segments(scene) == READERS


def test_refresh_of_a_clearing_takes_the_id_out_of_the_row() -> None:
    scene = Scene()
    scene.deliver(message(enter(ANN), enter(ANN, audience=BUYERS)))
    assert segments(scene) == f"{BUYERS},{READERS}"
    cleared = replace(FORM, version=4, since={READERS: 0})
    scene.put_view(View(EXPORT, cleared, None))
    scene.clock.now_s += 200
    stamp_ms = scene.now_ms()
    scene.deliver(message(refresh(ANN, stamp_ms), config=4, run="run1", number="clear-1"))
    assert segments(scene) == READERS
    assert scene.contact(ANN).memberships == {READERS: 100, BUYERS: 100}
    assert scene.records()[-1] == ("run1", {"clear-1"}, set(), {})


def test_refresh_of_a_clearing_counts_although_a_row_was_sent_meanwhile() -> None:
    scene = Scene()
    scene.deliver(message(enter(ANN)))
    stamp_ms = scene.now_ms() - 1
    scene.put_view(View(EXPORT, replace(FORM, version=4, since={BUYERS: 0}), None))
    scene.deliver(message(refresh(ANN, stamp_ms), config=4))
    assert segments(scene) == "none"


def test_exit_of_a_sweep_loses_to_a_later_event() -> None:
    scene = Scene(ADDED)
    scene.deliver(message(enter(ANN, 3_000)), message(enter(BOB, 2_000)))
    scene.deliver(message(exit_(ANN, 2_500), exit_(BOB, 2_500), run="run1", number="sweep-1"))
    assert (segments(scene), segments(scene, BOB)) == (READERS, "none")
    counts = scene.records()[-1][3]
    assert counts == {"unchanged": 1, "accepted": 1}


def test_question_only_counts_what_a_run_would_do() -> None:
    scene = Scene(ADDED)
    scene.deliver(message(enter(ANN, 2_000, city="Oslo"), enter("known@example.org", 2_000)))
    writes, requests = scene.contact_writes(), len(scene.sendgrid.requests)
    contacts = scene.contacts
    asked = scan(enter(ANN, 9_000, city="Rome"), enter(BOB, 9_000), enter("known@example.org", 9_000))
    summary = scene.deliver(replace(asked, question=True), receives=2)
    assert (scene.contact_writes(), len(scene.sendgrid.requests)) == (writes, requests)
    assert scene.contacts == contacts
    assert (scene.changes.sent, len(scene.imports.sent)) == ([], 1)
    assert summary.counts == {}
    assert scene.records()[-1] == (
        "run1",
        {"1"},
        set(),
        {"would_send": 2, "unchanged": 1, f"missing.{READERS}": 1, f"stale.{READERS}": 1},
    )


def test_question_and_change_that_arrive_together_are_kept_apart() -> None:
    scene = Scene(ADDED)
    question = replace(scan(enter(BOB, 9_000)), question=True)
    summary = scene.deliver(question, message(enter(ANN, 2_000)), message(exit_(BOB, 2_000)))
    assert summary.counts == {"accepted": 2, "requests": 1}
    assert segments(scene, BOB) == "none"
    assert scene.records()[-1][3] == {"unchanged": 1}


def test_suspect_question_is_answered_alone() -> None:
    scene = Scene(ADDED)
    question = replace(scan(enter(BOB, 9_000)), question=True)
    scene.deliver(question, message(enter(ANN, 2_000)), receives=[3, 1])
    assert scene.records()[-1][3] == {"would_send": 1, f"missing.{READERS}": 1}
    assert not scene.has(BOB)


def test_unanswered_question_is_asked_again() -> None:
    scene = Scene(ADDED)
    scene.dynamodb.calls.errors["BatchGetItem"] = ServiceUnavailable("DynamoDB is out")
    scene.deliver(replace(scan(enter(BOB, 9_000)), question=True))
    ((_, requeued),) = scene.requeued()
    assert (requeued.question, requeued.number, scene.records()) == (True, "1", [])
    scene.dynamodb.calls.errors.clear()
    scene.deliver_queue()
    assert scene.records()[-1][1] == {"1"}


def test_questions_are_answered_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rounds, "CONTACTS_AT_ONCE", 1)
    scene = Scene(ADDED)
    question = replace(scan(enter(ANN, 9_000), enter(BOB, 9_000)), question=True)
    scene.deliver(question)
    assert scene.records()[-1][3] == {"would_send": 2, f"missing.{READERS}": 2}
    assert [count for count, _ in scene.contact_reads()] == [1, 1]


def test_questions_without_time_left_are_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rounds, "CONTACTS_AT_ONCE", 1)
    scene = Scene(ADDED)

    def slow(operation: str, _request: object) -> None:
        scene.clock.now_s += 110 if operation == "BatchGetItem" else 0

    scene.dynamodb.calls.before = slow
    scene.deliver(replace(scan(enter(ANN, 9_000), enter(BOB, 9_000)), question=True))
    ((_, requeued),) = scene.requeued()
    assert [change.email for change in requeued.changes] == [BOB]
    assert scene.records()[-1][1:] == (set(), set(), {"would_send": 1, f"missing.{READERS}": 1})


def test_question_of_a_stopped_export_waits() -> None:
    scene = Scene(replace(ADDED, stop=Stop("no", 0, 10**15)))
    scene.deliver(replace(scan(enter(ANN, 9_000)), question=True))
    assert [requeued.question for _, requeued in scene.requeued()] == [True]
