"""A sweep from the scans to the queue, over as many invocations as it takes."""

import math
from dataclasses import replace
from typing import Any

import pytest

from functions.sweep import decide, kept, verify
from functions.sweep.look_ups import MAX_UNANSWERED
from lytics_sendgrid.domain.change import Kind
from lytics_sendgrid.domain.checkpoint import ScanPart
from lytics_sendgrid.domain.configuration import Audience, Export
from lytics_sendgrid.errors import RequestRefused, ServiceUnavailable, StopRun
from lytics_sendgrid.queues import outgoing
from lytics_sendgrid.queues.changes import decode
from lytics_sendgrid.tables.exports import RUN_KEPT_S, UNFINISHED_KEPT_S
from tests.clock import START_S
from tests.unit.functions.sweep.sweep_scene import (
    BEFORE,
    DELAY_S,
    HOUR_NS,
    READERS,
    RUN,
    S_NS,
    SINCE_NS,
    VIPS,
    YOUNG,
    Scene,
)

ANN, BOB, CAT, DAN = (f"{name}@example.org" for name in ("ann", "bob", "cat", "dan"))


@pytest.fixture
def scene() -> Scene:
    """Return a run in which both audiences have one member whom everybody knows."""
    scene = Scene()
    scene.known(VIPS, ANN)
    scene.known(READERS, ANN)
    scene.contact(ANN, {VIPS: BEFORE, READERS: BEFORE})
    scene.lytics.member(ANN, VIPS, READERS)
    return scene


def crowd(scene: Scene, audience: Audience = VIPS, people: int = 30, event: int = BEFORE) -> list[str]:
    """Put people into an audience in the ledger whom the scan has not seen."""
    emails = [f"p{n:03d}@example.org" for n in range(people)]
    for email in emails:
        scene.contact(email, {audience: event})
    return emails


def exits(scene: Scene) -> list[str]:
    return [change.email for change in scene.changes() if change.kind is Kind.EXIT]


def enters(scene: Scene) -> list[str]:
    return [change.email for change in scene.changes() if change.kind is Kind.ENTER]


def ask_for_second_scan(scene: Scene) -> list[str]:
    """Sweep until second scans are asked for; return their audiences' ids."""
    for _ in range(50):
        progress = scene.call()
        if progress.second_scan:
            return [audience.id for audience in progress.second_scan]
        assert not progress.done
    raise AssertionError("no second scan was asked for")


def test_nobody_moves_if_scan_and_ledger_agree(scene: Scene) -> None:
    assert scene.call().done
    assert scene.changes() == []
    assert scene.lytics.asked == []
    assert scene.tally() == {"members": 1}
    assert scene.document()["contacts"] == 1


def test_missing_member_leaves_when_the_look_up_agrees(scene: Scene) -> None:
    scene.contact(BOB, {VIPS: BEFORE})
    assert scene.call().done
    (change,) = scene.changes()
    assert (change.email, change.kind, change.audience, change.time_ns) == (BOB, Kind.EXIT, VIPS.id, S_NS)
    assert scene.tally() == {"members": 2, "suspects": 1, "leavers": 1}
    assert scene.lytics.asked == [ANN, ANN, BOB]


def test_messages_carry_run_and_number_and_are_expected(scene: Scene) -> None:
    scene.contact(BOB, {VIPS: BEFORE})
    scene.call()
    (message,) = (decode(message.body) for message in scene.queue.messages)
    assert (message.export, message.run, message.number) == ("newsletter", RUN, "sweep.1.0")
    assert message.config == 7
    assert scene.exports.progress(RUN).expected == {"sweep.1.0"}


