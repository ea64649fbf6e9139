"""The page Exports."""

import re
from dataclasses import replace

from lytics_sendgrid.domain.configuration import Audience
from lytics_sendgrid.tables.heard import HeardTable
from lytics_sendgrid.tables.run_history import RunHistory
from lytics_sendgrid.workflow.run_record import RunRecord
from lytics_sendgrid.workflow.summary import SummaryPart
from tests.newsletter import NEWSLETTER
from tests.unit.functions.console.scene import SETTINGS, VIEWER, Scene

RUNNING = RunRecord.read({"run": "r1", "started_at": "2026-11-26T02:00:00Z", "backfill": True})


def scene_with(name: str = "newsletter", live: bool = True) -> Scene:
    scene = Scene()
    scene.exports.put_export(replace(NEWSLETTER, name=name))
    scene.summaries.put_summary(name, SummaryPart.ACTIVATED, {"at_s": 1, "live": live, "state": "running"})
    return scene


def record(scene: Scene, run: RunRecord) -> None:
    RunHistory(scene.dynamodb, "exports").record_run("newsletter", run, 1_795_000_000)  # type: ignore[arg-type]


def test_without_exports_an_operator_may_make_the_first() -> None:
    page = Scene().get("/")
    assert page.status == 200
    assert "No export yet" in page.text
    assert page.html.count('action="/console/new"') == 1


def test_a_viewer_sees_exports_and_may_make_none() -> None:
    for scene in (Scene(), scene_with()):
        page = scene.get("/", as_=VIEWER)
        assert page.status == 200
        assert '/new"' not in page.html
        assert "/copy" not in page.html


def test_an_export_says_how_it_stands_and_when_it_is_resynced() -> None:
    page = scene_with().get("/")
    for words in ("newsletter", "Live", "High value users", "Next resync", "none yet", "not counted yet"):
        assert words in page.text
    assert 'action="/console/exports/newsletter/copy"' in page.html
    assert 'href="/console/exports/newsletter"' in page.html
    assert "data-poll" not in page.html


def test_last_event_is_a_time_in_the_readers_zone() -> None:
    scene = scene_with()
    HeardTable(scene.dynamodb, "exports").put_heard("newsletter", 1_795_000_000_000)  # type: ignore[arg-type]
    assert '<time datetime="2026-11-18T11:06:40Z" data-as="ago">' in scene.get("/").html


def test_a_run_that_goes_on_elsewhere_is_still_running() -> None:
    scene = scene_with()
    record(scene, RUNNING)
    first, second = scene.executions.arn("r1"), scene.executions.arn("r1-2")
    scene.executions.run("r1", {})
    scene.executions.started[first] = replace(
        scene.executions.started[first], status="SUCCEEDED", output={"goes_on_in": second}
    )
    scene.executions.run("r1-2", {})
    page = scene.get("/")
    assert "Running" in page.text
    assert re.search(r'data-poll hx-get="/console/" hx-trigger="load delay:10s, poll-now"', page.html)
    assert scene.fragment("/").html.lstrip().startswith("<div id=")


def test_a_run_that_step_functions_does_not_know_yet_is_running() -> None:
    scene = scene_with()
    record(scene, RUNNING.model_copy(update={"started_at": "2026-11-18T11:06:00Z"}))
    scene.clock.move(19)
    assert "Running" in scene.get("/").text
    scene.clock.move(1)
    assert "It left no report." in scene.get("/").text


def test_a_run_that_failed_says_why() -> None:
    scene = scene_with()
    record(scene, RUNNING)
    scene.executions.run("r1", {})
    arn = scene.executions.arn("r1")
    scene.executions.started[arn] = replace(
        scene.executions.started[arn], status="FAILED", ended_s=1_795_000_000, cause="<b>SendGrid refuses</b>"
    )
    page = scene.get("/")
    assert "Failed" in page.text
    assert "&lt;b&gt;SendGrid refuses" in page.html


def test_schedule_that_is_not_daily_or_off_is_shown_as_it_is() -> None:
    scene = scene_with()
    scene.settings = replace(SETTINGS, resync_schedule="rate(2 days)")
    assert "as scheduled: rate(2 days)" in scene.get("/").text
    off = scene_with()
    off.settings = replace(SETTINGS, resync_schedule="none")
    assert "off for this stack" in off.get("/").text


def test_a_stopped_export_is_not_resynced() -> None:
    scene = scene_with()
    scene.exports.put_export(replace(NEWSLETTER, stopped_s=1))
    page = scene.get("/")
    assert "Stopped" in page.text
    assert "none, it is stopped" in page.text


def test_names_of_audiences_are_shown_as_they_are_and_few_of_many() -> None:
    scene = scene_with()
    names = ("<script>alert(1)</script>", "\u202eright", "n" * 2_000, *(f"a{number}" for number in range(27)))
    audiences = tuple(Audience(f"{number:032x}", name, name) for number, name in enumerate(names))
    scene.exports.put_export(replace(NEWSLETTER, audiences=audiences))
    page = scene.get("/")
    assert "<li><bdi>&lt;script&gt;alert(1)&lt;/script&gt;</bdi></li>" in page.html
    assert "<bdi>\u202eright</bdi>" in page.html
    assert "and 22 more" in page.text
