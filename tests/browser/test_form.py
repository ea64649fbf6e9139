"""The form of an export in a real browser: filled in, checked, changed, and after a session's end."""

import re
import time
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

from functions.console.drafts.draft import Draft, draft_key
from functions.console.signin.sessions import COOKIE
from lytics_sendgrid.domain.configuration import Account, Audience, Export
from lytics_sendgrid.workflow.catalogue import AudienceChoice, catalogue_key
from lytics_sendgrid.workflow.faults import Fault, listed
from tests.browser.visit import NARROW, WIDE, Visits, overflow, violations
from tests.unit.functions.console.drafts.catalogues import CATALOGUE, HIGH_VALUE, READERS
from tests.unit.functions.console.pages.test_checks import PLANNED
from tests.unit.functions.console.scene import OPERATOR, Scene

EXPORT = Export(
    "newsletter", "default", "main", 3, "email", (), (Audience(READERS, "Newsletter readers", "readers"),)
)


def answered(scene: Scene, *more: AudienceChoice) -> None:
    """Have both vendors answered."""
    catalogue = CATALOGUE.model_copy(update={"audiences": (*(CATALOGUE.audiences or ()), *more)})
    scene.store.put(catalogue_key("default"), catalogue.document(), scene.clock.now() + 300)


def saved(scene: Scene, page: Page) -> dict[str, Any]:
    """Return the form of the page's draft as it was saved."""
    document = scene.store.get(draft_key(page.url.rpartition("/")[2].partition("#")[0]), scene.clock.now())
    assert document is not None
    return dict(Draft.read(document).form)


def check(scene: Scene, page: Page) -> str:
    """Press *Check*, and return the ARN of the dry run."""
    page.get_by_role("button", name="Check", exact=True).click()
    expect(page.get_by_text("Checking against both accounts")).to_be_visible()
    return list(scene.executions.started)[-1]


def looks_right(page: Page) -> None:
    """Check that everybody can use the page, and that it fits a narrow window."""
    assert violations(page) == []
    page.set_viewport_size({"width": NARROW, "height": 800})
    assert overflow(page) <= 0
    page.set_viewport_size({"width": WIDE, "height": 800})


def until(page: Page, holds: Callable[[], bool], seconds: float = 5) -> None:
    """Wait until something holds."""
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end
        page.wait_for_timeout(50)


def sign_in_again(scene: Scene, page: Page) -> None:
    """Begin another session in the browser of a page."""
    (cookie,) = [kept for kept in page.context.cookies() if kept["name"] == COOKIE]
    value = scene.signed_in(OPERATOR).partition("=")[2]
    page.context.add_cookies([{**cookie, "value": value}])  # type: ignore[typeddict-item]


def opened(visits: Visits, *more: AudienceChoice) -> tuple[Scene, Page]:
    """Open the form of a new export, for which both vendors have answered."""
    scene = Scene()
    answered(scene, *more)
    page = visits.open(scene, "/new")
    page.get_by_role("button", name="New export").click()
    page.wait_for_url("**/drafts/*")  # until all scripts have run: nobody is as quick as this test
    return scene, page


def held_back(page: Page) -> list[Route]:
    """Hold back htmx, which the form's own script waits for, too, until a test lets it through."""
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    page.route(re.compile(r"/htmx\.[^/]*$"), hold)
    return held


def test_what_was_typed_before_the_scripts_ran_is_saved(visits: Visits) -> None:
    scene = Scene()
    answered(scene)
    page = visits.open(scene, "/new")
    held = held_back(page)
    page.get_by_role("button", name="New export").click(no_wait_after=True)
    page.get_by_label("Name", exact=True).fill("early")
    page.get_by_label("Authorization").fill("other")
    page.get_by_label("Authorization").blur()
    assert held
    held[0].continue_()
    until(page, lambda: [question["authorization"] for _, question in scene.functions.calls] == ["other"])
    assert saved(scene, page)["export"] == "early"


