"""A contact on the lists of several exports: a deleted list stops only its own export."""

from collections.abc import Mapping
from dataclasses import replace

import pytest

from functions.deliver.export_views import View
from lytics_sendgrid.domain.change import Change, Kind
from lytics_sendgrid.domain.stop import Stop
from lytics_sendgrid.errors import StopRun
from lytics_sendgrid.queues.imports import import_from
from lytics_sendgrid.sendgrid.row import row_hash, row_lists, row_of
from lytics_sendgrid.sendgrid.upsert_answer import Accepted, RequestFault, RowsRefused, Unanswered, Verdict
from tests.unit.functions.deliver.deliver_scene import REFRESH_S, Scene
from tests.unit.functions.deliver.example_changes import enter, entering, exit_, message, refresh
from tests.unit.functions.deliver.example_export import BUYERS, EXPORT, FORM, READERS, SEGMENTS

ANN, BOB, CY = "ann@example.org", "bob@example.com", "cy@example.org"
SHOP, NEWS, CLUB = "shop-list", "news-list", "club-list"
ALL = {SHOP: "shop", NEWS: "newsletter", CLUB: "club"}


def view(
    name: str, list_id: str | None, lists: Mapping[str, str] = ALL, authorization: str = "default"
) -> View:
    export = replace(EXPORT, name=name, list_id=list_id, authorization=authorization)
    return View(export, replace(FORM, lists=lists), None)


def scene_with(*emails: str, exports: tuple[str, ...] = ("shop", "newsletter")) -> Scene:
    """Return a scene with old contacts of some exports; the shop's list was deleted in SendGrid since."""
    scene = Scene(view("shop", SHOP), view("newsletter", NEWS), view("club", CLUB), view("plain", None))
    for export in exports:
        scene.deliver(message(*(enter(email, 100, BUYERS) for email in emails), export=export))
    scene.sendgrid.lists = {NEWS, CLUB}
    scene.sendgrid.requests.clear()
    scene.changes.messages.clear()
    scene.imports.messages.clear()
    scene.clock.now_s += 3_600
    return scene


def sent_lists(scene: Scene) -> list[tuple[str, ...]]:
    return [lists for lists, _ in scene.sendgrid.requests]


def whole_hash(scene: Scene, email: str) -> str:
    contact, form = scene.contact(email), scene.written["shop"].form
    return row_hash(row_of(email, contact, form), row_lists(contact, form))


@pytest.mark.parametrize(
    ("export", "requests"),
    [
        ("newsletter", [(NEWS, SHOP), (NEWS,), (SHOP,)]),
        ("plain", [(NEWS, SHOP), (), (NEWS,), (SHOP,)]),
        ("club", [(CLUB, NEWS, SHOP), (CLUB,), (NEWS,), (SHOP,)]),
    ],
)
def test_exit_gets_through_if_list_of_another_export_is_gone(
    export: str, requests: list[tuple[str, ...]]
) -> None:
    scene = scene_with(ANN)
    began_s = scene.clock.now_s
    summary = scene.deliver(message(exit_(ANN, 200, BUYERS), export=export), entering([BOB], export=export))
    assert [lists for lists, rows in scene.sendgrid.requests if rows[0]["email"] == ANN] == requests
    assert scene.sendgrid.held[ANN]["custom_fields"] == {SEGMENTS: "none"}
    assert scene.contact(ANN).row == whole_hash(scene, ANN)
    assert not scene.contact(ANN).is_in(BUYERS)
    assert scene.has(BOB)
    assert (summary.stopped, scene.stops(), scene.requeued()) == ({}, {}, [])
    assert scene.clock.now_s == began_s, "no sleep"


def test_exit_gets_through_beside_change_of_export_with_deleted_list() -> None:
    scene = scene_with(ANN, exports=("shop",))
    summary = scene.deliver(message(exit_(ANN, 200, BUYERS), export="plain"), entering([BOB], export="shop"))
    assert scene.sendgrid.held[ANN]["custom_fields"] == {SEGMENTS: "none"}
    assert set(summary.stopped) == {"shop"}


