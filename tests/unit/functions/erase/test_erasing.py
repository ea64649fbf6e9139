"""People are erased step by step; a second call continues where the first one was."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from functions.erase.erasing import Sides, erase
from functions.erase.person import EraseDelays
from functions.erase.request import EraseRequest
from lytics_sendgrid.domain.change import Kind, Message
from lytics_sendgrid.domain.configuration import Export
from lytics_sendgrid.domain.contact import Contact, encode
from lytics_sendgrid.errors import InputInvalid, KeyRefused, LyticsSendGridError, ServiceUnavailable
from lytics_sendgrid.queues.changes import decode
from lytics_sendgrid.sendgrid.resources import ContactSearch, SendGridContact
from tests.clock import ManualClock
from tests.doubles.adapters import contacts_table, erasures_table, exports_table, queue_writer
from tests.doubles.dynamodb import DynamoDb
from tests.doubles.sqs import Queue
from tests.unit.functions.deliver.example_export import EXPORT, READERS

ANN, BOB = "ann@example.org", "bob@example.org"


class SendGrid:
    """SendGrid's contacts: a deletion is worked off when a test says so."""

    def __init__(self) -> None:
        self.held: dict[str, SendGridContact] = {}
        self.deleted: list[list[str]] = []
        self.look_up_fault: LyticsSendGridError | None = None
        self.deletion_fault: LyticsSendGridError | None = None

    def put(self, email: str, *, primary: str | None = None) -> None:
        self.held[email] = SendGridContact(f"id-{email[:3]}", {"email": primary or email}, {}, (), ())

    def contacts(self, emails: Sequence[str]) -> ContactSearch:
        if self.look_up_fault:
            raise self.look_up_fault
        return ContactSearch({email: self.held[email] for email in emails if email in self.held}, frozenset())

    def delete_contacts(self, ids: Sequence[str]) -> None:
        if self.deletion_fault:
            raise self.deletion_fault
        self.deleted.append(list(ids))

    def work_off(self) -> None:
        doomed = {contact_id for ids in self.deleted for contact_id in ids}
        self.held = {email: one for email, one in self.held.items() if one.id not in doomed}


class Scene:
    def __init__(self) -> None:
        self.clock, self.dynamodb, self.sendgrid = ManualClock(), DynamoDb(), SendGrid()
        self.changes = Queue("changes")
        self.erasures = erasures_table(self.dynamodb)
        self.sides = Sides(
            exports_table(self.dynamodb, EXPORT),
            contacts_table(self.dynamodb, self.clock),
            self.erasures,
            queue_writer(self.changes)[0],
            self._account,
            hold_days=30,
            delays=EraseDelays(180, 900),
        )
        self.began_s = self.clock.now_s

    def _account(self, export: Export) -> SendGrid:
        assert export == EXPORT
        return self.sendgrid

    def put(self, email: str, time_ns: int) -> None:
        """Write a contact with one event."""
        contact = Contact(3, {READERS: time_ns})
        item = {"pk": {"S": f"acme#{email}"}, "state": {"S": encode(contact)}, "version": {"N": "3"}}
        self.dynamodb.contacts.write(item)

    def erase(self, *emails: str, again: bool = False) -> dict[str, Any]:
        return erase(EraseRequest("newsletter", emails, again=again), self.sides, self.clock.now_s)

    def statuses(self, *emails: str, again: bool = False) -> list[str]:
        return [person["status"] for person in self.erase(*emails, again=again)["people"]]

    def queued(self) -> list[tuple[float, Message]]:
        return [(delay_s, decode(body)) for delay_s, body in self.changes.sent]

    def kinds(self) -> list[tuple[float, Kind, list[str]]]:
        """Return each queued message: its delay, its kind, its addresses."""
        return [(delay_s, m.changes[0].kind, [c.email for c in m.changes]) for delay_s, m in self.queued()]


@pytest.fixture
def scene() -> Scene:
    return Scene()


def ns(seconds: float) -> int:
    return int(seconds) * 1_000_000_000


def test_person_is_erased_in_two_steps(scene: Scene) -> None:
    scene.put(ANN, 5)
    scene.sendgrid.put(ANN)
    first = scene.erase(" Ann@Example.org", "nobody@example.org")
    assert [(one["email"], one["status"]) for one in first["people"]] == [
        (" Ann@Example.org", "under_way"),
        ("nobody@example.org", "under_way"),
    ]
    assert first["check_after"] is not None
    assert scene.sendgrid.deleted == [["id-ann"]]
    scene.sendgrid.work_off()
    scene.dynamodb.contacts.items.clear()
    scene.clock.move(1_080)
    last = scene.erase(" Ann@Example.org", "nobody@example.org")
    assert last["counts"] == {"erased": 1, "not_found": 1}
    assert (last["check_after"], last["account"], last["export"]) == (None, "acme", "newsletter")
    assert len(scene.sendgrid.deleted) == 1


def test_hold_is_written_for_everybody(scene: Scene) -> None:
    scene.put(ANN, 5)
    scene.erase(ANN, BOB)
    holds = scene.erasures.holds("acme", scene.clock.now_s)
    ann, bob = holds.of(ANN), holds.of(BOB)
    assert ann is not None
    assert bob is not None
    assert (ann.was_known, bob.was_known) == (True, False)
    assert ann.until_s - ann.at_s == 30 * 86_400