def test_what_was_chosen_before_the_scripts_ran_is_saved(visits: Visits) -> None:
    scene, page = opened(visits)
    held = held_back(page)
    page.reload(wait_until="commit")
    page.get_by_label("High value users").check()
    held.pop().continue_()
    until(page, lambda: saved(scene, page).get("audiences") == [HIGH_VALUE])
    page.reload(wait_until="commit")
    page.get_by_label("Email Field").select_option("city")
    held.pop().continue_()
    until(page, lambda: saved(scene, page).get("email_field") == "city")


def test_authorization_chosen_early_is_saved_when_its_field_is_left(visits: Visits) -> None:
    scene, page = opened(visits)
    held = held_back(page)
    page.reload(wait_until="commit")
    authorization = page.get_by_label("Authorization")
    authorization.fill("other")
    authorization.blur()
    authorization.focus()  # from here on, nothing changes in the field
    held.pop().continue_()
    expect(page.locator("html")).to_have_attribute("data-ready", "")
    authorization.blur()
    until(page, lambda: saved(scene, page)["authorization"] == "other")


def test_half_typed_authorization_is_not_saved_as_the_scripts_run(visits: Visits) -> None:
    scene, page = opened(visits)
    held = held_back(page)
    page.reload(wait_until="commit")
    page.get_by_label("Authorization").press_sequentially("-sho")
    page.get_by_label("High value users").evaluate("box => box.checked = true")
    assert held
    held[0].continue_()
    until(page, lambda: saved(scene, page).get("audiences") == [HIGH_VALUE])
    assert saved(scene, page)["authorization"] == "default"


def test_form_that_nobody_touched_is_not_saved(visits: Visits) -> None:
    _, page = opened(visits)
    posted: list[str] = []
    page.on("request", lambda request: posted.append(request.url) if request.method == "POST" else None)
    page.reload()
    page.wait_for_timeout(1_200)  # longer than a save waits
    assert posted == []


def test_first_export_is_chosen_checked_and_started(visits: Visits) -> None:
    scene = Scene()
    page = visits.open(scene)
    page.get_by_role("button", name="New export").click()
    expect(page.get_by_text("Asking Lytics and SendGrid")).to_be_visible()
    page.get_by_label("Name", exact=True).fill("newsletter")
    answered(scene)
    page.get_by_label("High value users").check()
    expect(page.locator("#selected")).to_have_text("1 selected, 1,234 people")
    expect(page.get_by_label("Name", exact=True)).to_have_value("newsletter")
    page.get_by_text("Show Advanced Options").click()
    page.get_by_label("Lytics field").first.fill("visits")
    arn = check(scene, page)
    assert scene.executions.started[arn].input["custom_fields"] == {"visits": "visits"}
    scene.executions.end(arn, output=PLANNED)
    expect(page.get_by_role("button", name="Start Export")).to_be_visible()
    page.get_by_role("button", name="Start Export").click()
    page.wait_for_url("**/runs/newsletter/console-*")


def test_fault_is_beside_its_control_and_gone_when_it_is_mended(visits: Visits) -> None:
    scene, page = opened(visits)
    page.get_by_label("Name", exact=True).fill("newsletter")
    page.get_by_label("High value users").check()
    arn = check(scene, page)
    faults = (Fault("SendGrid has no list 'VIPs'", "/list"), Fault("its rules are broken", "/audiences/0"))
    scene.executions.end(arn, "FAILED", error="ExportRefused", cause=f"Nothing was changed. {listed(faults)}")
    expect(page.get_by_role("heading", name="2 faults. Nothing was changed.")).to_be_focused()
    expect(page.get_by_label("List")).to_have_accessible_description(
        "Everybody is added to this list and stays on it. The segments hold only its contacts. "
        "SendGrid has no list 'VIPs'"
    )
    expect(page.locator("label", has_text="High value users")).to_contain_text("its rules are broken")
    page.get_by_role("link", name="List").click()
    page.get_by_label("List").select_option("News")
    arn = check(scene, page)
    assert scene.executions.started[arn].input["list"] == "l1"
    scene.executions.end(arn, output=PLANNED)
    expect(page.get_by_role("button", name="Start Export")).to_be_visible()