def test_contact_that_must_wait_is_not_sent_to_lists_of_others() -> None:
    scene = scene_with(ANN, exports=("shop", "newsletter", "club"))
    scene.deliver(
        message(exit_(ANN, 200, BUYERS), export="shop"), message(enter(ANN, 300), export="newsletter")
    )
    assert {lists for _, m in scene.requeued() for lists in [m.export]} == {"shop", "newsletter"}
    assert (CLUB,) not in sent_lists(scene)


def test_refresh_does_not_put_contact_on_its_exports_list() -> None:
    scene = scene_with(ANN, exports=("plain",))
    scene.sendgrid.field_ids = {"other"}
    scene.deliver(message(refresh(ANN, scene.contact(ANN).sent_ms), export="newsletter"))
    assert set(sent_lists(scene)) == {()}
    assert set(scene.stops()) == {"newsletter"}


def test_existing_lists_cost_no_extra_requests() -> None:
    scene = scene_with(ANN)
    scene.sendgrid.lists = None
    scene.deliver(message(exit_(ANN, 200, BUYERS), export="plain"))
    assert sent_lists(scene) == [(NEWS, SHOP)]


def test_change_of_the_lists_own_export_stops_only_that_export() -> None:
    scene = scene_with(ANN, BOB)
    summary = scene.deliver(
        message(exit_(ANN, 200, BUYERS), export="newsletter"), message(exit_(BOB, 200, BUYERS), export="shop")
    )
    assert set(summary.stopped) == set(scene.stops()) == {"shop"}
    assert scene.sendgrid.held[ANN]["custom_fields"] == {SEGMENTS: "none"}
    assert scene.contact(ANN).row == whole_hash(scene, ANN)
    assert scene.contact(BOB).is_in(BUYERS)
    ((delay_s, back),) = scene.requeued()
    assert (delay_s, back.export) == (900, "shop")


def test_contact_of_both_exports_is_sent_and_export_at_fault_waits() -> None:
    scene = scene_with(ANN)
    for export in ("newsletter", "shop"):
        assert scene.contact(ANN).is_in(BUYERS)
        first, second = ("newsletter", "shop") if export == "newsletter" else ("shop", "newsletter")
        one = message(exit_(ANN, 200, BUYERS), export=first)
        two = message(enter(ANN, 300, READERS), export=second)
        summary = scene.deliver(one, two)
        assert set(summary.stopped) == {"shop"}
        assert scene.sendgrid.held[ANN]["custom_fields"] == {SEGMENTS: READERS}
        assert {(delay_s, m.export, m.uncertain) for delay_s, m in scene.requeued()} == {
            (900, "shop", True),
            (5, "newsletter", True),
        }
        scene.changes.messages.clear()
        scene.exports.lift_stop("shop", scene.now_ms())


def test_contact_of_two_exports_continues_with_the_working_one() -> None:
    scene = scene_with(ANN)
    scene.deliver(
        message(exit_(ANN, 200, BUYERS), export="shop"), message(enter(ANN, 300), export="newsletter")
    )
    back = {m.export: m for _, m in scene.requeued()}
    scene.changes.messages.clear()
    summary = scene.deliver(back["newsletter"])
    assert (summary.stopped, scene.requeued()) == ({}, [])
    assert scene.contact(ANN).is_in(READERS)
    assert scene.contact(ANN).row == whole_hash(scene, ANN)


def test_stop_is_lifted_only_by_rows_sent_to_the_exports_own_list() -> None:
    scene = scene_with(ANN)
    for one in list(scene.written.values()):
        scene.put_view(replace(one, stop=Stop("why", 0, 0)))
    scene.deliver(
        message(exit_(ANN, 200, BUYERS), export="shop"), message(enter(ANN, 300), export="newsletter")
    )
    assert scene.resumed() == []
    scene.deliver(message(enter(ANN, 300), export="newsletter"))
    assert scene.resumed() == ["newsletter"]


