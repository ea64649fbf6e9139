"""The page of an export: both sides, history, charts, and what each visitor may do."""

import re
from typing import Any, cast

import pytest

from functions.console.drafts.draft import Draft, draft_key
from lytics_sendgrid.domain.stop import Stop
from lytics_sendgrid.tables.heard import HeardTable
from lytics_sendgrid.workflow.summary import SummaryPart
from tests.unit.functions.console.pages.run_scene import ODD_NAME, begin, days, finish, scene_with_export
from tests.unit.functions.console.scene import VIEWER, Page, Scene

PATH = "/exports/newsletter"


def test_export_without_a_run_has_its_audiences_and_no_numbers() -> None:
    page = scene_with_export().get(PATH)
    assert page.status == 200
    assert "Not known yet" in page.text
    assert "High value users" in page.text
    assert "The first report will show what each side counts." in page.text
    assert "No run yet." in page.text
    assert "No changes in the last 30 days." in page.text


def test_each_side_stands_side_by_side_with_links_to_both_vendors() -> None:
    scene = scene_with_export()
    finish(scene, report={"finished_at": "2026-11-18T11:00:00Z"})
    scene.summaries.put_summary(
        "newsletter", SummaryPart.ACTIVATED, {"at_s": 1, "live": True, "state": "running"}
    )
    page = scene.get(PATH)
    assert "Live" in page.text
    assert re.search(r"100\s+95\s*5 without an address\s+90", page.text)
    assert "SendGrid counts each segment every 1 to 24 hours" in page.text
    assert "https://app.lytics.com/audiences/5f1c" in page.html
    assert "2 people: SendGrid refuses the address" in page.text
    assert ODD_NAME not in page.html
    assert "style=" not in page.html


def test_history_shows_who_when_how_long_and_how_it_ended() -> None:
    scene = scene_with_export()
    finish(scene, "resync-newsletter-20261118", action="resync", scheduled=True, removed=7)
    arn = begin(scene, "console-9", started_at="2026-11-23T10:00:00Z")
    scene.executions.end(arn, status="FAILED", cause="x")
    scene.store.put("run#console-9", {"name": "olga@example.com"}, scene.clock.now() + 9)
    begin(scene, "gone", started_at="2026-11-22T10:00:00Z")
    del scene.executions.started[scene.executions.arn("gone")]
    page = scene.get(PATH)
    assert "Copy everybody now olga@example.com failed" in page.text
    assert "Resync the nightly schedule done 5 min 1,234 7 3" in page.text
    assert "somebody outside the console ended without a report" in page.text
    assert 'href="/console/runs/newsletter/console-9"' in page.html


def test_run_under_way_is_shown_first() -> None:
    scene = scene_with_export()
    begin(scene)
    page = scene.get(PATH)
    assert '<a class="state busy" href="/console/runs/newsletter/console-1">' in page.html


def test_run_that_step_functions_does_not_know_yet_is_running() -> None:
    scene = scene_with_export()
    scene.executions.new.add(begin(scene, started_at="2026-11-18T11:06:00Z"))
    scene.clock.move(19)
    assert "somebody in the console running" in scene.get(PATH).text
    scene.clock.move(1)
    assert "ended without a report" in scene.get(PATH).text


def test_members_rejected_and_changes_by_day_are_charts_with_tables() -> None:
    scene = scene_with_export()
    scene.clock.now_s = 1_795_737_599  # 2026-11-26
    for day in (24, 25, 26):
        started_at, finished_at = f"2026-11-{day}T02:00:00Z", f"2026-11-{day}T03:00:00Z"
        report = {"started_at": started_at, "finished_at": finished_at}
        finish(scene, f"resync-{day}", report, action="resync", sweep=True, rejected=day)
        days(scene).add_counts("newsletter", f"2026-11-{day}", {"accepted": day, "rejected": 1}, 1)
    page = scene.get(PATH)
    assert page.html.count('<svg class="chart"') == 3
    assert len(re.findall(r'<polyline class="line" points="[\d., ]+"', page.html)) == 3
    assert 'stroke-dasharray="7 4"' in page.html
    assert page.html.count('<rect class="bar"') == 3 + 1
    assert "26 Nov 2026 100 90 26" in page.text
    assert "26 Nov 2026 26 0 1" in page.text
    assert "These counts are approximate" in page.text


def test_last_comparison_with_lytics_is_shown_with_its_run() -> None:
    scene = scene_with_export()
    drift = {"drift": {"missing": 1_234, "extra": 2, "compared": 9_000}}
    finish(scene, "resync-1", drift, action="resync", sweep=True)
    later = {"started_at": "2026-11-24T09:00:00Z", "finished_at": "2026-11-24T09:05:00Z"}
    finish(scene, "console-2", later)
    page = scene.get(PATH)
    assert "All, of 9,000 contacts 1,234 0 2 0 0" in page.text
    assert 'href="/console/runs/newsletter/resync-1"' in page.html
    assert "No resync has compared" not in page.text
    finish(scene, "resync-3", drift | {"started_at": "2026-11-25T09:00:00Z"}, action="resync", sweep=True)
    assert 'The run of <a href="/console/runs/newsletter/resync-3">' in scene.get(PATH).html