def test_erase_is_queued_until_every_delivery_knows_the_hold(scene: Scene) -> None:
    scene.put(ANN, 5)
    scene.erase(ANN, BOB)
    assert scene.kinds() == [(180, Kind.ERASE, [ANN, BOB]), (900, Kind.REFRESH, [ANN, BOB])]
    (_, message), *_ = scene.queued()
    assert {change.time_ns for change in message.changes} == {ns(scene.began_s)}
    assert (message.export, message.config) == ("newsletter", EXPORT.version)


def test_refresh_follows_the_deletion(scene: Scene) -> None:
    scene.sendgrid.put(ANN)
    scene.erase(ANN)
    (_, (delay_s, message)) = scene.queued()
    assert (delay_s, message.changes[0].kind) == (900, Kind.REFRESH)
    assert message.changes[0].time_ns == ns(scene.began_s + 900)


def test_messages_are_queued_before_sendgrid_deletes(scene: Scene) -> None:
    scene.put(ANN, 5)
    scene.sendgrid.put(ANN)
    scene.sendgrid.deletion_fault = ServiceUnavailable("SendGrid answered 503")
    assert scene.statuses(ANN) == ["under_way"]
    assert [kind for _, kind, _ in scene.kinds()] == [Kind.ERASE, Kind.REFRESH]
    scene.sendgrid.deletion_fault = None
    scene.clock.move(300)
    assert scene.statuses(ANN) == ["under_way"]
    assert scene.sendgrid.deleted == [["id-ann"]]
    assert scene.kinds()[2:] == [(0, Kind.ERASE, [ANN]), (900, Kind.REFRESH, [ANN])]


def test_second_run_keeps_the_time_of_the_erasure(scene: Scene) -> None:
    scene.put(ANN, 5)
    scene.erase(ANN)
    scene.clock.move(100)
    scene.erase(ANN)
    assert scene.erasures.holds("acme", scene.clock.now_s).revision == 1
    erases = [(s, m.changes[0].time_ns) for s, m in scene.queued() if m.changes[0].kind is Kind.ERASE]
    assert erases == [(180, ns(scene.began_s)), (80, ns(scene.began_s))]


def test_contact_that_appears_meanwhile_is_deleted_again(scene: Scene) -> None:
    scene.erase(ANN)
    scene.clock.move(2_000)
    scene.sendgrid.put(ANN)
    assert scene.statuses(ANN) == ["under_way"]
    assert scene.sendgrid.deleted == [["id-ann"]]


def test_person_who_signed_up_again_stays_until_asked_again(scene: Scene) -> None:
    scene.erase(ANN)
    scene.clock.move(2_000)
    scene.put(ANN, ns(scene.began_s + 60))
    scene.sendgrid.put(ANN)
    sent = len(scene.queued())
    assert scene.statuses(ANN) == ["back"]
    assert (scene.sendgrid.deleted, len(scene.queued())) == ([], sent)
    assert scene.statuses(ANN, again=True) == ["under_way"]
    assert scene.sendgrid.deleted == [["id-ann"]]
    hold = scene.erasures.holds("acme", scene.clock.now_s).of(ANN)
    assert hold is not None
    assert hold.at_s == scene.began_s + 2_000


def test_event_by_a_clock_that_is_ahead_is_erased(scene: Scene) -> None:
    scene.put(ANN, ns(scene.began_s + 200))
    assert scene.statuses(ANN) == ["under_way"]
    hold = scene.erasures.holds("acme", scene.clock.now_s).of(ANN)
    assert hold is not None
    assert hold.at_s == scene.began_s + 200


def test_contact_of_another_address_is_not_deleted(scene: Scene) -> None:
    scene.put(ANN, 5)
    scene.sendgrid.put(ANN, primary=BOB)
    assert scene.statuses(ANN) == ["refused"]
    assert scene.sendgrid.deleted == []
    assert [kind for _, kind, _ in scene.kinds()] == [Kind.ERASE, Kind.REFRESH]


@pytest.mark.parametrize(
    ("fault", "status"), [(ServiceUnavailable("503"), "under_way"), (KeyRefused("401"), "refused")]
)
def test_ledger_is_erased_though_sendgrid_does_not_answer(
    scene: Scene, fault: LyticsSendGridError, status: str
) -> None:
    scene.put(ANN, 5)
    scene.sendgrid.look_up_fault = fault
    assert scene.statuses(ANN) == [status]
    assert scene.kinds()[0] == (180, Kind.ERASE, [ANN])
    hold = scene.erasures.holds("acme", scene.clock.now_s).of(ANN)
    assert hold is not None
    assert hold.was_known


def test_refused_deletion_is_the_answer_of_whom_it_is_for(scene: Scene) -> None:
    scene.sendgrid.put(ANN)
    scene.sendgrid.deletion_fault = KeyRefused("the key may not delete", lacks_permission=True)
    assert scene.statuses(ANN, BOB) == ["refused", "under_way"]


def test_no_address_is_asked_for_if_all_are_invalid(scene: Scene) -> None:
    answer = scene.erase("no address", "zero\u200bwidth@example.org")
    assert answer["counts"] == {"invalid": 2}
    assert "U+200B" in answer["people"][1]["message"]
    assert scene.erasures.holds("acme", scene.clock.now_s).revision == 0
    assert scene.queued() == []


def test_unknown_export_is_refused(scene: Scene) -> None:
    request = replace(EraseRequest("other", (ANN,)))
    with pytest.raises(InputInvalid, match="names no export"):
        erase(request, scene.sides, scene.clock.now_s)