def test_finished_sweep_keeps_no_address(scene: Scene) -> None:
    scene.contact(BOB, {VIPS: BEFORE})
    scene.call()
    assert "@" not in str(scene.document())
    assert scene.call().done
    assert len(scene.changes()) == 1


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        (SINCE_NS, {}),
        (SINCE_NS + 1, {"members": 1, "suspects": 1, "leavers": 1}),
        (S_NS, {"members": 1, "suspects": 1, "leavers": 1}),
        (S_NS + 1, {"members": 1}),
        (-S_NS, {}),
    ],
)
def test_only_events_between_since_and_stamp_are_suspect(event: int, expected: dict[str, Any]) -> None:
    scene = Scene()
    scene.audiences = (VIPS,)
    scene.scanned(VIPS, ANN)
    scene.lytics.member(ANN, VIPS)
    scene.contact(BOB, {VIPS: event})
    scene.call()
    assert scene.tally() == expected


def test_other_accounts_are_not_swept(scene: Scene) -> None:
    scene.contact(BOB, {VIPS: BEFORE}, account="acme2")
    scene.call()
    assert scene.changes() == []


def test_member_whom_the_scan_skipped_stays(scene: Scene) -> None:
    scene.contact(BOB, {VIPS: BEFORE})
    scene.lytics.member(BOB, VIPS)
    scene.call()
    assert scene.changes() == []
    assert scene.tally()["stayed"] == {"member": 1}


def test_profile_with_another_address_now_leaves(scene: Scene) -> None:
    scene.contact(BOB, {VIPS: BEFORE})
    scene.lytics.member(BOB, VIPS, now=CAT)
    scene.call()
    assert exits(scene) == [BOB]


def test_profile_without_the_audience_leaves(scene: Scene) -> None:
    scene.contact(BOB, {VIPS: BEFORE})
    scene.lytics.member(BOB, READERS)
    scene.call()
    assert exits(scene) == [BOB]


def test_one_look_up_decides_all_audiences_of_a_person(scene: Scene) -> None:
    scene.contact(BOB, {VIPS: BEFORE, READERS: BEFORE})
    scene.lytics.member(BOB, READERS)
    scene.call()
    assert scene.lytics.asked.count(BOB) == 1
    assert [(change.email, change.audience) for change in scene.changes()] == [(BOB, VIPS.id)]


@pytest.mark.parametrize("error", [RequestRefused("no"), ServiceUnavailable("timed out")])
def test_unclear_look_up_takes_nobody_out(scene: Scene, error: Exception) -> None:
    scene.contact(BOB, {VIPS: BEFORE})
    scene.lytics.people[BOB] = error
    scene.call()
    assert scene.changes() == []
    assert scene.tally()["stayed"] == {"unclear": 1}


def test_lytics_that_stops_answering_is_asked_no_more(scene: Scene) -> None:
    for email in crowd(scene):
        scene.lytics.people[email] = RequestRefused("no right to read profiles")
    scene.call()
    assert len(scene.lytics.asked) == 2 + MAX_UNANSWERED
    assert scene.tally()["stayed"] == {"unclear": 30}


def test_verification_waits_until_the_scans_lag_is_over(scene: Scene) -> None:
    scene.contact(BOB, {VIPS: BEFORE})
    scene.clock.move(-DELAY_S + 0.5)
    progress = scene.call()
    assert (progress.done, progress.wait_s) == (False, DELAY_S)
    assert progress.doing == "waits before anybody is verified"
    assert scene.lytics.asked == []
    assert scene.run().done
    assert exits(scene) == [BOB]


def test_verification_waits_for_the_scan_that_began_last(scene: Scene) -> None:
    scene.contact(BOB, {VIPS: BEFORE})
    scene.contact(CAT, {READERS: BEFORE})
    scene.scanned(READERS, ANN, began_s=int(START_S) + 60)
    assert scene.call().wait_s == 60


def test_returner_with_an_old_exit_is_put_back_at_once(scene: Scene) -> None:
    scene.contact(ANN, {VIPS: -BEFORE, READERS: BEFORE})
    assert scene.call().done
    (change,) = scene.changes()
    assert (change.email, change.kind, change.time_ns) == (ANN, Kind.ENTER, S_NS)
    assert scene.tally() == {"returners": 1, "returned": 1}
    assert scene.lytics.asked == []


