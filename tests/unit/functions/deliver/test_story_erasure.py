"""A person is erased: the ledger forgets her, and only a new enter event brings her back."""

from typing import Any

import pytest

from lytics_sendgrid.domain.change import Change, Kind
from lytics_sendgrid.domain.stop import Stop
from tests.unit.functions.deliver.deliver_scene import Scene
from tests.unit.functions.deliver.example_changes import enter, exit_, message, refresh
from tests.unit.functions.deliver.example_export import BUYERS, READERS, VIEW

ANN, BOB = "ann@example.org", "bob@example.org"


class Erasure:
    """Ann and Bob are delivered; then Ann is erased."""

    def __init__(self) -> None:
        self.scene = Scene()
        self.at_s = int(self.scene.clock.now_s) + 10
        self.at_ns = self.at_s * 1_000_000_000
        self.scene.deliver(message(enter(ANN, city="Oslo"), enter(BOB)))

    def hold(self) -> None:
        """Write the hold; deliver's cached view gets too old."""
        until_s = self.at_s + 30 * 86_400
        self.scene.erasures.put_erasure("acme", [ANN], [], at_s=self.at_s, until_s=until_s)
        self.scene.clock.move(21)

    def erase(self) -> Change:
        return Change(ANN, self.at_ns, Kind.ERASE)

    def rows(self) -> list[dict[str, Any]]:
        """Return the rows that were sent for Ann."""
        sent = [row for _, rows in self.scene.sendgrid.requests for row in rows]
        return [row for row in sent if row["email"] == ANN]

    def sent(self) -> int:
        return len(self.rows())


@pytest.fixture
def erasure() -> Erasure:
    return Erasure()


def test_erasure_takes_the_contact_out_of_the_ledger(erasure: Erasure) -> None:
    erasure.hold()
    summary = erasure.scene.deliver(message(erasure.erase()))
    assert not erasure.scene.has(ANN)
    assert erasure.scene.has(BOB)
    assert (summary.counts["erased"], summary.failed, summary.requeued) == (1, [], 0)
    assert erasure.sent() == 1


def test_erasure_works_before_the_hold_is_known(erasure: Erasure) -> None:
    erasure.scene.deliver(message(erasure.erase()))
    assert not erasure.scene.has(ANN)


def test_queued_changes_from_before_the_erasure_are_dropped(erasure: Erasure) -> None:
    erasure.hold()
    erasure.scene.deliver(message(erasure.erase()))
    late = message(
        enter(ANN, erasure.at_ns), exit_(ANN, 300), enter(ANN, 1, BUYERS), refresh(ANN, erasure.at_s * 2_000)
    )
    summary = erasure.scene.deliver(late, message(enter(ANN, 1), run="run1", number="7"))
    assert not erasure.scene.has(ANN)
    assert erasure.sent() == 1
    assert erasure.scene.records()[-1][1:] == ({"7"}, set(), {"erased": 1})
    assert summary.counts["erased"] == 1


def test_late_event_leaves_the_old_contact_to_the_erasure(erasure: Erasure) -> None:
    erasure.hold()
    erasure.scene.deliver(message(exit_(ANN, erasure.at_ns), refresh(ANN, erasure.at_s * 2_000)))
    assert erasure.scene.contact(ANN).version == 1
    assert erasure.sent() == 1


def test_enter_after_the_erasure_brings_her_back_as_a_new_person(erasure: Erasure) -> None:
    erasure.hold()
    erasure.scene.deliver(message(erasure.erase()))
    erasure.scene.deliver(message(enter(ANN, erasure.at_ns + 1, BUYERS)))
    contact = erasure.scene.contact(ANN)
    assert (contact.memberships, contact.fields) == ({BUYERS: erasure.at_ns + 1}, {})
    assert contact.version == erasure.at_s
    assert erasure.rows()[-1]["custom_fields"] == {"e9_T": BUYERS}


def test_same_enter_before_the_ledger_forgot_her_is_sent_again(erasure: Erasure) -> None:
    erasure.hold()
    new = enter(ANN, erasure.at_ns + 1, city="Oslo")
    erasure.scene.deliver(message(new))
    assert erasure.sent() == 2
    erasure.scene.deliver(message(erasure.erase()))
    assert erasure.scene.contact(ANN).memberships == {READERS: erasure.at_ns + 1}
    assert erasure.sent() == 2


def test_commit_from_before_the_erasure_loses_to_who_came_back(erasure: Erasure) -> None:
    old = erasure.scene.contact(ANN)
    erasure.hold()
    erasure.scene.deliver(message(erasure.erase()))
    erasure.scene.deliver(message(enter(ANN, erasure.at_ns + 1)))
    assert erasure.scene.contact(ANN).version > old.version + 1_000_000


def test_stale_read_hides_nobody_from_the_erasure(erasure: Erasure) -> None:
    erasure.scene.dynamodb.is_stale = lambda _: True
    erasure.scene.deliver(message(erasure.erase()))
    assert not erasure.scene.has(ANN)


def test_erasure_does_not_wait_for_a_stopped_export(erasure: Erasure) -> None:
    erasure.hold()
    now_ms = erasure.scene.now_ms()
    erasure.scene.exports.put_stop(VIEW.export.name, Stop("a list is gone", now_ms, now_ms + 900_000))
    erasure.scene.deliver(message(erasure.erase()), message(enter(BOB, 500)))
    assert not erasure.scene.has(ANN)
    assert [m.changes[0].email for _, m in erasure.scene.requeued()] == [BOB]


def test_expired_hold_keeps_nobody_out(erasure: Erasure) -> None:
    erasure.hold()
    erasure.scene.deliver(message(erasure.erase()))
    erasure.scene.clock.move(31 * 86_400)
    erasure.scene.deliver(message(enter(ANN, 400)))
    assert erasure.scene.contact(ANN).memberships == {READERS: 400}
