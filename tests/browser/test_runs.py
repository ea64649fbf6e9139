"""Flows of runs in a real browser: watch one to its report, cancel, resync, stop, and a viewer's limits."""

from __future__ import annotations

from typing import Any

from playwright.sync_api import Page, expect

from tests.browser.visit import Visits, violations
from tests.newsletter import HIGH_VALUE
from tests.unit.functions.console.pages import run_scene
from tests.unit.functions.console.pages.run_scene import PATH, RUN
from tests.unit.functions.console.pages.test_rejected import PEOPLE, scene_with
from tests.unit.functions.console.runs.test_report import REPORT
from tests.unit.functions.console.scene import VIEWER, Scene

REPORTED: dict[str, Any] = {"audiences": REPORT["audiences"]}


def at_once(page: Page) -> None:
    """Let the page ask again now, as it would after some seconds."""
    with page.expect_response("**/progress"):
        page.evaluate("htmx.trigger('#progress', 'poll-now')")


def under_way() -> Scene:
    scene = run_scene.scene_with_export()
    run_scene.begin(scene, RUN, "Scan")
    run_scene.scan(scene, 250)
    return scene


def test_run_is_watched_from_step_to_step_to_its_report(visits: Visits) -> None:
    scene = under_way()
    page = visits.open(scene, PATH)
    expect(page.locator("[aria-current=step]")).to_contain_text("Read the audiences in Lytics")
    expect(page.get_by_role("progressbar", name="People read")).to_have_attribute("value", "250")
    live = page.locator("#live")
    spoken: list[str] = []
    page.on("console", lambda message: spoken.append(message.text))
    page.evaluate(
        "const live = document.getElementById('live');"
        "new MutationObserver(() => console.info(live.textContent)).observe(live, {childList: true})"
    )
    page.get_by_text("Cancel this run").focus()
    run_scene.scan(scene, 600)
    at_once(page)
    expect(page.get_by_role("progressbar", name="People read")).to_have_attribute("value", "600")
    assert spoken == []  # the same step
    run_scene.scan(scene, 600, done=True)
    scene.executions.states[scene.executions.arn(RUN)] = ("WaitToSettle",)
    at_once(page)
    expect(live).to_have_text("Send people to SendGrid")
    assert spoken == ["Send people to SendGrid"]
    expect(page.locator("[aria-current=step]")).to_contain_text("Send people to SendGrid")
    focused = page.evaluate("document.activeElement.textContent")
    assert focused == "Cancel this run"
    run_scene.finish(scene)
    page.evaluate("htmx.trigger('#progress', 'poll-now')")
    expect(page.get_by_text("The export is live")).to_be_visible()
    assert page.url.endswith(PATH)
    assert violations(page) == []


def test_hidden_tab_asks_no_more(visits: Visits) -> None:
    scene = under_way()
    page = visits.open(scene, PATH)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.evaluate(
        "Object.defineProperty(document, 'hidden', {configurable: true, get: () => true});"
        "htmx.trigger('#progress', 'poll-now')"
    )
    page.wait_for_timeout(300)
    assert asked == []
    page.evaluate("Object.defineProperty(document, 'hidden', {configurable: true, get: () => false})")
    with page.expect_response("**/progress"):
        page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")


def test_cancel_by_keyboard_says_what_stays(visits: Visits) -> None:
    scene = under_way()
    page = visits.open(scene, PATH)
    page.get_by_text("Cancel this run").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_text("What the run has created stays")).to_be_visible()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_text("The run was cancelled")).to_be_visible()
    expect(page.get_by_text("What the run created stays")).to_be_visible()
    assert [line["act"] for line in scene.audits.lines] == ["run_cancelled"]