@pytest.mark.parametrize(("age_ns", "expected"), [(24 * HOUR_NS, "young"), (24 * HOUR_NS + 1, "returners")])
def test_exit_of_the_last_24_hours_is_young(scene: Scene, age_ns: int, expected: str) -> None:
    scene.contact(ANN, {VIPS: -(S_NS - age_ns), READERS: BEFORE})
    scene.call()
    assert expected in scene.tally()


def test_young_returner_is_put_back_only_by_a_look_up(scene: Scene) -> None:
    scene.scanned(VIPS, ANN, BOB, CAT, sample=((ANN, False),))
    scene.contact(BOB, {VIPS: -YOUNG})
    scene.contact(CAT, {VIPS: -YOUNG})
    scene.lytics.member(BOB, VIPS)
    scene.call()
    assert enters(scene) == [BOB]
    assert scene.tally() == {"members": 1, "young": 2, "confirmed": 1, "returned": 1}


def test_young_returners_wait_if_look_ups_are_not_believed(scene: Scene) -> None:
    scene.scanned(VIPS, ANN, BOB)
    scene.contact(BOB, {VIPS: -YOUNG})
    scene.lytics.member(BOB, VIPS)
    del scene.lytics.people[ANN]
    assert scene.call().done
    assert scene.changes() == []
    assert scene.lytics.asked == [ANN]


def test_look_ups_that_miss_whom_a_scan_has_shown_decide_nothing(scene: Scene) -> None:
    scene.contact(BOB, {VIPS: BEFORE})
    del scene.lytics.people[ANN]
    assert ask_for_second_scan(scene) == [VIPS.id]
    assert (scene.document()["believed"], scene.document()["doubt"]) == (False, "not_found")


def test_look_ups_by_a_field_that_identifies_nobody_are_not_made(scene: Scene) -> None:
    scene.contact(BOB, {VIPS: BEFORE})
    scene.lytics.identifiers = set()
    assert ask_for_second_scan(scene) == [VIPS.id]
    assert scene.lytics.asked == []
    assert (scene.document()["believed"], scene.document()["doubt"]) == (False, "no_identity")


def test_look_ups_without_anybody_to_try_them_with_decide_nothing(scene: Scene) -> None:
    scene.contact(BOB, {VIPS: BEFORE})
    scene.scanned(VIPS, ANN, sample=())
    scene.scanned(READERS, ANN, sample=())
    assert ask_for_second_scan(scene) == [VIPS.id]
    assert scene.lytics.asked == []
    assert scene.document()["doubt"] == "no_sample"


def test_scans_that_show_nothing_calibrate_no_look_ups(scene: Scene) -> None:
    scene.contact(BOB, {VIPS: BEFORE})
    scene.scanned(READERS, ANN, CAT, trouble="gone", sample=((CAT, True),))
    scene.call()
    assert scene.lytics.asked == [ANN, BOB]
    assert exits(scene) == [BOB]


def test_no_more_people_are_looked_up_than_in_a_run(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verify, "MAX_PEOPLE", 3)
    suspects = crowd(scene, people=2)
    young = ["x@example.org", "y@example.org"]
    for email in young:
        scene.contact(email, {READERS: -YOUNG})
        scene.lytics.member(email, READERS)
    scene.scanned(READERS, ANN, *young, sample=((ANN, False),))
    assert scene.run().done
    assert (exits(scene), enters(scene)) == (suspects, young[:1])


def test_nobody_to_calibrate_with_means_a_second_scan(scene: Scene) -> None:
    for audience in (VIPS, READERS):
        scene.scanned(audience, ANN, sample=())
    scene.contact(BOB, {VIPS: BEFORE})
    assert ask_for_second_scan(scene) == [VIPS.id]


def test_second_scan_decides_where_look_ups_do_not(scene: Scene) -> None:
    scene.contact(BOB, {VIPS: BEFORE})
    scene.contact(CAT, {VIPS: BEFORE})
    scene.lytics.identifiers = set()
    ask_for_second_scan(scene)
    scene.scanned(VIPS, ANN, CAT, scan=1)
    assert scene.run().done
    assert exits(scene) == [BOB]
    expected = {"members": 3, "suspects": 2, "candidates": 1, "leavers": 1, "stayed": {"seen_again": 1}}
    assert scene.tally() == expected