def test_existing_list_of_another_export_is_sent_despite_a_deleted_one() -> None:
    scene = scene_with(ANN, exports=("shop", "newsletter", "club"))
    scene.deliver(message(exit_(ANN, 200, BUYERS), export="club"))
    assert sent_lists(scene) == [(CLUB, NEWS, SHOP), (CLUB,), (NEWS,), (SHOP,)]
    assert [rows[0]["custom_fields"] for _, rows in scene.sendgrid.requests] == [{SEGMENTS: "none"}] * 4


def test_faulty_rows_stop_their_export_in_one_invocation() -> None:
    scene = scene_with(ANN)
    scene.sendgrid.field_ids = {"other"}
    summary = scene.deliver(message(exit_(ANN, 200, BUYERS), export="newsletter"))
    assert summary.stopped == {"newsletter": "400 invalid custom field ids supplied"}
    assert scene.contact(ANN).is_in(BUYERS)


def test_field_that_becomes_usable_leaves_no_list_out() -> None:
    scene = scene_with(ANN)
    scene.sendgrid.lists, scene.sendgrid.field_ids = None, set()

    def make_usable(number: int) -> None:
        if number == 3:
            scene.sendgrid.field_ids = None

    scene.sendgrid.after_request = make_usable
    scene.deliver(message(exit_(ANN, 200, BUYERS), export="newsletter"))
    assert sent_lists(scene) == [(NEWS, SHOP), (NEWS,), (NEWS,), (NEWS,), (SHOP,)]
    assert not scene.contact(ANN).is_in(BUYERS)


@pytest.mark.parametrize("verdict", [RequestFault("401 key"), RowsRefused("500")])
def test_other_list_refused_for_another_reason_is_retried(verdict: Verdict) -> None:
    scene = scene_with(ANN)
    scene.sendgrid.script = [RequestFault("404", of_list=True), Accepted("j1"), *[verdict] * 3]
    summary = scene.deliver(message(exit_(ANN, 200, BUYERS), export="newsletter"))
    assert summary.stopped == {}
    ((_, back),) = scene.requeued()
    assert (back.export, back.uncertain) == ("newsletter", True)
    assert scene.contact(ANN).is_in(BUYERS)


def test_refused_list_is_found_even_if_unnamed() -> None:
    scene = scene_with(ANN)
    scene.sendgrid.script = [RowsRefused("400"), RowsRefused("400"), Accepted("bare")]
    scene.deliver(message(exit_(ANN, 200, BUYERS), export="newsletter"))
    assert sent_lists(scene) == [(NEWS, SHOP), (NEWS, SHOP), (), (NEWS,), (SHOP,)]
    assert not scene.contact(ANN).is_in(BUYERS)
    assert scene.contact(ANN).rejection is None


def test_refused_fields_are_left_out_on_every_list() -> None:
    scene = scene_with(ANN)
    scene.sendgrid.lists, scene.sendgrid.bad_values = {NEWS, CLUB, SHOP}, {"Atlantis"}
    scene.sendgrid.script = [RequestFault("404", of_list=True)]
    scene.deliver(message(replace(exit_(ANN, 200, BUYERS), fields={"city": "Atlantis"}), export="newsletter"))
    contact = scene.contact(ANN)
    assert contact.rejection is not None
    assert contact.row == f"{contact.rejection.row}~" == f"{whole_hash(scene, ANN)}~"
    assert scene.sendgrid.held[ANN]["custom_fields"] == {SEGMENTS: "none"}


def test_refused_address_is_rejected_once() -> None:
    scene = scene_with(ANN)
    scene.sendgrid.bad_addresses = {ANN}
    summary = scene.deliver(message(exit_(ANN, 200, BUYERS), export="newsletter"))
    assert sent_lists(scene) == [(NEWS, SHOP), (NEWS,)]
    assert summary.counts["rejected.address"] == 1


def test_refused_key_stops_only_its_own_export() -> None:
    scene = scene_with(ANN)
    scene.put_view(view("shop", SHOP, authorization="other"))
    scene.no_key["other"] = StopRun("no key")
    scene.deliver(
        message(exit_(ANN, 200, BUYERS), export="shop"), message(enter(ANN, 300), export="newsletter")
    )
    assert set(scene.stops()) == {"shop"}
    assert scene.sendgrid.held[ANN]["custom_fields"] == {SEGMENTS: READERS}


