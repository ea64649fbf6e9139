"""The frame of every page: skip link, polling, what went wrong, and what is left after the sign-out."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page

from lytics_sendgrid.domain.checkpoint import Checkpoint
from lytics_sendgrid.errors import ServiceUnavailable
from tests.browser.state import State
from tests.browser.states import STATES, exports
from tests.browser.visit import NARROW, Visits, new_profile, tab_to
from tests.unit.functions.console.pages.run_scene import PATH, RUN, begin, scene_with_export


@pytest.fixture(scope="module")
def still(browser: Browser) -> Iterator[Page]:
    """Return a page without scripts."""
    context = new_profile(browser, java_script_enabled=False)
    yield context.new_page()
    context.close()


def at_once(page: Page, part: str = "#exports") -> None:
    """Let a part of a page update itself now, as it would after some seconds."""
    # Before it has settled, the new part does not listen yet.
    page.evaluate(
        """part => new Promise(settled => {
          document.addEventListener("htmx:afterSettle", settled, {once: true});
          htmx.trigger(part, "poll-now");
        }).then(() => true)""",
        part,
    )


def test_keyboard_reaches_the_content_with_one_key(visits: Visits) -> None:
    page = visits.open(exports()[0])
    page.keyboard.press("Tab")
    assert page.locator(":focus").text_content() == "Skip to the content"
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert page.evaluate("document.getElementById('main').contains(document.activeElement)")


def test_times_are_in_the_readers_zone(visits: Visits) -> None:
    page = visits.open(exports()[0])
    assert page.locator("#zone").text_content() == "Times are in your time zone, Europe/Vienna."
    ended = page.locator("time[datetime='2026-11-18T02:24:00Z']").first
    assert ended.text_content() == "18 Nov 2026, 03:24"


def test_page_without_scripts_has_times_in_utc(visits: Visits) -> None:
    scene = exports()[0]
    base_url = visits.serve(scene)
    page = visits.profile(scene, java_script_enabled=False).new_page()
    page.goto(base_url + "/")
    assert (
        page.locator("time[datetime='2026-11-18T02:24:00Z']").first.text_content() == "18 Nov 2026, 02:24 UTC"
    )


def test_list_asks_again_while_an_export_runs_and_then_no_more(visits: Visits) -> None:
    scene = exports()[0]
    page = visits.open(scene)
    assert page.locator("[data-poll]").count() == 1
    scene.executions.end(scene.executions.arn("loyalty-1"), "ABORTED")
    page.evaluate("htmx.trigger('#exports', 'poll-now')")
    page.wait_for_selector("#exports:not([data-poll])")
    assert "Cancelled" in str(page.locator("#exports").text_content())


def test_hidden_tab_asks_nothing_and_a_visible_one_at_once(visits: Visits) -> None:
    scene = exports()[0]
    page = visits.open(scene)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    hide = "hidden => Object.defineProperty(document, 'hidden', {get: () => hidden, configurable: true})"
    page.evaluate(hide, True)
    page.evaluate("htmx.trigger('#exports', 'poll-now')")
    page.wait_for_timeout(200)
    assert asked == []
    page.evaluate(hide, False)
    with page.expect_response(lambda response: response.request.headers.get("hx-request") == "true"):
        page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")


def test_part_that_cannot_be_updated_says_so_and_is_asked_for_again(visits: Visits) -> None:
    scene = exports()[0]
    page = visits.open(scene)
    page.route("**/console/", lambda route: route.fulfill(status=504, body="late"))
    page.evaluate("htmx.trigger('#exports', 'poll-now')")
    assert "The answer took too long." in str(page.locator("[role=alert]").text_content())
    page.unroute("**/console/")
    tab_to(page, "[role=alert] button")
    page.keyboard.press("Enter")
    page.wait_for_selector("[role=alert]", state="detached")


def test_session_that_ends_leads_to_the_sign_in(visits: Visits) -> None:
    scene = exports()[0]
    page = visits.open(scene)
    page.context.clear_cookies()
    page.route("**/sign-in?*", lambda route: route.fulfill(body="the sign-in"))
    page.evaluate("htmx.trigger('#exports', 'poll-now')")
    page.wait_for_url("**/sign-in?to=%2F")


def test_back_button_shows_nothing_after_the_sign_out(visits: Visits) -> None:
    scene = exports()[0]
    page = visits.open(scene)
    page.goto(scene.settings.console_base_url + "/person")
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url("**/signed-out")
    scene.provider.broken = ServiceUnavailable("down")
    page.go_back()
    page.wait_for_url("**/sign-in?to=%2Fperson")
    assert "olga" not in page.content()


def test_focus_stays_where_it_is_as_a_part_is_updated(visits: Visits) -> None:
    scene = exports()[0]
    page = visits.open(scene)
    for name, selector in (("Copy loyalty", "button"), ("loyalty", "h2 a"), ("Running", "a.state")):
        card = page.locator("#exports > ul > li", has=page.get_by_role("link", name="loyalty", exact=True))
        card.locator(selector).first.focus()
        at_once(page)
        assert page.evaluate("document.activeElement.textContent").strip() == name
    scene.executions.end(scene.executions.arn("loyalty-1"), "ABORTED")
    at_once(page)
    assert page.locator("#exports").get_attribute("data-poll") is None
    assert (
        page.evaluate("document.activeElement.id") == "exports"
    )  # what had the focus does not exist any more


def test_opened_and_scrolled_parts_stay_so_as_they_are_updated(visits: Visits) -> None:
    scene = scene_with_export()
    names = [{"id": f"{number:032x}", "name": f"A long name of audience {number}"} for number in range(12)]
    begin(scene, RUN, "IsScanned", "Scan", audiences=names)
    for audience in names:
        checkpoint = Checkpoint(scanned=1, largest=9, began_s=int(scene.clock.now()))
        scene.exports.put_scan(RUN, audience["id"], checkpoint, int(scene.clock.now()))
    page = visits.open(scene, PATH, width=NARROW)
    summary = page.get_by_text("The audiences one by one")
    for is_open in (True, False, True):
        summary.click()
        at_once(page, "#progress")
        assert summary.evaluate("element => element.parentNode.open") is is_open
        assert page.evaluate("document.activeElement.textContent") == "The audiences one by one"
    table = page.get_by_role("group", name="Audiences")
    table.evaluate("element => { element.scrollLeft = 20; element.focus(); }")
    at_once(page, "#progress")
    assert table.evaluate("element => [element.scrollLeft, element === document.activeElement]") == [20, True]


@pytest.mark.parametrize("state", STATES, ids=lambda state: state.name)
def test_whatever_takes_the_focus_in_a_polling_part_has_an_id(still: Page, state: State) -> None:
    """Without one, htmx cannot give it the focus again."""
    scene, path = state.made()
    html = state.answer(scene, path).html
    if "data-poll" not in html:
        return
    still.set_content(html)
    focusable = "a[href], button:not([hidden]), summary, input:not([type=hidden]), select, [tabindex]"
    ids_of = "(part, places) => [...part.querySelectorAll(places)].map(place => place.getAttribute('id'))"
    for part in still.locator("[data-poll]").all():
        ids = part.evaluate(ids_of, f":is({focusable}):not(noscript *)")
        assert None not in ids
        assert len(set(ids)) == len(ids)
