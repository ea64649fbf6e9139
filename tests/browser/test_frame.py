"""The frame of every page: skip link, polling, what went wrong, and what is left after the sign-out."""

from lytics_sendgrid.errors import ServiceUnavailable
from tests.browser.states import exports
from tests.browser.visit import Visits, tab_to


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