def test_fault_at_the_end_of_the_time_stops_no_export() -> None:
    scene = scene_with(ANN)
    scene.sendgrid.duration_s = 10.0
    summary = scene.deliver(message(exit_(ANN, 200, BUYERS), export="newsletter"), seconds=30)
    assert sent_lists(scene) == [(NEWS, SHOP)]
    assert summary.stopped == {}
    assert len(scene.requeued()) == 1
    scene.changes.messages.clear()
    scene.deliver(message(exit_(ANN, 200, BUYERS), export="newsletter"))
    assert not scene.contact(ANN).is_in(BUYERS)


def test_late_refusal_matches_row_of_any_of_its_jobs() -> None:
    scene = scene_with(ANN, exports=("shop", "newsletter", "club"))
    scene.deliver(message(replace(exit_(ANN, 200, BUYERS), fields={"city": "Oslo"}), export="club"))
    jobs = [import_from(body) for _, body in scene.imports.sent]
    assert len(jobs) == 2
    assert {job.contacts[ANN].row for job in jobs} == {scene.contact(ANN).row}
    assert scene.contact(ANN).job == jobs[0].job
    assert scene.contact(ANN).sent_ms == jobs[0].sent_ms
    assert scene.contact(ANN).latest_ms == jobs[-1].sent_ms
    for job in jobs:
        carried = job.contacts[ANN]
        scene.deliver(
            message(Change(ANN, 400, Kind.REJECT, row=carried.row, reason="city"), export=carried.export)
        )
    rejection = scene.contact(ANN).rejection
    assert rejection is not None
    assert (rejection.reason, scene.contact(ANN).row) == ("fields", f"{rejection.row}~")


def test_refresh_leads_only_to_refresh_by_export_whose_list_is_gone() -> None:
    scene = scene_with(ANN)
    stamp_ms = scene.contact(ANN).sent_ms
    scene.deliver(message(refresh(ANN, stamp_ms), export="newsletter"))
    assert sent_lists(scene) == [(NEWS, SHOP), (NEWS,), (SHOP,)]
    assert scene.contact(ANN).sent_ms > stamp_ms
    assert [one.export for _, one in scene.queued()] == ["shop"]
    scene.deliver(message(refresh(ANN, stamp_ms), export="newsletter"))
    assert len(scene.sendgrid.requests) == 3
    for _ in range(3):
        scene.clock.now_s += 900
        scene.deliver_queue()
        assert [one.export for _, one in scene.queued()] == ["shop"], (
            "the refresh waits, and leads to no other"
        )


def test_duplicate_of_row_sent_list_by_list_costs_no_request() -> None:
    scene = scene_with(ANN)
    for _ in range(2):
        scene.deliver(message(exit_(ANN, 200, BUYERS), export="newsletter"))
    scene.deliver(message(exit_(ANN, 250, BUYERS), export="newsletter"))
    assert len(scene.sendgrid.requests) == 3


def test_waiting_changes_use_recreated_list_and_not_the_deleted_one() -> None:
    scene = scene_with(ANN, BOB)
    scene.deliver(
        message(exit_(ANN, 200, BUYERS), export="newsletter"), message(exit_(BOB, 200, BUYERS), export="shop")
    )
    lists = {"new-list": "shop", NEWS: "newsletter", CLUB: "club"}
    for name, list_id in (("shop", "new-list"), ("newsletter", NEWS)):
        fixed = view(name, list_id, lists)
        scene.put_view(replace(fixed, form=replace(fixed.form, version=4)))
    scene.sendgrid.lists = set(lists)
    scene.sendgrid.requests.clear()
    scene.clock.now_s += 900
    scene.deliver_queue()
    assert sent_lists(scene) == [(NEWS,), ("new-list", NEWS)]
    assert scene.sendgrid.held[BOB]["custom_fields"] == {SEGMENTS: "none"}
    scene.deliver(message(enter(ANN, 500), export="newsletter"))
    assert sent_lists(scene)[2:] == [(NEWS,)]
    assert {m.changes[0].kind for _, m in scene.queued()} <= {Kind.REFRESH}