def test_sweep_without_a_report_and_one_without_drift_show_nothing() -> None:
    scene = scene_with_export()
    finish(scene, "resync-1", action="resync", sweep=True)
    scene.dynamodb.exports.items.pop(("export#newsletter", "run#resync-1"))
    assert "No resync has compared" in scene.get(PATH).text
    finish(scene, "resync-2", action="resync", sweep=True)
    assert "No resync has compared" in scene.get(PATH).text


def test_stops_are_told_apart() -> None:
    scene = scene_with_export(stopped_s=1_795_000_000)
    page = scene.get(PATH)
    assert "Somebody stopped it: what Lytics sends is dropped" in page.text
    assert "Check a stop" not in page.text
    scene = scene_with_export()
    scene.exports.put_stop("newsletter", Stop('404 <b>"list"</b>', 0, 1))
    page = scene.get(PATH)
    assert "Stopped by a fault" in page.text
    assert "404 &lt;b&gt;" in page.html


def test_what_the_hourly_look_found_is_shown_with_the_last_event() -> None:
    scene = scene_with_export()
    finding = {"trouble": "key_trouble", "text": "lytics_api_token expires tomorrow: create a new token"}
    scene.summaries.put_summary(
        "newsletter", SummaryPart.WATCHED, {"at_s": 2, "live": True, "findings": [finding]}
    )
    page = scene.get(PATH)
    assert "lytics_api_token expires tomorrow" in page.text
    assert "Last event from Lytics none yet" in page.text
    HeardTable(cast(Any, scene.dynamodb), "exports").put_heard("newsletter", 1_795_000_000_000)
    assert 'datetime="2026-11-18T11:06:40Z" data-as="ago"' in scene.get(PATH).html


def test_viewer_gets_numbers_and_no_buttons() -> None:
    scene = scene_with_export()
    finish(scene)
    page = scene.get(PATH, as_=VIEWER)
    assert page.status == 200
    assert "2 people: SendGrid refuses the address" in page.text
    forms = re.findall(r'<form method="post" action="([^"]+)"', page.html)
    assert forms == ["/console/sign-out"]


def test_long_history_is_cut_and_says_where_the_rest_is() -> None:
    scene = scene_with_export()
    for number in range(25):
        begin(scene, f"r{number:02d}", started_at=f"2026-11-01T{number % 24:02d}:00:0{number // 24}Z")
    page = scene.get(PATH)
    assert page.html.count('<th scope="row"><a href="/console/runs/newsletter/r') == 20
    assert "Older runs are in the exports table" in page.text


@pytest.mark.parametrize(
    ("form", "options"),
    [
        ({}, {}),
        ({"audit": "on", "repair_segments": "on"}, {"audit": True, "repair_segments": True}),
        ({"audit": "on", "restore_deleted": "on"}, {"audit": True, "restore_deleted": True}),
        ({"repair_segments": "on"}, {}),
    ],
)
def test_resync_becomes_a_draft_that_is_checked_first(form: dict[str, str], options: dict[str, bool]) -> None:
    scene = scene_with_export()
    answer = scene.post(f"{PATH}/resync", form)
    assert answer.status == 303
    draft = draft_of(scene, answer)
    assert draft.form == {"action": "resync", "export": "newsletter", **options}
    assert draft.changes == "newsletter"
    page = scene.get(f"/drafts/{draft.id}/check")
    assert "A resync reads every audience in Lytics again" in page.text
    assert ("This one also compares SendGrid's own contacts" in page.html) is bool(options)
    assert scene.executions.started == {}


@pytest.mark.parametrize(
    ("segments", "options", "words"),
    [
        (None, {}, "Its segments stay as they are now"),
        ("keep", {}, "Its segments stay as they are now"),
        ("made up", {}, "Its segments stay as they are now"),
        ("clear", {"clear": True}, "which stay, empty."),
        ("delete", {"clear": True, "delete_segments": True}, "are deleted"),
    ],
)
def test_stop_becomes_a_draft_that_is_checked_first(
    segments: str | None, options: dict[str, bool], words: str
) -> None:
    scene = scene_with_export()
    draft = draft_of(scene, scene.post(f"{PATH}/stop", {"segments": segments} if segments else {}))
    assert draft.form == {"action": "stop", "export": "newsletter", **options}
    page = scene.get(f"/drafts/{draft.id}/check")
    assert words in page.text
    assert scene.executions.started == {}


def draft_of(scene: Scene, answer: Page) -> Draft:
    document = scene.store.get(draft_key(answer.location.rpartition("/")[2]), scene.clock.now())
    assert document is not None
    return Draft.read(document)


@pytest.mark.parametrize("action", ["resync", "stop"])
def test_viewer_can_neither_resync_nor_stop(action: str) -> None:
    scene = scene_with_export()
    writes = len(scene.dynamodb.calls.of("PutItem"))
    assert scene.post(f"{PATH}/{action}", as_=VIEWER).status == 403
    assert len(scene.dynamodb.calls.of("PutItem")) == writes + 1  # the session
    assert scene.post(f"/exports/unknown/{action}").status == 404


def test_unknown_export_is_not_found() -> None:
    assert Scene().get("/exports/unknown").status == 404