@pytest.mark.parametrize(
    ("changes", "trouble"),
    [
        ({"done": False}, "its scan has not ended"),
        ({"trouble": "the audience is gone"}, "the audience is gone"),
        ({"smallest": 9, "largest": 9}, "Lytics counts 9 people"),
        ({"parts": (ScanPart(),)}, "a scan in parts is not enough to remove anyone"),
        ({"email_fields": (("newsletter", "mail"),)}, "changed between the two scans"),
    ],
)
def test_bad_second_scan_takes_nobody_out(scene: Scene, changes: dict[str, Any], trouble: str) -> None:
    scene.contact(BOB, {VIPS: BEFORE})
    scene.lytics.identifiers = set()
    ask_for_second_scan(scene)
    scene.scanned(VIPS, ANN, scan=1, **changes)
    assert scene.run().done
    assert scene.changes() == []
    assert trouble in scene.tally()["trouble"]
    assert scene.tally()["stayed"] == {"second_scan": 1}


def test_second_scan_that_never_came_takes_nobody_out(scene: Scene) -> None:
    scene.contact(BOB, {VIPS: BEFORE})
    scene.lytics.identifiers = set()
    ask_for_second_scan(scene)
    assert scene.run().done
    assert scene.changes() == []


def many(scene: Scene, monkeypatch: pytest.MonkeyPatch, people: int = 30) -> list[str]:
    """Let more people be missing than are kept, and ask for the second scan."""
    monkeypatch.setattr(kept, "MAX_PEOPLE", 10)
    monkeypatch.setattr(verify, "MAX_PEOPLE", 10)
    monkeypatch.setattr(decide, "SAMPLE", 5)
    emails = crowd(scene, people=people)
    assert ask_for_second_scan(scene) == [VIPS.id]
    return emails