@pytest.mark.parametrize("failed", [0, 1])
def test_list_of_failed_job_is_sent_again_despite_later_job(failed: int) -> None:
    scene = scene_with(ANN, exports=("shop", "newsletter", "club"))
    scene.sendgrid.duration_s = 2.0
    scene.deliver(message(exit_(ANN, 200, BUYERS), export="club"))
    jobs = [import_from(body) for _, body in scene.imports.sent]
    assert [job.sent_ms - jobs[0].sent_ms for job in jobs] == [0, 2_000]
    scene.sendgrid.requests.clear()
    scene.deliver(message(refresh(ANN, jobs[failed].sent_ms), export="club"))
    assert {(CLUB,), (NEWS,)} <= set(sent_lists(scene))


def test_contacts_missing_on_refused_list_are_left_to_its_export() -> None:
    scene = scene_with(ANN, BOB)
    scene.deliver(message(exit_(ANN, 200, BUYERS), exit_(BOB, 200, BUYERS), export="newsletter"))
    now_ms = scene.now_ms()
    assert scene.refreshes() == [(900, now_ms, [ANN, BOB])]
    ((_, refreshing),) = scene.queued()
    assert refreshing.export == "shop"
    scene.sendgrid.requests.clear()
    summary = scene.deliver_queue()
    assert set(summary.stopped) == {"shop"}
    scene.sendgrid.lists = None
    scene.clock.now_s += 900
    scene.deliver_queue()
    assert sent_lists(scene)[-1] == (NEWS, SHOP)
    assert scene.changes.sent == []


def test_contact_with_undecided_own_request_queues_no_refresh() -> None:
    scene = scene_with(ANN)
    scene.sendgrid.script = [RequestFault("404", of_list=True), *[Unanswered("500")] * 30]
    scene.deliver(message(exit_(ANN, 200, BUYERS), export="newsletter"), seconds=40)
    assert {message.export for _, message in scene.queued()} == {"newsletter"}
    assert not scene.contact(ANN).is_in(READERS)


def test_second_of_two_jobs_is_in_flight_for_its_own_time() -> None:
    scene = scene_with(ANN, exports=("shop", "newsletter", "club"))
    scene.sendgrid.duration_s = 20.0
    scene.deliver(message(enter(ANN, 200), export="club"))
    first_ms, second_ms = (import_from(body).sent_ms for _, body in scene.imports.sent)
    assert second_ms - first_ms == 20_000
    scene.sendgrid.lists = None
    scene.changes.messages.clear()
    scene.clock.now_s = first_ms / 1000 + REFRESH_S + 1
    now_ms = scene.now_ms()
    scene.deliver(message(exit_(ANN, 300), export="club"))
    assert scene.refreshes() == [(REFRESH_S, now_ms, [ANN])]
    assert scene.contact(ANN).latest_ms == 0
    scene.changes.messages.clear()
    scene.clock.now_s += REFRESH_S + 1
    scene.deliver(message(enter(ANN, 400), export="club"))
    assert scene.refreshes() == []


def test_bare_address_request_queues_no_import_message() -> None:
    scene = scene_with(ANN)
    scene.sendgrid.script = [RowsRefused("400"), RowsRefused("400"), Accepted("bare")]
    scene.deliver(message(exit_(ANN, 200, BUYERS), export="newsletter"))
    assert "bare" not in {import_from(body).job for _, body in scene.imports.sent}
    assert [one.export for _, one in scene.queued()] == ["shop"]


def test_refused_list_is_not_left_to_the_export_that_just_sent() -> None:
    scene = scene_with(ANN)
    for one in list(scene.written.values()):
        lists = {SHOP: "newsletter", NEWS: "newsletter", CLUB: "club"}
        scene.put_view(replace(one, form=replace(one.form, lists=lists)))
    scene.deliver(message(exit_(ANN, 200, BUYERS), export="newsletter"))
    assert not scene.contact(ANN).is_in(BUYERS)
    assert scene.changes.sent == []