def checked(page: Page, scene: Scene, output: dict[str, Any]) -> None:
    """Press Check, and let the check end."""
    page.get_by_role("button", name="Check", exact=True).click()
    page.get_by_text("Checking").wait_for()
    (arn,) = [arn for arn, run in scene.executions.started.items() if run.is_running]
    account = {"planned_version": scene.exports.account("default").version, "account": "default"}
    scene.executions.end(arn, output=output | account)


def test_resync_is_checked_then_started_and_watched(visits: Visits) -> None:
    scene = run_scene.scene_with_export()
    page = visits.open(scene, "/exports/newsletter")
    page.get_by_label("Compare SendGrid's own contacts").check()
    page.get_by_role("button", name="Check a resync").click()
    expect(page.get_by_text("This one also compares SendGrid's own contacts")).to_be_visible()
    report = REPORT | {"dry_run": True, "drift": {"missing": 1_234, "extra": 5}}
    checked(page, scene, report)
    expect(page.get_by_text("1,234")).to_be_visible()
    page.get_by_role("button", name="Start the resync").click()
    page.wait_for_url("**/runs/newsletter/console-*")
    (run,) = [run for run in scene.executions.started.values() if run.is_running]
    assert run.input == {"action": "resync", "export": "newsletter", "audit": True}
    expect(page.get_by_role("heading", name="Resync")).to_be_visible()


def test_stop_that_clears_asks_for_the_name_of_the_export(visits: Visits) -> None:
    scene = run_scene.scene_with_export()
    page = visits.open(scene, "/exports/newsletter")
    page.get_by_label("They stay, with nobody in them").check()
    page.get_by_role("button", name="Check a stop").click()
    expect(page.get_by_text("which stay, empty")).to_be_visible()
    plan = {
        "create": {"segments": [], "custom_fields": []},
        "reuse": {"segments": [], "custom_fields": [], "list": None},
    }
    estimate = {"minutes": 1, "aws_dollars": 0.0, "basis": "none"}
    checked(page, scene, {"plan": plan | {"people": 9, "notes": [], "estimate": estimate}})
    page.get_by_label("Type the export's name").fill("newsleter")
    page.get_by_role("button", name="Stop the export").click()
    expect(page.get_by_text("This is not the export's name.")).to_be_visible()
    assert not any(run.is_running for run in scene.executions.started.values())
    page.get_by_label("Type the export's name").fill("newsletter")
    page.get_by_role("button", name="Stop the export").click()
    page.wait_for_url("**/runs/newsletter/console-*")
    (run,) = [run for run in scene.executions.started.values() if run.is_running]
    assert run.input == {"action": "stop", "export": "newsletter", "clear": True}


def test_viewer_finds_no_button_and_no_person(visits: Visits) -> None:
    scene = scene_with(*PEOPLE)
    run_scene.begin(scene, RUN, "Scan")
    page = visits.open(scene, "/exports/newsletter", as_=VIEWER)
    buttons = [button.inner_text() for button in page.get_by_role("button").all()]
    assert buttons == ["Sign out"]
    page.get_by_role("link", name="Count rejected people by reason").click()
    expect(page.get_by_text("Only operators see the addresses.")).to_be_visible()
    assert "example.org" not in page.content()
    page.goto(page.url.replace("/exports/newsletter/rejected", PATH))
    expect(page.get_by_text("Cancel this run")).to_have_count(0)


def test_rejected_people_are_searched_and_downloaded(visits: Visits) -> None:
    scene = scene_with(*PEOPLE)
    page = visits.open(scene, "/exports/newsletter/rejected")
    page.get_by_label("How the address begins").fill("anna")
    page.get_by_role("button", name="Search").click()
    expect(page.get_by_role("rowheader", name="anna@example.org")).to_be_visible()
    assert "anna" not in page.url
    assert violations(page) == []
    with page.expect_download() as download:
        page.get_by_role("link", name="Download as CSV").click()
    assert download.value.suggested_filename == "rejected-newsletter.csv"
    assert "ann@example.org" in download.value.path().read_text()
    assert HIGH_VALUE not in download.value.path().read_text()