def test_export_is_changed_and_the_check_says_how(visits: Visits) -> None:
    scene = Scene()
    scene.exports.put_export(EXPORT)
    scene.exports.put_account(Account("main", 3), 0)
    answered(scene)
    page = visits.open(scene, "/exports/newsletter")
    page.get_by_role("button", name="Change").click()
    expect(page.get_by_role("heading", name="Change the export newsletter")).to_be_visible()
    page.get_by_label("Newsletter readers").uncheck()
    page.get_by_label("High value users").check()
    arn = check(scene, page)
    assert scene.executions.started[arn].input["audiences"] == [HIGH_VALUE]
    difference = {
        "audiences_added": [{"name": "High value users", "people": 1_234, "becomes": "added"}],
        "audiences_removed": [{"name": "Newsletter readers", "people": 10, "becomes": "cleared"}],
        "fields_new": [],
        "fields_stale": [],
        "list_changed": False,
        "email_field_changed": False,
    }
    plan = PLANNED["plan"] | {"difference": difference}
    scene.executions.end(arn, output=PLANNED | {"plan": plan, "planned_version": 3})
    row = page.get_by_role("row", name="Newsletter readers")
    expect(row).to_contain_text("taken out: everybody leaves its segment, which stays, empty")
    expect(page.get_by_role("button", name="Start Export")).to_be_visible()


def test_what_was_typed_as_the_session_ended_is_there_after_the_sign_in(visits: Visits) -> None:
    scene, page = opened(visits)
    draft = page.url
    with page.expect_response(lambda answer: answer.request.method == "POST"):
        page.get_by_label("High value users").check()
    scene.store.delete_every("session#")
    page.route("**/sign-in?to=*", lambda route: route.fulfill(body="Who are you?"))
    page.get_by_label("Name", exact=True).fill("newsletter")
    page.wait_for_url("**/sign-in?to=*")
    sign_in_again(scene, page)
    page.goto(draft)
    expect(page.get_by_label("Name", exact=True)).to_have_value("newsletter")
    expect(page.get_by_label("High value users")).to_be_checked()
    assert saved(scene, page)["export"] == "newsletter"


def test_button_waits_for_a_save_under_way(visits: Visits) -> None:
    """The save would overwrite what the button sends, if it came last."""
    _, page = opened(visits)
    sent: list[Route] = []

    def hold_the_first(route: Route) -> None:
        is_save = route.request.method == "POST"
        sent.extend([route] * is_save)
        if not is_save or len(sent) > 1:
            route.fallback()

    page.route("**/drafts/*", hold_the_first)
    page.get_by_label("High value users").check()
    until(page, lambda: bool(sent))
    page.get_by_label("Add by id, slug or name").fill("other")
    page.keyboard.press("Enter")
    page.wait_for_timeout(200)
    assert len(sent) == 1, "only the save"
    sent[0].fallback()
    expect(page.locator("#audience-list")).to_contain_text("other")
    expect(page.get_by_label("High value users")).to_be_checked()