def test_too_many_for_look_ups_leave_if_a_sample_has_left(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene.contact(BOB, {READERS: SINCE_NS})
    emails = many(scene, monkeypatch)
    scene.scanned(VIPS, ANN, *emails[:3], scan=1)
    asked = len(scene.lytics.asked)
    assert scene.run().done
    assert exits(scene) == emails[3:]
    assert len(scene.lytics.asked) - asked == 5
    tally = scene.tally()
    assert (tally["suspects"], tally["candidates"], tally["leavers"]) == (30, 27, 27)
    assert tally["stayed"] == {"seen_again": 3}


def test_one_of_the_sample_who_stays_keeps_all_others(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    emails = many(scene, monkeypatch)
    scene.scanned(VIPS, ANN, scan=1)
    for email in emails[1:]:
        scene.lytics.member(email, VIPS)
    scene.clock.chance = lambda: 0.99  # the sample is the first five
    assert scene.run().done
    assert exits(scene) == emails[:1]
    assert scene.tally()["stayed"] == {"sample": 29}


def test_without_look_ups_all_leave_whom_two_scans_skip(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene.lytics.identifiers = set()
    emails = many(scene, monkeypatch)
    scene.scanned(VIPS, ANN, scan=1)
    assert scene.run().done
    assert exits(scene) == emails
    assert scene.lytics.asked == []


def test_second_scan_takes_out_nobody_who_came_after_the_first(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene.contact(BOB, {VIPS: S_NS + 1})
    emails = many(scene, monkeypatch)
    scene.scanned(VIPS, ANN, scan=1)
    assert scene.run().done
    assert exits(scene) == emails
    assert scene.tally()["candidates"] == len(emails)


def test_second_scans_of_two_audiences_decide_both(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept, "MAX_PEOPLE", 10)
    scene.lytics.identifiers = set()
    vips, readers = (f"v{n:02d}@example.org" for n in range(20)), (f"r{n:02d}@example.org" for n in range(20))
    people = {VIPS: list(vips), READERS: list(readers)}
    for audience, emails in people.items():
        for email in emails:
            scene.contact(email, {audience: BEFORE})
    assert ask_for_second_scan(scene) == [VIPS.id, READERS.id]
    for audience in people:
        scene.scanned(audience, ANN, scan=1)
    assert scene.run().done
    assert exits(scene) == sorted(people[VIPS] + people[READERS])
    assert scene.tally(READERS)["candidates"] == scene.tally(VIPS)["candidates"] == 20


@pytest.mark.parametrize("parts", [None, (ScanPart(splits="0"),)])
def test_second_scan_is_judged_after_a_change_was_taken_back(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, parts: tuple[ScanPart, ...] | None
) -> None:
    monkeypatch.setattr(kept, "MAX_PEOPLE", 10)
    scene.lytics.identifiers = set()
    crowd(scene)
    readers = [f"r{n:02d}@example.org" for n in range(20)]
    for email in readers:
        scene.contact(email, {READERS: BEFORE})
    assert ask_for_second_scan(scene) == [VIPS.id, READERS.id]
    scene.scanned(READERS, ANN, scan=1)
    if parts is not None:
        scene.scanned(VIPS, ANN, scan=1, parts=parts)
    account = scene.exports.account("acme")
    vips = replace(account.audiences[VIPS.id], exports=("newsletter", "offers"))
    scene.exports.put_export(Export("offers", "default", "acme", 7, "work", (), (VIPS,)))
    changed = replace(account, version=account.version + 1, audiences={**account.audiences, VIPS.id: vips})
    scene.exports.put_account(changed, account.version)
    scene.left_s = -1.0
    assert scene.call().doing == "compares contacts with the second scans"
    scene.left_s = 60.0
    scene.configure("newsletter")
    assert scene.run().done
    assert exits(scene) == readers
    assert scene.tally()["trouble"].startswith("its second scan decides nothing: ")


def test_people_of_an_audience_that_was_changed_try_the_look_ups_too(scene: Scene) -> None:
    """Its exports were changed during the run. A look-up must still find people whom its scan has shown."""
    scene.contact(BOB, {VIPS: BEFORE})
    scene.scanned(READERS, CAT, email_fields=(("offers", "email"),), sample=((CAT, True),))
    assert ask_for_second_scan(scene) == [VIPS.id]
    assert (scene.document()["believed"], scene.document()["doubt"]) == (False, "not_found")


def test_look_ups_that_are_not_believed_are_not_sampled(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene.lytics.people[ANN] = RequestRefused("403")
    emails = many(scene, monkeypatch)
    scene.scanned(VIPS, ANN, scan=1)
    asked = len(scene.lytics.asked)
    assert scene.run().done
    assert exits(scene) == emails
    assert len(scene.lytics.asked) == asked


def test_sweep_says_what_it_does(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    doing: list[str] = []
    monkeypatch.setattr(kept, "MAX_PEOPLE", 10)
    monkeypatch.setattr(verify, "MAX_PEOPLE", 10)
    monkeypatch.setattr(decide, "SAMPLE", 5)
    monkeypatch.setattr(outgoing, "MAX_BUFFERED", 4)
    crowd(scene)
    scene.contact(CAT, {READERS: BEFORE})
    scene.left_s = -1.0
    for _ in range(200):
        progress = scene.call()
        doing += [progress.doing] if progress.doing not in doing else []
        if progress.second_scan:
            scene.scanned(VIPS, ANN, scan=1)
        if progress.done:
            break
    assert doing[0].endswith(" contacts compared with the scans")
    assert [words for words in doing if "compared with the scans" not in words] == [
        "0 people looked up in Lytics",
        "has audiences scanned a second time",
        "compares contacts with the second scans",
        "looks up some people that two scans have not seen",
        "queues the exits of leavers and the enters of returners",
        "32 contacts compared",
    ]


def test_sweep_goes_on_wherever_its_time_ends(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outgoing, "MAX_BUFFERED", 4)
    scene.left_s = -1.0
    scene.contact(CAT, {READERS: BEFORE})
    scene.contact(DAN, {READERS: BEFORE})
    emails = many(scene, monkeypatch)
    scene.scanned(VIPS, ANN, scan=1)
    assert scene.run().done
    assert exits(scene) == [CAT, DAN, *emails]
    assert scene.calls > 12
    assert len(scene.exports.progress(RUN).expected) == len(scene.queue.messages)


def test_time_that_ends_during_look_ups_loses_none(scene: Scene) -> None:
    emails = crowd(scene, people=5)
    scene.contact(ANN, {VIPS: BEFORE, READERS: -YOUNG})
    scene.left_s = -1.0
    assert scene.run().done
    assert exits(scene) == emails
    assert enters(scene) == [ANN]
    assert all(scene.lytics.asked.count(email) == 1 for email in emails)


def test_look_ups_are_made_only_by_fields_that_identify(scene: Scene) -> None:
    scene.configure("newsletter")
    scene.scanned(READERS, ANN, email_fields=(("newsletter", "email"), ("digest", "contact_mail")))
    scene.contact(BOB, {VIPS: BEFORE})
    scene.exports.put_export(Export("digest", "default", "acme", 7, "contact_mail", (), (READERS,)))
    account = scene.exports.account("acme")
    both = replace(account.audiences[READERS.id], exports=("newsletter", "digest"))
    audiences = {**account.audiences, READERS.id: both}
    scene.exports.put_account(replace(account, version=9, audiences=audiences), account.version)
    scene.contact(CAT, {READERS: BEFORE})
    assert ask_for_second_scan(scene) == [READERS.id]
    # The sample of the readers is not asked either.
    assert scene.lytics.asked == [ANN, BOB]
    assert scene.run().done
    assert exits(scene) == [BOB]


def test_samples_are_looked_up_only_by_fields_that_identify(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept, "MAX_PEOPLE", 10)
    account = scene.exports.account("acme")
    readers = replace(account.audiences[READERS.id], exports=("offers",))
    scene.exports.put_export(Export("offers", "default", "acme", 7, "work", (), (READERS,)))
    audiences = {VIPS.id: account.audiences[VIPS.id], READERS.id: readers}
    scene.exports.put_account(replace(account, version=9, audiences=audiences), account.version)
    scene.scanned(READERS, ANN, email_fields=(("offers", "work"),))
    scene.contact(BOB, {VIPS: BEFORE})
    emails = crowd(scene, READERS)
    assert ask_for_second_scan(scene) == [READERS.id]
    assert scene.document()["believed"] is True
    scene.scanned(READERS, ANN, scan=1, email_fields=(("offers", "work"),))
    assert scene.run().done
    assert exits(scene) == sorted([BOB, *emails])
    assert scene.lytics.asked == [ANN, BOB]


def test_returners_who_are_too_many_to_be_kept_are_put_back(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept, "MAX_PEOPLE", 10)
    emails = crowd(scene, people=30, event=-BEFORE)
    scene.contact(BOB, {READERS: SINCE_NS})
    scene.scanned(VIPS, ANN, *emails)
    assert scene.run().done
    assert enters(scene) == emails
    assert scene.tally() == {"members": 1, "returners": 30, "returned": 30}


def test_guard_stops_an_audience_and_no_other(scene: Scene) -> None:
    crowd(scene, people=51)
    scene.contact(BOB, {READERS: BEFORE})
    scene.call()
    assert exits(scene) == [BOB]
    tally = scene.tally()
    assert tally["stayed"] == {"guard": 51}
    assert tally["trouble"].startswith("the guard stopped its sweep: 51 of its 52 members are missing")
    assert '"max_leavers_percent"' in tally["trouble"]


@pytest.mark.parametrize(
    "changes", [{"max_leavers_percent": 99}, {"audiences": (READERS,), "swept_only": (VIPS,)}]
)
def test_guard_can_be_raised_and_is_lifted_for_removed_ones(scene: Scene, changes: dict[str, Any]) -> None:
    emails = crowd(scene, people=51)
    scene.request = changes
    scene.call()
    assert exits(scene) == emails


def test_50_may_always_leave(scene: Scene) -> None:
    emails = crowd(scene, people=50)
    scene.call()
    assert exits(scene) == emails


@pytest.mark.parametrize(
    ("changes", "trouble"),
    [
        ({"done": False}, "its scan has not ended"),
        ({"done": False, "trouble": "Lytics says 404: it was deleted."}, "404: it was deleted. Nobody was"),
        ({"smallest": 5, "largest": 5}, "Lytics counts 5 people in the audience but its scan returned 1"),
        ({"seen": 0, "chunks": 0}, "none of the 1 rows of its scan has an address"),
    ],
)
def test_scan_that_does_not_show_who_left_takes_nobody_out(
    scene: Scene, changes: dict[str, Any], trouble: str
) -> None:
    scene.contact(BOB, {VIPS: BEFORE, READERS: BEFORE})
    scene.scanned(VIPS, ANN, **changes)
    scene.call()
    assert [(change.email, change.audience) for change in scene.changes()] == [(BOB, READERS.id)]
    assert trouble in scene.tally()["trouble"]
    assert "Nobody was taken out of its segment" in scene.tally()["trouble"]


def test_returners_of_a_short_scan_are_put_back(scene: Scene) -> None:
    scene.contact(ANN, {VIPS: -BEFORE, READERS: BEFORE})
    scene.contact(BOB, {VIPS: BEFORE})
    scene.scanned(VIPS, ANN, smallest=5, largest=5)
    scene.call()
    assert enters(scene) == [ANN]
    assert exits(scene) == []
    assert scene.tally()["stayed"] == {"not_swept": 1}


def test_audience_that_was_never_scanned_is_left_alone(scene: Scene) -> None:
    other = Audience("c" * 32, "Others", "others")
    scene.audiences = (VIPS, READERS, other)
    scene.contact(BOB, {other: BEFORE})
    scene.call()
    assert scene.changes() == []
    assert "has not ended" in scene.tally(other)["trouble"]


def test_audience_without_a_size_takes_nobody_out(scene: Scene) -> None:
    scene.contact(BOB, {VIPS: BEFORE})
    del scene.lytics.sizes_of[VIPS.id]
    scene.call()
    assert scene.changes() == []
    assert "does not say how many" in scene.tally()["trouble"]


def test_scan_far_below_the_size_takes_nobody_out(scene: Scene) -> None:
    scene.contact(BOB, {VIPS: BEFORE})
    scene.lytics.sizes_of[VIPS.id] = 1_000
    scene.call()
    assert scene.changes() == []
    assert "Lytics counts 1,000 people" in scene.tally()["trouble"]


def test_audience_that_another_export_got_is_not_swept(scene: Scene) -> None:
    scene.contact(BOB, {VIPS: BEFORE})
    scene.contact(ANN, {VIPS: -BEFORE, READERS: -BEFORE})
    scene.configure("newsletter", "digest")
    scene.call()
    assert scene.changes() == []
    assert "were changed" in scene.tally()["note"]


def test_fields_are_looked_at_again_before_anything_is_queued(scene: Scene) -> None:
    scene.contact(BOB, {VIPS: BEFORE})
    scene.contact(ANN, {VIPS: -BEFORE, READERS: -YOUNG})
    scene.contact(CAT, {READERS: BEFORE})
    scene.scanned(READERS, ANN, DAN)
    scene.contact(DAN, {READERS: BEFORE})
    scene.lytics.member(DAN, READERS)
    scene.scanned(VIPS, ANN, sample=((ANN, True),))
    scene.clock.move(-DELAY_S)
    assert scene.call().wait_s > 0
    scene.configure("newsletter", email_field="private_email")
    assert scene.run().done
    assert scene.changes() == []
    assert scene.tally()["stayed"] == {"changed": 1}


def test_dry_run_counts_nobody_of_an_audience_that_was_changed(scene: Scene) -> None:
    scene.request = {"dry_run": True}
    scene.contact(ANN, {VIPS: -BEFORE, READERS: BEFORE})
    crowd(scene, READERS, people=51)
    scene.clock.move(-DELAY_S)
    scene.contact(BOB, {VIPS: BEFORE})
    assert scene.call().wait_s > 0
    scene.configure("newsletter", email_field="private_email")
    assert scene.run().done
    assert "returned" not in scene.tally()
    assert scene.tally(READERS)["stayed"] == {"guard": 51}


def test_change_during_the_look_ups_is_noticed(scene: Scene) -> None:
    scene.contact(BOB, {VIPS: BEFORE})
    person = scene.lytics.person

    def look_up_and_change(*args: Any) -> Any:
        scene.configure("newsletter", email_field="private_email")
        return person(*args)

    scene.lytics.person = look_up_and_change  # type: ignore[method-assign, assignment]
    assert scene.call().done
    assert scene.changes() == []
    assert scene.tally()["stayed"] == {"changed": 1}


def test_message_names_an_export_that_has_the_audience(scene: Scene) -> None:
    scene.configure("digest")
    scene.scanned(VIPS, ANN, email_fields=(("digest", "email"),))
    scene.contact(BOB, {VIPS: BEFORE})
    scene.request = {"audiences": (), "swept_only": (VIPS,)}
    scene.call()
    (message,) = (decode(message.body) for message in scene.queue.messages)
    assert (message.export, [change.email for change in message.changes]) == ("digest", [BOB])


def test_audience_that_is_no_longer_provisioned_is_not_swept(scene: Scene) -> None:
    other = Audience("c" * 32, "Others", "others")
    scene.audiences = (other,)
    scene.scanned(other, ANN)
    scene.contact(BOB, {other: BEFORE})
    scene.call()
    assert scene.changes() == []


@pytest.mark.parametrize("too_many", [False, True])
def test_dry_run_counts_and_queues_nothing(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, too_many: bool
) -> None:
    scene.request = {"dry_run": True}
    scene.contact(ANN, {VIPS: BEFORE, READERS: -BEFORE})
    if too_many:
        scene.lytics.identifiers = set()
        many(scene, monkeypatch)
        scene.scanned(VIPS, ANN, scan=1)
    else:
        crowd(scene)
    assert scene.run().done
    assert scene.changes() == []
    assert scene.tally()["leavers"] == 30
    assert scene.tally(READERS)["returned"] == 1


def test_hashes_that_are_missing_stop_the_sweep(scene: Scene) -> None:
    scene.scanned(VIPS, ANN, seen=2)
    with pytest.raises(StopRun, match="Start the run again"):
        scene.call()


def test_failure_leaves_the_checkpoint_as_it_was(scene: Scene) -> None:
    scene.contact(BOB, {VIPS: BEFORE})
    scene.dynamodb.calls.errors["Scan"] = ServiceUnavailable("DynamoDB: 503")
    with pytest.raises(ServiceUnavailable):
        scene.call()
    del scene.dynamodb.calls.errors["Scan"]
    assert scene.run().done
    assert exits(scene) == [BOB]


def expiry_s(scene: Scene) -> int:
    item = scene.dynamodb.exports.items[f"run#{RUN}", "walk#sweep"]
    return int(item["expires_epoch_s"]["N"]) - math.floor(scene.clock.now_s)


def test_checkpoint_that_may_hold_an_address_expires_soon(scene: Scene) -> None:
    crowd(scene, people=5)
    scene.left_s = -1.0
    assert not scene.call().done
    assert (expiry_s(scene), scene.document()["read_units"] > 0) == (UNFINISHED_KEPT_S, True)
    assert scene.run().done
    assert expiry_s(scene) == RUN_KEPT_S


def test_audience_without_an_email_field_is_not_asked_about(scene: Scene) -> None:
    scene.scanned(VIPS, ANN, email_fields=())
    session = scene.session()
    assert [session.can_ask(audience.id) for audience in (VIPS, READERS)] == [False, True]