def test_picker_of_500_is_searched_and_used_by_keyboard(visits: Visits) -> None:
    more = (
        AudienceChoice(id=f"{n:032x}", name=f"Visitors of page {n}", slug=f"s{n}", size=n) for n in range(498)
    )
    _, page = opened(visits, *more)
    page.get_by_label("Search").focus()
    page.keyboard.type("page 49")
    page.keyboard.press("Enter")
    expect(page.locator("#audience-list label:visible")).to_have_count(9)
    for key in ("Tab", "Tab", "Tab", "Space", "ArrowDown", "Space"):
        page.keyboard.press(key)
    expect(page.locator("#selected")).to_have_text("2 selected, 539 people")
    page.get_by_label("Search").fill("nothing like this")
    expect(page.get_by_text("No audience's name contains this.")).to_be_visible()
    page.get_by_label("Search").fill("")
    page.get_by_label("Only selected").check()
    expect(page.locator("#audience-list label:visible")).to_have_count(2)
    page.get_by_label("Add by id, slug or name").fill("visitors of page 7")
    page.keyboard.press("Enter")
    expect(page.locator("#selected")).to_have_text("3 selected, 546 people")
    expect(page.locator("#audience-list label").first).to_contain_text("Visitors of page 7")


def test_rows_of_the_mapping_are_added_and_removed(visits: Visits) -> None:
    scene, page = opened(visits)
    page.get_by_text("Show Advanced Options").click()
    page.get_by_label("Lytics field").first.fill("visits")
    assert page.get_by_label("SendGrid field").first.get_attribute("list") == "targets-Number"
    page.get_by_role("button", name="Add a row").click()
    expect(page.get_by_label("Lytics field").nth(1)).to_be_focused()
    page.keyboard.type("city")
    looks_right(page)
    page.get_by_role("button", name="Remove this row").first.click()
    expect(page.get_by_label("Lytics field").first).to_be_focused()
    until(page, lambda: saved(scene, page)["rows"] == [["city", ""]])


@pytest.mark.parametrize("button", ["Try again", "Continue without it"])
def test_what_was_typed_is_kept_until_it_is_saved(visits: Visits, button: str) -> None:
    scene, page = opened(visits)
    page.evaluate(
        "sessionStorage.setItem(`draft:${document.getElementById('draft').action}`, 'export=newsletter')"
    )

    def throttled(route: Route) -> None:
        if route.request.method == "POST":
            route.fulfill(status=429)
        else:
            route.fallback()

    page.route("**/drafts/*", throttled)
    page.reload()
    expect(page.get_by_text("could not be saved yet")).to_be_visible()
    assert violations(page) == []
    page.unroute("**/drafts/*")
    page.get_by_role("button", name=button).click()
    typed = "newsletter" if button == "Try again" else ""
    expect(page.get_by_role("button", name=button)).to_have_count(0)
    expect(page.get_by_label("Name", exact=True)).to_have_value(typed)
    assert saved(scene, page)["export"] == typed


def test_half_typed_authorization_clears_and_asks_nothing(visits: Visits) -> None:
    scene, page = opened(visits)
    page.get_by_label("Name", exact=True).fill("newsletter")
    page.get_by_label("High value users").check()
    until(page, lambda: saved(scene, page)["audiences"] == [HIGH_VALUE])
    asked = len(scene.functions.calls)
    page.get_by_label("Authorization").focus()
    page.keyboard.press("End")
    page.keyboard.type("-sho")
    page.wait_for_timeout(1_200)  # longer than a save waits for the next key
    assert saved(scene, page)["audiences"] == [HIGH_VALUE]
    # Another control saves the form before this one has been left.
    page.evaluate("document.getElementById('export').dispatchEvent(new Event('input', {bubbles: true}))")
    with page.expect_response(lambda answer: answer.request.method == "POST"):
        page.wait_for_timeout(0)
    assert (saved(scene, page)["authorization"], saved(scene, page)["audiences"]) == ("default", [HIGH_VALUE])
    assert len(scene.functions.calls) == asked
    page.keyboard.type("p")
    page.keyboard.press("Tab")
    expect(page.get_by_text("Asking Lytics and SendGrid")).to_be_visible()
    assert saved(scene, page)["authorization"] == "default-shop"
    assert [call["authorization"] for _, call in scene.functions.calls[asked:]] == ["default-shop"]
